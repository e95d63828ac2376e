"""A Flask shop and its tests: pip install flask portone-server-sdk pytest, and the sandbox."""

import portone_server_sdk as sdk
import pytest
from flask import Flask, abort, request
from portone_server_sdk.payment import PaidPayment

# The shop


def create_app(settings):
    app = Flask(__name__)
    orders = {"order1": 1000}  # paymentId: price in KRW
    paid = set()
    client = sdk.PaymentClient(
        secret=settings["PORTONE_API_SECRET"],
        base_url=settings["PORTONE_API_BASE"],
        store_id=settings["PORTONE_STORE_ID"],
    )

    def settle(payment_id):
        """Ask PortOne, whatever a browser or a webhook claims."""
        payment = client.get_payment(payment_id=payment_id)
        if isinstance(payment, PaidPayment) and payment.amount.total == orders[payment_id]:
            paid.add(payment_id)
        return {"paid": payment_id in paid}

    @app.post("/complete")
    def complete():
        return settle(request.json["paymentId"])

    @app.post("/webhook")
    def webhook():
        body, secret = request.get_data(as_text=True), settings["PORTONE_WEBHOOK_SECRET"]
        try:
            event = sdk.webhook.verify(secret, body, request.headers)
        except sdk.webhook.WebhookVerificationError:
            abort(401)
        return settle(event.data.payment_id)

    return app


# Its tests


@pytest.fixture
def shop(portone):
    return create_app(portone.settings).test_client()


@pytest.fixture
def payment(portone):
    """What the shop's page hands to PortOne.requestPayment."""
    return {
        "storeId": portone.settings["PORTONE_STORE_ID"],
        "channelKey": portone.settings["PORTONE_CHANNEL_KEY"],
        "paymentId": "order1",
        "orderName": "Shoes",
        "totalAmount": 1000,
        "currency": "KRW",
        "payMethod": "CARD",
    }


def test_a_payment(portone, shop, payment):
    assert "code" not in portone.pay(payment)
    assert shop.post("/complete", json={"paymentId": "order1"}).json == {"paid": True}


def test_a_decline(portone, shop, payment):
    assert portone.pay(payment, "decline", code="INVALID_PASSWORD")["pgCode"] == "INVALID_PASSWORD"
    assert shop.post("/complete", json={"paymentId": "order1"}).json == {"paid": False}


def test_another_amount(portone, shop, payment):
    portone.pay({**payment, "totalAmount": 1})
    assert shop.post("/complete", json={"paymentId": "order1"}).json == {"paid": False}


def test_a_webhook(portone, shop, payment):
    portone.pay(payment, "abandon")  # the browser never comes back
    webhook = portone.webhooks_for("order1")[-1]
    forged = shop.post("/webhook", data=webhook.body + b" ", headers=webhook.headers)
    assert forged.status_code == 401
    answer = shop.post("/webhook", data=webhook.body, headers=webhook.headers)
    assert answer.json == {"paid": True}
    assert portone.calls[-1].path == "/payments/order1"
