"""PortOne's records, one after another: what each does to the payment and to its order."""

import json

import pytest

import sandbox
from merchant.models import Order, Payment, session


@pytest.fixture
def portone(shop):
    """`portone(order, status, …)`: PortOne has this record of the order's payment."""
    clock = iter(range(10, 60))
    answers = {}

    def api(environ, start_response):
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(answers["record"]).encode()]

    http = shop.app.extensions["merchant"].portone.session
    http.mount(sandbox.API_BASE, sandbox.SandboxAdapter(api))

    def say(order, status, **changes):
        request = order["request"]
        answers["record"] = {
            "status": status,
            "id": request["paymentId"],
            "storeId": request["storeId"],
            "channel": {"type": "TEST", "key": request["channelKey"]},
            "amount": {"total": request["totalAmount"], "taxFree": 0, "cancelled": 0},
            "currency": request["currency"],
            "orderName": request["orderName"],
            "updatedAt": f"2026-01-01T00:00:{next(clock)}.123456789Z",
            **changes,
        }
        return shop.complete(order)

    return say


def stored(shop, order):
    with shop.app.app_context():
        return session.get(Order, order["orderId"]), session.get(Payment, order["paymentId"])


@pytest.fixture
def order(shop):
    return shop.order()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": "another"}, "PAYMENT_ID"),
        ({"storeId": "store-another"}, "STORE"),
        ({"channel": {"type": "TEST", "key": "channel-key-another"}}, "CHANNEL"),
        ({"amount": {"total": 999}}, "AMOUNT"),
        ({"amount": {"total": -1000}}, "AMOUNT"),
        ({"amount": {"total": 1000, "taxFree": 500}}, "TAX_FREE"),
        ({"currency": "USD"}, "CURRENCY"),
        ({"orderName": "another"}, "ORDER_NAME"),
        ({"promotionId": "promo"}, "PROMOTION"),
    ],
)
def test_a_paid_record_of_something_else_is_a_mismatch(shop, portone, order, change, reason):
    answer = portone(order, "PAID", **change)
    assert (answer.status_code, answer.json["error"]["reasons"]) == (400, [reason])
    assert stored(shop, order)[0].paid_at is None
    assert portone(order, "READY", **change).status_code == 400, "READY is no news for a mismatch"


@pytest.mark.parametrize(
    "change", [{"channel": {"type": "TEST"}}, {"channel": []}, {"amount": {"total": 1000, "paid": 900}}, {"new": 1}]
)
def test_what_portone_may_leave_out_or_lower_is_no_mismatch(portone, order, change):
    assert portone(order, "PAID", **change).json["status"] == "PAID"


@pytest.mark.parametrize("total", ["1000", 1000.0, None, True, [1000]])
def test_an_amount_that_is_not_a_whole_number_is_not_an_answer(shop, portone, order, total):
    assert portone(order, "PAID", amount={"total": total}).status_code == 503
    assert stored(shop, order)[0].status == "PENDING"


@pytest.mark.parametrize("change", [{"id": None}, {"amount": None}, {"orderName": 7}, {"status": 7}, {"channel": 7}])
def test_a_record_without_what_is_documented_is_not_an_answer(portone, order, change):
    assert portone(order, **{"status": "PAID", **change}).status_code == 503


def test_an_unknown_status_is_pending(portone, order):
    assert portone(order, "TELEPORTED").json["status"] == "PENDING"


def test_pending_and_failed_alternate_and_a_late_approval_is_paid(shop, portone, order):
    steps = ["READY", "FAILED", "PAY_PENDING", "FAILED", "PAID"]
    statuses = [portone(order, step).json["status"] for step in steps]
    assert statuses == ["PENDING", "FAILED", "PENDING", "FAILED", "PAID"]


def test_an_older_record_never_overwrites_a_newer_one(shop, portone, order):
    portone(order, "FAILED", updatedAt="2026-01-01T00:00:30.5Z")
    assert portone(order, "PAID", updatedAt="2026-01-01T00:00:30Z").json["status"] == "FAILED"
    assert portone(order, "PAID", updatedAt="2026-01-01T09:00:31+09:00").json["status"] == "PAID"


def test_paid_and_refunded_before_anybody_asked_is_closed_and_never_fulfilled(shop, portone, order):
    assert portone(order, "CANCELLED", paidAt="2026-01-01T00:00:00Z").json["status"] == "CANCELLED"
    row, _ = stored(shop, order)
    assert (row.status, row.fulfilled_at) == ("CANCELLED", None) and row.paid_at
    answer = shop.client.post(f"/orders/{order['orderId']}/payments", json={})
    assert answer.json["error"]["code"] == "ORDER_ALREADY_PAID"


def test_partly_cancelled_before_anybody_asked_was_paid_and_is_fulfilled(shop, portone, order):
    answer = portone(order, "PARTIAL_CANCELLED", amount={"total": 1000, "cancelled": 300})
    assert answer.json["status"] == "PARTIAL_CANCELLED"
    row, payment = stored(shop, order)
    assert row.status == "PARTIAL_CANCELLED" and row.fulfilled_at and payment.cancelled_amount == 300
    assert shop.trail(order)[-2:] == ["ORDER_PAID", "ORDER_PARTIAL_CANCELLED"]


def test_a_payment_that_is_still_pending_at_the_pg_allows_no_second_one(shop, portone, order):
    portone(order, "PAY_PENDING")
    answer = shop.client.post(f"/orders/{order['orderId']}/payments", json={})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "PAYMENT_IN_PROGRESS")
