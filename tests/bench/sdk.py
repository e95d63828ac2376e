"""The published way: what PortOne's own Flask sample does in essence for a completed payment, with
PortOne's SDK.

Each request asks PortOne once, compares the answer with what is sold, and keeps the outcome in
memory: nothing is stored durably, and a worker does not know what another one was told.
"""

import os

from flask import Flask, request
from portone_server_sdk import PaymentClient
from portone_server_sdk.payment import PaidPayment

from .portone import AMOUNT, NAME, STORE

app = Flask(__name__)
portone = PaymentClient(
    secret=os.environ["PORTONE_API_SECRET"], base_url=os.environ["PORTONE_API_BASE"]
)
statuses = {}  # payment id: status


@app.post("/payment/complete")
def complete():
    body = request.get_json()
    order_id, payment_id = body["orderId"], body["paymentId"]
    payment = portone.get_payment(payment_id=payment_id)
    if (
        not isinstance(payment, PaidPayment)
        or payment.store_id != STORE
        or payment.channel.type != "LIVE"
        or payment.order_name != NAME
        or payment.amount.total != AMOUNT
        or payment.currency != "KRW"
    ):
        return {"error": {"code": "PAYMENT_MISMATCH"}}, 400
    statuses[payment_id] = "PAID"
    return {
        "orderId": order_id,
        "paymentId": payment_id,
        "status": statuses[payment_id],
        "orderUrl": f"/orders/{order_id}",
        "virtualAccount": None,
    }
