"""The obvious version: POST /payment/complete as one writes it with Flask, requests and
Flask-SQLAlchemy at first.

`requests.get` for each call, ORM objects that are read, changed and committed. The same checks and
durability: SQLAlchemy leaves SQLite's `synchronous` alone, and its default is FULL.
"""

import os
from datetime import datetime, timezone

import requests
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Mapped, mapped_column

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
db = SQLAlchemy(app)


class Order(db.Model):
    __tablename__ = "merchant_order"
    id: Mapped[str] = mapped_column(primary_key=True)
    payment_id: Mapped[str]
    status: Mapped[str]
    paid_at: Mapped[datetime | None]


class Payment(db.Model):
    __tablename__ = "merchant_payment"
    id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str]
    store_id: Mapped[str]
    channel_key: Mapped[str]
    order_name: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    status: Mapped[str]
    portone_status: Mapped[str | None]
    portone_amount: Mapped[int]


class PaymentEvent(db.Model):
    __tablename__ = "merchant_payment_event"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str]
    payment_id: Mapped[str]
    at: Mapped[datetime]
    event: Mapped[str]
    source: Mapped[str]


@app.post("/payment/complete")
def complete():
    body = request.get_json()
    order = db.session.get(Order, body["orderId"])
    payment = db.session.get(Payment, body["paymentId"])
    if order is None or payment is None or payment.order_id != order.id:
        return {"error": {"code": "PAYMENT_NOT_FOUND"}}, 404
    if order.status != "PAID":
        answer = requests.get(
            f"{os.environ['PORTONE_API_BASE']}/payments/{payment.id}",
            params={"storeId": payment.store_id},
            headers={"Authorization": f"PortOne {os.environ['PORTONE_API_SECRET']}"},
            timeout=10,
        )
        answer.raise_for_status()
        record = answer.json()
        if (
            record["status"] != "PAID"
            or record["id"] != payment.id
            or record["storeId"] != payment.store_id
            or record["channel"]["key"] != payment.channel_key
            or record["channel"]["type"] != "LIVE"
            or record["amount"]["total"] != payment.amount
            or record["currency"] != payment.currency
            or record["orderName"] != payment.order_name
        ):
            return {"error": {"code": "PAYMENT_MISMATCH"}}, 400
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        payment.status = payment.portone_status = "PAID"
        payment.portone_amount = record["amount"]["total"]
        order.status, order.payment_id, order.paid_at = "PAID", payment.id, now
        event = PaymentEvent(
            order_id=order.id, payment_id=payment.id, at=now, event="ORDER_PAID", source="sdk"
        )
        db.session.add(event)
        db.session.commit()
    return {
        "orderId": order.id,
        "paymentId": payment.id,
        "status": order.status,
        "orderUrl": f"/orders/{order.id}",
        "virtualAccount": None,
    }
