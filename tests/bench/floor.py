"""The floor: POST /payment/complete with as little as Python can do it with, and the same checks
and durability.

A bare WSGI callable, one kept http.client connection to PortOne and one sqlite3 connection per
thread.
"""

import json
import os
import sqlite3
import threading
from datetime import datetime, timezone
from http.client import HTTPConnection
from urllib.parse import urlsplit

PORTONE = urlsplit(os.environ["PORTONE_API_BASE"])
HEADERS = {"Authorization": f"PortOne {os.environ['PORTONE_API_SECRET']}"}
DATABASE = os.environ["DATABASE_URL"].removeprefix("sqlite:///")
FIND = (
    "SELECT o.status, p.store_id, p.channel_key, p.amount, p.currency, p.order_name, p.version FROM merchant_order o "
    "JOIN merchant_payment p ON p.order_id = o.id WHERE o.id = ? AND p.id = ?"
)
PAY = (
    "UPDATE merchant_payment SET status = 'PAID', portone_status = 'PAID', portone_amount = ?, version = version + 1 "
    "WHERE id = ? AND version = ?"
)
CLAIM = "UPDATE merchant_order SET status = 'PAID', payment_id = ?, paid_at = ? WHERE id = ? AND paid_at IS NULL"
TELL = (
    "INSERT INTO merchant_payment_event (order_id, payment_id, at, event, source) "
    "VALUES (?, ?, ?, 'ORDER_PAID', 'sdk')"
)
own = threading.local()


def app(environ, start_response):
    body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    status, answer = complete(body["orderId"], body["paymentId"])
    answer = json.dumps(answer, separators=(",", ":")).encode()
    start_response(
        status, [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))]
    )
    return [answer]


def complete(order_id, payment_id):
    """What our site does for a payment that PortOne says is PAID: (HTTP status, JSON)."""
    if not hasattr(own, "database"):
        own.database = sqlite3.connect(DATABASE, isolation_level=None)
        own.database.execute("PRAGMA synchronous = FULL")
        own.portone = HTTPConnection(PORTONE.hostname, PORTONE.port, timeout=10)
    row = own.database.execute(FIND, (order_id, payment_id)).fetchone()
    if row is None:
        return "404 Not Found", {"error": {"code": "PAYMENT_NOT_FOUND"}}
    status, store, channel, amount, currency, name, version = row
    if status != "PAID":
        own.portone.request("GET", f"/payments/{payment_id}?storeId={store}", headers=HEADERS)
        record = json.loads(own.portone.getresponse().read())
        expected = ("PAID", payment_id, store, channel, "LIVE", amount, currency, name)
        if expected != (
            record["status"],
            record["id"],
            record["storeId"],
            record["channel"]["key"],
            record["channel"]["type"],
            record["amount"]["total"],
            record["currency"],
            record["orderName"],
        ):
            return "400 Bad Request", {"error": {"code": "PAYMENT_MISMATCH"}}
        store_paid(order_id, payment_id, amount, version)
    answer = {"orderId": order_id, "paymentId": payment_id, "status": "PAID"}
    return "200 OK", {**answer, "orderUrl": f"/orders/{order_id}", "virtualAccount": None}


def store_paid(order_id, payment_id, amount, version):
    at = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
    own.database.execute("BEGIN IMMEDIATE")
    if own.database.execute(
        PAY, (amount, payment_id, version)
    ).rowcount:  # else another request was faster
        own.database.execute(CLAIM, (payment_id, at, order_id))
        own.database.execute(TELL, (order_id, payment_id, at))
    own.database.execute("COMMIT")
