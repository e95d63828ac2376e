"""`flask reconcile`: what it prints, and what it does without PortOne's list of payments.

What a run costs and what it finds is in tests/money/test_reconcile.py.
"""

from collections import Counter

import pytest

from tests.merchant.backoffice.commands import just_before, looked_up, make_older, on_list, paid
from tests.money.commands import reconcile, rows, run, webhook
from tests.money.portone import ACCOUNT
from tests.stand_in import answer, record

pytestmark = pytest.mark.database

DOWN = answer(500, {"type": "INTERNAL"})


def outcome(result):
    """What a run printed after its first line, which says how many payments changed."""
    return result.output.partition("\n")[2]


def out_of_stock(order):
    raise RuntimeError("out of stock")


@pytest.mark.parametrize("before", [None, "READY", "FAILED", "VIRTUAL_ACCOUNT_ISSUED"])
def test_a_payment_that_nothing_else_reported_is_paid_and_fulfilled(shop, portone, before):
    order = shop.order()
    if before:
        portone.records[order["paymentId"]] = record(order, before)
        shop.complete(order)
    portone.records[order["paymentId"]] = record(order, "PAID")
    status = rows(shop, order)[0].status
    result = reconcile(shop)
    assert (result.exit_code, outcome(result)) == (0, f"      1  now PAID, before {status}\n")
    row = rows(shop, order)[0]
    assert row.status == "PAID" and row.fulfilled_at
    assert shop.trail(order).count("ORDER_PAID") == 1
    assert outcome(reconcile(shop)) == "", "nothing has changed since"


@pytest.mark.parametrize(("status", "cancelled"), [("CANCELLED", 1000), ("PARTIAL_CANCELLED", 250)])
def test_a_refund_made_in_portones_console_is_followed(shop, portone, status, cancelled):
    order = paid(shop, portone)
    portone.records[order["paymentId"]] = record(order, status)
    assert f"now {status}, before PAID" in reconcile(shop).output
    row, payment = rows(shop, order)
    assert (row.status, payment.cancelled_amount) == (status, cancelled)
    assert f"{1000 - cancelled:,}원" in shop.page(order)


def test_a_status_that_stays_is_called_unchanged(shop, portone):
    """What differs is the amount that was given back."""
    order = paid(shop, portone)
    portone.records[order["paymentId"]] = record(order, "PARTIAL_CANCELLED")
    reconcile(shop)
    amount = {"total": 1000, "cancelled": 500}
    portone.records[order["paymentId"]] = record(order, "PARTIAL_CANCELLED", amount=amount)
    assert "1  unchanged, PARTIAL_CANCELLED" in reconcile(shop).output
    assert rows(shop, order)[1].cancelled_amount == 500


def test_a_portone_that_is_down_is_asked_three_times_and_the_rest_is_counted(shop, portone):
    orders = [shop.order() for _ in range(5)]
    for order in orders:
        portone.records[order["paymentId"]] = record(order, "PAID")
    portone.fault = DOWN
    result = reconcile(shop)
    assert result.exit_code == 1 and "5  could not be asked" in result.output
    assert len(looked_up(portone)) == 3
    portone.fault = None
    assert reconcile(shop).exit_code == 0
    assert {rows(shop, order)[0].status for order in orders} == {"PAID"}


# Without the list: what is open, one by one


@pytest.fixture
def without_list(portone):
    portone.fault = on_list(answer(403, {"type": "FORBIDDEN", "message": "no"}))


def test_recent_payments_and_open_accounts_are_looked_up_when_there_is_no_list(
    shop, portone, without_list
):
    young, old, waiting, overdue = [shop.order() for _ in range(4)]
    for order, deadline in ((waiting, "2099-01-01T00:00:00Z"), (overdue, "2026-01-01T00:00:00Z")):
        portone.records[order["paymentId"]] = record(order, "VIRTUAL_ACCOUNT_ISSUED")
        portone.records[order["paymentId"]]["method"]["expiredAt"] = deadline
        shop.complete(order)
    paid_lately, cancelled = paid(shop, portone), paid(shop, portone)
    portone.records[cancelled["paymentId"]] = record(cancelled, "CANCELLED")
    reconcile(shop)
    for order in (old, waiting, overdue, paid_lately):
        make_older(shop, order, days=8)
    portone.calls.clear()
    result = reconcile(shop)
    assert result.exit_code == 1 and "one by one" in result.output
    expected = {order["paymentId"] for order in (young, waiting, paid_lately)}
    assert Counter(looked_up(portone)) == dict.fromkeys(expected, 1)


def test_younger_payments_are_left_to_the_next_run_when_there_is_no_list(
    shop, portone, without_list
):
    older = shop.order()
    make_older(shop, older, minutes=90)
    shop.order()
    reconcile(shop, "--older-than", "60")
    assert looked_up(portone) == [older["paymentId"]]


# Another store


def test_a_store_of_earlier_settings_is_reconciled_too(shop, portone, make_shop):
    order = shop.order()
    assert reconcile(shop).exit_code == 0
    moved = make_shop(PORTONE_API_BASE=portone.url, **{**ACCOUNT, "PORTONE_STORE_ID": "store-2"})
    portone.records[order["paymentId"]] = record(order, "PAID")
    assert reconcile(moved).exit_code == 0
    row, payment = rows(shop, order)
    assert (row.status, payment.status) == ("PAID", "PAID") and row.fulfilled_at


# Fulfilment


def test_a_failed_fulfilment_is_run_again_until_it_succeeds(shop, portone, monkeypatch):
    fulfilled = []
    monkeypatch.setattr("merchant.fulfilment.fulfil", out_of_stock)
    order = paid(shop, portone)
    result = reconcile(shop)
    assert result.exit_code == 1 and "failed to be fulfilled again" in result.output
    assert "its fulfilment failed" in run(shop, "orders", "--attention").output
    assert rows(shop, order)[0].fulfilled_at is None
    monkeypatch.setattr("merchant.fulfilment.fulfil", lambda order: fulfilled.append(order.id))
    result = reconcile(shop)
    assert (result.exit_code, outcome(result)) == (0, "      1  fulfilled again\n")
    assert outcome(reconcile(shop)) == ""
    assert fulfilled == [order["orderId"]] and rows(shop, order)[0].fulfilled_at
    assert shop.trail(order)[-2:] == ["FULFILMENT_FAILED", "FULFILLED"]


def test_an_order_that_was_refunded_after_its_fulfilment_failed_is_not_fulfilled(
    shop, portone, monkeypatch
):
    monkeypatch.setattr("merchant.fulfilment.fulfil", out_of_stock)
    order = paid(shop, portone)
    portone.records[order["paymentId"]] = record(order, "CANCELLED")
    assert reconcile(shop).exit_code == 0
    assert rows(shop, order)[0].fulfilled_at is None


def test_two_runs_at_once_fulfil_an_order_once(shop, portone, monkeypatch):
    monkeypatch.setattr("merchant.fulfilment.fulfil", out_of_stock)
    order, fulfilled = paid(shop, portone), []
    monkeypatch.setattr("merchant.fulfilment.fulfil", lambda order: fulfilled.append(order.id))
    read_unfulfilled = r"SELECT merchant_payment\.id\s+FROM merchant_payment\s+WHERE (?!.*store_id)"
    with just_before(shop, read_unfulfilled, lambda: reconcile(shop), "after_cursor_execute"):
        assert reconcile(shop).exit_code == 0
    assert fulfilled == [order["orderId"]]


@pytest.mark.parametrize("status", ["PAID", "PARTIAL_CANCELLED", "CANCELLED"])
def test_a_payment_that_changes_before_it_is_fulfilled_again_is_left_to_the_next_run(
    shop, portone, monkeypatch, status
):
    """Such as by a webhook, between the run's reading of the row and its first write."""
    monkeypatch.setattr("merchant.fulfilment.fulfil", out_of_stock)
    order, fulfilled = paid(shop, portone), []
    monkeypatch.setattr("merchant.fulfilment.fulfil", lambda order: fulfilled.append(order.id))

    def change():
        portone.records[order["paymentId"]] = record(order, status)
        webhook(shop, order)

    with just_before(shop, r"SELECT merchant_payment_event", change, "after_cursor_execute"):
        reconcile(shop)
    assert rows(shop, order)[1].status == status
    assert rows(shop, order)[0].fulfilled_at is None or fulfilled
    assert reconcile(shop).exit_code == 0
    assert fulfilled == ([] if status == "CANCELLED" else [order["orderId"]])
    assert run(shop, "orders", "--attention").output == ""


# A list that is not as documented


ODD = [None, 7, True, "텍스트", "\ud800", [], ["x"], {}, {"x": 1}, 10**30, float("nan")]
FIELDS = ["id", "status", "channel", "amount", "method", "paidAt", "statusChangedAt", "updatedAt"]


@pytest.mark.parametrize("field", [*FIELDS, "cancellations", "storeId", "currency", "orderName"])
def test_odd_values_in_a_list_end_no_run_and_hide_no_other_payment(shop, portone, field):
    for number, odd in enumerate(ODD):
        order, stranger = shop.order(), shop.order()
        stranger["request"]["paymentId"] = f"stranger-{field}-{number}"
        portone.records = {
            "odd": {**record(stranger, "PAID"), field: odd},
            order["paymentId"]: record(order, "PAID"),
        }
        run(shop, "reconcile")
        assert rows(shop, order)[0].status == "PAID", odd


@pytest.mark.parametrize("field", ["channel", "amount", "method", "cancellations", "storeId"])
def test_an_odd_value_in_the_list_is_looked_up_and_the_record_decides(shop, portone, field):
    for odd in ODD:
        order = shop.order()
        portone.records = {order["paymentId"]: record(order, "PAID")}
        listed = {**portone.records[order["paymentId"]], field: odd}
        portone.fault = on_list(answer(200, {"items": [listed]}))
        run(shop, "reconcile")
        assert rows(shop, order)[0].status == "PAID", odd


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"{}", b'{"items": null}', b'{"items": [1]}', b'{"items": {"a": 1}}']
)
def test_an_answer_that_is_no_list_is_reported_and_open_payments_are_looked_up(shop, portone, body):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID")
    portone.fault = on_list(answer(200, body))
    result = reconcile(shop)
    assert result.exit_code == 1 and "one by one" in result.output
    assert rows(shop, order)[0].status == "PAID"
