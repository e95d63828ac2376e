"""What a merchant's server is told, by a real sender to a real server, and checked by PortOne's own
SDK."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import pytest
import requests
from portone_server_sdk import webhook
from portone_server_sdk.errors import (
    InvalidRequestError,
    MaxWebhookRetryCountReachedError,
    PaymentNotFoundError,
    WebhookNotFoundError,
)
from standardwebhooks import Webhook

from portone_sandbox import attempts, delivery, events, switches, webhook_request
from tests.portone_sandbox.client import (
    ROOT,
    SETTINGS,
    STORE_ID,
    choose,
    control,
    make_payment,
    open_window,
    pay,
    payment_request,
    post_cancel,
    run_together,
    switch,
)
from tests.stand_in import PortOne as Server
from tests.stand_in import answer, drip, hang

WEBHOOK_SECRET = SETTINGS["PORTONE_WEBHOOK_SECRET"]
MINUTE = 60


@pytest.fixture(autouse=True)
def looking_often(monkeypatch):
    """The sender looks at once for what these tests make due behind its back."""
    monkeypatch.setattr(delivery, "POLL_SECONDS", 0.02)


def verified(call):
    """The webhook, as the official SDK reads it. Raises when its signature is not right."""
    _, _, headers, body = call
    read = webhook.verify(
        WEBHOOK_SECRET, body.decode(), {name.lower(): value for name, value in headers.items()}
    )
    assert not isinstance(read, dict), "the SDK does not know this webhook"
    return read


def types(merchant):
    return [
        type(verified(call)).__name__.removeprefix("WebhookTransaction") for call in merchant.calls
    ]


def told(portone, number, tries=1):
    """The payment's webhooks as the official SDK reads them, once there are so many, each tried so
    often."""
    deadline = time.monotonic() + 20
    while True:
        found = portone.get_payment(payment_id="payment1").webhooks or []
        if len(found) == number and all(each.current_execution_count >= tries for each in found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.01)


@contextmanager
def database(tmp_path):
    with closing(sqlite3.connect(tmp_path / "sandbox.db", timeout=30)) as db, db:
        yield db


def due(tmp_path):
    """When the only webhook is due, in seconds from now; None for never."""
    with database(tmp_path) as db:
        ((due_at,),) = db.execute("SELECT dueAt FROM webhooks")
    return due_at and due_at - time.time()


def let_time_pass(tmp_path):
    with database(tmp_path) as db:
        db.execute("UPDATE webhooks SET dueAt = 0 WHERE dueAt IS NOT NULL")


# What is told


def test_each_change_is_told_once(base, portone, merchant):
    opened = open_window(base).json()
    merchant.wait_for_calls(1)
    choose(base, opened["url"], "approve")
    merchant.wait_for_calls(2)
    part = portone.cancel_payment(payment_id="payment1", reason="part", amount=300).cancellation
    merchant.wait_for_calls(3)
    rest = portone.cancel_payment(payment_id="payment1", reason="rest").cancellation
    merchant.wait_for_calls(4)
    assert types(merchant) == ["Ready", "Paid", "CancelledPartialCancelled", "CancelledCancelled"]
    ready, *_ = data = [verified(call).data for call in merchant.calls]
    assert (ready.payment_id, ready.store_id, ready.transaction_id) == (
        "payment1",
        STORE_ID,
        opened["txId"],
    )
    assert [each.cancellation_id for each in data[2:]] == [part.id, rest.id]
    assert (
        verified(merchant.calls[3]).timestamp
        == portone.get_payment(payment_id="payment1").cancelled_at
    )
    assert len({call[2]["webhook-id"] for call in merchant.calls}) == 4


def test_a_virtual_account_is_told_of_until_its_end(base, portone, merchant):
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    merchant.wait_for_calls(2)
    control(base, "deposit")
    merchant.wait_for_calls(3)
    assert sorted(types(merchant)) == ["Paid", "Ready", "VirtualAccountIssued"]
    deposit = told(portone, 3)[-1]
    assert (deposit.payment_status, deposit.trigger, deposit.is_async) == (
        "PAID",
        "VIRTUAL_ACCOUNT_DEPOSIT",
        True,
    )


def test_a_closed_account_that_is_a_failed_payment_is_told_of(base, portone, merchant):
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    portone.close_virtual_account(payment_id="payment1")
    merchant.wait_for_calls(3)
    assert "Failed" in types(merchant)


def test_a_closed_account_is_told_of(base, portone, merchant):
    switch(base, "close", result="CANCELLED")
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    portone.close_virtual_account(payment_id="payment1")
    merchant.wait_for_calls(3)
    assert "CancelledCancelled" in types(merchant)


@pytest.mark.parametrize(
    ("decision", "told_of", "trigger"),
    [
        ("approve-refund", "CancelledPartialCancelled", "ASYNC_CANCEL_APPROVED"),
        ("decline-refund", "Paid", "ASYNC_CANCEL_FAILED"),
    ],
)
def test_a_refund_that_ends_later_is_told_of_twice(
    base, portone, merchant, decision, told_of, trigger
):
    pay(base, "approve")
    switch(base, "refund", result="REQUESTED")
    asked = post_cancel(base, {"reason": "x", "amount": 300}).json()["cancellation"]
    merchant.wait_for_calls(3)
    control(base, decision)
    assert told(portone, 4)[-1].trigger == trigger
    bodies = [json.loads(call[3]) for call in merchant.calls]
    (pending,) = [body for body in bodies if body["type"] == "Transaction.CancelPending"]
    assert pending["data"]["cancellationId"] == asked["id"]
    assert sorted(types(merchant)) == sorted(["Ready", "Paid", "CancelledCancelPending", told_of])


@pytest.mark.parametrize(("decision", "told_of"), [("approve", "Paid"), ("decline", "Failed")])
def test_a_pending_payment_is_told_of_twice(base, portone, merchant, decision, told_of):
    make_payment(base, "pend")
    control(base, decision)
    assert told(portone, 3)[-1].trigger.startswith("ASYNC_PAY_")
    assert sorted(types(merchant)) == sorted(["Ready", "PayPending", told_of])


@pytest.mark.parametrize("outcome", ["decline", "cancel"])
def test_a_failure_is_told_of(base, portone, merchant, outcome):
    pay(base, outcome)
    told(portone, 2)
    assert sorted(types(merchant)) == ["Failed", "Ready"]


def test_what_changes_no_status_is_not_told(base, portone, merchant):
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    control(base, "expire")
    assert len(told(portone, 2)) == 2


def test_a_cancel_may_ask_for_silence(base, portone, merchant):
    pay(base, "approve")
    post_cancel(base, {"reason": "x", "amount": 100, "skipWebhook": True})
    post_cancel(base, {"reason": "x", "skipWebhook": False})
    assert [each.payment_status for each in told(portone, 3)] == ["READY", "PAID", "CANCELLED"]


def test_the_signature_is_that_of_the_standard(base, merchant):
    open_window(base)
    merchant.wait_for_calls(1)
    _, _, headers, body = merchant.calls[0]
    assert headers["Content-Type"] == "application/json"
    Webhook(WEBHOOK_SECRET).verify(body, headers)


# Where it goes


def test_the_requests_own_addresses_come_first(base, portone, merchant):
    with Server() as other:
        pay(base, "approve", noticeUrls=[f"{other.url}/a", f"{other.url}/b?c=d"])
        told(portone, 4)
        assert sorted(call[1] for call in other.calls) == ["/a", "/a", "/b?c=d", "/b?c=d"]
    assert merchant.calls == []


def test_a_path_is_one_of_the_site_that_opened_the_window(make_room, merchant):
    client = make_room("/shop/hook").test_client()
    body = {
        "request": {**payment_request(), "redirectUrl": f"{merchant.url}/back"},
        "outcome": "approve",
    }
    assert client.post("/control/payments", json=body).status_code == 200
    merchant.wait_for_calls(2)
    assert {call[1] for call in merchant.calls} == {"/shop/hook"}


def test_without_an_address_nothing_is_told(base, portone, tmp_path):
    pay(base, "approve")
    assert portone.get_payment(payment_id="payment1").webhooks is None
    with database(tmp_path) as db:
        assert db.execute("SELECT * FROM webhooks").fetchall() == []


@pytest.mark.parametrize("url", ["", "//", "https://shop.test:99999/"])
def test_an_address_that_is_none_breaks_no_payment(make_room, url):
    client = make_room(url).test_client()
    answer = client.post(
        "/control/payments", json={"request": payment_request(), "outcome": "approve"}
    )
    assert (answer.status_code, answer.json["status"]) == (200, "PAID")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SANDBOX_WEBHOOK_URL", "shop.test/hook"),
        ("SANDBOX_WEBHOOK_URL", "http://["),
        ("SANDBOX_WEBHOOK_MINUTE", "soon"),
        ("SANDBOX_WEBHOOK_MINUTE", "-1"),
    ],
)
def test_a_malformed_setting_is_named_at_the_start(make_room, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"{name} must be .* not {re.escape(repr(value))}"):
        make_room()


# Tries


def test_a_webhook_is_tried_six_times_on_portones_schedule(base, portone, merchant, tmp_path):
    merchant.fault = answer(500, b"out of order")
    open_window(base)
    for number, minutes in enumerate((1, 4, 16, 64, 256), start=1):
        (sent,) = told(portone, 1, number)
        assert sent.status == "FAILED_NOT_OK_RESPONSE"
        assert minutes * MINUTE - 30 < due(tmp_path) <= minutes * MINUTE
        let_time_pass(tmp_path)
    (sent,) = told(portone, 1, 6)
    assert (sent.current_execution_count, sent.max_execution_count) == (6, 6)
    assert (sent.response.code, sent.response.body) == ("500", "out of order")
    assert due(tmp_path) is None
    assert len(merchant.calls) == 6
    # What it says stays the same; when, and so the signature, does not.
    assert len({(call[2]["webhook-id"], call[3]) for call in merchant.calls}) == 1
    assert all(verified(call) for call in merchant.calls)


def test_the_schedule_can_be_shortened(make_room, merchant, monkeypatch):
    monkeypatch.setenv("SANDBOX_WEBHOOK_MINUTE", "0.01")
    client = make_room(merchant.url, "impatient.db").test_client()
    merchant.fault = answer(503)
    client.post("/control/payments", json={"request": payment_request(), "outcome": "approve"})
    merchant.wait_for_calls(6)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (answer(302, b"", {"Location": "/elsewhere"}.items()), "FAILED_NOT_OK_RESPONSE"),
        (answer(404), "FAILED_NOT_OK_RESPONSE"),
        (lambda call: call.connection.close(), "FAILED_UNEXPECTED_ERROR"),
        (lambda call: call.send(b"not HTTP at all\r\n\r\n"), "FAILED_UNEXPECTED_ERROR"),
        (answer(200, b"short", {"Content-Length": 100}.items()), "FAILED_UNEXPECTED_ERROR"),
        (hang, "FAILED_UNEXPECTED_ERROR"),
    ],
)
def test_what_is_no_success_is_tried_again(
    base, portone, merchant, monkeypatch, tmp_path, fault, status
):
    monkeypatch.setattr(webhook_request, "TIMEOUT_SECONDS", 0.3)
    merchant.fault = fault
    open_window(base)
    (sent,) = told(portone, 1)
    assert sent.status == status
    assert due(tmp_path) > 0
    merchant.fault = None
    let_time_pass(tmp_path)
    (sent,) = told(portone, 1, 2)
    assert (sent.status, sent.response.code) == ("SUCCEEDED", "200")
    assert due(tmp_path) is None
    assert "/elsewhere" not in [call[1] for call in merchant.calls]


@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"],
    ids=["header", "body"],
)
def test_an_answer_that_comes_byte_by_byte_has_a_deadline(
    base, portone, merchant, monkeypatch, tmp_path, start
):
    monkeypatch.setattr(webhook_request, "MAX_SECONDS", 0.3)
    merchant.fault = drip(start, b"a", 0.02)
    open_window(base)
    (sent,) = told(portone, 1)
    assert sent.status == "FAILED_UNEXPECTED_ERROR"
    assert 0 < due(tmp_path) <= 1 * MINUTE
    assert len(merchant.calls) == 1


def test_an_address_that_cannot_exist_is_a_failed_try(base, portone, tmp_path):
    open_window(base, noticeUrls=["http://a..b/"])
    (sent,) = told(portone, 1)
    assert sent.status == "FAILED_UNEXPECTED_ERROR"
    assert 0 < due(tmp_path) <= 1 * MINUTE


def test_a_merchant_that_is_not_there_is_told_later(base, portone, merchant, tmp_path):
    merchant.__exit__()
    open_window(base)
    (sent,) = told(portone, 1)
    assert (sent.status, sent.response) == ("FAILED_UNEXPECTED_ERROR", None)
    with merchant:
        let_time_pass(tmp_path)
        merchant.wait_for_calls(1)


def test_a_merchant_that_hangs_keeps_no_other_from_being_told(base, portone, merchant):
    with Server() as slow:
        slow.fault = hang
        for number in range(5):
            open_window(base, paymentId=f"payment-slow{number}", noticeUrls=[slow.url])
        slow.wait_for_calls(5)
        pay(base, "approve")
        told(portone, 2)


def test_a_webhook_under_way_is_forgotten_with_everything_else(base, portone, merchant):
    merchant.fault = hang
    open_window(base)
    merchant.wait_for_calls(1)
    assert requests.post(f"{base}/control/reset", timeout=10).json() == {}
    merchant.fault = None
    merchant.released.set()
    pay(base, "approve")
    assert [each.payment_status for each in told(portone, 2)] == ["READY", "PAID"]


def test_a_long_answer_is_not_kept_whole(base, portone, merchant):
    merchant.fault = answer(
        200, "길".encode() * 1_000_000, {"Content-Type": "text/html; charset=utf-8"}.items()
    )
    open_window(base)
    (sent,) = told(portone, 1)
    assert sent.status == "SUCCEEDED"
    assert 600 < len(sent.response.body) < 3000 and sent.response.body.startswith("길길길")


# Asked for again


def test_the_newest_webhook_is_sent_again(base, portone, merchant):
    pay(base, "approve")
    first = told(portone, 2)[-1]
    again = portone.resend_webhook(payment_id="payment1").webhook
    assert (again.id, again.payment_status, again.trigger, again.status) == (
        first.id,
        "PAID",
        "MANUAL",
        "SUCCEEDED",
    )
    assert (again.response.code, again.current_execution_count) == ("200", 2)
    assert merchant.calls[-1][3] == merchant.calls[-2][3] or len(merchant.calls) == 3


def test_one_webhook_is_sent_again(base, portone, merchant):
    pay(base, "approve")
    ready = told(portone, 2)[0]
    portone.resend_webhook(payment_id="payment1", webhook_id=ready.id)
    assert merchant.calls[-1][2]["webhook-id"] == ready.id


def test_a_webhook_that_failed_for_good_is_sent_again(base, portone, merchant, tmp_path):
    merchant.fault = answer(500)
    open_window(base)
    for number in range(1, 6):
        told(portone, 1, number)
        let_time_pass(tmp_path)
    told(portone, 1, 6)
    merchant.fault = None
    assert portone.resend_webhook(payment_id="payment1").webhook.status == "SUCCEEDED"
    assert due(tmp_path) is None


def test_a_resend_that_fails_leaves_the_schedule_as_it_was(base, portone, merchant, tmp_path):
    merchant.fault = answer(500)
    open_window(base)
    told(portone, 1)
    for _ in range(2):
        assert (
            portone.resend_webhook(payment_id="payment1").webhook.status == "FAILED_NOT_OK_RESPONSE"
        )
    assert 0 < due(tmp_path) <= 1 * MINUTE


def test_a_resend_has_its_limits(base, portone, merchant):
    with pytest.raises(PaymentNotFoundError):
        portone.resend_webhook(payment_id="payment1")
    pay(base, "approve")
    told(portone, 2)
    with pytest.raises(WebhookNotFoundError):
        portone.resend_webhook(payment_id="payment1", webhook_id="another")
    for _ in range(events.MAX_MANUAL_TRIES):
        portone.resend_webhook(payment_id="payment1")
    with pytest.raises(MaxWebhookRetryCountReachedError):
        portone.resend_webhook(payment_id="payment1")
    with pytest.raises(InvalidRequestError):
        portone.resend_webhook(payment_id="payment1", webhook_id=7)


def test_a_payment_without_webhooks_has_none_to_send(base, portone):
    pay(base, "approve")
    with pytest.raises(WebhookNotFoundError):
        portone.resend_webhook(payment_id="payment1")


# In the console


def test_the_console_shows_every_try_and_sends_again(base, portone, merchant):
    merchant.fault = answer(500, b"<i>no</i>")
    open_window(base)
    (sent,) = told(portone, 1)
    page = requests.get(f"{base}/console/payments/payment1", timeout=10).text
    assert 'data-webhook="READY" data-webhook-status="FAILED_NOT_OK_RESPONSE"' in page
    assert (
        "webhook-signature: v1," in page
        and "&lt;i&gt;no&lt;/i&gt;" in page
        and "Transaction.Ready" in page
    )
    merchant.fault = None
    form = {"webhookId": sent.id}
    page = requests.post(
        f"{base}/console/payments/payment1/resend-webhook", data=form, timeout=10
    ).text
    assert 'data-webhook-status="SUCCEEDED"' in page and page.count("webhook-timestamp") >= 2
    assert control(base, "resend-webhook").status_code == 200
    merchant.wait_for_calls(3)


# The webhook and the browser


def test_the_webhook_can_come_before_the_browser(base, merchant):
    switch(base, "webhooks", order="before")
    url = open_window(base).json()["url"]
    choose(base, url, "approve")
    assert "Paid" in types(merchant)


def test_a_webhook_that_comes_first_does_not_keep_the_browser_for_ever(base, merchant, monkeypatch):
    monkeypatch.setattr(delivery, "WAIT_SECONDS", 0.3)
    merchant.fault = hang
    switch(base, "webhooks", order="before")
    url = open_window(base).json()["url"]
    assert choose(base, url, "approve").status_code == 303


def test_the_webhook_can_come_after_the_browser(base, merchant, tmp_path):
    switch(base, "webhooks", order="after")
    open_window(base)
    assert 0 < due(tmp_path) <= switches.AFTER_SECONDS
    let_time_pass(tmp_path)
    merchant.wait_for_calls(1)


def test_it_comes_as_much_later_as_is_set(base, merchant, tmp_path):
    switch(base, "webhooks", order="after", seconds=600)
    open_window(base)
    assert 590 < due(tmp_path) <= 600


def test_each_webhook_can_come_twice(base, portone, merchant):
    switch(base, "webhooks", order="twice")
    pay(base, "approve")
    merchant.wait_for_calls(4)
    told(portone, 2, tries=2)
    assert sorted(types(merchant)) == ["Paid", "Paid", "Ready", "Ready"]
    assert len({call[2]["webhook-id"] for call in merchant.calls}) == 2
    assert len(merchant.calls) == 4


def test_the_newest_webhook_can_come_first(base, portone, merchant, monkeypatch):
    monkeypatch.setattr(events, "REVERSED_SECONDS", 0.2)
    switch(base, "webhooks", order="reversed")
    pay(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    assert merchant.calls == []  # they wait for the next status
    control(base, "deposit")
    merchant.wait_for_calls(3)
    assert types(merchant) == ["Paid", "VirtualAccountIssued", "Ready"]
    control(base, "cancel")
    merchant.wait_for_calls(4)
    assert types(merchant)[3] == "CancelledCancelled"


def test_the_webhook_can_be_on_its_way_when_the_browser_returns(base, merchant):
    switch(base, "webhooks", order="concurrent")
    url = open_window(base).json()["url"]
    merchant.wait_for_calls(1)
    merchant.fault = hang
    assert choose(base, url, "approve").status_code == 303  # although it is not answered yet
    merchant.wait_for_calls(2)
    merchant.released.set()


@pytest.mark.parametrize("window", ["IFRAME", "REDIRECTION"])
def test_the_webhook_can_come_without_the_browser(base, portone, merchant, window):
    switch(base, "webhooks", order="without")
    url = open_window(base, window, redirectUrl="http://shop.test/back").json()["url"]
    assert choose(base, url, "approve").headers["Location"].endswith("/done")
    assert "data-message" not in requests.get(f"{base}{url}/done", timeout=10).text
    assert [each.payment_status for each in told(portone, 2)] == ["READY", "PAID"]


def test_the_browser_can_come_without_the_webhook(base, portone, merchant):
    switch(base, "webhooks", order="off")
    assert "code" not in pay(base, "approve")
    assert portone.get_payment(payment_id="payment1").webhooks is None
    switch(base, "webhooks", order=None)
    post_cancel(base, {"reason": "x"})
    assert [each.payment_status for each in told(portone, 1)] == ["CANCELLED"]


def test_a_slow_approval_is_told_when_the_api_shows_it(base, portone, merchant, monkeypatch):
    monkeypatch.setattr(attempts, "SLOW_SECONDS", 0.5)
    pay(base, "slow")
    merchant.wait_for_calls(2)
    assert portone.get_payment(payment_id="payment1").paid_at
    assert sorted(types(merchant)) == ["Paid", "Ready"]


# Processes that end


@contextmanager
def sandbox_process(tmp_path, url, **variables):
    """`flask --app portone_sandbox run`. It is killed, not asked to end."""
    environment = {
        **os.environ,
        "SANDBOX_DATABASE": str(tmp_path / "sandbox.db"),
        "SANDBOX_WEBHOOK_URL": url,
        **variables,
    }
    command = [
        sys.executable,
        "-u",
        "-m",
        "flask",
        "--app",
        "portone_sandbox",
        "run",
        "--port",
        "0",
    ]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        try:
            yield next(line.split()[-1] for line in run.stderr if "Running on" in line)
        finally:
            run.kill()


def test_a_webhook_outlives_the_process_between_two_tries(tmp_path, merchant):
    merchant.fault = answer(500)
    with sandbox_process(tmp_path, merchant.url) as base:
        open_window(base)
        merchant.wait_for_calls(1)
        while due(tmp_path) < 0:  # the try is not stored yet
            time.sleep(0.01)
    merchant.fault = None
    let_time_pass(tmp_path)
    with sandbox_process(tmp_path, merchant.url):
        merchant.wait_for_calls(2)
        while due(tmp_path) is not None:
            time.sleep(0.01)
    assert merchant.calls[0][3] == merchant.calls[1][3]


def test_a_webhook_outlives_the_process_that_was_sending_it(tmp_path, merchant):
    merchant.fault = hang
    with sandbox_process(tmp_path, merchant.url) as base:
        open_window(base)
        merchant.wait_for_calls(1)
    merchant.fault = None
    with database(tmp_path) as db:
        ((claimed_until,),) = db.execute("SELECT claimedUntil FROM webhooks")
        assert time.time() < claimed_until <= time.time() + delivery.CLAIM_SECONDS
        db.execute("UPDATE webhooks SET claimedUntil = 1")  # which would take seconds
    with sandbox_process(tmp_path, merchant.url):
        merchant.wait_for_calls(2)


def test_a_command_leaves_the_sending_to_the_server(make_room, tmp_path, merchant):
    """Which is not there while `flask orders` runs, so that a try of it would be in vain."""
    merchant.fault = answer(500)
    client = make_room(merchant.url).test_client()
    client.post(
        "/checkout/", json={"request": payment_request(), "windowType": "IFRAME", "page": ""}
    )
    merchant.wait_for_calls(1)
    while due(tmp_path) < 0:
        time.sleep(0.01)
    script = """
import click, sys, portone_sandbox, threading
@click.command("orders")
def orders():
    app = portone_sandbox.create_app(sys.argv[1], sys.argv[2])
    app.extensions["sandbox"].sender.notify()
    assert threading.active_count() == 1
orders.main([], prog_name="orders")
"""
    run_together(script, [[tmp_path / "sandbox.db", merchant.url]])


SEND_ALL = """
import sys, time
import portone_sandbox

app = portone_sandbox.create_app(sys.argv[1])
with app.extensions["sandbox"].store.reading() as db:
    while db.has_webhooks_to_send():
        time.sleep(0.02)
"""


@pytest.mark.long
def test_several_processes_send_each_webhook_once(make_room, tmp_path, merchant):
    client = make_room().test_client()
    with database(tmp_path) as db:
        db.execute(
            "CREATE TRIGGER later AFTER INSERT ON webhooks BEGIN UPDATE webhooks SET dueAt = 1e11; END"
        )
    for number in range(50):
        wanted = payment_request(paymentId=f"payment{number}", noticeUrls=[merchant.url])
        client.post("/control/payments", json={"request": wanted, "outcome": "approve"})
    let_time_pass(tmp_path)
    run_together(SEND_ALL, [[tmp_path / "sandbox.db"]] * 4)
    ids = [call[2]["webhook-id"] for call in merchant.calls]
    assert len(ids) == len(set(ids)) == 100
    assert {json.loads(call[3])["data"]["paymentId"] for call in merchant.calls} == {
        f"payment{n}" for n in range(50)
    }
