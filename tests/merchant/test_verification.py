"""PortOne's records, one after another: what verification says of each, and what it does to payment and order."""

from types import SimpleNamespace

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from merchant.models import Order, Payment, session
from merchant.verification import verify
from tests.stand_in import record

pytestmark = pytest.mark.database


@pytest.fixture
def shop(asking_shop):
    return asking_shop


@pytest.fixture
def say(shop, portone):
    """`say(order, status, …)`: PortOne has this record of the order's payment, and the browser returns."""

    def say(order, status, **changes):
        portone.records[order["paymentId"]] = record(order, status, **changes)
        return shop.complete(order)

    return say


def stored(shop, order):
    with shop.app.app_context():
        return session.get(Order, order["orderId"]), session.get(Payment, order["paymentId"])


@pytest.fixture
def order(shop):
    return shop.order()


# Verification alone: a payment's row, a record, a verdict

relaxed = settings(max_examples=50, deadline=None, database=None)  # nothing here is about time

PAYMENT = SimpleNamespace(
    id="0123456789abcdef" * 2,
    store_id="store-1",
    channel_key="channel-key-1",
    amount=1000,
    currency="KRW",
    order_name="나이키 와플 트레이너 2 SD",
)
LIVE_RECORD = {
    "id": PAYMENT.id,
    "storeId": "store-1",
    "channel": {"type": "LIVE", "key": "channel-key-1"},
    "amount": {"total": 1000, "taxFree": 0, "paid": 1000, "cancelled": 0},
    "currency": "KRW",
    "orderName": PAYMENT.order_name,
}
CHECKED = {  # reason: where the record says it
    "PAYMENT_ID": ("id",),
    "STORE": ("storeId",),
    "CHANNEL": ("channel", "key"),
    "AMOUNT": ("amount", "total"),
    "CURRENCY": ("currency",),
    "ORDER_NAME": ("orderName",),
    "TAX_FREE": ("amount", "taxFree"),
    "PROMOTION": ("promotionId",),
    "TEST_CHANNEL": ("channel", "type"),
}
MAY_BE_MISSING = {"CHANNEL", "TAX_FREE", "PROMOTION"}  # an empty value says nothing there
MONEY = st.sampled_from(["VIRTUAL_ACCOUNT_ISSUED", "PAID", "PARTIAL_CANCELLED", "CANCELLED"])
NO_MONEY = st.sampled_from(["READY", "PAY_PENDING", "FAILED", "TELEPORTED", ""])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
)
NEAR = st.sampled_from(
    [999, 1001, -1000, 1000.0, "1000", True, "krw", "USD", "KRW ", "Store-1", "TEST", "live", 1]
)


def with_value(whole, path, value):
    """A copy with one value changed, at a path of one or two names."""
    name, *inner = path
    return {**whole, name: with_value(whole[name], inner, value) if inner else value}


def value_at(whole, path):
    for name in path:
        whole = whole.get(name)
    return whole


@relaxed
@example(status="PAID", reason="AMOUNT", value=1000.0)
@example(status="PAID", reason="AMOUNT", value="1000")
@example(status="PAID", reason="TAX_FREE", value=True)
@given(status=MONEY, reason=st.sampled_from(sorted(CHECKED)), value=NEAR | JSON)
def test_a_single_changed_field_is_named_and_nothing_else_is(status, reason, value):
    was = value_at(LIVE_RECORD, CHECKED[reason])
    assume(type(value) is not type(was) or value != was)
    assume(value or reason not in MAY_BE_MISSING)
    changed = with_value({**LIVE_RECORD, "status": status}, CHECKED[reason], value)
    verdict = verify(PAYMENT, changed, allow_test=False)
    assert verdict.reasons == [reason]
    [check] = [check for check in verdict.checks if not check.passed]
    assert check.actual is value, "the trail shows what PortOne says"


@relaxed
@given(status=MONEY, reasons=st.sets(st.sampled_from(sorted(CHECKED))))
def test_every_changed_field_is_named(status, reasons):
    changed = {**LIVE_RECORD, "status": status}
    for reason in reasons:
        changed = with_value(changed, CHECKED[reason], 7)
    assert set(verify(PAYMENT, changed, allow_test=False).reasons) == reasons


NAMES = st.text().filter(
    lambda name: name not in {name for path in CHECKED.values() for name in path}
)


@relaxed
@given(
    status=MONEY | NO_MONEY,
    place=st.sampled_from([(), ("amount",), ("channel",)]),
    name=NAMES,
    value=JSON,
)
def test_a_field_that_is_not_checked_never_matters(status, place, name, value):
    assume((*place, name) not in {("status",), ("amount",), ("channel",)})
    plain = {**LIVE_RECORD, "status": status}
    verdict = verify(PAYMENT, with_value(plain, (*place, name), value), allow_test=False)
    assert verdict == verify(PAYMENT, plain, allow_test=False) and not verdict.reasons


@relaxed
@given(
    status=NO_MONEY, reason=st.sampled_from(sorted(CHECKED)), value=JSON, allow_test=st.booleans()
)
def test_a_record_without_money_is_never_a_mismatch(status, reason, value, allow_test):
    changed = with_value({**LIVE_RECORD, "status": status}, CHECKED[reason], value)
    verdict = verify(PAYMENT, changed, allow_test)
    assert (verdict.status, verdict.reasons) == ("FAILED" if status == "FAILED" else "PENDING", [])


@relaxed
@given(status=MONEY, value=JSON)
def test_a_channels_type_matters_only_where_test_payments_are_refused(status, value):
    changed = with_value({**LIVE_RECORD, "status": status}, ("channel", "type"), value)
    assert verify(PAYMENT, changed, allow_test=True).reasons == []
    assert verify(PAYMENT, changed, allow_test=False).reasons == (
        [] if value == "LIVE" else ["TEST_CHANNEL"]
    )


# What a record does


def test_a_mismatch_stays_one_until_portone_has_other_news(shop, say, order):
    assert say(order, "PAID", orderName="another").status_code == 400
    assert say(order, "READY", orderName="another").status_code == 400, (
        "READY is no news for a mismatch"
    )
    assert stored(shop, order)[0].paid_at is None
    assert say(order, "PAID").json["status"] == "PAID"


@pytest.mark.parametrize(
    "change",
    [
        {"channel": {"type": "TEST"}},
        {"channel": []},
        {"amount": {"total": 1000, "paid": 900}},
        {"new": 1},
    ],
)
def test_what_portone_may_leave_out_or_lower_is_no_mismatch(say, order, change):
    assert say(order, "PAID", **change).json["status"] == "PAID"


@pytest.mark.parametrize("total", ["1000", 1000.0, None, True, [1000]])
def test_an_amount_that_is_not_a_whole_number_is_not_an_answer(shop, say, order, total):
    assert say(order, "PAID", amount={"total": total}).status_code == 503
    assert stored(shop, order)[0].status == "PENDING"


@pytest.mark.parametrize(
    "change", [{"id": None}, {"amount": None}, {"orderName": 7}, {"status": 7}, {"channel": 7}]
)
def test_a_record_without_what_is_documented_is_not_an_answer(say, order, change):
    assert say(order, **{"status": "PAID", **change}).status_code == 503


@pytest.mark.parametrize("status", ["TELEPORTED", "", "T" * 1000, "텔레포트", "a\0b", "\ud800"])
def test_an_unknown_status_is_pending_whatever_it_is(shop, say, order, status):
    assert say(order, status).json["status"] == "PENDING"
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
def test_a_time_that_can_not_be_read_stops_no_payment(shop, say, order, time):
    assert say(order, "PAID", updatedAt=time).json["status"] == "PAID"


@pytest.mark.parametrize("time", [*TIMES, "9999-12-31T23:59:59Z"])
def test_a_virtual_accounts_deadline_that_can_not_be_read_is_left_out(shop, say, order, time):
    method = {
        "type": "PaymentMethodVirtualAccount",
        "bank": "SHINHAN",
        "accountNumber": "5600",
        "expiredAt": time,
    }
    assert (
        say(order, "VIRTUAL_ACCOUNT_ISSUED", method=method).json["status"]
        == "VIRTUAL_ACCOUNT_ISSUED"
    )
    assert "5600" in shop.page(order)


def test_pending_and_failed_alternate_and_a_late_approval_is_paid(shop, say, order):
    steps = ["READY", "FAILED", "PAY_PENDING", "FAILED", "PAID"]
    statuses = [say(order, step).json["status"] for step in steps]
    assert statuses == ["PENDING", "FAILED", "PENDING", "FAILED", "PAID"]


def test_an_older_record_never_overwrites_a_newer_one(shop, say, order):
    say(order, "FAILED", updatedAt="2026-01-01T00:00:30.5Z")
    assert say(order, "PAID", updatedAt="2026-01-01T00:00:30Z").json["status"] == "FAILED"
    assert say(order, "PAID", updatedAt="2026-01-01T09:00:31+09:00").json["status"] == "PAID"


def test_paid_and_refunded_before_anybody_asked_is_closed_and_never_fulfilled(shop, say, order):
    assert say(order, "CANCELLED", paidAt="2026-01-01T00:00:00Z").json["status"] == "CANCELLED"
    row, _ = stored(shop, order)
    assert (row.status, row.fulfilled_at) == ("CANCELLED", None) and row.paid_at
    answer = shop.client.post(f"/orders/{order['orderId']}/payments", json={})
    assert answer.json["error"]["code"] == "ORDER_ALREADY_PAID"


def test_partly_cancelled_before_anybody_asked_was_paid_and_is_fulfilled(shop, say, order):
    answer = say(order, "PARTIAL_CANCELLED", amount={"total": 1000, "cancelled": 300})
    assert answer.json["status"] == "PARTIAL_CANCELLED"
    row, payment = stored(shop, order)
    assert (
        row.status == "PARTIAL_CANCELLED" and row.fulfilled_at and payment.cancelled_amount == 300
    )
    assert shop.trail(order)[-2:] == ["ORDER_PAID", "ORDER_PARTIAL_CANCELLED"]


def test_a_payment_that_is_still_pending_at_the_pg_allows_no_second_one(shop, say, order):
    say(order, "PAY_PENDING")
    answer = shop.client.post(f"/orders/{order['orderId']}/payments", json={})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "PAYMENT_IN_PROGRESS")
