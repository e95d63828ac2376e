"""The payment window: what opens it, what happens in it, and the way back to the merchant."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from portone_server_sdk import payment as shapes
from werkzeug.middleware.dispatcher import DispatcherMiddleware

import portone_sandbox
from tests.portone_sandbox.client import (
    choose,
    open_window,
    pay,
    payment_request,
    post_cancel,
)

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


@pytest.mark.parametrize("first", ["issue", "pend", "cancelled"])
def test_an_older_window_can_not_pay_what_another_attempt_has_taken(base, portone, first):
    """The other attempt has a virtual account, waits for its PG, or was refunded."""
    method = {"payMethod": "VIRTUAL_ACCOUNT"} if first == "issue" else {}
    older, newer = open_window(base).json(), open_window(base, **method).json()
    choose(base, newer["url"], "approve" if first == "cancelled" else first)
    if first == "cancelled":
        post_cancel(base, {"reason": "x"})
    before = portone.get_payment(payment_id="payment1")
    choose(base, older["url"], "approve")
    late = requests.post(f"{base}{older['url']}/close", timeout=10).json()["result"]
    assert late["pgCode"] == "ALREADY_PROCESSED_PAYMENT"
    assert portone.get_payment(payment_id="payment1") == before


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


def test_no_browser_keeps_a_window_and_shows_it_as_open_after_its_end(base):
    opened = open_window(base)
    url = opened.json()["url"]
    kept = [opened, requests.get(f"{base}{url}", timeout=10), choose(base, url, "approve")]
    kept += [requests.get(f"{base}{url}{page}", timeout=10) for page in ("", "/done")]
    assert {each.headers.get("Cache-Control") for each in kept} == {"no-store"}


@pytest.mark.parametrize("name", ["window.js", "keypad.js", "sandbox.css"])
def test_a_window_does_not_ask_again_for_a_file_that_the_last_one_had(base, name):
    """Chromium would let it wait for a popup that was closed while it asked for the same file."""
    answer = requests.get(f"{base}/static/{name}", timeout=10)
    assert "max-age=60" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("outcome", ["approve", "decline"])
def test_a_redirect_carries_the_result(base, outcome):
    url = open_window(
        base, "REDIRECTION", redirectUrl="http://shop.test/back?order=7&empty="
    ).json()["url"]
    left = choose(base, url, outcome)
    assert left.status_code == 303
    assert left.headers["Location"].startswith("http://shop.test/back?order=7&empty=&")
    query = {
        name: values[0]
        for name, values in parse_qs(urlsplit(left.headers["Location"]).query).items()
    }
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
    session.mount(portone_sandbox.API_BASE, portone_sandbox.SandboxAdapter(mounted))
    url = open_window(f"{portone_sandbox.API_BASE}/sandbox", http=session).json()["url"]
    assert url.startswith("/sandbox/checkout/")
    for path in (url, f"{url}/buyer", "/sandbox/", "/sandbox/console/payments/payment1"):
        page = session.get(portone_sandbox.API_BASE + path).text
        links = re.findall(r'(?:href|src|action)="(/[^"]*)"', page)
        assert links
        assert all(link.startswith("/sandbox/") for link in links)
        assert all(
            session.get(portone_sandbox.API_BASE + link).status_code in (200, 405) for link in links
        )


@pytest.mark.parametrize(
    ("sent", "origin"),
    [
        ({"Origin": "https://shop.example"}, "https://shop.example"),
        ({"Origin": "null"}, "*"),  # a page from a file, to which no message can be addressed
        ({}, "http://localhost"),
    ],
)
def test_the_result_is_addressed_to_the_page_that_opened_the_window(room, sent, origin):
    client = room.test_client()
    body = {"request": payment_request(), "windowType": "IFRAME", "page": ""}
    url = client.post("/checkout/", json=body, headers=sent).json["url"]
    assert f'data-origin="{origin}"' in client.get(url).text
