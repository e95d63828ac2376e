"""The sandbox by itself: what PortOne's official server SDK and a browser's requests get from it."""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from portone_server_sdk import PaymentClient
from portone_server_sdk import payment as shapes
from portone_server_sdk.errors import (
    ForbiddenError,
    PaymentNotFoundError,
    PaymentNotWaitingForDepositError,
    UnauthorizedError,
)
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

import sandbox

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


def test_processes_create_one_database_at_once(tmp_path):
    script = "import sys, sandbox; sandbox.create_app(sys.argv[1])"
    run_together(script, [[tmp_path / "new" / "sandbox.db"]] * 4)


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
