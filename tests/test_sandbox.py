"""The sandbox by itself: what PortOne's official server SDK and a browser's requests get from it."""

import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

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
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

import sandbox
from sandbox import records, rest

ROOT = Path(__file__).parent.parent
SETTINGS = sandbox.settings("/sandbox")
STORE_ID = SETTINGS["PORTONE_STORE_ID"]
SECRET = SETTINGS["PORTONE_API_SECRET"]


@pytest.fixture
def room(tmp_path):
    return sandbox.create_app(tmp_path / "sandbox.db")


@pytest.fixture
def base(room):
    """The sandbox's address, served over real HTTP."""
    server = make_server("127.0.0.1", 0, room, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def portone(base):
    return PaymentClient(secret=SECRET, base_url=base, store_id=STORE_ID)


@pytest.fixture
def session(room):
    """A merchant's session, with no server anywhere."""
    session = requests.Session()
    session.mount(sandbox.API_BASE, sandbox.SandboxAdapter(room))
    return session


def payment_request(**changes):
    return {
        "storeId": STORE_ID,
        "channelKey": SETTINGS["PORTONE_CHANNEL_KEY"],
        "paymentId": "payment1",
        "orderName": "나이키 와플 트레이너 2 SD",
        "totalAmount": 1000,
        "currency": "KRW",
        "payMethod": "CARD",
        "customer": {"customerId": "c1", "fullName": "홍길동", "email": "buyer@example.com"},
        **changes,
    }


def open_window(base, window_type="IFRAME", http=requests, **changes):
    """What the browser SDK does. Gives the HTTP answer."""
    body = {"request": payment_request(**changes), "windowType": window_type, "page": "http://shop.test/order"}
    return http.post(f"{base}/checkout/", json=body, headers={"Origin": "http://shop.test"}, timeout=10)


def choose(base, url, outcome, http=requests, **form):
    """What the buyer does. Gives the HTTP answer, redirects not followed."""
    form["outcome"] = outcome
    return http.post(f"{base}{url}/outcome", data=form, allow_redirects=False, timeout=10)


def pay(base, outcome, http=requests, **changes):
    """A whole window, up to its outcome; gives what the SDK would resolve to."""
    url = open_window(base, http=http, **changes).json()["url"]
    choose(base, url, outcome, http=http)
    return http.post(f"{base}{url}/close", timeout=10).json()["result"]


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
    assert result == {"transactionType": "PAYMENT", "txId": payment.transaction_id, "paymentId": "payment1"}
    assert isinstance(payment.method, shapes.PaymentMethodCard)
    assert payment.method.approval_number and payment.method.card.issuer == "SHINHAN_CARD"
    assert payment.requested_at < payment.paid_at == payment.updated_at


@pytest.mark.parametrize(
    ("pay_method", "shape", "options"),
    [
        ("TRANSFER", shapes.PaymentMethodTransfer, {}),
        ("EASY_PAY", shapes.PaymentMethodEasyPay, {"easyPay": {"easyPayProvider": "NAVERPAY"}}),
        ("MOBILE", shapes.PaymentMethodMobile, {"productType": "REAL"}),
    ],
)
def test_each_method_has_its_shape(base, portone, pay_method, shape, options):
    pay(base, "approve", payMethod=pay_method, **options)
    assert isinstance(portone.get_payment(payment_id="payment1").method, shape)


def test_the_buyer_chooses_a_card_company(base, portone):
    url = open_window(base).json()["url"]
    assert "BC_CARD" in requests.get(f"{base}{url}?as=buyer", timeout=10).text
    assert "ISP" in requests.get(f"{base}{url}?cardCompany=BC_CARD", timeout=10).text
    choose(base, url, "approve", cardCompany="BC_CARD")
    assert portone.get_payment(payment_id="payment1").method.card.issuer == "BC_CARD"


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


def test_a_slow_approval_is_ready_first(base, portone):
    pay(base, "slow")
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.ReadyPayment)
    deadline = time.monotonic() + 10
    while not isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment):
        assert time.monotonic() < deadline
        time.sleep(0.1)


# Virtual accounts


def test_an_account_is_issued_and_paid_into(base, portone):
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT", virtualAccount={"accountExpiry": {"validHours": 2}})
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


def test_a_closed_account_takes_no_deposit(base, portone):
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    closed = portone.close_virtual_account(payment_id="payment1")
    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.CancelledPayment)
    assert (payment.cancelled_at, payment.paid_at) == (closed.closed_at, None)
    assert requests.post(f"{base}/control/payments/payment1/deposit", timeout=10).status_code == 409
    with pytest.raises(PaymentNotWaitingForDepositError):
        portone.close_virtual_account(payment_id="payment1")


def test_only_a_waiting_account_can_be_closed(base, portone):
    with pytest.raises(PaymentNotFoundError):
        portone.close_virtual_account(payment_id="payment1")
    pay(base, "approve")
    with pytest.raises(PaymentNotWaitingForDepositError):
        portone.close_virtual_account(payment_id="payment1")


# Cancelling


REFUND_ACCOUNT = {"bank": "SHINHAN", "number": "110123456789", "holderName": "홍길동"}


def post_cancel(base, body, key=None, http=requests, payment_id="payment1"):
    headers = {"Authorization": f"PortOne {SECRET}", **({"Idempotency-Key": key} if key else {})}
    return http.post(f"{base}/payments/{payment_id}/cancel", json=body, headers=headers, timeout=60)


def control(base, action, body=None):
    return requests.post(f"{base}/control/payments/payment1/{action}", json=body, timeout=10)


def test_a_payment_is_cancelled_wholly(base, portone):
    pay(base, "approve", taxFreeAmount=340)
    paid = portone.get_payment(payment_id="payment1")
    cancellation = portone.cancel_payment(payment_id="payment1", reason="고객 변심", requester="CUSTOMER").cancellation
    assert isinstance(cancellation, shapes.SucceededPaymentCancellation)
    assert (cancellation.total_amount, cancellation.tax_free_amount, cancellation.vat_amount) == (1000, 340, 60)
    assert (cancellation.reason, cancellation.trigger) == ("고객 변심", "API")
    assert cancellation.id and cancellation.pg_cancellation_id

    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.CancelledPayment)
    assert payment.cancellations == [cancellation]
    assert payment.cancelled_at == cancellation.cancelled_at == payment.updated_at == payment.status_changed_at
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


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"current_cancellable_amount": 999}, CancellableAmountConsistencyBrokenError),
        ({"amount": 1001}, CancelAmountExceedsCancellableAmountError),
        ({"amount": 100, "tax_free_amount": 60, "vat_amount": 41}, SumOfPartsExceedsCancelAmountError),
        ({"amount": 400, "tax_free_amount": 350}, CancelTaxFreeAmountExceedsCancellableTaxFreeAmountError),
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
        ({"reason": "x", "amount": "100"}, "amount"),
        ({"reason": "x", "amount": True}, "amount"),
        ({"reason": "x", "refundAccount": "110123456789"}, "refundAccount"),
        ({"reason": "x", "refundAccount": {"bank": "SHINHAN", "number": "1"}}, "refundAccount.holderName"),
        ({"reason": "x", "refundAccount": {**REFUND_ACCOUNT, "bank": "SHINHAN_BANK"}}, "must be SHINHAN"),
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
    account = shapes.CancelPaymentBodyRefundAccount(bank="SHINHAN", number="110123456789", holder_name="홍길동")
    portone.cancel_payment(payment_id="payment1", reason="there", refund_account=account)
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.CancelledPayment)


# Idempotency-Key

KEY = '"refund-00000000001"'


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


@pytest.mark.parametrize("key", ["short", '"a"', "x" * 257, '"sixteen-letters-1', "sixteen letters 1"])
def test_a_malformed_key_is_refused(base, portone, key):
    pay(base, "approve")
    answer = post_cancel(base, {"reason": "x"}, key)
    assert (answer.status_code, answer.json()["type"]) == (400, "INVALID_REQUEST")
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)


def test_while_the_first_runs_the_second_is_told_to_wait(base, portone, monkeypatch):
    pay(base, "approve")
    cancelled, started, go_on = records.cancelled, threading.Event(), threading.Event()

    def slow(*arguments):
        started.set()
        go_on.wait(30)
        return cancelled(*arguments)

    monkeypatch.setattr(records, "cancelled", slow)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(post_cancel, base, {"reason": "x", "amount": 100}, KEY)
        assert started.wait(30)
        second = post_cancel(base, {"reason": "x", "amount": 100}, KEY)
        go_on.set()
        assert (second.status_code, second.json()["type"]) == (409, "IDEMPOTENCY_OUTSTANDING_REQUEST")
        assert first.result().status_code == 200
    assert post_cancel(base, {"reason": "x", "amount": 100}, KEY).json() == first.result().json()
    assert portone.get_payment(payment_id="payment1").amount.cancelled == 100


def test_a_cancel_that_broke_can_be_asked_for_again(base, portone, monkeypatch):
    pay(base, "approve")
    with monkeypatch.context() as broken:
        broken.setattr(rest, "RUNNING_SECONDS", 0)  # as long as a dead process is thought to be at work
        broken.setattr(records, "cancelled", None)
        assert post_cancel(base, {"reason": "x", "amount": 100}, KEY).status_code == 500
    assert post_cancel(base, {"reason": "x", "amount": 100}, KEY).status_code == 200
    assert portone.get_payment(payment_id="payment1").amount.cancelled == 100


def test_an_answer_is_kept_for_its_time(base, portone, monkeypatch):
    pay(base, "approve")
    assert rest.ANSWER_KEPT_SECONDS == 3 * 60 * 60
    monkeypatch.setattr(rest, "ANSWER_KEPT_SECONDS", 0)
    for _ in range(2):
        assert post_cancel(base, {"reason": "x", "amount": 100}, KEY).status_code == 200
    assert portone.get_payment(payment_id="payment1").amount.cancelled == 200


# What staff and banks do


@pytest.mark.parametrize("pay_method", ["CARD", "VIRTUAL_ACCOUNT"])
def test_staff_cancel_in_the_console(base, portone, pay_method):
    pay(base, "issue" if pay_method == "VIRTUAL_ACCOUNT" else "approve", payMethod=pay_method)
    if pay_method == "VIRTUAL_ACCOUNT":
        control(base, "deposit")
    part = control(base, "cancel", {"amount": 100, "reason": "one item"})
    assert (part.status_code, part.json()["status"]) == (200, "PARTIAL_CANCELLED")
    assert control(base, "cancel").json()["status"] == "CANCELLED"
    payment = portone.get_payment(payment_id="payment1")
    assert [(each.total_amount, each.trigger) for each in payment.cancellations] == [(100, "CONSOLE"), (900, "CONSOLE")]
    assert payment.cancellations[0].reason == "one item" and payment.cancellations[1].reason
    again = control(base, "cancel")
    assert (again.status_code, again.json()["type"]) == (409, "PAYMENT_ALREADY_CANCELLED")


@pytest.mark.parametrize("body", [{"amount": "all"}, {"amount": -1}, {"reason": ""}, "x", []])
def test_a_malformed_switch_cancels_nothing(base, portone, body):
    pay(base, "approve")
    assert control(base, "cancel", body).json()["type"] == "INVALID_REQUEST"
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)


def test_the_console_cancels_with_a_button(base, portone):
    pay(base, "approve", taxFreeAmount=100)
    url = f"{base}/console/payments/payment1"
    page = requests.get(url, timeout=10).text
    assert 'data-action="cancel"' in page and 'max="1000"' in page
    page = requests.post(f"{url}/cancel", data={"amount": "400"}, timeout=10).text
    assert 'data-payment-status="PARTIAL_CANCELLED"' in page and 'max="600"' in page
    html = {"Accept": "text/html"}
    refused = requests.post(f"{url}/cancel", data={"amount": "601"}, headers=html, timeout=10)
    assert refused.status_code == 409
    assert "CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT" in refused.text and "<html" in refused.text
    assert requests.post(f"{url}/cancel", data={"amount": "-6"}, headers=html, timeout=10).status_code == 400
    page = requests.post(f"{url}/cancel", data={"amount": ""}, timeout=10).text
    assert 'data-payment-status="CANCELLED"' in page and "data-action" not in page
    assert portone.get_payment(payment_id="payment1").amount.cancelled_tax_free == 100


def test_an_expired_account_waits_and_takes_no_deposit(base, portone):
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    expired = control(base, "expire")
    assert (expired.status_code, expired.json()["status"]) == (200, "VIRTUAL_ACCOUNT_ISSUED")
    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.VirtualAccountIssuedPayment)
    assert payment.method.issued_at < payment.method.expired_at <= payment.updated_at
    for action in ("deposit", "expire"):
        refused = control(base, action)
        assert (refused.status_code, refused.json()["type"]) == (409, "PAYMENT_NOT_WAITING_FOR_DEPOSIT")
    assert "data-action" not in requests.get(f"{base}/console/payments/payment1", timeout=10).text
    portone.close_virtual_account(payment_id="payment1")


def test_the_console_lets_an_account_expire(base, portone):
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    url = f"{base}/console/payments/payment1"
    assert 'formaction="/console/payments/payment1/expire"' in requests.get(url, timeout=10).text
    assert requests.post(f"{url}/expire", timeout=10).status_code == 200
    assert control(base, "deposit").status_code == 409


@pytest.mark.parametrize("action", ["deposit", "expire", "cancel"])
def test_switches_need_a_payment(base, action):
    answer = control(base, action)
    assert (answer.status_code, answer.json()["type"]) == (404, "PAYMENT_NOT_FOUND")
    pay(base, "decline")
    assert control(base, action).status_code == 409


# Pre-registration


def test_another_amount_than_was_registered_opens_no_window(base, portone):
    portone.pre_register_payment(payment_id="payment1", total_amount=1000, tax_free_amount=0, currency="KRW")
    for changes in ({"totalAmount": 100}, {"currency": "USD"}, {"taxFreeAmount": 1}):
        refused = open_window(base, **changes)
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


@pytest.mark.parametrize("body", [{"totalAmount": "1000"}, {"totalAmount": 0}, {"currency": 1}, [], None])
def test_a_malformed_registration_is_an_invalid_request(base, body):
    headers = {"Authorization": f"PortOne {SECRET}"}
    answer = requests.post(f"{base}/payments/payment1/pre-register", json=body, headers=headers, timeout=10)
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
        PaymentClient(secret=SECRET, base_url=base, store_id="store-other").get_payment(payment_id="payment1")


def test_an_unknown_payment_is_not_found(base, portone):
    with pytest.raises(PaymentNotFoundError):
        portone.get_payment(payment_id="payment1")


def test_a_payment_id_may_hold_anything(base, portone):
    payment_id = "주문/1 ?&#%2F"
    open_window(base, paymentId=payment_id)
    assert portone.get_payment(payment_id=payment_id).id == payment_id


def test_errors_have_one_shape(base):
    for method, path, status in (("GET", "/nothing", 404), ("PUT", "/payments/x", 405)):
        answer = requests.request(method, base + path, timeout=10)
        assert answer.status_code == status
        assert set(answer.json()) == {"type", "message"}


# What requestPayment refuses


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        ({"storeId": "store-other"}, "StoreNotFound", "storeId"),
        ({"channelKey": "channel-key-other"}, "ChannelNotFound", "channelKey"),
        ({"channelKey": None}, "BadRequest", "channelKey"),
        ({"orderName": None}, "BadRequest", "orderName"),
        ({"orderName": ["x"]}, "BadRequest", "orderName"),
        ({"totalAmount": "1000"}, "BadRequest", "totalAmount"),
        ({"totalAmount": True}, "BadRequest", "totalAmount"),
        ({"totalAmount": 0}, "BadRequest", "totalAmount"),
        ({"taxFreeAmount": 1001}, "BadRequest", "taxFreeAmount"),
        ({"currency": "WON!"}, "BadRequest", "currency"),
        ({"payMethod": "CASH"}, "BadRequest", "payMethod"),
        ({"customer": {"fullName": 1}}, "BadRequest", "customer.fullName"),
        ({"customer": "홍길동"}, "BadRequest", "customer"),
        ({"windowType": {"pc": "TAB"}}, "BadRequest", "windowType.pc"),
        ({"redirectUrl": "javascript:alert(1)"}, "BadRequest", "redirectUrl"),
        ({"noticeUrls": ["ftp://shop.test"]}, "BadRequest", "noticeUrls"),
        ({"products": [{"id": "1"}]}, "BadRequest", "products"),
        ({"virtualAccount": {"accountExpiry": {"dueDate": "soon"}}}, "BadRequest", "accountExpiry"),
    ],
)
def test_a_bad_request_is_refused_and_not_recorded(base, portone, changes, code, named):
    answer = open_window(base, **changes)
    assert answer.status_code in (400, 404)
    assert answer.json()["code"] == code
    assert named in answer.json()["message"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    with pytest.raises(PaymentNotFoundError):
        portone.get_payment(payment_id="payment1")


def test_a_redirect_needs_somewhere_to_go(base):
    answer = open_window(base, "REDIRECTION")
    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest")
    assert "redirectUrl" in answer.json()["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"request": 1, "windowType": "IFRAME"}'])
def test_a_malformed_body_is_refused(base, body):
    headers = {"Content-Type": "application/json"}
    answer = requests.post(f"{base}/checkout/", data=body, headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest")


# One paymentId, several attempts


def test_a_failed_payment_can_be_tried_again(base, portone):
    first = pay(base, "decline")
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.FailedPayment)
    second = open_window(base).json()
    assert second["txId"] != first["txId"]
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.ReadyPayment)
    choose(base, second["url"], "approve")
    assert portone.get_payment(payment_id="payment1").transaction_id == second["txId"]


def test_a_paid_payment_cannot_be_paid_again(base, portone):
    first = open_window(base).json()
    second = open_window(base).json()
    choose(base, first["url"], "approve")
    paid = portone.get_payment(payment_id="payment1")
    assert paid.transaction_id == first["txId"]

    refused = open_window(base)
    assert (refused.status_code, refused.json()["code"]) == (409, "PaymentAlreadyPaid")
    choose(base, second["url"], "approve")
    late = requests.post(f"{base}{second['url']}/close", timeout=10).json()["result"]
    assert late["pgCode"] == "ALREADY_PROCESSED_PAYMENT"
    assert portone.get_payment(payment_id="payment1") == paid


def test_a_waiting_account_keeps_its_payment_id(base):
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    refused = open_window(base)
    assert (refused.status_code, refused.json()["code"]) == (409, "InvalidEntityState")


def test_an_older_window_that_fails_says_nothing_of_the_newer_one(base, portone):
    older = open_window(base).json()
    newer = open_window(base).json()
    choose(base, older["url"], "cancel")
    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.ReadyPayment)
    assert payment.transaction_id == newer["txId"]


@pytest.mark.parametrize(
    ("first", "then"), [("approve", "decline"), ("decline", "approve"), ("approve", "tamper")]
)
def test_the_first_outcome_stands(base, portone, first, then):
    url = open_window(base).json()["url"]
    choose(base, url, first)
    before = portone.get_payment(payment_id="payment1")
    choose(base, url, then)
    requests.post(f"{base}{url}/close", timeout=10)
    assert portone.get_payment(payment_id="payment1") == before


def test_closing_the_window_is_the_buyers_cancel(base, portone):
    url = open_window(base).json()["url"]
    result = requests.post(f"{base}{url}/close", timeout=10).json()["result"]
    assert result["pgCode"] == "PAY_PROCESS_CANCELED"
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.FailedPayment)


# The way back to the merchant


@pytest.mark.parametrize("outcome", ["approve", "decline"])
def test_a_redirect_carries_the_result(base, outcome):
    url = open_window(base, "REDIRECTION", redirectUrl="http://shop.test/back?order=7&empty=").json()["url"]
    left = choose(base, url, outcome)
    assert left.status_code == 303
    assert left.headers["Location"].startswith("http://shop.test/back?order=7&empty=&")
    query = {name: values[0] for name, values in parse_qs(urlsplit(left.headers["Location"]).query).items()}
    assert (query["order"], query["transactionType"]) == ("7", "PAYMENT")
    assert query["paymentId"] == query["payment_id"] == "payment1"
    assert query.get("pgCode") == (None if outcome == "approve" else "EXCEED_MAX_AMOUNT")
    again = requests.get(base + url, allow_redirects=False, timeout=10)
    assert again.headers["Location"] == left.headers["Location"]


def test_the_result_is_posted_to_the_page_that_asked(base):
    url = open_window(base).json()["url"]
    done = requests.post(f"{base}{url}/outcome", data={"outcome": "approve"}, timeout=10)
    assert 'data-origin="http://shop.test"' in done.text
    assert "data-message=" in done.text


def test_unknown_windows_and_outcomes(base):
    assert requests.get(f"{base}/checkout/nothing", timeout=10).status_code == 404
    url = open_window(base).json()["url"]
    assert choose(base, url, "steal").status_code == 400
    assert choose(base, url, "issue").status_code == 400  # a card has no account


# Pages


@pytest.mark.parametrize(("language", "amount"), [("ko", "1,000원"), ("en", "₩1,000")])
def test_pages_are_korean_and_english(base, language, amount):
    url = open_window(base, orderName="<b>Shoes</b>").json()["url"]
    payment_page = "/console/payments/payment1"
    for path in (url, "/", payment_page):
        page = requests.get(base + path, headers={"Accept-Language": language}, timeout=10)
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text
        assert amount in page.text and "&lt;b&gt;Shoes&lt;/b&gt;" in page.text


def test_the_requests_locale_is_the_windows_language(base):
    url = open_window(base, locale="EN_US").json()["url"]
    page = requests.get(base + url, headers={"Accept-Language": "ko"}, timeout=10)
    assert '<html lang="en">' in page.text


def test_the_console_takes_a_deposit(base, portone):
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    assert "data-action" in requests.get(f"{base}/console/payments/payment1", timeout=10).text
    page = requests.post(f"{base}/console/payments/payment1/deposit", timeout=10)
    assert 'data-payment-status="PAID"' in page.text
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)


def test_every_address_keeps_the_prefix(room):
    session = requests.Session()
    mounted = DispatcherMiddleware(room.wsgi_app, {"/sandbox": room})
    session.mount(sandbox.API_BASE, sandbox.SandboxAdapter(mounted))
    url = open_window(f"{sandbox.API_BASE}/sandbox", http=session).json()["url"]
    assert url.startswith("/sandbox/checkout/")
    for path in (url, f"{url}?as=buyer", "/sandbox/", "/sandbox/console/payments/payment1"):
        page = session.get(sandbox.API_BASE + path).text
        links = re.findall(r'(?:href|src|action)="(/[^"]*)"', page)
        assert links
        assert all(link.startswith("/sandbox/") for link in links)
        assert all(session.get(sandbox.API_BASE + link).status_code in (200, 405) for link in links)


# Without a server


def test_the_adapter_needs_no_server(session):
    pay(sandbox.API_BASE, "approve", http=session)
    headers = {"Authorization": f"PortOne {SECRET}"}
    url = f"{sandbox.API_BASE}/payments/payment1"
    answer = session.get(url, params={"storeId": STORE_ID}, headers=headers, timeout=(3, 10))
    assert (answer.status_code, answer.json()["status"]) == (200, "PAID")
    with session.get(url, headers=headers, stream=True) as streamed:
        assert b"".join(streamed.iter_content(100)) == answer.content
    assert session.get(url, params={"storeId": "store-other"}, headers=headers).status_code == 403


@pytest.mark.parametrize("timeout", [0.1, (5, 0.1)])
def test_the_adapter_times_out(timeout):
    waiting = threading.Event()

    def hangs(environ, start_response):
        waiting.wait(30)
        start_response("200 OK", [])
        return [b""]

    session = requests.Session()
    session.mount(sandbox.API_BASE, sandbox.SandboxAdapter(hangs))
    with pytest.raises(requests.ReadTimeout):
        session.get(sandbox.API_BASE, timeout=timeout)
    waiting.set()


def test_the_adapter_reports_a_broken_app():
    def breaks(environ, start_response):
        raise RuntimeError("broken")

    session = requests.Session()
    session.mount(sandbox.API_BASE, sandbox.SandboxAdapter(breaks))
    with pytest.raises(requests.ConnectionError):
        session.get(sandbox.API_BASE)


# Several processes, one file

PAY_MANY = """
import sys
import requests, sandbox
sys.path.insert(0, "tests")
from test_sandbox import pay

session = requests.Session()
session.mount(sandbox.API_BASE, sandbox.SandboxAdapter(sandbox.create_app(sys.argv[1])))
for number in range(int(sys.argv[3])):
    pay(sandbox.API_BASE, "approve", http=session, paymentId=f"{sys.argv[2]}x{number}")
"""


def run_together(script, arguments):
    """Runs the script once for each list of arguments, all at once."""
    commands = [[sys.executable, "-c", script, *map(str, each)] for each in arguments]
    runs = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) for command in commands]
    for run in runs:
        _, errors = run.communicate(timeout=120)
        assert run.returncode == 0, errors.decode()


CANCEL_ONCE = """
import sys, time
import requests, sandbox
sys.path.insert(0, "tests")
from test_sandbox import KEY, post_cancel

session = requests.Session()
session.mount(sandbox.API_BASE, sandbox.SandboxAdapter(sandbox.create_app(sys.argv[1])))
time.sleep(max(0, float(sys.argv[2]) - time.time()))
answer = post_cancel(sandbox.API_BASE, {"reason": "x", "amount": 100}, KEY, http=session)
assert answer.status_code == 200 or answer.json()["type"] == "IDEMPOTENCY_OUTSTANDING_REQUEST", answer.text
"""


@pytest.mark.long
def test_simultaneous_calls_with_one_key_cancel_once(room, session, tmp_path):
    pay(sandbox.API_BASE, "approve", http=session)
    database = tmp_path / "sandbox.db"
    run_together(CANCEL_ONCE, [[database, time.time() + 3]] * 4)
    # An answer survives a restart as well.
    restarted = requests.Session()
    restarted.mount(sandbox.API_BASE, sandbox.SandboxAdapter(sandbox.create_app(database)))
    answer = post_cancel(sandbox.API_BASE, {"reason": "x", "amount": 100}, KEY, http=restarted)
    record = room.test_client().get("/payments/payment1", headers={"Authorization": f"PortOne {SECRET}"}).json
    assert record["cancellations"] == [answer.json()["cancellation"]]
    assert record["amount"]["cancelled"] == 100


def test_threads_with_one_key_cancel_once(base, portone):
    pay(base, "approve")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post_cancel(base, {"reason": "x", "amount": 100}, KEY), range(16)))
    done = [answer.json()["cancellation"]["id"] for answer in answers if answer.status_code == 200]
    assert done and len(set(done)) == 1
    others = {answer.json()["type"] for answer in answers if answer.status_code != 200}
    assert others <= {"IDEMPOTENCY_OUTSTANDING_REQUEST"}
    assert portone.get_payment(payment_id="payment1").amount.cancelled == 100


def test_processes_create_one_database_at_once(tmp_path):
    script = "import sys, sandbox; sandbox.create_app(sys.argv[1])"
    run_together(script, [[tmp_path / "new" / "sandbox.db"]] * 4)


@pytest.mark.long
def test_parallel_payments_are_neither_locked_nor_lost(tmp_path):
    database = tmp_path / "sandbox.db"
    run_together(PAY_MANY, [[database, worker, 10] for worker in range(5)])
    client = sandbox.create_app(database).test_client()
    page = client.get("/").text
    assert page.count("data-payment-id=") == page.count(">PAID<") == 50


def test_payments_survive_a_restart(tmp_path):
    database = tmp_path / "sandbox.db"
    run_together(PAY_MANY, [[database, "before", 1]])
    headers = {"Authorization": f"PortOne {SECRET}"}
    answer = sandbox.create_app(database).test_client().get("/payments/beforex0", headers=headers)
    assert answer.json["status"] == "PAID"


def test_alone_it_prints_a_merchants_settings(tmp_path):
    command = [sys.executable, "-m", "flask", "--app", "sandbox", "run", "--port", "0"]
    environment = {**os.environ, "SANDBOX_DATABASE": str(tmp_path / "sandbox.db"), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as run:
        lines = [run.stdout.readline().strip() for _ in range(9)]
        run.terminate()
    assert f"PORTONE_STORE_ID={STORE_ID}" in lines
    assert f"PORTONE_API_SECRET={SECRET}" in lines
