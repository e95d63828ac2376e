"""The REST API, read by PortOne's official server SDK."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from portone_server_sdk import PaymentClient
from portone_server_sdk import payment as shapes
from portone_server_sdk.errors import (
    AlreadyPaidError,
    CancelAmountExceedsCancellableAmountError,
    CancellableAmountConsistencyBrokenError,
    CancelTaxAmountExceedsCancellableTaxAmountError,
    CancelTaxFreeAmountExceedsCancellableTaxFreeAmountError,
    ForbiddenError,
    InvalidRequestError,
    PaymentAlreadyCancelledError,
    PaymentNotFoundError,
    PaymentNotPaidError,
    PaymentNotWaitingForDepositError,
    PgProviderError,
    SumOfPartsExceedsCancelAmountError,
    UnauthorizedError,
)

from portone_sandbox import attempts, cancellations, idempotency
from portone_sandbox.channels import KEYS_BY_PG
from tests.portone_sandbox.client import (
    KEY,
    SECRET,
    SETTINGS,
    STORE_ID,
    choose,
    control,
    open_window,
    pay,
    post_cancel,
    switch,
)

# Every status, read by the official SDK


def test_an_open_window_is_ready(base, portone):
    opened = open_window(base, customData={"cart": [1, 2], "note": None})
    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.ReadyPayment)
    assert payment.transaction_id == opened.json()["txId"]
    assert (payment.store_id, payment.order_name) == (STORE_ID, "나이키 와플 트레이너 2 SD")
    assert (payment.amount.total, payment.amount.vat, payment.currency) == (1000, 91, "KRW")
    assert (payment.customer.id, payment.customer.name) == ("c1", "홍길동")
    assert (payment.origin.platform_type, payment.origin.ip_address) == ("PC", "127.0.0.1")
    assert (payment.channel.type, payment.channel.key) == ("TEST", SETTINGS["PORTONE_CHANNEL_KEY"])
    assert payment.custom_data == '{"cart": [1, 2], "note": null}'


def test_an_approved_card_is_paid(base, portone):
    result = pay(base, "approve")
    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.PaidPayment)
    assert result == {
        "transactionType": "PAYMENT",
        "txId": payment.transaction_id,
        "paymentId": "payment1",
    }
    assert isinstance(payment.method, shapes.PaymentMethodCard)
    assert payment.method.approval_number and payment.method.card.issuer == "SHINHAN_CARD"
    assert payment.requested_at < payment.paid_at == payment.updated_at


@pytest.mark.parametrize(
    ("pay_method", "shape", "options"),
    [
        ("TRANSFER", shapes.PaymentMethodTransfer, {}),
        ("EASY_PAY", shapes.PaymentMethodEasyPay, {"easyPay": {"easyPayProvider": "KAKAOPAY"}}),
        ("MOBILE", shapes.PaymentMethodMobile, {"productType": "REAL"}),
    ],
)
def test_each_method_has_its_shape(base, portone, pay_method, shape, options):
    pay(base, "approve", payMethod=pay_method, **options)
    assert isinstance(portone.get_payment(payment_id="payment1").method, shape)


@pytest.mark.parametrize(
    ("outcome", "pg_code"), [("decline", "EXCEED_MAX_AMOUNT"), ("cancel", "PAY_PROCESS_CANCELED")]
)
def test_a_declined_or_cancelled_payment_failed(base, portone, outcome, pg_code):
    result = pay(base, outcome)
    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.FailedPayment)
    assert payment.failure.pg_code == result["pgCode"] == pg_code
    assert payment.failure.reason == result["message"] == f"[{pg_code}] {result['pgMessage']}"
    assert result["code"] == "FAILURE_TYPE_PG"


def test_tampering_pays_another_amount(base, portone):
    assert "code" not in pay(base, "tamper")
    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.PaidPayment)
    assert payment.amount.total == 100


def test_an_abandoned_payment_is_paid_and_nobody_is_told(base, portone):
    opened = open_window(base, "REDIRECTION", redirectUrl="http://shop.test/back").json()
    left = choose(base, opened["url"], "abandon")
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)
    assert left.headers["Location"].endswith("/done")
    assert "data-message" not in requests.get(f"{base}{opened['url']}/done", timeout=10).text


def test_a_slow_approval_is_ready_first(base, portone, monkeypatch):
    monkeypatch.setattr(attempts, "SLOW_SECONDS", 0.5)
    pay(base, "slow")
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.ReadyPayment)
    deadline = time.monotonic() + 10
    while not isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment):
        assert time.monotonic() < deadline
        time.sleep(0.1)


# Virtual accounts


def test_an_account_is_issued_and_paid_into(base, portone):
    pay(
        base,
        "issue",
        payMethod="VIRTUAL_ACCOUNT",
        virtualAccount={"accountExpiry": {"validHours": 2}},
    )
    issued = portone.get_payment(payment_id="payment1")
    assert isinstance(issued, shapes.VirtualAccountIssuedPayment)
    account = issued.method
    assert isinstance(account, shapes.PaymentMethodVirtualAccount)
    assert account.account_number and account.bank == "SHINHAN" and account.remittee_name
    assert account.issued_at < account.expired_at

    deposit = requests.post(f"{base}/control/payments/payment1/deposit", timeout=10)
    paid = portone.get_payment(payment_id="payment1")
    assert isinstance(paid, shapes.PaidPayment)
    assert (deposit.status_code, deposit.json()["paidAt"]) == (200, paid.paid_at)
    assert paid.method.account_number == account.account_number
    assert issued.updated_at < paid.updated_at
    again = requests.post(f"{base}/control/payments/payment1/deposit", timeout=10)
    assert (again.status_code, again.json()["type"]) == (409, "PAYMENT_NOT_WAITING_FOR_DEPOSIT")


@pytest.mark.parametrize("result", ["CANCELLED", "FAILED"])
def test_a_closed_account_takes_no_deposit(base, portone, result):
    switch(base, "close", result=result)
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    closed = portone.close_virtual_account(payment_id="payment1")
    payment = portone.get_payment(payment_id="payment1")
    assert payment.status_changed_at == closed.closed_at
    assert requests.post(f"{base}/control/payments/payment1/deposit", timeout=10).status_code == 409
    with pytest.raises(PaymentNotWaitingForDepositError):
        portone.close_virtual_account(payment_id="payment1")


def test_a_closed_account_is_a_failed_payment(base, portone):
    """https://developers.portone.io/release-notes/api-sdk/2024-01-25"""
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    closed = portone.close_virtual_account(payment_id="payment1")
    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.FailedPayment)
    assert (payment.failed_at, payment.failure.reason) == (closed.closed_at, "계좌말소")


def test_a_closed_account_can_be_a_cancelled_payment(base, portone):
    switch(base, "close", result="CANCELLED")
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    closed = portone.close_virtual_account(payment_id="payment1")
    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.CancelledPayment)
    assert (payment.cancelled_at, payment.paid_at) == (closed.closed_at, None)


def test_a_pg_can_refuse_to_close_an_account(base, portone):
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    switch(base, "close", result="refuse")
    with pytest.raises(PgProviderError) as refused:
        portone.close_virtual_account(payment_id="payment1")
    assert refused.value.pg_code == "NOT_CANCELABLE_PAYMENT"
    assert control(base, "deposit").json()["status"] == "PAID", "the account is as it was"


def test_only_a_waiting_account_can_be_closed(base, portone):
    with pytest.raises(PaymentNotFoundError):
        portone.close_virtual_account(payment_id="payment1")
    pay(base, "approve")
    with pytest.raises(PaymentNotWaitingForDepositError):
        portone.close_virtual_account(payment_id="payment1")


# Cancelling


REFUND_ACCOUNT = {"bank": "SHINHAN", "number": "110123456789", "holderName": "홍길동"}


def test_a_payment_is_cancelled_wholly(base, portone):
    pay(base, "approve", taxFreeAmount=340)
    paid = portone.get_payment(payment_id="payment1")
    cancellation = portone.cancel_payment(
        payment_id="payment1", reason="고객 변심", requester="CUSTOMER"
    ).cancellation
    assert isinstance(cancellation, shapes.SucceededPaymentCancellation)
    assert (cancellation.total_amount, cancellation.tax_free_amount, cancellation.vat_amount) == (
        1000,
        340,
        60,
    )
    assert (cancellation.reason, cancellation.trigger) == ("고객 변심", "API")
    assert cancellation.id and cancellation.pg_cancellation_id

    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.CancelledPayment)
    assert payment.cancellations == [cancellation]
    assert (
        payment.cancelled_at
        == cancellation.cancelled_at
        == payment.updated_at
        == payment.status_changed_at
    )
    assert paid.paid_at == payment.paid_at < payment.updated_at
    assert (payment.transaction_id, payment.method) == (paid.transaction_id, paid.method)
    assert (payment.amount.total, payment.amount.paid) == (1000, 1000)
    assert (payment.amount.cancelled, payment.amount.cancelled_tax_free) == (1000, 340)
    with pytest.raises(PaymentAlreadyCancelledError):
        portone.cancel_payment(payment_id="payment1", reason="again")


def test_a_payment_is_cancelled_part_by_part(base, portone):
    pay(base, "approve", taxFreeAmount=340)
    part = {"amount": 500, "tax_free_amount": 40, "current_cancellable_amount": 1000}
    first = portone.cancel_payment(payment_id="payment1", reason="one item", **part).cancellation
    assert (first.total_amount, first.tax_free_amount, first.vat_amount) == (500, 40, 42)
    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.PartialCancelledPayment)
    assert (payment.amount.cancelled, payment.amount.cancelled_tax_free) == (500, 40)
    assert payment.paid_at < payment.cancelled_at

    rest = portone.cancel_payment(payment_id="payment1", reason="the rest").cancellation
    assert (rest.total_amount, rest.tax_free_amount, rest.vat_amount) == (500, 300, 18)
    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.CancelledPayment)
    assert payment.cancellations == [first, rest]
    assert payment.cancelled_at == rest.cancelled_at
    assert (payment.amount.cancelled, payment.amount.cancelled_tax_free) == (1000, 340)


def test_the_vat_of_all_parts_is_that_of_the_payment(base, portone):
    pay(base, "approve")
    for part in ({"amount": 300}, {"amount": 300}, {}):
        portone.cancel_payment(payment_id="payment1", reason="x", **part)
    payment = portone.get_payment(payment_id="payment1")
    assert [each.vat_amount for each in payment.cancellations] == [27, 27, 37]
    assert payment.amount.vat == 27 + 27 + 37


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"current_cancellable_amount": 999}, CancellableAmountConsistencyBrokenError),
        ({"amount": 1001}, CancelAmountExceedsCancellableAmountError),
        (
            {"amount": 100, "tax_free_amount": 60, "vat_amount": 41},
            SumOfPartsExceedsCancelAmountError,
        ),
        (
            {"amount": 400, "tax_free_amount": 350},
            CancelTaxFreeAmountExceedsCancellableTaxFreeAmountError,
        ),
        ({"amount": 661}, CancelTaxAmountExceedsCancellableTaxAmountError),
        ({"amount": 0}, InvalidRequestError),
        ({"tax_free_amount": -1}, InvalidRequestError),
        ({"reason": ""}, InvalidRequestError),
        ({"requester": "PRESIDENT"}, InvalidRequestError),
    ],
)
def test_a_cancel_that_cannot_be_is_refused_and_changes_nothing(base, portone, asked, error):
    pay(base, "approve", taxFreeAmount=340)
    before = portone.get_payment(payment_id="payment1")
    with pytest.raises(error):
        portone.cancel_payment(**{"payment_id": "payment1", "reason": "no", **asked})
    assert portone.get_payment(payment_id="payment1") == before


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "reason"),
        ({"reason": None}, "reason"),
        ([], "object"),
        ("reason", "object"),
        ({"reason": 1}, "reason"),
        ({"reason": "cut in two: \ud83d"}, "utf-8"),
        ({"reason": "x", "amount": "100"}, "amount"),
        ({"reason": "x", "amount": True}, "amount"),
        ({"reason": "x", "refundAccount": "110123456789"}, "refundAccount"),
        (
            {"reason": "x", "refundAccount": {"bank": "SHINHAN", "number": "1"}},
            "refundAccount.holderName",
        ),
        (
            {"reason": "x", "refundAccount": {**REFUND_ACCOUNT, "bank": "SHINHAN_BANK"}},
            "must be SHINHAN",
        ),
    ],
)
def test_a_malformed_cancel_is_an_invalid_request(base, portone, body, named):
    pay(base, "approve")
    answer = post_cancel(base, body)
    assert (answer.status_code, answer.json()["type"]) == (400, "INVALID_REQUEST")
    assert named in answer.json()["message"]
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)


@pytest.mark.parametrize("outcome", ["decline", "slow"])
def test_only_what_is_paid_can_be_cancelled(base, portone, outcome):
    with pytest.raises(PaymentNotFoundError):
        portone.cancel_payment(payment_id="payment1", reason="no")
    pay(base, outcome)
    with pytest.raises(PaymentNotPaidError):
        portone.cancel_payment(payment_id="payment1", reason="no")
    assert post_cancel(base, {"reason": "no"}).status_code == 409


def test_the_body_names_the_store_too(base):
    pay(base, "approve")
    with pytest.raises(ForbiddenError):
        client = PaymentClient(secret=SECRET, base_url=base, store_id="store-other")
        client.cancel_payment(payment_id="payment1", reason="no")


def test_a_deposit_is_given_back_to_an_account(base, portone):
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    with pytest.raises(PaymentNotPaidError):
        portone.cancel_payment(payment_id="payment1", reason="not yet")
    control(base, "deposit")
    with pytest.raises(PgProviderError) as refused:
        portone.cancel_payment(payment_id="payment1", reason="where to?")
    assert refused.value.pg_code == "INVALID_REFUND_ACCOUNT_NUMBER"
    assert refused.value.pg_message
    account = shapes.CancelPaymentBodyRefundAccount(
        bank="SHINHAN", number="110123456789", holder_name="홍길동"
    )
    portone.cancel_payment(payment_id="payment1", reason="there", refund_account=account)
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.CancelledPayment)


# Idempotency-Key


def test_the_same_key_gives_the_same_answer(base, portone):
    pay(base, "approve")
    first = post_cancel(base, {"reason": "a part", "amount": 100}, KEY)
    again = post_cancel(base, {"reason": "a part", "amount": 100}, KEY.strip('"'))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert portone.get_payment(payment_id="payment1").amount.cancelled == 100
    other = post_cancel(base, {"reason": "a part", "amount": 100}, '"refund-00000000002"')
    assert other.json()["cancellation"]["id"] != first.json()["cancellation"]["id"]
    assert portone.get_payment(payment_id="payment1").amount.cancelled == 200


def test_a_refusal_is_answered_again_too(base, portone):
    open_window(base)
    assert post_cancel(base, {"reason": "x"}, KEY).json()["type"] == "PAYMENT_NOT_PAID"
    pay(base, "approve")
    again = post_cancel(base, {"reason": "x"}, KEY)
    assert (again.status_code, again.json()["type"]) == (409, "PAYMENT_NOT_PAID")
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)


def test_a_key_stands_for_one_request(base, portone):
    for payment_id in ("payment1", "payment2"):
        pay(base, "approve", paymentId=payment_id)
    post_cancel(base, {"reason": "a part", "amount": 100}, KEY)
    for answer in (
        post_cancel(base, {"reason": "a part", "amount": 200}, KEY),
        post_cancel(base, {"reason": "a part", "amount": 100}, KEY, payment_id="payment2"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (422, "INVALID_REQUEST")
    assert portone.get_payment(payment_id="payment1").amount.cancelled == 100
    assert isinstance(portone.get_payment(payment_id="payment2"), shapes.PaidPayment)


@pytest.mark.parametrize(
    "key", ["short", '"a"', "x" * 257, '"sixteen-letters-1', "sixteen letters 1"]
)
def test_a_malformed_key_is_refused(base, portone, key):
    pay(base, "approve")
    answer = post_cancel(base, {"reason": "x"}, key)
    assert (answer.status_code, answer.json()["type"]) == (400, "INVALID_REQUEST")
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)


def test_while_the_first_runs_the_second_is_told_to_wait(base, portone, monkeypatch):
    pay(base, "approve")
    cancelled, started, go_on = cancellations.cancelled, threading.Event(), threading.Event()

    def slow(*arguments):
        started.set()
        go_on.wait(
            2
        )  # the second is refused meanwhile; its line in the journal waits for the first
        return cancelled(*arguments)

    monkeypatch.setattr(cancellations, "cancelled", slow)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(post_cancel, base, {"reason": "x", "amount": 100}, KEY)
        assert started.wait(30)
        second = post_cancel(base, {"reason": "x", "amount": 100}, KEY)
        go_on.set()
        assert (second.status_code, second.json()["type"]) == (
            409,
            "IDEMPOTENCY_OUTSTANDING_REQUEST",
        )
        assert first.result().status_code == 200
    assert post_cancel(base, {"reason": "x", "amount": 100}, KEY).json() == first.result().json()
    assert portone.get_payment(payment_id="payment1").amount.cancelled == 100


def test_a_cancel_that_broke_can_be_asked_for_again(base, portone, monkeypatch):
    pay(base, "approve")
    with monkeypatch.context() as broken:
        broken.setattr(
            idempotency, "RUNNING_SECONDS", 0
        )  # as long as a dead process is thought to be at work
        broken.setattr(cancellations, "cancelled", None)
        assert post_cancel(base, {"reason": "x", "amount": 100}, KEY).status_code == 500
    assert post_cancel(base, {"reason": "x", "amount": 100}, KEY).status_code == 200
    assert portone.get_payment(payment_id="payment1").amount.cancelled == 100


def test_an_answer_is_kept_for_its_time(base, portone, monkeypatch):
    pay(base, "approve")
    assert idempotency.ANSWER_SECONDS == 3 * 60 * 60
    monkeypatch.setattr(idempotency, "ANSWER_SECONDS", 0)
    for _ in range(2):
        assert post_cancel(base, {"reason": "x", "amount": 100}, KEY).status_code == 200
    assert portone.get_payment(payment_id="payment1").amount.cancelled == 200


# Pre-registration


def test_another_amount_than_was_registered_opens_no_window(base, portone):
    portone.pre_register_payment(
        payment_id="payment1", total_amount=1000, tax_free_amount=0, currency="KRW"
    )
    for changes in ({"totalAmount": 100}, {"currency": "USD"}, {"taxFreeAmount": 1}):
        refused = open_window(base, **{"channelKey": KEYS_BY_PG["NICE_V2"], **changes})
        assert (refused.status_code, refused.json()["code"]) == (409, "AmountNotEqualToPredefined")
    with pytest.raises(PaymentNotFoundError):
        portone.get_payment(payment_id="payment1")
    assert "code" not in pay(base, "approve", currency="CURRENCY_KRW")
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)


@pytest.mark.parametrize("pay_method", ["CARD", "VIRTUAL_ACCOUNT"])
def test_tampering_with_a_registered_amount_pays_nothing(base, portone, pay_method):
    portone.pre_register_payment(payment_id="payment1", total_amount=1000, currency="KRW")
    result = pay(base, "tamper", payMethod=pay_method)
    assert (result["code"], "pgCode" in result) == ("AmountNotEqualToPredefined", False)
    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.FailedPayment)
    assert payment.amount.total == 1000
    assert payment.failure.reason == result["message"]


def test_what_was_registered_may_change_until_it_is_paid(base, portone):
    portone.pre_register_payment(payment_id="payment1", total_amount=500, currency="KRW")
    portone.pre_register_payment(payment_id="payment1", total_amount=1000)
    pay(base, "approve")
    with pytest.raises(AlreadyPaidError):
        portone.pre_register_payment(payment_id="payment1", total_amount=1000, currency="KRW")
    portone.cancel_payment(payment_id="payment1", reason="x")
    with pytest.raises(AlreadyPaidError):
        portone.pre_register_payment(payment_id="payment1", total_amount=1000, currency="KRW")


@pytest.mark.parametrize(
    "body", [{"totalAmount": "1000"}, {"totalAmount": 0}, {"currency": 1}, [], None]
)
def test_a_malformed_registration_is_an_invalid_request(base, body):
    headers = {"Authorization": f"PortOne {SECRET}"}
    answer = requests.post(
        f"{base}/payments/payment1/pre-register", json=body, headers=headers, timeout=10
    )
    assert (answer.status_code, answer.json()["type"]) == (400, "INVALID_REQUEST")
    assert open_window(base).status_code == 200


# Errors of the REST API


def test_the_api_secret_is_asked_for(base):
    open_window(base)
    with pytest.raises(UnauthorizedError):
        PaymentClient(secret="wrong", base_url=base).get_payment(payment_id="payment1")
    answer = requests.get(f"{base}/payments/payment1", timeout=10)
    assert (answer.status_code, answer.json()["type"]) == (401, "UNAUTHORIZED")


def test_another_store_is_forbidden(base):
    with pytest.raises(ForbiddenError):
        PaymentClient(secret=SECRET, base_url=base, store_id="store-other").get_payment(
            payment_id="payment1"
        )


def test_an_unknown_payment_is_not_found(base, portone):
    with pytest.raises(PaymentNotFoundError):
        portone.get_payment(payment_id="payment1")


def test_a_payment_id_may_hold_anything(base, portone):
    payment_id = "주문/1 ?&#%2F"
    open_window(base, paymentId=payment_id, channelKey=KEYS_BY_PG["NICE_V2"])
    assert portone.get_payment(payment_id=payment_id).id == payment_id


@pytest.mark.parametrize("content_type", ["application/json", "text/plain;charset=UTF-8", None])
def test_a_body_is_json_whatever_its_type_says(base, portone, content_type):
    """npm's @portone/server-sdk sends text/plain."""
    pay(base, "approve")
    headers = {"Authorization": f"PortOne {SECRET}", "Content-Type": content_type}
    answer = requests.post(
        f"{base}/payments/payment1/cancel", data=b'{"reason": "x"}', headers=headers, timeout=10
    )
    assert answer.status_code == 200
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.CancelledPayment)


def test_errors_have_one_shape(base):
    for method, path, status in (("GET", "/nothing", 404), ("PUT", "/payments/x", 405)):
        answer = requests.request(method, base + path, timeout=10)
        assert answer.status_code == status
        assert set(answer.json()) == {"type", "message"}
