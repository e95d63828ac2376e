"""What the shop's staff and cron do, and what they and the buyers see of it."""

import json
import re
import secrets
from datetime import datetime, timezone

import standardwebhooks
from flask import current_app
from sqlalchemy import func, insert, select

from merchant.models import Order, Payment, session
from portone_sandbox import accounts

ID = re.compile(r"\b[0-9a-f]{32}\b")
REFUND, RECONCILE = "flask refund", "flask reconcile"
REFUND_ACCOUNT = (
    *("--refund-bank", "SHINHAN"),
    *("--refund-account", "110123456789"),
    *("--refund-holder", "홍길동"),
)


def run(shop, *args):
    """One of the shop's commands; a traceback fails the test, and so does the API secret in what it
    prints.
    """
    result = shop.app.test_cli_runner().invoke(args=[str(arg) for arg in args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "secret-1" not in result.output
    return result


def reconcile(shop, *args):
    """A run of cron's. While a person is needed it ends with 1, so that cron tells somebody."""
    result = run(shop, "reconcile", *args)
    needs_a_person = run(shop, "orders", "--attention").output.strip()
    assert result.exit_code == 1 or not needs_a_person, (result.output, needs_a_person)
    return result


def refund(shop, order, *args):
    return run(shop, "refund", order["paymentId"], "--reason", "변심", *args)


def attention(shop, order):
    """What `flask orders --attention` says of the order's payment: the lines from its id to the
    next item's.
    """
    lines, is_ours = [], False
    for line in run(shop, "orders", "--attention").output.splitlines():
        if ids := ID.findall(line):
            is_ours = order["paymentId"] in ids
        lines += [line] if is_ours else []
    return "\n".join(lines)


def rows(shop, order):
    """The rows of an order and of its payment, as stored now."""
    with shop.app.app_context():
        return session.get(Order, order["orderId"]), session.get(Payment, order["paymentId"])


def statuses(shop, order):
    return tuple(row.status for row in rows(shop, order))


def change(shop, model, id, **values):
    """Rows as an older version, a backup or a hand left them."""
    with shop.app.app_context():
        row = session.get(model, id)
        for name, value in values.items():
            setattr(row, name, value)
        session.commit()


def host_session():
    """The session that an app's own code uses, as its `db.session`."""
    return current_app.extensions["sqlalchemy"].session


def paid(shop, portone, discount=0, **fields):
    """An order that was paid, verified and fulfilled; the calls so far are forgotten."""
    order = shop.order(**fields)
    portone.pay(order, discount)
    assert shop.complete(order).json["status"] == "PAID"
    portone.calls.clear()
    return order


def copies(shop, portone, order, number, **values):
    """As many more orders like this one, in the database and at PortOne; values: of their payments'
    rows.
    """
    with shop.app.app_context():
        tables = Order.__table__, Payment.__table__
        ids = order["orderId"], order["paymentId"]
        like = [
            dict(session.execute(select(table).where(table.c.id == id)).one()._mapping)
            for table, id in zip(tables, ids, strict=True)
        ]
        made = [
            {"orderId": secrets.token_hex(16), "paymentId": secrets.token_hex(16)}
            for _ in range(number)
        ]
        session.execute(
            insert(tables[0]),
            [{**like[0], "id": one["orderId"], "payment_id": one["paymentId"]} for one in made],
        )
        session.execute(
            insert(tables[1]),
            [
                {**like[1], "id": one["paymentId"], "order_id": one["orderId"], **values}
                for one in made
            ],
        )
        session.commit()
    for one in made:
        if like_record := portone.records.get(order["paymentId"]):
            portone.records[one["paymentId"]] = {
                **json.loads(json.dumps(like_record)),
                "id": one["paymentId"],
                "transactionId": secrets.token_hex(8),
            }
        one["request"] = {**order["request"], "paymentId": one["paymentId"]}
    return made


def attempts(shop, order):
    with shop.app.app_context():
        of_order = Payment.order_id == order["orderId"]
        return session.scalar(select(func.count()).select_from(Payment).where(of_order))


def retry(shop, order, **fields):
    return shop.client.post(f"/orders/{order['orderId']}/payments", json=fields)


def webhook(shop, order):
    body = json.dumps({"type": "Transaction.Paid", "data": {"paymentId": order["paymentId"]}})
    at = datetime.now(timezone.utc)
    signature = standardwebhooks.Webhook(accounts.WEBHOOK_SECRET).sign("msg_1", at, body)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }
    answer = shop.client.post(
        "/payment/webhook", data=body, headers=headers, content_type="application/json"
    )
    assert answer.status_code == 200
    return answer


def complete(shop, order, **more):
    ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
    return shop.client.post("/payment/complete", json={**ids, **more})


def error(answer):
    """(HTTP status, the code of its error); without an error (HTTP status, the payment's status)."""
    body = answer.json or {}
    return answer.status_code, body.get("error", {}).get("code") or body.get("status")


def shown(shop, order):
    """The order's status on its page."""
    return re.search(r'data-order-status="(\w+)"', shop.page(order))[1]
