"""Every status of every method, as the official SDK reads it, and what a record refuses to
become."""

from datetime import datetime, timedelta, timezone
from typing import get_args

import pytest
from portone_server_sdk import common
from portone_server_sdk import payment as shapes

from portone_sandbox import accounts, clock, enums, language, methods, records, virtual_accounts
from portone_sandbox.channels import KEYS_BY_PG
from portone_sandbox.errors import Refused
from tests.portone_sandbox.client import SETTINGS, control, open_window, pay, payment_request

IN_TEN_DAYS = clock.timestamp(datetime.now(timezone.utc) + timedelta(days=10))
METHODS = sorted(methods.METHOD_TYPES.keys() - {"VIRTUAL_ACCOUNT"})
STATUSES = {
    "pend": shapes.PayPendingPayment,
    "approve": shapes.PaidPayment,
    "decline": shapes.FailedPayment,
    "part": shapes.PartialCancelledPayment,
    "cancel": shapes.CancelledPayment,
}


# The default channel's PG cancels a carrier's bill as a whole only; this one cancels a part.
IN_PARTS = {
    "MOBILE": {
        "channelKey": KEYS_BY_PG["KCP_V2"],
        "bypass": {"kcp_v2": {"shop_user_id": "c1"}},
    }
}


def words(enum):
    """Of an enum of the SDK, which is a Union of a Literal and str."""
    return set(get_args(get_args(enum)[0]))


@pytest.mark.parametrize("pay_method", METHODS)
@pytest.mark.parametrize("steps", [["pend", "approve", "part", "cancel"], ["pend", "decline"]])
def test_every_status_of_every_method_is_read_strictly(base, portone, pay_method, steps):
    request = {"payMethod": pay_method, **IN_PARTS.get(pay_method, {})}
    open_window(base, **request)
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.ReadyPayment)
    pay(base, "pend", **request)
    for step in steps:
        if step == "part":
            control(base, "cancel", {"amount": 100})
        elif step != "pend":
            control(base, step)
        payment = portone.get_payment(payment_id="payment1")
        assert isinstance(payment, STATUSES[step])
        assert type(payment.method).__name__ == methods.METHOD_TYPES[pay_method]


@pytest.mark.parametrize(
    ("pay_method", "place", "name"),
    [
        ("CARD", "card", "cardCompany"),
        ("VIRTUAL_ACCOUNT", "virtualAccount", "bankCode"),
        ("TRANSFER", "transfer", "bankCode"),
        ("EASY_PAY", "easyPay", "easyPayProvider"),
    ],
)
def test_whatever_the_window_offers_a_merchant_can_ask_for(base, pay_method, place, name):
    for code in methods.SELECTIONS[pay_method].options:
        opened = open_window(
            base,
            payMethod=pay_method,
            channelKey=SETTINGS["PORTONE_CHANNEL_KEY"],
            **{place: {name: code}},
        )
        assert opened.status_code == 200


def test_codes_are_the_rest_apis():
    assert {methods.rest_name(code) for code in enums.BANK.values} <= words(common.Bank)
    assert {methods.rest_name(code) for code in methods.PROVIDERS} <= words(common.EasyPayProvider)
    kinds = enums.GIFT_CERTIFICATE_TYPE.values
    assert {methods.rest_name(code) for code in kinds} <= words(
        shapes.PaymentMethodGiftCertificateType
    )


# A method's own fields


@pytest.mark.parametrize(
    ("pay_method", "changes", "expected"),
    [
        (
            "CARD",
            {"card": {"cardCompany": "CITI_CARD"}},
            {"card.issuer": "CITI_CARD", "installment.month": 0},
        ),
        ("TRANSFER", {"transfer": {"bankCode": "EPOST"}}, {"bank": "POST"}),
        ("EASY_PAY", {"easyPay": {"easyPayProvider": "LPAY"}}, {"provider": "LPAY"}),
        ("MOBILE", {"customer": {"phoneNumber": "010-2222-3333"}}, {"phone_number": "01022223333"}),
        ("PAYPAL", {}, {"provider": "PAYPAL"}),
        ("ALIPAY", {}, {"provider": "ALIPAY"}),
        ("ALIPAY_PLUS", {}, {"provider": "ALIPAY"}),
        (
            "ALIPAY_PLUS",
            {"alipayPlus": {"easyPayProvider": "AMAZONPAY"}},
            {"provider": "AMAZONPAY"},
        ),
        (
            "GIFT_CERTIFICATE",
            {"giftCertificate": {"giftCertificateType": "BOOKNLIFE"}},
            {"gift_certificate_type": "BOOKNLIFE"},
        ),
        (
            "CONVENIENCE_STORE",
            {"convenienceStore": {"paymentDeadline": {"dueDate": IN_TEN_DAYS}}},
            {"payment_deadline": IN_TEN_DAYS},
        ),
    ],
)
def test_what_the_merchant_asked_for_is_in_the_record(base, portone, pay_method, changes, expected):
    pay(base, "approve", payMethod=pay_method, **changes)
    method = portone.get_payment(payment_id="payment1").method
    for path, value in expected.items():
        found = method
        for name in path.split("."):
            found = getattr(found, name)
        assert found == value


def test_a_card_has_its_approval_number_when_it_is_approved():
    wanted = payment_request()
    pending = records.pay_pending(
        records.ready(wanted, "tx", {}), wanted, {"cardCompany": "BC_CARD"}
    )
    paid = records.approved(pending)
    assert "approvalNumber" not in pending["method"]
    assert len(paid["method"]["approvalNumber"]) == 8
    assert (paid["method"]["card"], paid["pgTxId"]) == (
        pending["method"]["card"],
        pending["pgTxId"],
    )
    assert paid["pgTxId"] in paid["receiptUrl"]


# Virtual accounts


def issued(**account):
    wanted = payment_request(payMethod="VIRTUAL_ACCOUNT", virtualAccount=account)
    return virtual_accounts.issued(records.ready(wanted, "tx", {}), wanted)


@pytest.mark.parametrize("amount", [None, 1000])
def test_the_amount_that_is_asked_for_pays(amount):
    paid = virtual_accounts.deposited(issued(), amount)
    assert (paid["status"], paid["amount"]["paid"]) == ("PAID", 1000)
    assert paid["pgTxId"] in paid["receiptUrl"]


@pytest.mark.parametrize("amount", [999, 1001, 0, -1000, "1000", 1000.5])
def test_the_bank_takes_no_other_amount(amount):
    record = issued()
    with pytest.raises(Refused) as refused:
        virtual_accounts.deposited(record, amount)
    assert refused.value.type == "INVALID_REQUEST" and "1000원" in refused.value.message
    assert virtual_accounts.deposited(record)["status"] == "PAID", "the account waits as before"


@pytest.mark.parametrize("amount", [None, 1000, 999])
def test_the_bank_takes_nothing_after_the_deadline(amount):
    with pytest.raises(Refused) as refused:
        virtual_accounts.deposited(issued(accountExpiry={"dueDate": "2020-01-01"}), amount)
    assert refused.value.type == "PAYMENT_NOT_WAITING_FOR_DEPOSIT"


KOREA = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("due_date", "due"),
    [
        ("20300102", datetime(2030, 1, 2, tzinfo=KOREA)),
        ("20300102030405", datetime(2030, 1, 2, 3, 4, 5, tzinfo=KOREA)),
        ("2030-01-02", datetime(2030, 1, 2, tzinfo=KOREA)),
        ("2030-01-02 03:04:05", datetime(2030, 1, 2, 3, 4, 5, tzinfo=KOREA)),
        ("2030-01-02T03:04:05Z", datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)),
        ("2030-01-02T03:04:05+01:00", datetime(2030, 1, 2, 2, 4, 5, tzinfo=timezone.utc)),
    ],
)
def test_a_due_date_is_written_in_many_ways(due_date, due):
    assert clock.deadline({"dueDate": due_date}, None) == due


@pytest.mark.parametrize("due_date", ["soon", "", "2030", "20301301", "203001020304050"])
def test_what_is_no_due_date_is_refused(due_date):
    with pytest.raises(ValueError):
        clock.deadline({"dueDate": due_date}, None)


def test_a_channel_group_is_named_in_the_record(base, portone):
    group = accounts.CHANNEL_GROUP["id"]
    pay(base, "approve", channelKey=None, channelGroupId=group)
    payment = portone.get_payment(payment_id="payment1")
    assert (payment.channel_group.id, payment.channel.key) == (
        group,
        SETTINGS["PORTONE_CHANNEL_KEY"],
    )


# What PortOne and a PG would make up


def test_the_same_script_gets_the_same_ids(make_room):
    def ids(name):
        client = make_room("http://127.0.0.1:9/hook", name).test_client()

        def post(path, body):
            return client.post(f"/control/payments{path}", json=body).json

        for outcome in ("decline", "approve"):
            post("", {"request": payment_request(), "outcome": outcome})
        for amount in (300, 200):
            record = post("/payment1/cancel", {"amount": amount})
        wanted = payment_request(paymentId="account", payMethod="VIRTUAL_ACCOUNT")
        account = post("", {"request": wanted, "outcome": "issue"})
        cancellations = [(each["id"], each["pgCancellationId"]) for each in record["cancellations"]]
        approval = record["method"]["approvalNumber"]
        return [
            record["transactionId"],
            record["pgTxId"],
            approval,
            account["method"]["accountNumber"],
            *cancellations,
        ]

    first = ids("first.db")
    assert ids("second.db") == first
    assert len({id for each in first for id in ([each] if isinstance(each, str) else each)}) == 8


def test_attempts_and_their_webhooks_have_ids_of_their_own(base, merchant):
    for outcome in ("decline", "decline", "approve"):
        pay(base, outcome)
    merchant.wait_for_calls(6)
    assert len({call[2]["webhook-id"] for call in merchant.calls}) == 6


def test_a_change_is_later_than_the_one_before_it():
    """Also when the clock is not: several changes can come within its step, or it is set back."""
    present = clock.parse(clock.now())
    later = clock.timestamp(present + timedelta(days=1))
    after = [later]
    for _ in range(3):
        after.append(clock.now(after[-1]))
    assert after == sorted(set(after)) and after[-1] < clock.timestamp(present + timedelta(days=2))
    assert clock.now(clock.timestamp(present - timedelta(days=1))) >= clock.timestamp(present)


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (1000, "KRW", "1,000원"),
        (1000, "JPY", "1,000 JPY"),
        (1000, "VND", "1,000 VND"),
        (123456, "USD", "1,234.56 USD"),
        (5, "EUR", "0.05 EUR"),
    ],
)
def test_an_amount_is_shown_in_its_currency(room, amount, currency, shown):
    with room.test_request_context(headers={"Accept-Language": "ko"}):
        assert language.money(amount, currency) == shown


@pytest.mark.parametrize("value", [True, False])
def test_a_cultural_expense_is_recorded_as_it_was_asked_for(base, portone, value):
    pay(base, "approve", isCulturalExpense=value)
    assert portone.get_payment(payment_id="payment1").is_cultural_expense is value
