"""The fixture as a project's tests use it: each test runs pytest in a folder of its own."""

import os
import subprocess
import sys
import threading

import pytest
import requests
from portone_server_sdk import PaymentClient, webhook
from portone_server_sdk.payment import PaidPayment

from portone_sandbox import testing
from portone_sandbox.channels import KEYS_BY_PG
from portone_sandbox.errors import Refused, RequestError
from tests.portone_sandbox.client import ROOT, payment_request
from tests.stand_in import PortOne as Server

PLUGIN = ["-p", "portone_sandbox.pytest_plugin"]  # an installed package needs no such option


@pytest.fixture(scope="module")
def server():
    with testing.Server() as server:
        yield server


@pytest.fixture
def sandbox(server):
    with server.sandbox() as portone:
        yield portone


@pytest.fixture
def client(sandbox):
    settings = sandbox.settings
    return PaymentClient(
        secret=settings["PORTONE_API_SECRET"],
        base_url=settings["PORTONE_API_BASE"],
        store_id=settings["PORTONE_STORE_ID"],
    )


@pytest.fixture
def merchant():
    """A merchant's server: `calls` are the webhooks it was sent."""
    with Server() as merchant:
        yield merchant


def own_threads():
    return [each for each in threading.enumerate() if each.name.startswith("portone-sandbox")]


def run_pytest(folder, code, *options):
    (folder / "test_it.py").write_text(code)
    command = [sys.executable, "-m", "pytest", *PLUGIN, "-p", "no:cacheprovider", "-q", *options]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment = {**clean, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_pay_gives_what_the_sdk_gives(sandbox, client):
    result = sandbox.pay(payment_request())
    assert (result["transactionType"], result["paymentId"]) == ("PAYMENT", "payment1")
    assert "code" not in result
    assert client.get_payment(payment_id="payment1").transaction_id == result["txId"]
    assert sandbox.payment("payment1")["status"] == "PAID"


def test_each_outcome_of_the_window(sandbox):
    declined = sandbox.pay(
        payment_request(paymentId="payment-a"), "decline", code="INVALID_PASSWORD"
    )
    assert (declined["code"], declined["pgCode"]) == ("FAILURE_TYPE_PG", "INVALID_PASSWORD")
    assert declined["pgMessage"] == "결제 비밀번호가 일치하지 않습니다."
    assert sandbox.payment("payment-a")["failure"]["pgCode"] == "INVALID_PASSWORD"
    # Another PG's code, which no document lists.
    request = payment_request(paymentId="payment-b", channelKey=KEYS_BY_PG["KCP_V2"])
    other = sandbox.pay(request, "decline", code="8324")
    assert other["pgCode"] == "8324" and other["message"].startswith("[8324] ")
    assert (
        sandbox.pay(payment_request(paymentId="payment-c"), "decline")["pgCode"]
        == "EXCEED_MAX_AMOUNT"
    )
    assert (
        sandbox.pay(payment_request(paymentId="payment-d"), "cancel")["pgCode"]
        == "PAY_PROCESS_CANCELED"
    )
    assert sandbox.pay(payment_request(paymentId="payment-e"), "abandon") is None
    assert sandbox.payment("payment-e")["status"] == "PAID"
    sandbox.pay(payment_request(paymentId="payment-f"), "tamper")
    assert sandbox.payment("payment-f")["amount"]["total"] != 1000


def test_what_request_payment_throws_is_raised(sandbox):
    with pytest.raises(RequestError) as error:
        sandbox.pay(payment_request(totalAmount=-1))
    assert error.value.code == "BadRequest"
    with pytest.raises(ValueError, match="approve"):
        sandbox.pay(payment_request(), "no such outcome")
    for unknown in ("<b>", "8324"):
        with pytest.raises(ValueError, match="REJECT_CARD_COMPANY"):
            sandbox.pay(payment_request(), "decline", code=unknown)


def test_a_redirect(sandbox):
    request = payment_request(redirectUrl="https://shop.test/return?order=1")
    url = sandbox.redirect_url(request, "decline")
    assert url.startswith("https://shop.test/return?order=1&transactionType=PAYMENT&txId=")
    assert "code=FAILURE_TYPE_PG" in url and "paymentId=payment1" in url
    with pytest.raises(ValueError, match="redirectUrl"):
        sandbox.redirect_url(payment_request())


def test_deposit_and_cancel(sandbox):
    sandbox.pay(payment_request(payMethod="VIRTUAL_ACCOUNT"))
    assert sandbox.payment("payment1")["status"] == "VIRTUAL_ACCOUNT_ISSUED"
    with pytest.raises(Refused):
        sandbox.deposit("payment1", 999)
    assert sandbox.deposit("payment1")["status"] == "PAID"
    assert sandbox.cancel("payment1", 300)["status"] == "PARTIAL_CANCELLED"
    assert sandbox.cancel("payment1")["status"] == "CANCELLED"


def test_an_outage(sandbox, client):
    sandbox.pay(payment_request())
    sandbox.outage("500", calls=1)
    url, headers = f"{sandbox.url}/payments/payment1", {"Authorization": "x"}
    assert requests.get(url, headers=headers, timeout=10).status_code == 500
    assert isinstance(client.get_payment(payment_id="payment1"), PaidPayment)
    assert [each.fault for each in sandbox.calls] == ["500", None]


def test_calls(sandbox, client):
    sandbox.pay(payment_request())
    client.cancel_payment(payment_id="payment1", amount=100, reason="손님 요청")
    (call,) = sandbox.calls
    assert (call.kind, call.method, call.path) == ("API", "POST", "/payments/payment1/cancel")
    assert (call.status, call.payment_id) == (200, "payment1")
    assert call.request_json["amount"] == 100
    assert call.response_json["cancellation"]["totalAmount"] == 100
    assert "/payments/payment1/cancel" in str(call) and "200" in str(call)


def test_webhooks_for_an_app_without_a_server(sandbox, client):
    sandbox.pay(payment_request())
    ready, paid = sandbox.webhooks_for("payment1")
    assert (ready.type, paid.type) == ("Transaction.Ready", "Transaction.Paid")
    secret = sandbox.settings["PORTONE_WEBHOOK_SECRET"]
    verified = webhook.verify(secret, paid.body.decode(), paid.headers)
    assert verified.data.payment_id == paid.json["data"]["paymentId"] == "payment1"
    with pytest.raises(webhook.WebhookVerificationError):
        webhook.verify(secret, paid.body.decode() + " ", paid.headers)
    # PortOne's record has only webhooks that were sent somewhere.
    assert "webhooks" not in sandbox.payment("payment1")
    with pytest.raises(Refused, match="웹훅"):
        sandbox.act("payment1", "resend-webhook")


def test_webhooks_are_sent(sandbox, merchant):
    with pytest.raises(ValueError):
        sandbox.deliver_to("/hook")
    sandbox.deliver_to(f"{merchant.url}/hook")
    assert sandbox.webhook_url == f"{merchant.url}/hook"
    sandbox.pay(payment_request())
    sandbox.wait_for_webhooks("payment1")
    assert [(call.kind, call.status) for call in sandbox.calls] == [("WEBHOOK", 200)] * 2
    assert len(merchant.calls) == 2


def test_a_hanging_call_ends_with_its_test(server):
    threads = set(threading.enumerate())
    with server.sandbox() as portone:
        portone.outage("hang", calls=1)
        errors = []

        def ask():
            try:
                requests.get(f"{portone.url}/payments/x", timeout=60)
            except requests.ConnectionError as error:
                errors.append(error)

        merchant = threading.Thread(target=ask)
        merchant.start()
        switches = f"{portone.url}/control/switches"
        while requests.get(switches, timeout=10).json()["outage"]:  # until the call has taken it
            assert merchant.is_alive()
    merchant.join(20)
    assert len(errors) == 1
    assert set(threading.enumerate()) == threads


def test_it_is_empty_for_each_test_and_answers_503_between_them(server):
    with server.sandbox() as portone:
        portone.pay(payment_request())
        portone.switch("window", outcome="decline")
        with pytest.raises(RuntimeError), server.sandbox():
            pass
    assert requests.get(f"{server.url}/payments/x", timeout=10).status_code == 503
    with server.sandbox() as portone:
        assert portone.calls == [] and portone.webhooks_for("payment1") == []
        with pytest.raises(Refused):
            portone.payment("payment1")
        switches = requests.get(f"{portone.url}/control/switches", timeout=10).json()
        assert not any(switches.values())


def test_it_leaves_no_thread_and_no_file(tmp_path, monkeypatch, merchant):
    monkeypatch.chdir(tmp_path)
    earlier = set(own_threads())  # of the other tests' server
    with testing.Server() as server:
        for _ in range(2):
            with server.sandbox() as portone:
                portone.deliver_to(merchant.url)
                portone.pay(payment_request())
                portone.wait_for_webhooks("payment1")
            assert len(set(own_threads()) - earlier) == 1  # that of the server
    assert set(own_threads()) == earlier
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=10)


def test_the_variables_of_a_sandbox_of_your_own_do_not_count(monkeypatch, tmp_path):
    monkeypatch.setenv("SANDBOX_DATABASE", str(tmp_path / "mine.db"))
    monkeypatch.setenv("SANDBOX_WEBHOOK_URL", "http://127.0.0.1:1/hook")
    with testing.Server() as server, server.sandbox() as portone:
        assert portone.webhook_url is None
        portone.pay(payment_request())
    assert not (tmp_path / "mine.db").exists()


def test_a_test_that_fails_shows_the_calls(tmp_path):
    code = """
import requests

def test_it(portone):
    requests.get(portone.url + "/payments/order-7", timeout=10)
    assert False
"""
    run = run_pytest(tmp_path, code)
    assert run.returncode == 1
    assert "PortOne sandbox" in run.stdout
    assert "GET /payments/order-7 -> 401 | The header Authorization is missing." in run.stdout


def test_a_test_that_fails_in_the_chaos_shows_its_seed(tmp_path):
    code = """
def test_it(portone):
    portone.chaos(seed=7)
    assert False
"""
    shown = run_pytest(tmp_path, code).stdout.partition("PortOne sandbox")[2]
    assert "portone.chaos(seed=7)" in shown


@pytest.mark.long
def test_it_is_parallel_and_leaves_nothing(tmp_path):
    code = """
import threading
import pytest
from tests.portone_sandbox.client import payment_request

PORTS = set()

@pytest.mark.parametrize("number", range(40))
def test_it(portone, number):
    portone.pay(payment_request(orderName=str(number)))
    assert portone.payment("payment1")["orderName"] == str(number)

def test_one_server_for_the_session(portone, portone_server):
    assert portone.url == portone_server.url == portone.settings["PORTONE_API_BASE"]
"""
    run = run_pytest(tmp_path, code, "-n", "2")
    assert run.returncode == 0, run.stdout
    assert "41 passed" in run.stdout
    assert {each.name for each in tmp_path.iterdir()} <= {"test_it.py", "__pycache__"}
