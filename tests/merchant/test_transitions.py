"""PortOne's records, one after another: what they do to payment and order."""

import pytest

from merchant.models import Order, Payment, session
from tests.stand_in import record

pytestmark = pytest.mark.database


@pytest.fixture
def shop(asking_shop):
    return asking_shop


@pytest.fixture
def ask(shop, portone):
    """`ask(order, status, …)`: PortOne has this record of the order's payment, and the browser
    returns."""

    def ask(order, status, **changes):
        portone.records[order["paymentId"]] = record(order, status, **changes)
        return shop.complete(order)

    return ask


def stored(shop, order):
    with shop.app.app_context():
        return session.get(Order, order["orderId"]), session.get(Payment, order["paymentId"])


@pytest.fixture
def order(shop):
    return shop.order()


def test_a_mismatch_stays_one_until_its_record_matches(shop, ask, order):
    assert ask(order, "PAID", orderName="another").status_code == 400
    assert ask(order, "READY", orderName="another").status_code == 400, (
        "READY changes nothing in a mismatch"
    )
    assert stored(shop, order)[0].paid_at is None
    assert ask(order, "PAID").json["status"] == "PAID"


def test_what_happened_in_the_same_moment_as_the_last_look_up_is_followed(ask, order):
    at = {"updatedAt": "2026-01-01T00:00:00Z"}
    statuses = [ask(order, each, **at).json["status"] for each in ("READY", "FAILED", "PAID")]
    assert statuses == ["PENDING", "FAILED", "PAID"]


@pytest.mark.parametrize(
    "change",
    [
        {"channel": {"type": "TEST"}},
        {"channel": []},
        {"amount": {"total": 1000, "paid": 900}},
        {"new": 1},
    ],
)
def test_what_portone_may_leave_out_or_lower_is_no_mismatch(ask, order, change):
    assert ask(order, "PAID", **change).json["status"] == "PAID"


@pytest.mark.parametrize("total", ["1000", 1000.0, None, True, [1000]])
def test_an_amount_that_is_not_a_whole_number_is_not_an_answer(shop, ask, order, total):
    assert ask(order, "PAID", amount={"total": total}).status_code == 503
    assert stored(shop, order)[0].status == "PENDING"


@pytest.mark.parametrize(
    "change", [{"id": None}, {"amount": None}, {"orderName": 7}, {"status": 7}, {"channel": 7}]
)
def test_a_record_without_what_is_documented_is_not_an_answer(ask, order, change):
    assert ask(order, **{"status": "PAID", **change}).status_code == 503


@pytest.mark.parametrize("status", ["TELEPORTED", "", "T" * 1000, "텔레포트", "a\0b", "\ud800"])
def test_an_unknown_status_is_pending_whatever_it_is(shop, ask, order, status):
    assert ask(order, status).json["status"] == "PENDING"
    assert 'data-order-status="PENDING"' in shop.page(order)


TIMES = [
    "",
    "yesterday",
    None,
    7,
    "2026-02-30T00:00:00Z",
    "0001-01-01T00:00:00+09:00",
    "9999-12-31T23:59:59-09:00",
]


@pytest.mark.parametrize("time", TIMES)
def test_a_time_that_can_not_be_read_stops_no_payment(shop, ask, order, time):
    assert ask(order, "PAID", updatedAt=time).json["status"] == "PAID"


@pytest.mark.parametrize("time", [*TIMES, "9999-12-31T23:59:59Z"])
def test_a_virtual_accounts_deadline_that_can_not_be_read_is_left_out(shop, ask, order, time):
    method = {
        "type": "PaymentMethodVirtualAccount",
        "bank": "SHINHAN",
        "accountNumber": "5600",
        "expiredAt": time,
    }
    assert (
        ask(order, "VIRTUAL_ACCOUNT_ISSUED", method=method).json["status"]
        == "VIRTUAL_ACCOUNT_ISSUED"
    )
    assert "5600" in shop.page(order)


def test_pending_and_failed_alternate_and_a_late_approval_is_paid(shop, ask, order):
    steps = ["READY", "FAILED", "PAY_PENDING", "FAILED", "PAID"]
    statuses = [ask(order, step).json["status"] for step in steps]
    assert statuses == ["PENDING", "FAILED", "PENDING", "FAILED", "PAID"]


def test_an_older_record_never_overwrites_a_newer_one(shop, ask, order):
    ask(order, "FAILED", updatedAt="2026-01-01T00:00:30.5Z")
    assert ask(order, "PAID", updatedAt="2026-01-01T00:00:30Z").json["status"] == "FAILED"
    assert ask(order, "PAID", updatedAt="2026-01-01T09:00:31+09:00").json["status"] == "PAID"


ACCOUNT = {
    "type": "PaymentMethodVirtualAccount",
    "bank": "SHINHAN",
    "accountNumber": "5600",
    "expiredAt": "2126-01-01T00:00:00Z",
}


@pytest.mark.parametrize("status", ["READY", "PAY_PENDING"])
def test_an_account_that_a_later_window_has_replaced_is_no_longer_shown(shop, ask, order, status):
    """It was closed at PortOne without our hearing of it, and its buyer pays anew."""
    ask(order, "VIRTUAL_ACCOUNT_ISSUED", method=ACCOUNT, updatedAt="2026-01-01T00:00:30Z")
    assert ask(order, status, updatedAt="2026-01-01T00:00:31Z").json["status"] == "PENDING"
    assert "5600" not in shop.page(order)
    assert ask(order, "PAID", updatedAt="2026-01-01T00:00:32Z").json["status"] == "PAID"


@pytest.mark.parametrize(
    ("status", "time"),
    [
        ("READY", "2026-01-01T00:00:30Z"),
        ("READY", None),
        ("TELEPORTED", "2026-01-01T00:00:31Z"),
    ],
)
def test_an_account_stays_unless_a_later_known_record_replaces_it(shop, ask, order, status, time):
    ask(order, "VIRTUAL_ACCOUNT_ISSUED", method=ACCOUNT, updatedAt="2026-01-01T00:00:30Z")
    assert ask(order, status, updatedAt=time).json["status"] == "VIRTUAL_ACCOUNT_ISSUED"
    assert "5600" in shop.page(order)


def test_paid_and_refunded_before_anybody_asked_is_closed_and_never_fulfilled(shop, ask, order):
    assert ask(order, "CANCELLED", paidAt="2026-01-01T00:00:00Z").json["status"] == "CANCELLED"
    row, _ = stored(shop, order)
    assert (row.status, row.fulfilled_at) == ("CANCELLED", None) and row.paid_at
    answer = shop.client.post(f"/orders/{order['orderId']}/payments", json={})
    assert answer.json["error"]["code"] == "ORDER_ALREADY_PAID"


def test_partly_cancelled_before_anybody_asked_was_paid_and_is_fulfilled(shop, ask, order):
    answer = ask(order, "PARTIAL_CANCELLED", amount={"total": 1000, "cancelled": 300})
    assert answer.json["status"] == "PARTIAL_CANCELLED"
    row, payment = stored(shop, order)
    assert (
        row.status == "PARTIAL_CANCELLED" and row.fulfilled_at and payment.cancelled_amount == 300
    )
    assert shop.trail(order)[-2:] == ["ORDER_PAID", "ORDER_PARTIAL_CANCELLED"]


def test_a_payment_that_is_still_pending_at_the_pg_allows_no_second_one(shop, ask, order):
    ask(order, "PAY_PENDING")
    answer = shop.client.post(f"/orders/{order['orderId']}/payments", json={})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "PAYMENT_IN_PROGRESS")
