"""A small shop that takes payments with portone-server-sdk. It has no database."""

import uuid

import portone_server_sdk as portone
from flask import Flask, abort, request
from portone_server_sdk.errors import PortOneError
from portone_server_sdk.payment import PaidPayment

PRICES = {"shoes": 1000, "socks": 300}


def create_app(settings):
    """settings: a mapping with the PORTONE_… variables."""
    app = Flask(__name__)
    payments = portone.PaymentClient(
        secret=settings["PORTONE_API_SECRET"],
        base_url=settings["PORTONE_API_BASE"],
        store_id=settings["PORTONE_STORE_ID"],
    )
    orders = {}  # paymentId: {"total", "status"}

    @app.post("/orders")
    def order():
        """The answer is what the page hands to PortOne.requestPayment."""
        product = request.json["product"]
        payment_id = uuid.uuid4().hex
        orders[payment_id] = {"total": PRICES[product], "status": "PENDING"}
        return {
            "storeId": settings["PORTONE_STORE_ID"],
            "channelKey": settings["PORTONE_CHANNEL_KEY"],
            "paymentId": payment_id,
            "orderName": product,
            "totalAmount": PRICES[product],
            "currency": "KRW",
            "payMethod": request.json.get("payMethod", "CARD"),
            "customer": {
                "customerId": "c1",
                "fullName": "홍길동",
                "email": "buyer@example.com",
                "phoneNumber": "010-1234-5678",
            },
        }

    def settle(payment_id):
        """Ask PortOne, whatever a browser or a webhook claims."""
        order = orders.get(payment_id) or abort(404)
        try:
            payment = payments.get_payment(payment_id=payment_id)
        except (PortOneError, ValueError):
            abort(503)
        if isinstance(payment, PaidPayment):
            matches = (payment.amount.total, payment.currency) == (order["total"], "KRW")
            order["status"] = "PAID" if matches else "MISMATCH"
        return {"status": order["status"]}

    @app.post("/complete")
    def complete():
        return settle(request.json["paymentId"])

    @app.post("/webhook")
    def webhook():
        body = request.get_data(as_text=True)
        try:
            event = portone.webhook.verify(
                settings["PORTONE_WEBHOOK_SECRET"], body, request.headers
            )
        except portone.webhook.WebhookVerificationError:
            abort(401)
        return settle(event.data.payment_id)

    @app.get("/orders/<payment_id>")
    def show(payment_id):
        return {"status": (orders.get(payment_id) or abort(404))["status"]}

    return app
