"""The sender of webhooks: resets, slow receivers, several processes, TLS, proxies."""

import json
import ssl
import subprocess
import time
from contextlib import contextmanager

import pytest
import requests

from portone_sandbox import delivery
from tests.portone_sandbox.client import choose, open_window, pay, payment_request
from tests.stand_in import PortOne as Server
from tests.stand_in import answer, hang


@pytest.fixture(autouse=True)
def looking_often(monkeypatch):
    monkeypatch.setattr(delivery, "POLL_SECONDS", 0.02)


def stored(room, payment_id="payment1"):
    """The payment's webhooks and when each is due."""
    with room.extensions["sandbox"].store.reading() as db:
        return db.list_webhooks(payment_id)


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def make_due(room):
    with room.extensions["sandbox"].store.writing() as db:
        db.connection.execute("UPDATE webhooks SET dueAt = 1 WHERE dueAt IS NOT NULL")


def tries(room):
    return [len(webhook["deliveries"]) for webhook, _ in stored(room)]


def order(client, payment_id="payment1", **changes):
    body = {"request": payment_request(paymentId=payment_id, **changes), "outcome": "approve"}
    assert client.post("/control/payments", json=body).status_code == 200


# A reset


def test_what_was_being_sent_before_a_reset_changes_nothing_after_it(room, base, merchant):
    merchant.fault = hang
    open_window(base, orderName="before")
    merchant.wait_for_calls(1)
    requests.post(f"{base}/control/reset", timeout=10)
    merchant.fault = answer(500)
    open_window(base, orderName="after")
    wait_until(lambda: tries(room) == [1])
    ((_, due_at),) = stored(room)
    merchant.released.set()  # the late answer, which is a success
    wait_until(lambda: not room.extensions["sandbox"].sender._jobs())
    ((webhook, due_after),) = stored(room)
    assert (webhook["status"], due_after) == ("FAILED_NOT_OK_RESPONSE", due_at)
    assert len(webhook["deliveries"]) == 1 and len(merchant.calls) == 2
    assert len({call[2]["webhook-id"] for call in merchant.calls}) == 2


def test_a_window_of_before_a_reset_is_not_one_of_after_it(base):
    before = open_window(base).json()
    requests.post(f"{base}/control/reset", timeout=10)
    after = open_window(base).json()
    assert before["txId"] != after["txId"]
    assert choose(base, before["url"], "approve").status_code == 404


def test_two_new_sandboxes_make_the_same_ids(make_room):
    """Also after a reset of each."""
    made = []
    for name in ("one.db", "other.db"):
        room = make_room(name=name)
        client, store, ids = room.test_client(), room.extensions["sandbox"].store, []
        for _ in range(2):
            order(client)
            with store.reading() as db:
                ids += [each["txId"] for each in db.list_checkouts("payment1")]
            client.post("/control/reset")
        made.append(ids)
    assert made[0] == made[1] and len(set(made[0])) == 2


# Sent again by hand


@pytest.mark.parametrize("first", [None, answer(500)], ids=["succeeded", "waits for its next try"])
def test_a_resend_that_fails_starts_no_other_and_moves_none(room, base, portone, merchant, first):
    merchant.fault = first
    open_window(base)
    wait_until(lambda: tries(room) == [1])
    ((_, due_at),) = stored(room)
    assert (due_at is None) is (first is None)
    merchant.fault = answer(500)
    for _ in range(2):
        sent = portone.resend_webhook(payment_id="payment1").webhook
        assert sent.status == "FAILED_NOT_OK_RESPONSE"
        assert stored(room)[0][1] == due_at
    assert len(merchant.calls) == 3


def test_a_resend_that_fails_after_the_last_try_leaves_it_at_that(room, base, portone, merchant):
    merchant.fault = answer(500)
    open_window(base)
    for number in range(1, 6):
        wait_until(lambda number=number: tries(room) == [number])
        make_due(room)
    wait_until(lambda: tries(room) == [6])
    portone.resend_webhook(payment_id="payment1")
    ((webhook, due_at),) = stored(room)
    assert (len(webhook["deliveries"]), due_at) == (7, None)


def test_a_resend_is_not_one_of_the_six_tries(room, base, portone, merchant):
    merchant.fault = answer(500)
    open_window(base)
    wait_until(lambda: tries(room) == [1])
    portone.resend_webhook(payment_id="payment1")
    make_due(room)
    wait_until(lambda: tries(room) == [3])
    assert 3 * 60 < stored(room)[0][1] - time.time() <= 4 * 60, "the second pause"


def test_a_resend_that_succeeds_ends_the_schedule(room, base, portone, merchant):
    merchant.fault = answer(500)
    open_window(base)
    wait_until(lambda: tries(room) == [1])
    merchant.fault = None
    assert portone.resend_webhook(payment_id="payment1").webhook.status == "SUCCEEDED"
    assert stored(room)[0][1] is None


def test_a_resend_while_a_try_is_under_way_follows_it(room, base, portone, merchant, monkeypatch):
    monkeypatch.setattr(delivery, "WAIT_SECONDS", 0)
    merchant.fault = hang
    open_window(base)
    merchant.wait_for_calls(1)
    portone.resend_webhook(payment_id="payment1")
    assert len(merchant.calls) == 1
    merchant.fault = answer(500)
    merchant.released.set()
    wait_until(lambda: tries(room) == [2])
    ((webhook, due_at),) = stored(room)
    assert [each["trigger"] for each in webhook["deliveries"]] == [None, "MANUAL"]
    assert [each["status"][:6] for each in webhook["deliveries"]] == ["SUCCEE", "FAILED"]
    assert due_at is None


def test_two_resends_at_once_leave_the_schedule_too(room, base, portone, merchant, monkeypatch):
    monkeypatch.setattr(delivery, "WAIT_SECONDS", 0)
    merchant.fault = answer(500)
    open_window(base)
    wait_until(lambda: tries(room) == [1])
    ((_, due_at),) = stored(room)
    merchant.fault = hang_and_fail
    portone.resend_webhook(payment_id="payment1")
    merchant.wait_for_calls(2)
    portone.resend_webhook(payment_id="payment1")
    merchant.released.set()
    wait_until(lambda: tries(room) == [3])
    assert stored(room)[0][1] == due_at
    assert len(merchant.calls) == 3


def hang_and_fail(call):
    call.portone.released.wait()
    call.answer(500, b"")


# Slow receivers, and several processes


def test_a_receiver_that_hangs_takes_no_place_from_another(room, base, merchant):
    with Server() as slow:
        slow.fault = hang
        for number in range(delivery.MAX_PARALLEL + 6):
            open_window(base, paymentId=f"slowly{number}", noticeUrls=[f"{slow.url}/{number}"])
        slow.wait_for_calls(delivery.MAX_PARALLEL_TO_ONE)
        pay(base, "approve")
        merchant.wait_for_calls(2)
        assert len(slow.calls) == delivery.MAX_PARALLEL_TO_ONE
        slow.fault = None
        slow.released.set()
        slow.wait_for_calls(delivery.MAX_PARALLEL + 6)


def claimed_until(room):
    with room.extensions["sandbox"].store.reading() as db:
        return db.row("SELECT claimedUntil FROM webhooks")["claimedUntil"]


def test_a_long_try_is_not_taken_over(make_room, merchant, monkeypatch):
    monkeypatch.setattr(delivery, "CLAIM_SECONDS", 1)
    monkeypatch.setattr(delivery, "RENEW_SECONDS", 0.1)
    merchant.fault = hang
    room = make_room(merchant.url)
    order(room.test_client())
    merchant.wait_for_calls(2)
    other = make_room(merchant.url)
    other.extensions["sandbox"].sender.notify()
    first = claimed_until(room)
    wait_until(lambda: claimed_until(room) > first + 1.5)  # longer than one claim holds
    assert len(merchant.calls) == 2


def test_the_webhooks_of_a_process_that_died_are_sent_within_seconds(make_room, merchant):
    """A process that was killed renews no claim, and stores no result."""
    assert delivery.CLAIM_SECONDS < 10
    room = make_room()
    order(room.test_client(), noticeUrls=[merchant.url])
    merchant.wait_for_calls(2)
    wait_until(lambda: tries(room) == [1, 1])
    with room.extensions["sandbox"].store.writing() as db:
        (webhook, _), *_ = db.list_webhooks("payment1")
        db.save_webhook(webhook, due_at=1)
        db.claim_webhook(webhook["id"], "of a dead process", until=time.time() + 0.5)
    other = make_room()
    merchant.wait_for_calls(3)
    wait_until(lambda: tries(other) == [2, 1])


def test_a_try_that_has_ended_is_claimed_by_nobody(room, base, merchant):
    merchant.fault = answer(500)
    open_window(base)
    wait_until(lambda: tries(room) == [1])
    with room.extensions["sandbox"].store.reading() as db:
        row = db.row("SELECT claim, claimedUntil FROM webhooks")
    assert tuple(row) == (None, None)


def test_who_lost_a_claim_stores_nothing(room, base, merchant):
    merchant.fault = hang
    open_window(base)
    merchant.wait_for_calls(1)
    sandbox = room.extensions["sandbox"]
    with sandbox.store.writing() as db:
        ((webhook, _),) = db.list_webhooks("payment1")
        db.claim_webhook(webhook["id"], "another's", until=time.time() + 60)
    merchant.released.set()
    wait_until(lambda: not sandbox.sender._jobs())
    assert tries(room) == [0]
    with sandbox.store.reading() as db:
        assert db.find_claimed_webhook("another's") is not None


# TLS and proxies


@contextmanager
def tls_server(folder):
    """A merchant's server whose certificate a CA of its own has signed: `ca.pem`."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new_key = ("-newkey", "rsa:2048", "-nodes", "-days", "2")
    own_ca = ("-subj", "/CN=Own CA", "-addext", "keyUsage = critical, keyCertSign, cRLSign")
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", *own_ca)
    # Python is strict about these since 3.13.
    (folder / "names").write_text(
        "subjectAltName = IP:127.0.0.1\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
    )
    request = ("-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=shop")
    openssl("req", *new_key[:3], *request)
    ca = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
    openssl("x509", "-req", "-in", "request.pem", *ca, "-days", "2", "-out", "cert.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with Server() as server:
        server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
        server.url = server.url.replace("http:", "https:")
        yield server


@pytest.fixture(scope="module")
def tls_merchant(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    with tls_server(folder) as server:
        server.ca = str(folder / "ca.pem")
        yield server


@pytest.mark.parametrize(
    ("variable", "status"),
    [
        ("SANDBOX_WEBHOOK_CA", "SUCCEEDED"),
        ("REQUESTS_CA_BUNDLE", "SUCCEEDED"),
        (None, "FAILED_UNEXPECTED_ERROR"),
    ],
)
def test_a_receiver_with_a_private_ca(make_room, tls_merchant, monkeypatch, variable, status):
    for name in ("SANDBOX_WEBHOOK_CA", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, tls_merchant.ca)
    room = make_room(tls_merchant.url)
    order(room.test_client())
    wait_until(lambda: tries(room) == [1, 1])
    assert [webhook["status"] for webhook, _ in stored(room)] == [status] * 2


def test_a_ca_that_is_not_there_is_named_at_the_start(make_room, monkeypatch, tmp_path):
    monkeypatch.setenv("SANDBOX_WEBHOOK_CA", str(tmp_path / "missing.pem"))
    with pytest.raises(ValueError, match="SANDBOX_WEBHOOK_CA must be .* not .*missing.pem"):
        make_room()


def test_a_proxy_of_the_environment_is_not_used(make_room, merchant, monkeypatch):
    with Server() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        order(make_room(merchant.url).test_client())
        merchant.wait_for_calls(2)
        assert proxy.calls == []
        assert {json.loads(call[3])["type"] for call in merchant.calls} == {
            "Transaction.Ready",
            "Transaction.Paid",
        }
