"""A visitor pays: the real site in its own process, and a real Chromium."""

import os
import re
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from sqlalchemy import create_engine, select

from merchant.models import Order, Payment
from tests.browser import sync_api
from tests.conftest import new_database

expect = sync_api().expect
pytestmark = pytest.mark.browser

ROOT = Path(__file__).parent.parent
START_SECONDS = 20
# Empty rather than absent, so that a developer's own .env does not fill them in.
UNSET = (
    "PORTONE_STORE_ID", "PORTONE_CHANNEL_KEY", "PORTONE_API_SECRET", "PORTONE_ALLOW_TEST", "PORTONE_WEBHOOK_SECRET",
    "PORTONE_NOTICE_URL", "PORTONE_API_BASE", "PORTONE_SDK_URL", "PORTONE_CONSOLE_URL", "PORTONE_PAY_METHODS",
    "PORTONE_PRE_REGISTER", "PORTONE_MAX_LOOKUPS", "PUBLIC_URL",
)  # fmt: skip
FINAL_STATUS = {"approve": "PAID", "decline": "FAILED", "cancel": "FAILED"}


# The site and the browser


class Site:
    """The running site: its address, and its database to look into."""

    def __init__(self, url, database):
        self.url, self.engine = url, create_engine(database)

    def values(self, column, condition):
        with self.engine.connect() as connection:
            return connection.scalars(select(column).where(condition)).all()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    database = new_database(folder)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PORTONE_", "FLASK_"))}
    environment |= dict.fromkeys(UNSET, "")
    environment |= {
        "PORTONE_SANDBOX": "1",
        "DATABASE_URL": database,
        "SANDBOX_DATABASE": str(folder / "sandbox.db"),
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "run", "--port", str(port)]
    log = folder / "log"
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(url, server, log)
        yield Site(url, database)
    finally:
        server.terminate()
        server.wait(10)


def wait_until_up(url, server, log):
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urlopen(url, timeout=5) as answer:
                assert answer.status == 200
                return
        except URLError:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the site did not start:\n{log.read_text()}")


@pytest.fixture
def visit(new_context, site):
    """visit(device=None, **options) -> the order page in a browser of its own. No script may fail in it."""

    def visit(device=None, **options):
        page = new_context(device, base_url=site.url, **{"locale": "en-US", **options}).new_page()
        page.goto("/")
        page.fill("[name=buyerEmail]", new_email())
        return page

    return visit


@pytest.fixture
def page(visit):
    return visit()


# What a visitor does


def new_email():
    """One per order page: its rows in the database are found by it."""
    return f"{uuid.uuid4().hex}@example.com"


def order(page, window_type="", method="CARD"):
    """Fill in the order page and press Pay."""
    page.select_option("[name=windowType]", window_type)
    page.locator(f"[name=payMethod][value={method}]").check(force=True)
    page.click("#pay")


def pay(page, outcome, window_type="", method="CARD", opens=None):
    """Order, and end the payment window as its button `data-outcome` says. opens: which kind of window is awaited."""
    opens = opens or window_type or "IFRAME"
    if opens == "POPUP":
        with page.expect_popup() as popup:
            order(page, window_type, method)
        popup.value.click(f"[data-outcome={outcome}]")
        return
    order(page, window_type, method)
    choose(page, outcome, opens)


def choose(page, outcome, opens="IFRAME"):
    window = page if opens == "REDIRECTION" else page.frame_locator("dialog iframe")
    window.locator(f"[data-outcome={outcome}]").click()


def expect_status(page, status):
    expect(page.locator("[data-order-status]")).to_have_attribute("data-order-status", status, timeout=15_000)


def reload_until(page, status):
    """The result page asks PortOne at most once in three seconds."""
    deadline = time.monotonic() + 15
    while page.get_attribute("[data-order-status]", "data-order-status") != status:
        assert time.monotonic() < deadline, f"the order did not become {status}"
        page.reload()


def order_id(page):
    return page.get_attribute("[data-order-id]", "data-order-id")


def payment_ids(site, page):
    return site.values(Payment.id, Payment.order_id == order_id(page))


def placed_orders(page):
    """The orders that the page asks the shop for, from now on."""
    requests = []

    def note(request):
        if request.method == "POST" and request.url.endswith("/orders"):
            requests.append(request)

    page.context.on("request", note)
    return requests


def orders_of(site, email):
    return site.values(Order.id, Order.buyer_email == email)


# Every window, every answer


@pytest.mark.parametrize("outcome", FINAL_STATUS)
@pytest.mark.parametrize("window_type", ["IFRAME", "POPUP", "REDIRECTION", ""])
def test_pay_on_a_pc(page, window_type, outcome):
    pay(page, outcome, window_type)
    expect_status(page, FINAL_STATUS[outcome])


@pytest.mark.parametrize("outcome", FINAL_STATUS)
@pytest.mark.parametrize("device", ["iPhone 13", "Pixel 7"])
def test_pay_on_a_phone(visit, device, outcome):
    page = visit(device)
    pay(page, outcome, opens="REDIRECTION")
    expect_status(page, FINAL_STATUS[outcome])


def test_one_click_pays(visit):
    page = visit()
    page.reload()
    page.click("#pay")
    choose(page, "approve")
    expect_status(page, "PAID")


@pytest.mark.parametrize("method", ["TRANSFER", "EASY_PAY", "MOBILE"])
def test_other_pay_methods(page, method):
    pay(page, "approve", method=method)
    expect_status(page, "PAID")


@pytest.mark.parametrize("window_type", ["IFRAME", "REDIRECTION"])
@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_a_declined_payment_shows_the_windows_message(visit, window_type, locale):
    page = visit(locale=locale)
    pay(page, "decline", window_type)
    expect_status(page, "FAILED")
    expect(page.locator("#message")).to_contain_text("한도")  # the PG's words: limit exceeded


def test_a_closed_popup_is_a_cancelled_payment(page):
    with page.expect_popup() as popup:
        order(page, "POPUP")
    popup.value.wait_for_selector("[data-outcome=approve]")
    popup.value.close()
    expect_status(page, "FAILED")


@pytest.mark.parametrize("window_type", ["IFRAME", "REDIRECTION"])
def test_slow_approval(page, window_type):
    pay(page, "slow", window_type)
    expect(page.locator("[data-order-status]")).to_be_visible()
    reload_until(page, "PAID")


@pytest.mark.parametrize("window_type", ["IFRAME", "POPUP", "REDIRECTION"])
def test_tampered_amount_is_a_mismatch(page, window_type):
    pay(page, "tamper", window_type)
    expect_status(page, "MISMATCH")
    expect(page.locator("main")).to_contain_text("PAYMENT_MISMATCH")
    expect(page.locator(".codes")).to_contain_text("AMOUNT")
    expect(page.locator("#trail [data-event=ORDER_PAID]")).to_have_count(0)


def test_virtual_account(page, site):
    pay(page, "issue", method="VIRTUAL_ACCOUNT")
    expect_status(page, "VIRTUAL_ACCOUNT_ISSUED")
    [account] = site.values(Payment.virtual_account, Payment.order_id == order_id(page))
    expect(page.locator("main")).to_contain_text(account["accountNumber"])

    console = page.context.new_page()
    [payment_id] = payment_ids(site, page)
    console.goto(f"/sandbox/console/payments/{payment_id}")
    console.click("[data-action=deposit]")
    expect(console.locator("[data-payment-status=PAID]")).to_be_visible()

    page.click("#recheck")
    reload_until(page, "PAID")


# What goes wrong on the way


@pytest.mark.parametrize("window_type", ["IFRAME", "POPUP"])
def test_abandoned_after_approval_then_reloaded(page, window_type):
    """The order page leads to the order whose window was open, and that one is paid."""
    pay(page, "abandon", window_type)
    window = page.context.pages[-1] if window_type == "POPUP" else page.frame_locator("dialog iframe")
    expect(window.locator(".done")).to_be_visible()
    page.reload()
    expect_status(page, "PAID")


def test_abandoned_after_approval_and_told_by_webhook(page, site):
    """The buyer never comes back; PortOne tells the shop."""
    email = page.input_value("[name=buyerEmail]")
    pay(page, "abandon")
    expect(page.frame_locator("dialog iframe").locator(".done")).to_be_visible()
    deadline = time.monotonic() + 10
    while site.values(Order.status, Order.buyer_email == email) != ["PAID"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_abandoned_after_approval_in_a_redirect_window(page):
    pay(page, "abandon", "REDIRECTION")
    expect(page.locator(".done")).to_be_visible()
    page.goto("/")
    expect_status(page, "PAID")


@pytest.mark.parametrize("twice", ["double click", "Enter"])
def test_pressed_twice_is_one_order(page, site, twice):
    email = page.input_value("[name=buyerEmail]")
    requests = placed_orders(page)
    if twice == "Enter":
        page.focus("[name=buyerName]")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
    else:
        page.dblclick("#pay")
    expect(page.locator("dialog iframe")).to_have_count(1)
    choose(page, "approve")
    expect_status(page, "PAID")
    assert len(requests) == 1
    assert len(orders_of(site, email)) == 1
    assert len(payment_ids(site, page)) == 1


def test_back_from_a_redirect_window_shows_the_order(page, site):
    email = page.input_value("[name=buyerEmail]")
    requests = placed_orders(page)
    order(page, "REDIRECTION")
    page.wait_for_selector("[data-outcome=approve]")
    page.go_back()
    expect(page.locator("[data-order-id]")).to_be_visible()
    assert len(requests) == 1
    assert orders_of(site, email) == [order_id(page)]


def test_blocked_sdk_is_said_and_makes_no_order(page, site):
    email = new_email()
    page.context.route("**/browser-sdk.js", lambda route: route.abort())
    page.reload()
    page.fill("[name=buyerEmail]", email)
    requests = placed_orders(page)
    page.click("#pay")
    expect(page.locator("#message")).to_contain_text("could not be loaded")
    expect(page.locator("#pay")).to_be_enabled()
    assert requests == []
    assert orders_of(site, email) == []


def refuse_confirmation(page, times=None):
    """/payment/complete answers 503, `times` times or always. Returns the refused requests."""
    refused = []
    error = {"code": "PORTONE_UNAVAILABLE", "message": "PortOne can't be reached just now.", "retryable": True}

    def answer(route):
        if times is not None and len(refused) >= times:
            return route.continue_()
        refused.append(route.request)
        return route.fulfill(status=503, json={"error": error}, headers={"Retry-After": "3"})

    page.context.route("**/payment/complete", answer)
    return refused


def test_confirmation_is_tried_again(page):
    refused = refuse_confirmation(page, times=2)
    pay(page, "approve")
    expect_status(page, "PAID")
    assert len(refused) == 2


@pytest.mark.parametrize("locale, said", [("ko-KR", "다시 결제"), ("en-US", "still being confirmed")])
def test_an_unconfirmed_payment_is_never_called_failed(visit, locale, said):
    page = visit(locale=locale)
    refused = refuse_confirmation(page)
    pay(page, "approve")
    expect(page.locator("#message")).to_contain_text(said, timeout=20_000)
    assert not re.search("fail|실패", page.inner_text("#message"), re.IGNORECASE)
    page.click("#message a")
    expect_status(page, "PAID")
    assert len(refused) > 2


def test_blocked_popup_is_said_and_the_order_kept(page, site):
    email = page.input_value("[name=buyerEmail]")
    page.evaluate("window.open = () => null")
    requests = placed_orders(page)
    order(page, "POPUP")
    expect(page.locator("#message")).to_contain_text("popup")
    expect(page.locator("#pay")).to_be_enabled()

    pay(page, "approve", "IFRAME")
    expect_status(page, "PAID")
    assert len(requests) == 1
    assert len(orders_of(site, email)) == 1


@pytest.mark.parametrize("device, opens", [(None, "IFRAME"), ("iPhone 13", "REDIRECTION")])
def test_retry_after_a_decline(visit, site, device, opens):
    page = visit(device)
    pay(page, "decline", opens=opens)
    expect_status(page, "FAILED")
    failed_order = order_id(page)

    page.click("#retry")
    choose(page, "approve", opens)
    expect_status(page, "PAID")
    assert order_id(page) == failed_order
    assert len(set(payment_ids(site, page))) == 2
    expect(page.locator("#retry")).to_have_count(0)


def test_markup_in_a_redirect_is_shown_as_text(page):
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    buyer = {"name": "Gildong Hong", "email": new_email(), "phone": "010-1234-5678"}
    body = {"productId": page.input_value("[name=productId]:checked"), "payMethod": "CARD", "buyer": buyer}
    made = page.request.post("/orders", data=body).json()

    markup = "<img src=x onerror=alert(1)>"
    query = {"paymentId": made["paymentId"], "code": "X", "message": markup}
    page.goto(f"/payment-redirect?{urlencode(query)}")
    expect(page.locator("#message")).to_contain_text(markup)
    expect(page.locator("img")).to_have_count(0)
    assert dialogs == []
