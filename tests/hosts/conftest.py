"""What every host's test needs: settings for the merchant in it, and a buyer who pays over HTTP."""

import json

import pytest
import requests

from tests.conftest import BUYER
from tests.databases import new_database
from tests.stand_in import record

ACCOUNT = {
    "PORTONE_STORE_ID": "store-00000000-0000-0000-0000-000000000000",
    "PORTONE_CHANNEL_KEY": "channel-key-00000000-0000-0000-0000-000000000000",
    "PORTONE_API_SECRET": "secret-of-the-host",
    "PORTONE_ALLOW_TEST": "1",
}


class Http:
    """Requests to a server, in the form of Flask's test client."""

    def __init__(self, base):
        self.base = base

    def get(self, path, **options):
        return requests.get(self.base + path, allow_redirects=False, timeout=30, **options)

    def post(self, path, **options):
        return requests.post(self.base + path, allow_redirects=False, timeout=30, **options)


class Buyer:
    """Orders and pays in the merchant that a host has mounted under `prefix`.

    client: Flask's test client or Http. options: of each request, such as {"base_url": …} or
    {"headers": …}.
    """

    def __init__(self, client, portone, prefix="", **options):
        self.client, self.portone, self.prefix, self.options = client, portone, prefix, options

    def get(self, path):
        """A page. Paths that answers name have the prefix already."""
        return self.client.get(path, **self.options)

    def post(self, path, body):
        return self.client.post(self.prefix + path, json=body, **self.options)

    def order(self, **fields):
        body = {"productId": "waffle-trainer", "payMethod": "CARD", "buyer": BUYER, **fields}
        answer = self.post("/orders", body)
        assert answer.status_code == 201, answer.text
        return json.loads(answer.text)

    def retry(self, order, **fields):
        return self.post(f"/orders/{order['orderId']}/payments", fields)

    def approve(self, order):
        self.portone.records[order["paymentId"]] = record(order, "PAID")

    def complete(self, order):
        ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
        return self.post("/payment/complete", ids)

    def webhook(self, order):
        data = {"paymentId": order["paymentId"], "transactionId": "transaction-1"}
        return self.post("/payment/webhook", {"type": "Transaction.Paid", "data": data})

    def pay(self, **fields):
        """From the order page to the paid order's page. Returns the order."""
        page = self.get(f"{self.prefix}/")
        assert page.status_code == 200 and 'id="order-form"' in page.text, page.text
        order = self.order(**fields)
        self.approve(order)
        answer = self.complete(order)
        assert answer.status_code == 200, answer.text
        answer = json.loads(answer.text)
        assert answer["status"] == "PAID"
        shown = self.get(answer["orderUrl"])
        assert shown.status_code == 200 and 'data-order-status="PAID"' in shown.text
        assert self.webhook(order).status_code == 200
        return order


@pytest.fixture
def config(tmp_path, portone):
    """A host's settings, the merchant's among them: an empty database of its own, and the stand-in
    as PortOne.
    """
    return {
        **ACCOUNT,
        "PORTONE_API_BASE": portone.url,
        "SECRET_KEY": "dev",
        "SQLALCHEMY_DATABASE_URI": new_database(tmp_path),
    }


@pytest.fixture
def buyer(portone):
    """buyer(app, prefix, **options) -> a Buyer who uses the app's test client."""
    apps = []

    def buyer(app, prefix="/shop", **options):
        apps.append(app)
        return Buyer(app.test_client(), portone, prefix, **options)

    yield buyer
    for app in apps:  # a server takes so many connections
        with app.app_context():
            for engine in app.extensions["sqlalchemy"].engines.values():
                engine.dispose()
