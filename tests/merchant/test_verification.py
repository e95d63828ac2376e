"""Verification alone: a payment's row, a record, a verdict."""

from dataclasses import replace

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from merchant.rows import PaymentRow
from merchant.verification import verify

relaxed = settings(max_examples=50, deadline=None, database=None)  # nothing here is about time

PAYMENT = PaymentRow(
    id="0123456789abcdef" * 2,
    order_id="fedcba9876543210" * 2,
    store_id="store-1",
    channel_key="channel-key-1",
    order_name="나이키 와플 트레이너 2 SD",
    amount=1000,
    tax_free=0,
    currency="KRW",
    pay_method="CARD",
    easy_pay_provider="",
    window_type="",
)
LIVE_RECORD = {
    "id": PAYMENT.id,
    "storeId": "store-1",
    "channel": {"type": "LIVE", "key": "channel-key-1"},
    "amount": {"total": 1000, "taxFree": 0, "paid": 1000, "cancelled": 0},
    "currency": "KRW",
    "orderName": PAYMENT.order_name,
    "method": {"type": "PaymentMethodCard"},
}
CHECKED = {  # reason: its place in the record
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
MAY_BE_MISSING = {"CHANNEL", "TAX_FREE", "PROMOTION"}  # an empty value counts as missing
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
    assert check.actual is value, "the trail shows PortOne's value"


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


@relaxed
@given(status=MONEY, method=JSON, offers_accounts=st.booleans())
def test_only_an_account_that_is_not_offered_is_another_method(status, method, offers_accounts):
    record = {**LIVE_RECORD, "status": status, "method": method}
    assert verify(PAYMENT, record, False, offers_accounts).reasons == []
    account = {**record, "method": {"type": "PaymentMethodVirtualAccount"}}
    reasons = verify(PAYMENT, account, False, offers_accounts).reasons
    assert reasons == ([] if offers_accounts else ["METHOD"])
    asked_for = replace(PAYMENT, pay_method="VIRTUAL_ACCOUNT")
    assert verify(asked_for, account, False, offers_accounts).reasons == []
