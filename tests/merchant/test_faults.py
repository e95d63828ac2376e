"""What the shop does while PortOne, the network or the database fails: the truth is unknown, and
nothing is lost."""

import base64
import gzip
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

import flask
import pytest
import requests
from sqlalchemy import event, select, text, update
from standardwebhooks import Webhook

from merchant import portone as client
from merchant.models import Order, Payment, PaymentEvent, session
from merchant.rows import now
from portone_sandbox import accounts, channels
from tests.conftest import BUYER, Shop
from tests.databases import (
    impatient_url,
    locked_tables,
    new_database,
    read_only_url,
    sqlite_only,
)
from tests.stand_in import PortOne, answer, drip, hang, record, stall

ROOT = Path(__file__).parents[2]
NO_RECORD = {"type": "PAYMENT_NOT_FOUND", "message": "no such payment"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One shop for all faults: what an earlier one left behind in its connections would show in a
    later test."""
    with PortOne() as portone:
        yield Shop(tmp_path_factory.mktemp("shop"), PORTONE_API_BASE=portone.url), portone


@pytest.fixture
def portone(site):
    _, portone = site
    portone.records.clear()
    portone.calls.clear()
    portone.fault = None
    portone.released.clear()
    yield portone
    portone.released.set()  # lets the calls that still hang end


@pytest.fixture
def shop(site, portone):
    return site[0]


@pytest.fixture
def order(shop):
    return shop.order()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(client, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(client, "READ_SECONDS", 0.1)
    return monkeypatch


@pytest.fixture(autouse=True)
def no_secret_gets_out(caplog):
    """Whatever happens in a test here: no secret is in any answer, page or log line."""
    caplog.set_level("DEBUG")
    texts = []

    def listen(_, response, **__):
        texts.append(str(response.headers) + response.get_data(as_text=True))

    with flask.request_finished.connected_to(listen):
        yield
    texts += [caplog.handler.formatter.format(line) for line in caplog.get_records("call")]
    webhook_key = accounts.WEBHOOK_SECRET.removeprefix("whsec_")
    for secret in (accounts.API_SECRET, webhook_key, base64.b64decode(webhook_key).decode()):
        assert not [text for text in texts if secret[:20] in text]


# How everybody comes in


def complete(shop, order):
    ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
    return shop.app.test_client().post("/payment/complete", json=ids)


def redirect(shop, order):
    query = {"paymentId": order["paymentId"], "code": "FAILURE_TYPE_PG", "message": "declined"}
    return shop.app.test_client().get("/payment-redirect", query_string=query)


def webhook(shop, order):
    body = json.dumps({"type": "Transaction.Paid", "data": {"paymentId": order["paymentId"]}})
    at = datetime.now(timezone.utc)
    signature = Webhook(accounts.WEBHOOK_SECRET).sign("msg_1", at, body)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }
    headers["Content-Type"] = "application/json"
    return shop.app.test_client().post("/payment/webhook", data=body, headers=headers)


def page(shop, order):
    return shop.app.test_client().get(f"/orders/{order['orderId']}")


def retry(shop, order):
    return shop.app.test_client().post(f"/orders/{order['orderId']}/payments", json={})


def place(shop, order=None):
    body = {"productId": "waffle-trainer", "payMethod": "CARD", "windowType": "", "buyer": BUYER}
    return shop.app.test_client().post("/orders", json=body)


WAYS_IN = [complete, redirect, webhook, page, retry]


def assert_error(answer, status, code):
    assert answer.status_code == status, answer.text
    error = answer.json["error"]
    assert (error["code"], error["retryable"]) == (code, status == 503) and error["message"]
    assert answer.headers.get("Retry-After", "").isdigit() == (status == 503)


def assert_paid_once(shop, order):
    assert complete(shop, order).json["status"] == "PAID"
    assert Counter(shop.trail(order))["ORDER_PAID"] == 1
    with shop.app.app_context():
        stored = session.get(Order, order["orderId"])
        assert stored.status == "PAID" and stored.paid_at and stored.fulfilled_at


def assert_withstood(shop, order, status, code):
    """While PortOne fails, everybody is answered as the contract says, and the order is as it
    was."""
    assert_error(complete(shop, order), status, code)
    shown = page(shop, order)
    assert shown.status_code == 200 and 'data-order-status="PENDING"' in shown.text
    assert redirect(shop, order).status_code == 303
    assert_error(webhook(shop, order), status, code)
    assert_error(retry(shop, order), status, code)
    with shop.app.app_context():
        payments = session.scalars(
            select(Payment).where(Payment.order_id == order["orderId"])
        ).all()
        assert [(payment.id, payment.status) for payment in payments] == [
            (order["paymentId"], "PENDING")
        ]
        assert session.get(Order, order["orderId"]).paid_at is None


def assert_well_again(shop, portone, order):
    portone.fault = None
    portone.records[order["paymentId"]] = record(order, "PAID")
    assert_paid_once(shop, order)


# PortOne's answers

READY = b'{"status": "READY"}'
HTML = b"<!doctype html><title>Bad gateway</title><h1>Bad gateway</h1>"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def raw(data):
    """A fault: these bytes, then the end of the connection."""

    def fault(call):
        call.close_connection = True
        call.send(data)

    return fault


def reset(call):
    call.close_connection = True
    call.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def echo(status):
    """A fault: an error page which shows the request's headers, as debugging proxies do."""
    return lambda call: call.answer(status, {"type": "ECHO", "message": str(call.headers)})


UNAVAILABLE = {
    "truncated JSON": answer(200, b'{"status": "PAID", "id": "'),
    "garbled JSON": answer(200, b'\x00\xff\xfe{"status": "READY"]'),
    "a list": answer(200, [{"status": "READY"}]),
    "a string": answer(200, "READY"),
    "null": answer(200, b"null"),
    "NaN": answer(200, b"NaN"),
    "a number of 5,000 digits": answer(200, b"9" * 5_000),
    "a field of 5,000 digits": answer(200, b'{"status": "READY", "new": ' + b"9" * 5_000 + b"}"),
    "lists 100,000 deep": answer(200, b"[" * 100_000),
    "objects 50,000 deep": answer(200, b'{"status":' * 50_000),
    "a field 50,000 deep": answer(
        200, b'{"status": "READY", "new": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    ),
    "an error as 200": answer(200, NO_RECORD),
    "HTML": answer(200, HTML, {"Content-Type": "text/html"}),
    "an empty body": answer(200, b""),
    "no content": answer(204, b""),
    "another success": answer(202, READY),
    "a longer Content-Length": answer(200, READY, {"Content-Length": 1_000}),
    "a shorter Content-Length": answer(200, READY, {"Content-Length": 5}),
    "two Content-Lengths": answer(200, READY, {"Content-Length": "19, 20"}),
    "what is not gzip": answer(200, READY, {"Content-Encoding": "gzip"}),
    "half a gzip": answer(200, gzip.compress(READY)[:15], {"Content-Encoding": "gzip"}),
    "a gzip bomb": answer(200, gzip.compress(b" " * 20_000_000, 1), {"Content-Encoding": "gzip"}),
    "a broken chunk": raw(CHUNKED + b"zz\r\n" + READY),
    "half a chunk": raw(CHUNKED + b"fff\r\n" + READY),
    "a chunk too few": raw(CHUNKED + b"13\r\n" + READY[:-1] + b"\r\n"),
    "no HTTP": raw(b"\x16\x03\x01 SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "a status without a number": raw(b"HTTP/1.1 fine\r\n\r\n{}"),
    "an endless header": raw(HEAD + b"X: " + b"x" * 70_000),
    "200 headers": raw(HEAD + b"X: x\r\n" * 200 + b"\r\n{}"),
    "half a header": raw(HEAD[:30]),
    "an end without an answer": raw(b""),
    "a reset connection": reset,
    "a 404 in HTML": answer(404, HTML, {"Content-Type": "text/html"}),
    "too many requests": answer(
        429, {"type": "TOO_MANY_REQUESTS", "message": "slow down"}, {"Retry-After": "7"}
    ),
    **{
        f"{status} in JSON": answer(status, {"type": "INTERNAL", "message": "?"})
        for status in (500, 502, 503)
    },
    **{
        f"{status} in HTML": answer(status, HTML, {"Content-Type": "text/html"})
        for status in (429, 503, 504)
    },
    "a 500 that knows no payment": answer(500, NO_RECORD),
    "a status of no class": answer(999, {}),
    "an echo": echo(500),
}
REJECTED = {
    "a bad request": answer(400, {"type": "INVALID_REQUEST", "message": "?"}),
    "a wrong secret": answer(401, {"type": "UNAUTHORIZED", "message": "?"}),
    "a wrong store": answer(403, {"type": "FORBIDDEN", "message": "?"}),
    "a wrong secret without a word": answer(401, b""),
    "a wrong store in HTML": answer(403, HTML, {"Content-Type": "text/html"}),
    "a secret that sees no payment": answer(401, NO_RECORD),
    "a bad request for no payment": answer(400, NO_RECORD),
    "a store that is not found": answer(404, {"type": "STORE_NOT_FOUND", "message": "?"}),
    "an echo": echo(403),
}


@pytest.mark.parametrize("fault", UNAVAILABLE)
def test_an_answer_that_is_none_leaves_the_truth_unknown_until_portone_is_well(
    shop, portone, order, fault
):
    portone.fault = UNAVAILABLE[fault]
    assert_withstood(shop, order, 503, "PORTONE_UNAVAILABLE")
    assert_well_again(shop, portone, order)


@pytest.mark.parametrize("fault", REJECTED)
def test_a_refusal_is_reported_and_the_order_waits_until_the_settings_are_right(
    shop, portone, order, fault
):
    portone.fault = REJECTED[fault]
    assert_withstood(shop, order, 502, "PORTONE_REJECTED")
    assert_well_again(shop, portone, order)


def test_a_payment_that_portone_does_not_know_is_pending(shop, portone, order):
    portone.fault = answer(404, NO_RECORD)
    assert complete(shop, order).json["status"] == "PENDING"
    assert webhook(shop, order).status_code == 200
    assert redirect(shop, order).status_code == 303
    assert 'data-order-status="PENDING"' in page(shop, order).text
    assert_well_again(shop, portone, order)


@pytest.mark.parametrize(
    "fault",
    [
        lambda body: answer(200, gzip.compress(body), {"Content-Encoding": "gzip"}),
        lambda body: answer(
            200, body, {"Content-Type": "application/json;charset=UTF-8", "Server": "nginx"}
        ),
        lambda body: answer(200, body, {"Content-Type": None}),
        lambda body: raw(HEAD + b"\r\n" + body),
        lambda body: raw(CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"),
        lambda body: raw(
            b"HTTP/1.1 100 Continue\r\n\r\n"
            + HEAD
            + b"Content-Length: %d\r\n\r\n" % len(body)
            + body
        ),
    ],
    ids=["gzip", "charset", "no type", "until the end", "chunks", "continue"],
)
def test_every_way_of_sending_a_record_is_understood(shop, portone, order, fault):
    portone.fault = fault(json.dumps(record(order, "PAID"), ensure_ascii=False).encode())
    assert_paid_once(shop, order)


def test_a_huge_answer_is_not_read_to_its_end(shop, portone, order):
    size, portone.sent = 10_000_000, 0

    def huge(call):
        call.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        call.close_connection = True
        call.send(HEAD + b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(size // 10_000):
            call.send(b" " * 10_000)

    portone.fault = huge
    assert_withstood(shop, order, 503, "PORTONE_UNAVAILABLE")
    assert portone.sent < 5 * size, "the five look-ups read less than half of it"
    assert_well_again(shop, portone, order)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_secret_stays_here(shop, portone, order, status):
    with PortOne() as elsewhere:
        elsewhere.records[order["paymentId"]] = record(order, "PAID")
        portone.fault = answer(
            status, {}, {"Location": f"{elsewhere.url}/payments/{order['paymentId']}"}
        )
        assert_withstood(shop, order, 503, "PORTONE_UNAVAILABLE")
        assert elsewhere.calls == [] and elsewhere.connections == 0
    assert_well_again(shop, portone, order)


# PortOne's silence; a header that drips is in test_look_ups.py

SILENCE = {
    "before any byte": hang,
    "within the headers": stall(HEAD),
    "within the body": stall(HEAD + b"Content-Length: 100\r\n\r\n" + READY),
    "within a chunk": stall(CHUNKED + b"64\r\n" + READY),
    "a dripping body": drip(HEAD + b"Content-Length: 1000000\r\n\r\n", b" ", 0.02),
    "a dripping end": drip(HEAD + b"\r\n" + READY, b" ", 0.02),
    "dripping chunks": drip(CHUNKED, b"1\r\n \r\n", 0.02),
    "a dripping gzip header": drip(
        HEAD
        + b"Content-Encoding: gzip\r\nContent-Length: 1000000\r\n\r\n\x1f\x8b\x08\x08\0\0\0\0\0\3",
        b"x",
        0.02,
    ),
}


@pytest.mark.parametrize("fault", SILENCE)
def test_waiting_has_an_end_however_little_arrives(shop, portone, order, fault, impatient):
    portone.fault = SILENCE[fault]
    too_long = threading.Timer(
        3, portone.released.set
    )  # so that this test has an end even when it fails
    too_long.start()
    assert_error(complete(shop, order), 503, "PORTONE_UNAVAILABLE")
    assert not portone.released.is_set(), "the limits add up to half a second here"
    too_long.cancel()
    impatient.undo()
    assert_well_again(shop, portone, order)


@pytest.mark.long
def test_an_answer_that_is_slow_in_every_part_has_no_more_time_than_one_that_never_comes(
    shop, portone, order, monkeypatch
):
    monkeypatch.setattr(client, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(client, "READ_SECONDS", 1.5)

    def slow(call):
        call.close_connection = True
        for part in (HEAD + b"Content-Length: 100\r\n\r\n", READY):
            portone.released.wait(1.4)
            call.send(part)
        portone.released.wait()

    portone.fault = slow
    started = time.monotonic()
    assert_error(complete(shop, order), 503, "PORTONE_UNAVAILABLE")
    assert time.monotonic() - started < 2 + 1.5, "the limits, and some time for a slow machine"


def test_silence_leaves_the_truth_unknown_until_portone_is_well(shop, portone, order, impatient):
    portone.fault = hang
    assert_withstood(shop, order, 503, "PORTONE_UNAVAILABLE")
    impatient.undo()
    assert_well_again(shop, portone, order)


@pytest.mark.parametrize("fault", ["nobody listens", "no such host", "no TLS"])
def test_a_portone_that_can_not_be_reached_leaves_the_truth_unknown(
    shop, portone, order, tmp_path, fault
):
    with PortOne() as silent:
        pass
    address = {
        "nobody listens": silent.url,
        "no such host": "http://api.portone.invalid",
        "no TLS": portone.url.replace("http:", "https:"),
    }[fault]
    database = shop.app.config["SQLALCHEMY_DATABASE_URI"]
    cut_off = Shop(tmp_path, PORTONE_API_BASE=address, DATABASE_URL=database)
    assert_withstood(cut_off, order, 503, "PORTONE_UNAVAILABLE")
    assert portone.calls == []
    assert_well_again(shop, portone, order)


# Connections


def test_one_connection_serves_many_look_ups_also_after_faults(shop, portone):
    for fault in [
        answer(500, {}),
        answer(200, b"null"),
        answer(404, NO_RECORD),
        answer(302, {}),
        None,
    ]:
        portone.fault = fault
        complete(shop, shop.order())
    before = portone.connections
    for _ in range(5):
        assert complete(shop, shop.order()).json["status"] == "PENDING"
    assert portone.connections == before


def test_a_portone_that_was_restarted_is_connected_to_again(make_shop):
    portone = PortOne()
    with portone:
        shop = make_shop(PORTONE_API_BASE=portone.url)
        order = shop.order()
        assert complete(shop, order).json["status"] == "PENDING"
    assert_error(complete(shop, order), 503, "PORTONE_UNAVAILABLE")
    with portone:
        assert_well_again(shop, portone, order)


def test_a_connection_that_portone_closed_meanwhile_is_replaced_unnoticed(shop, portone, order):
    assert complete(shop, order).json["status"] == "PENDING"
    portone.cut()
    assert complete(shop, order).json["status"] == "PENDING"


@pytest.mark.database
@pytest.mark.parametrize("way_in", WAYS_IN)
def test_no_database_connection_is_held_while_portone_is_asked(shop, portone, order, way_in):
    portone.fault = hang
    with shop.app.app_context():
        engine = shop.app.extensions["sqlalchemy"].engine
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(way_in, shop, order)
        portone.wait_for_calls(1)
        assert engine.pool.checkedout() == 0
        pool.submit(write, engine, order).result(timeout=5)
        assert place(shop).status_code == 201
        assert not waiting.done()
        portone.released.set()
        assert waiting.result().status_code < 400


@pytest.mark.database
def test_no_database_connection_is_held_while_an_amount_is_pre_registered(make_shop):
    with PortOne() as portone, ThreadPoolExecutor(1) as pool:
        shop = make_shop(PORTONE_API_BASE=portone.url, PORTONE_PRE_REGISTER="1")
        with shop.app.app_context():
            engine = shop.app.extensions["sqlalchemy"].engine
        portone.fault = hang
        waiting = pool.submit(place, shop)
        portone.wait_for_calls(1)
        assert engine.pool.checkedout() == 0 and not waiting.done()
        portone.released.set()
        assert waiting.result().status_code == 201


def write(engine, order):
    """What anybody else may do meanwhile: write, even to this order and this payment."""
    with engine.begin() as connection:
        connection.execute(
            update(Order).where(Order.id == order["orderId"]).values(product_id="waffle-trainer")
        )
        connection.execute(
            update(Payment).where(Payment.id == order["paymentId"]).values(asked_at=now())
        )


# PortOne's records

TEXTS = {
    "NUL": "a\0b",
    "half a character": "\ud800",
    "10,000 letters": "x" * 10_000,
    "markup": "<script>alert(1)",
}
TIMES = {
    "before all time": "0001-01-01T00:00:00+14:00",
    "after all time": "9999-12-31T23:59:59-14:00",
    "of no calendar": "2026-13-41T25:61:61Z",
}
POISON = {
    **TEXTS,
    **TIMES,
    "a text": "".join(TEXTS.values()),
    "a control character": "a\r\nb\x1b[31m",
    "a huge number": 10**30,
    "a negative number": -1,
    "a fraction": 1000.5,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "null": None,
    "true": True,
    "a list": ["x"],
    "an object": {"x": "\0"},
}
SOME = ["a text", "a huge number"]
VERIFIED = ["id", "storeId", "currency", "orderName", "promotionId", "channel", "channel.key"]
VERIFIED += ["amount", "amount.total", TAX_FREE := "amount.taxFree"]
FIELDS = [  # what is spoilt together
    *(("PAID", [name]) for name in [*VERIFIED, "updatedAt"]),
    ("PAID", ["channel.type", "amount.paid", "paidAt", "method", "disputes", "new"]),
    *(("PARTIAL_CANCELLED", [name]) for name in ("amount.cancelled", "cancellations")),
    *(("CANCELLED", [name]) for name in ("amount.cancelled", "cancelledAt", "paidAt")),
    ("CANCELLED", ["amount.cancelledTaxFree", "cancellations"]),
    ("PARTIAL_CANCELLED", ["amount.discount", "amount.cancelledTaxFree"]),
    ("FAILED", ["failure"]),
    ("FAILED", ["failure.reason", "failure.pgMessage", "id", "amount", "failedAt"]),
    ("READY", ["id", "storeId", "channel", "amount", "currency", "orderName", "updatedAt"]),
    ("VIRTUAL_ACCOUNT_ISSUED", ["method"]),
    ("VIRTUAL_ACCOUNT_ISSUED", ["method.bank", "method.accountNumber", "method.remitteeName"]),
    ("VIRTUAL_ACCOUNT_ISSUED", ["method.expiredAt"]),
]
OPTIONAL = {
    ("channel", "an object"),
    *((name, "null") for name in ("promotionId", "channel", "channel.key", TAX_FREE)),
}


def spoilt(order, status, names, value):
    spoilt_record = record(order, status)
    for name in names:
        where, _, inner = name.rpartition(".")
        (spoilt_record[where] if where else spoilt_record)[inner] = value
    return spoilt_record


@pytest.mark.database
@pytest.mark.parametrize(
    "poisons", [SOME, pytest.param(POISON, marks=pytest.mark.long)], ids=["some", "all"]
)
@pytest.mark.parametrize(("status", "names"), FIELDS)
def test_anything_in_a_field_is_answered_and_never_paid_for_something_else(
    shop, portone, status, names, poisons
):
    for poison in [*poisons, *(TIMES if names[0].endswith("At") else ())]:
        order = shop.order()
        portone.records[order["paymentId"]] = spoilt(order, status, names, POISON[poison])
        response = complete(shop, order)
        assert response.status_code in {200, 400, 503}, (poison, response.text)
        is_known = response.status_code == 200
        assert is_known or response.json["error"]["code"] in {
            "PAYMENT_MISMATCH",
            "PORTONE_UNAVAILABLE",
        }
        if status == "PAID" and names[0] in VERIFIED and (names[0], poison) not in OPTIONAL:
            assert not is_known, poison
        assert is_known or status not in {"READY", "FAILED"}, poison
        shown = page(shop, order)
        assert shown.status_code == 200 and "<script>alert" not in shown.text, poison
    if "updatedAt" not in names and status in {"PAID", "READY", "FAILED"}:
        assert_well_again(shop, portone, order)


@pytest.mark.parametrize(
    "field", ["status", "id", "storeId", "currency", "orderName", "amount", "amount.total"]
)
def test_a_paid_record_that_lacks_a_field_is_not_an_answer(shop, portone, order, field):
    spoilt_record = record(order, "PAID")
    where, _, inner = field.rpartition(".")
    del (spoilt_record[where] if where else spoilt_record)[inner]
    portone.fault = answer(200, spoilt_record)
    assert_withstood(shop, order, 503, "PORTONE_UNAVAILABLE")
    assert_well_again(shop, portone, order)


@pytest.mark.parametrize("status", [None, 7, True, [], {}, ["PAID"]])
def test_a_status_that_is_no_text_is_not_an_answer(shop, portone, order, status):
    portone.fault = answer(200, {**record(order, "PAID"), "status": status})
    assert_withstood(shop, order, 503, "PORTONE_UNAVAILABLE")
    assert_well_again(shop, portone, order)


@pytest.mark.database
@pytest.mark.parametrize("status", ["TELEPORTED", "", "paid", "PAID ", *TEXTS.values(), "결제됨"])
def test_a_status_that_we_do_not_know_is_pending(shop, portone, order, status):
    portone.records[order["paymentId"]] = record(order, status)
    assert complete(shop, order).json["status"] == "PENDING"
    assert webhook(shop, order).status_code == 200
    shown = page(shop, order)
    assert 'data-order-status="PENDING"' in shown.text and "<script>alert" not in shown.text
    assert len(shown.text) < 20_000, "the trail keeps no more of it than a name's length"
    assert_well_again(shop, portone, order)


def test_new_fields_and_new_values_change_nothing(shop, portone, order):
    spoilt_record = record(order, "PAID", hologram={"deep": [1, None]}, version="V3")
    spoilt_record["channel"] |= {"type": "TEST", "pgProvider": "MOON_BANK", "orbit": 7}
    spoilt_record["amount"] |= {"tip": 0}
    spoilt_record["method"] = {"type": "PaymentMethodTelepathy", "thought": "x"}
    portone.records[order["paymentId"]] = spoilt_record
    assert_paid_once(shop, order)


def test_a_channel_type_that_we_do_not_know_is_not_live(make_shop):
    with PortOne() as portone:
        shop = make_shop(PORTONE_API_BASE=portone.url, PORTONE_ALLOW_TEST="0")
        for type in ["TEST", "SHADOW", "live", "", None, True, ["LIVE"]]:
            order = shop.order()
            portone.records[order["paymentId"]] = spoilt(order, "PAID", ["channel.type"], type)
            assert complete(shop, order).json["error"]["reasons"] == ["TEST_CHANNEL"], type


# Too many questions


def test_look_ups_of_one_payment_are_bounded_and_others_go_on(shop, portone, order):
    started = time.monotonic()
    answers = [complete(shop, order) for _ in range(200)]
    minutes = (
        1 + int(time.monotonic() // 60) - int(started // 60)
    )  # by the clock, so a test may touch two of them
    assert len(portone.calls) <= 60 * minutes
    assert sum(response.status_code == 200 for response in answers) == len(portone.calls) > 0
    for response in answers:
        assert response.status_code == 200 or not assert_error(response, 503, "PORTONE_UNAVAILABLE")
    trail = Counter(shop.trail(order))
    assert set(trail) <= {
        "ORDER_CREATED",
        "ATTEMPT_OPENED",
        "SDK_RETURNED",
        "LOOKED_UP",
        "LOOK_UP_FAILED",
    }
    assert max(trail.values()) == 1
    assert_well_again(shop, portone, shop.order())


# Ids that are none

STRANGE = [
    "../payments",
    "..",
    "/",
    "a/b",
    "%2e%2e",
    "%2F",
    "?",
    "a?b",
    "a#b",
    "\n",
    "\0",
    "a\0b",
    " ",
    "x" * 10_000,
]
STRANGE += [
    "결제",
    "０" * 32,
    "A" * 32,
    "\u202e",
    "' OR 1=1 --",
    "0" * 31,
    "0" * 33,
    "0" * 32,
    "0" * 32 + "\n",
]


@pytest.mark.parametrize("id", [*STRANGE, "\ud800"])
def test_an_id_that_is_none_is_never_sent_to_portone(shop, portone, order, id):
    assert_error(complete(shop, {**order, "paymentId": id}), 404, "PAYMENT_NOT_FOUND")
    assert_error(complete(shop, {**order, "orderId": id}), 404, "ORDER_NOT_FOUND")
    assert webhook(shop, {**order, "paymentId": id}).status_code == 200
    assert portone.calls == []


@pytest.mark.parametrize("id", STRANGE)
def test_an_id_that_is_none_in_an_address_is_never_sent_to_portone(shop, portone, id):
    client = shop.app.test_client()
    for name, query in [
        ("paymentId", id),
        ("payment_id", quote(id, safe="")),
        ("paymentId", quote(quote(id))),
    ]:
        environ = {"QUERY_STRING": f"{name}={query}".encode().decode("latin-1")}  # as WSGI has it
        response = client.get("/payment-redirect", environ_overrides=environ)
        assert response.status_code in {400, 404} and "text/html" in response.content_type
    address = f"/orders/{quote(id, safe='')}"
    assert client.get(address).status_code in {308, 404, 405}
    assert client.post(f"{address}/payments", json={}).status_code in {308, 404, 405}
    assert portone.calls == []


# The database


@contextmanager
def locked(shop, folder):
    """Another process writes to the database, and takes its time."""
    with locked_tables(folder, *(model.__tablename__ for model in (Order, Payment, PaymentEvent))):
        yield shop


@contextmanager
def read_only(shop, folder):
    """The file may not be written, or the server has become one that only follows another."""
    api_base = shop.app.config["PORTONE_API_BASE"]
    yield Shop(folder, PORTONE_API_BASE=api_base, DATABASE_URL=read_only_url(folder))


@contextmanager
def full(shop, folder):
    """The disk is full: the file may not grow, and its pages have no room left for a row of any
    table."""
    with shop.app.app_context():
        engine = shop.app.extensions["sqlalchemy"].engine
    with engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()

    def limit(connection, _):
        connection.execute(f"PRAGMA max_page_count={pages}")

    engine.dispose()
    event.listen(engine, "connect", limit)
    yield shop
    event.remove(engine, "connect", limit)
    engine.dispose()


@pytest.fixture
def fragile(tmp_path, monkeypatch):
    """A shop that waits for a lock only a moment, the folder of its database, and its PortOne."""

    def ship(order):
        session.add(
            PaymentEvent(
                order_id=order.id, payment_id=order.payment_id, event="SHIPPED", source="shop"
            )
        )

    monkeypatch.setattr("merchant.fulfilment.fulfil", ship)
    with PortOne() as portone:
        yield (
            Shop(tmp_path, PORTONE_API_BASE=portone.url, DATABASE_URL=impatient_url(tmp_path)),
            tmp_path,
            portone,
        )


def assert_whole(shop):
    """Every order has its attempt and the beginning of its trail, and nothing is there without its
    order."""
    with shop.app.app_context():
        orders = {order.id: order.payment_id for order in session.scalars(select(Order))}
        payments = {payment.order_id: payment.id for payment in session.scalars(select(Payment))}
        trail = Counter(session.execute(select(PaymentEvent.order_id, PaymentEvent.event)).all())
    assert orders == payments
    assert set(trail.values()) <= {1} and {id for id, _ in trail} == set(orders)
    assert all(trail[id, name] for id in orders for name in ("ORDER_CREATED", "ATTEMPT_OPENED"))


def assert_all_can_be_paid(shop, portone, orders):
    for order in orders:
        portone.records[order["paymentId"]] = record(order, "PAID")
        assert_paid_once(shop, order)
        assert Counter(shop.trail(order))["SHIPPED"] == 1
    assert_whole(shop)


@pytest.mark.database
@pytest.mark.parametrize("fault", [locked, read_only])
def test_a_database_that_can_not_be_written_is_reported_and_nothing_is_half_done(
    fragile, fault, caplog
):
    shop, folder, portone = fragile
    order, paid = shop.order(), shop.order()
    assert_all_can_be_paid(shop, portone, [paid])
    portone.records[order["paymentId"]] = record(order, "PAID")
    with fault(shop, folder) as broken:
        for way_in in [place, complete, webhook, retry]:
            assert_error(way_in(broken, order), 503, "DATABASE_UNAVAILABLE")
        for way_in in [redirect, page]:
            response = way_in(broken, order)
            assert response.status_code == 503 and "text/html" in response.content_type
        assert_whole(shop)
        assert 'data-order-status="PAID"' in page(broken, paid).text, (
            "what is paid can still be shown"
        )
        assert broken.client.get("/").status_code == 200
    assert "the database failed" in caplog.text
    assert BUYER["email"] not in caplog.text, "the buyer is nobody's business who reads the log"
    assert_all_can_be_paid(shop, portone, [order])


@sqlite_only
@pytest.mark.parametrize("way_in", [place, complete, webhook])
def test_a_full_disk_is_reported_and_nothing_is_half_done(fragile, way_in):
    shop, folder, portone = fragile
    orders = [shop.order() for _ in range(12)]
    for order in orders:
        portone.records[order["paymentId"]] = record(order, "PAID")
    with full(shop, folder):
        answers = [way_in(shop, order) for order in orders]
        for response in answers:
            assert response.status_code in {200, 201} or not assert_error(
                response, 503, "DATABASE_UNAVAILABLE"
            )
        assert 503 in [response.status_code for response in answers]
        assert_whole(shop)
    orders += [response.json for response in answers if response.status_code == 201]
    assert_all_can_be_paid(shop, portone, orders)


# A real server


@contextmanager
def gunicorn(folder, portone, **settings):
    """The shop as README runs it: one worker, four threads, a real account. Gives its address."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PORTONE_", "DATABASE_"))
    }
    env |= {
        "PORTONE_STORE_ID": accounts.STORE_ID,
        "PORTONE_CHANNEL_KEY": next(iter(channels.CHANNELS)),
    }
    env |= {
        "PORTONE_API_SECRET": accounts.API_SECRET,
        "PORTONE_API_BASE": portone.url,
        "PORTONE_ALLOW_TEST": "1",
    }
    env |= {"DATABASE_URL": new_database(folder), **settings}
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "wsgi:app",
            "-k",
            "gthread",
            "-w",
            "1",
            "--threads",
            "4",
        ]
        command += ["-b", f"fd://{listener.fileno()}"]
        with open(folder / "gunicorn.log", "wb") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=env,
                pass_fds=[listener.fileno()],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.terminate()
            process.wait(30)
    log = (folder / "gunicorn.log").read_text()
    assert accounts.API_SECRET not in log and "Traceback" not in log, log


def post(url, body):
    return requests.post(url, json=body, timeout=60)


def order_and_ids(url):
    body = {"productId": "waffle-trainer", "payMethod": "CARD", "windowType": "", "buyer": BUYER}
    order = post(f"{url}/orders", body).json()
    return order, {"orderId": order["orderId"], "paymentId": order["paymentId"]}


@pytest.mark.long
def test_a_site_whose_threads_all_wait_for_portone_answers_again_in_time(tmp_path):
    with PortOne() as portone, gunicorn(tmp_path, portone) as url, ThreadPoolExecutor(4) as pool:
        orders = [order_and_ids(url) for _ in range(5)]
        portone.fault = hang
        waiting = [pool.submit(post, f"{url}/payment/complete", ids) for _, ids in orders[:4]]
        portone.wait_for_calls(4)
        assert requests.get(f"{url}/", timeout=13 + 10).status_code == 200
        for response in waiting:
            response = response.result()
            assert (response.status_code, response.headers["Retry-After"].isdigit()) == (503, True)
            assert (response.json()["error"]["code"], response.json()["error"]["retryable"]) == (
                "PORTONE_UNAVAILABLE",
                True,
            )
        portone.fault = None
        for order, ids in orders:
            portone.records[order["paymentId"]] = record(order, "PAID")
            assert post(f"{url}/payment/complete", ids).json()["status"] == "PAID"


@pytest.mark.long
def test_a_bound_on_look_ups_keeps_a_thread_for_the_pages(tmp_path):
    settings = {"PORTONE_MAX_LOOKUPS": "3"}
    with (
        PortOne() as portone,
        gunicorn(tmp_path, portone, **settings) as url,
        ThreadPoolExecutor(3) as pool,
    ):
        orders = [order_and_ids(url) for _ in range(4)]
        portone.fault = hang
        waiting = [pool.submit(post, f"{url}/payment/complete", ids) for _, ids in orders[:3]]
        portone.wait_for_calls(3)
        assert requests.get(f"{url}/", timeout=60).status_code == 200
        assert (
            post(f"{url}/payment/complete", orders[3][1]).json()["error"]["code"]
            == "PORTONE_UNAVAILABLE"
        )
        assert not any(response.done() for response in waiting), (
            "all this while PortOne still hangs"
        )
        portone.released.set()
        assert {response.result().json()["status"] for response in waiting} == {"PENDING"}
