"""A visitor pays: the real site in its own process, and a real Chromium."""

import itertools
import re
import time
from urllib.parse import urlencode

import pytest

from merchant.models import Order, Payment
from merchant.pages.korean import KOREAN
from merchant.pages.messages import MESSAGES
from tests.browser import sync_api
from tests.visitor import (
    begin,
    choose,
    expect_status,
    new_email,
    order,
    order_id,
    pay,
    payment_ids,
    reload_until,
)

expect = sync_api().expect
pytestmark = pytest.mark.browser

FINAL_STATUS = {"approve": "PAID", "decline": "FAILED", "cancel": "FAILED"}


# What the tests look at


@pytest.fixture
def placed_orders(listen):
    """placed_orders(page) -> a list of the orders that it asks the shop for, from now on."""

    def placed_orders(page):
        requests = []

        def note(request):
            if request.method == "POST" and request.url.endswith("/orders"):
                requests.append(request)

        listen(page.context, "request", note)
        return requests

    return placed_orders


def orders_of(site, email):
    return site.values(Order.id, Order.buyer_email == email)


# Every window, every answer


def in_full(quick, *lists):
    """Every combination, all but the quick ones marked `long`."""
    every = itertools.product(*lists)
    return [
        each if each in quick else pytest.param(*each, marks=pytest.mark.long) for each in every
    ]


@pytest.mark.parametrize(
    ("window_type", "outcome"),
    in_full(
        [("IFRAME", "cancel"), ("POPUP", "approve"), ("REDIRECTION", "approve")],
        ["IFRAME", "POPUP", "REDIRECTION", ""],
        FINAL_STATUS,
    ),
)
def test_pay_on_a_pc(page, window_type, outcome):
    pay(page, outcome, window_type)
    expect_status(page, FINAL_STATUS[outcome])


@pytest.mark.parametrize(
    ("device", "outcome"),
    in_full([("Pixel 7", "approve")], ["iPhone 13", "Pixel 7"], FINAL_STATUS),
)
def test_pay_on_a_phone(visit, device, outcome):
    page = visit(device)
    pay(page, outcome, opens="REDIRECTION")
    expect_status(page, FINAL_STATUS[outcome])


def test_one_click_pays(page):
    page.reload()
    page.click("#pay")
    choose(page, "approve")
    expect_status(page, "PAID")


@pytest.mark.long
@pytest.mark.parametrize("method", ["TRANSFER", "EASY_PAY", "MOBILE"])
def test_other_pay_methods(page, method):
    pay(page, "approve", method=method)
    expect_status(page, "PAID")


@pytest.mark.parametrize(
    ("window_type", "locale"),
    in_full(
        [("IFRAME", "en-US")],
        ["IFRAME", "REDIRECTION"],
        ["ko-KR", "en-US"],
    ),
)
def test_a_declined_payment_shows_the_windows_message(visit, window_type, locale):
    page = visit(locale=locale)
    pay(page, "decline", window_type)
    expect_status(page, "FAILED")
    message = MESSAGES["LIMIT"]
    for text in (message.happened, message.next_step):
        expect(page.locator("main")).to_contain_text(KOREAN[text] if locale == "ko-KR" else text)
    of_the_pg = page.locator("#message [lang=ko]")
    expect(of_the_pg).to_contain_text("한도")  # limit exceeded


@pytest.mark.parametrize(
    ("device", "opens"),
    [(None, "IFRAME"), pytest.param("iPhone 13", "REDIRECTION", marks=pytest.mark.long)],
)
def test_retry_after_a_decline_in_a_language_that_was_chosen_meanwhile(visit, site, device, opens):
    page = visit(device)
    pay(page, "decline", opens=opens)
    expect_status(page, "FAILED")
    failed_order = order_id(page)

    page.click("nav [hreflang=ko]")
    page.wait_for_load_state()  # by then checkout.js listens to the button
    page.click("#retry")
    window = page if device else page.frame_locator("dialog iframe")
    expect(window.locator("[data-outcome=approve]")).to_be_visible()
    expect(window.locator("html")).to_have_attribute("lang", "ko")
    choose(page, "approve", opens)
    expect_status(page, "PAID")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    assert order_id(page) == failed_order
    assert len(set(payment_ids(site, page))) == 2
    expect(page.locator("#retry")).to_have_count(0)


def test_a_payment_token_goes_to_the_shop_and_a_forged_one_leaves_the_order_unpaid(page):
    page.evaluate("PortOne.requestPayment = async () => ({ paymentToken: 'forged' })")
    with page.expect_request("**/payment/complete") as completion:
        page.click("#pay")
    expect_status(page, "PENDING")
    sent = completion.value.post_data_json
    assert sent.keys() == {"orderId", "paymentId", "paymentToken"}
    assert (sent["orderId"], sent["paymentToken"]) == (order_id(page), "forged")


def test_a_closed_popup_is_a_cancelled_payment(page):
    with page.expect_popup() as popup:
        order(page, "POPUP")
    popup.value.wait_for_selector("[data-outcome=approve]")
    popup.value.close()
    expect_status(page, "FAILED")


@pytest.mark.long
@pytest.mark.parametrize(
    "window_type", ["IFRAME", pytest.param("REDIRECTION", marks=pytest.mark.long)]
)
def test_slow_approval(page, window_type):
    pay(page, "slow", window_type)
    expect(page.locator("[data-order-status]")).to_be_visible()
    reload_until(page, "PAID")


@pytest.mark.parametrize(
    "window_type",
    ["IFRAME", *(pytest.param(each, marks=pytest.mark.long) for each in ("POPUP", "REDIRECTION"))],
)
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


@pytest.mark.parametrize("window_type", ["IFRAME", pytest.param("POPUP", marks=pytest.mark.long)])
def test_abandoned_after_approval_then_reloaded(page, window_type):
    """The order page leads to the order whose window was open, and that one is paid."""
    pay(page, "abandon", window_type)
    window = (
        page.context.pages[-1] if window_type == "POPUP" else page.frame_locator("dialog iframe")
    )
    expect(window.locator(".done")).to_be_visible()
    page.reload()
    expect_status(page, "PAID")


def test_abandoned_after_approval_in_a_redirect_window(page):
    pay(page, "abandon", "REDIRECTION")
    expect(page.locator(".done")).to_be_visible()
    page.goto("/")
    expect_status(page, "PAID")


# A double click's second press meets the message that the first one shows, so Enter is the hard case.
@pytest.mark.parametrize("twice", ["Enter", pytest.param("double click", marks=pytest.mark.long)])
def test_pressed_twice_is_one_order(page, site, placed_orders, twice):
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


def test_back_from_a_redirect_window_shows_the_order(page, site, placed_orders):
    email = page.input_value("[name=buyerEmail]")
    requests = placed_orders(page)
    order(page, "REDIRECTION")
    page.wait_for_selector("[data-outcome=approve]")
    page.go_back()
    expect(page.locator("[data-order-id]")).to_be_visible()
    assert len(requests) == 1
    assert orders_of(site, email) == [order_id(page)]


def test_blocked_sdk_is_reported_and_makes_no_order(page, site, placed_orders):
    page.context.route("**/browser-sdk.js", lambda route: route.abort())
    email = begin(page)
    requests = placed_orders(page)
    page.click("#pay")
    expect(page.locator("#message")).to_contain_text("could not be loaded")
    expect(page.locator("#pay")).to_be_enabled()
    assert requests == []
    assert orders_of(site, email) == []


THROWN = [  # code, message, what the page says
    (
        "BadRequest",
        "storeId is required.",
        "because of the seller's settings. Nothing has been charged.",
    ),
    (
        "AmountNotEqualToPredefined",
        "금액이 다릅니다.",
        "The amount differs from the amount of the order.",
    ),
    (
        "PaymentAlreadyPaid",
        "이미 결제된 paymentId입니다.",
        "This payment is complete or in progress.",
    ),
    ("Aborted", "팝업이 차단되었습니다.", "Allow popups for this site"),
    ("UnknownError", "Failed to fetch", "could not be opened. Nothing has been charged."),
    (None, "x is not a function", "could not be opened. Nothing has been charged."),
]


@pytest.mark.parametrize("locale", ["ko-KR", pytest.param("en-US", marks=pytest.mark.long)])
def test_what_the_sdk_throws_is_explained_by_the_shop_and_shown_small(visit, locale):
    page = visit(locale=locale)
    for code, message, expected in THROWN:
        begin(page)
        page.evaluate(
            """([code, message]) => {
                 PortOne.requestPayment = async () => {
                   throw Object.assign(Error(message), { code });
                 };
               }""",
            [code, message],
        )
        page.click("#pay")
        [text] = {text for text in KOREAN if expected in text}
        shown = page.locator("#message")
        expect(shown).to_contain_text(KOREAN[text] if locale == "ko-KR" else text)
        small = shown.locator("small")
        expect(small).to_have_text(f"{code}: {message}" if code else message)
        language = "ko" if re.search("[가-힣]", message) else "en"
        expect(small).to_have_attribute("lang", language)
        expect(shown.locator("a")).to_have_count(1 if code == "PaymentAlreadyPaid" else 0)
        expect(page.locator("#pay")).to_be_enabled()


def refuse_confirmation(page, times=None):
    """/payment/complete answers 503, `times` times or always. Returns the refused requests."""
    refused = []
    error = {
        "code": "PORTONE_UNAVAILABLE",
        "message": "PortOne can't be reached just now.",
        "retryable": True,
    }

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


@pytest.mark.parametrize(
    "locale, expected",
    [
        ("ko-KR", "다시 결제"),
        pytest.param("en-US", "still being checked", marks=pytest.mark.long),
    ],
)
def test_an_unconfirmed_payment_is_never_called_failed(new_context, site, locale, expected):
    page = new_context(base_url=site.url, locale=locale).new_page()
    page.clock.install()  # the pauses between two tries are seconds
    begin(page)
    refused = refuse_confirmation(page)
    pay(page, "approve")
    deadline = time.monotonic() + 30
    while expected not in page.inner_text("#message"):
        assert time.monotonic() < deadline, page.inner_text("#message")
        page.clock.run_for(500)
    assert not re.search("fail|실패", page.inner_text("#message"), re.IGNORECASE)
    expect(page.locator(".approving")).to_have_count(0)  # nothing turns any more
    page.click("#message a")
    expect_status(page, "PAID")
    assert len(refused) > 2


def test_blocked_popup_is_reported_and_its_order_used_again(page, site, placed_orders):
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


def test_markup_in_a_redirect_is_shown_as_text(page, listen):
    dialogs = []
    listen(page, "dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    buyer = {"name": "Gildong Hong", "email": new_email(), "phone": "010-1234-5678"}
    body = {
        "productId": page.input_value("[name=productId]:checked"),
        "payMethod": "CARD",
        "buyer": buyer,
    }
    made = page.request.post("/orders", data=body).json()

    markup = "<img src=x onerror=alert(1)>"
    query = {"paymentId": made["paymentId"], "code": "X", "message": markup}
    page.goto(f"/payment-redirect?{urlencode(query)}")
    expect(page.locator("#message")).to_contain_text(markup)
    expect(page.locator("img")).to_have_count(0)
    assert dialogs == []


def test_what_a_window_says_is_shown_whole_whatever_signs_it_has(page):
    message = "Limit 50% & more? #1 + 2"
    page.evaluate(
        """(message) => {
             PortOne.requestPayment = async () => ({ code: "X", message });
           }""",
        message,
    )
    page.click("#pay")
    expect(page.locator("[data-order-id]")).to_be_visible()
    expect(page.locator("#message")).to_contain_text(message)


def test_another_attempt_is_made_with_another_method_and_window(page):
    pay(page, "decline", "IFRAME")
    expect_status(page, "FAILED")
    page.locator("#again [name=payMethod][value=VIRTUAL_ACCOUNT]").check(force=True)
    page.select_option("#again [name=windowType]", "REDIRECTION")
    page.click("#retry")
    choose(page, "issue", "REDIRECTION")
    expect_status(page, "VIRTUAL_ACCOUNT_ISSUED")


def test_an_order_that_no_longer_exists_is_forgotten(page):
    gone = f"/orders/{'0' * 32}"
    page.evaluate("url => sessionStorage.setItem('openOrder', url)", gone)
    with page.expect_response(lambda answer: gone in answer.url) as asked:
        page.goto("/")
    assert asked.value.status == 404
    expect(page.locator("#order-form")).to_be_visible()
    page.wait_for_function("sessionStorage.getItem('openOrder') === null")
    page.reload()
    expect(page.locator("#order-form")).to_be_visible()
