"""The shop and the sandbox as a test has them: apps of its own, on SQLite files of its own, no server."""

import pytest

import sandbox
from merchant import create_app

BUYER = {"name": "홍길동", "email": "buyer@example.com", "phone": "010-1234-5678"}


class Shop:
    """A merchant site and its PortOne. What a browser would do is done by two test clients."""

    def __init__(self, folder, **settings):
        self.portone = sandbox.create_app(folder / "sandbox.db")
        database = {"DATABASE_URL": f"sqlite:///{folder / 'shop.db'}"}
        self.app = create_app({**sandbox.settings("/sandbox"), **database, **settings})
        session = self.app.extensions["merchant"].portone.session
        session.mount(sandbox.API_BASE, sandbox.SandboxAdapter(self.portone))
        self.client = self.app.test_client()
        self.window = self.portone.test_client()

    def order(self, **fields):
        """Place an order; returns the answer's JSON: orderId, paymentId, request."""
        body = {"productId": "waffle-trainer", "payMethod": "CARD", "windowType": "", "buyer": BUYER, **fields}
        answer = self.client.post("/orders", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json

    def open_window(self, request):
        """What PortOne.requestPayment does: tell PortOne about the payment, and get the window's txId."""
        answer = self.window.post(
            "/checkout/",
            json={"request": request, "windowType": "IFRAME", "page": "http://localhost/"},
            headers={"Origin": "http://localhost"},
        )
        assert answer.status_code == 200, answer.text
        return answer.json["txId"]

    def pay(self, request, outcome="approve"):
        """Open the payment window and end it as its button `data-outcome` says."""
        tx_id = self.open_window(request)
        answer = self.window.post(f"/checkout/{tx_id}/outcome", data={"outcome": outcome})
        assert answer.status_code < 400, answer.text

    def complete(self, order):
        ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
        return self.client.post("/payment/complete", json=ids)

    def page(self, order):
        answer = self.client.get(f"/orders/{order['orderId']}")
        assert answer.status_code == 200
        return answer.text

    def trail(self, order):
        from merchant.models import PaymentEvent, session

        with self.app.app_context():
            events = session.query(PaymentEvent).filter_by(order_id=order["orderId"]).order_by(PaymentEvent.id)
            return [event.event for event in events]


@pytest.fixture
def make_shop(tmp_path):
    return lambda **settings: Shop(tmp_path, **settings)


@pytest.fixture
def shop(make_shop):
    return make_shop()
