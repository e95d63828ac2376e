"""The console and /control: what a bank or the merchant's staff would do next."""

import html
import json
import re

import pytest
import requests
from portone_server_sdk import payment as shapes

from portone_sandbox import channels, names, outcomes
from tests.browser import sync_api
from tests.portone_sandbox.client import (
    SECRET,
    choose,
    control,
    make_payment,
    open_window,
    pay,
    payment_request,
    switch,
)

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
    assert [(each.total_amount, each.trigger) for each in payment.cancellations] == [
        (100, "CONSOLE"),
        (900, "CONSOLE"),
    ]
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
    assert (
        requests.post(f"{url}/cancel", data={"amount": "-6"}, headers=html, timeout=10).status_code
        == 400
    )
    form = {"amount": "", "confirmed": "1"}
    page = requests.post(f"{url}/cancel", data=form, timeout=10).text
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
        assert (refused.status_code, refused.json()["type"]) == (
            409,
            "PAYMENT_NOT_WAITING_FOR_DEPOSIT",
        )
    page = requests.get(f"{base}/console/payments/payment1", timeout=10).text
    assert 'data-action="deposit"' in page and 'data-action="expire"' not in page
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


def test_a_search_for_a_payment_id_leads_to_that_payment(base):
    make_payment(base, "approve")
    page = requests.get(f"{base}/", params={"q": "payment1"}, timeout=10)
    assert (
        page.url == f"{base}/console/payments/payment1"
        and 'data-payment-status="PAID"' in page.text
    )
    for other in ("payment", "payment11", "", "<q>"):
        assert requests.get(f"{base}/", params={"q": other}, timeout=10).url.startswith(
            f"{base}/?q="
        )


# In a browser


@pytest.fixture
def page(open_tab, base):
    return open_tab(base_url=base, locale="en-US")


@pytest.mark.browser
def test_the_console_shows_what_happens_while_it_is_open(base, page):
    expect = sync_api().expect
    page.goto("/")
    expect(page.locator(".empty")).to_be_visible()
    make_payment(base, "issue", payMethod="VIRTUAL_ACCOUNT")
    page.click("[data-payment-id=payment1] a")
    expect(page.locator("main")).to_have_attribute("data-payment-status", "VIRTUAL_ACCOUNT_ISSUED")
    page.click("[data-attempt] summary")
    control(base, "deposit")
    expect(page.locator("main")).to_have_attribute("data-payment-status", "PAID")
    expect(page.locator("[data-attempt] pre")).to_be_visible()  # still open
    page.fill("[name=amount]", "400")
    page.click("[data-action=cancel]")
    expect(page.locator(".status").first).to_have_text("PARTIAL_CANCELLED")


@pytest.mark.long
@pytest.mark.browser
def test_the_console_does_not_disturb_who_types(base, page):
    expect = sync_api().expect
    make_payment(base, "approve")
    page.goto("/console/payments/payment1")
    page.fill("[name=amount]", "12")
    with page.expect_response("**/console/payments/payment1"):
        control(base, "cancel", {"amount": 100})
    with page.expect_response("**/console/payments/payment1"):
        expect(page.locator("[name=amount]")).to_have_value("12")
    expect(page.locator("[name=amount]")).to_have_value("12")
    page.fill("[name=amount]", "")
    page.locator("[name=amount]").blur()
    expect(page.locator(".status").first).to_have_text("PARTIAL_CANCELLED")


LONG_NAME = "아주 긴 이름의 상품 " * 5
STATES = {  # of a payment: the request's changes, the window's outcome, what happens then
    "READY": ({}, None, None),
    "PAID": ({}, "approve", None),
    "asked": ({}, "approve", None),
    "PARTIAL_CANCELLED": ({}, "approve", ("cancel", {"amount": 1})),
    "CANCELLED": ({}, "approve", ("cancel", {})),
    "FAILED": ({}, "decline", None),
    "PAY_PENDING": ({}, "pend", None),
    "VIRTUAL_ACCOUNT_ISSUED": ({"payMethod": "VIRTUAL_ACCOUNT"}, "issue", None),
    "expired": ({"payMethod": "VIRTUAL_ACCOUNT"}, "issue", ("expire", {})),
    "deposited": ({"payMethod": "VIRTUAL_ACCOUNT"}, "issue", ("deposit", {})),
    "EASY_PAY": ({"payMethod": "EASY_PAY", "orderName": "신발"}, "approve", None),
}


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.parametrize("language", ["ko", "en"])
def test_no_page_scrolls_sideways_in_any_status_at_any_width(base, open_tab, language):
    changes = {
        "orderName": LONG_NAME,
        "totalAmount": 1_234_567,
        "noticeUrls": ["http://127.0.0.1:1/" + "long" * 30],
    }
    paths = ["/", "/console/journal", "/console/channels", "/console/payments/none"]
    for number, (more, outcome, then) in enumerate(STATES.values()):
        payment_id = f"p{number}x{'0' * 28}"
        request = {**changes, **more, "paymentId": payment_id}
        if outcome is None:
            paths.append(open_window(base, **request).json()["url"])
        else:
            make_payment(base, outcome, **request)
        if then:
            assert control(base, *then, payment_id).status_code == 200
        paths.append(f"/console/payments/{payment_id}")
    paths.append(f"{paths[6]}?ask=cancel")
    requests.get(f"{base}/payments/{payment_id}", headers={"Authorization": "no"}, timeout=10)
    switch(base, "webhooks", order="off")
    page = open_tab(base_url=base, locale=language)
    too_wide = []
    for path in paths:
        page.goto(path)
        page.evaluate(
            "document.querySelectorAll('details').forEach((each) => { each.open = true })"
        )
        for width in (320, 360, 412, 768, 1024):
            page.set_viewport_size({"width": width, "height": 640})
            shown = page.evaluate("document.documentElement.scrollWidth")
            if shown > width:
                too_wide.append((path, width, shown))
    page.set_viewport_size({"width": 1280, "height": 720})
    assert too_wide == []


# What the pages show


@pytest.fixture
def shown(base):
    """shown(path, language="en") -> the page's HTML."""

    def shown(path, language="en"):
        answer = requests.get(f"{base}{path}", headers={"Accept-Language": language}, timeout=10)
        assert answer.status_code == 200
        return answer.text

    return shown


def test_a_cancel_of_all_that_is_left_asks_first(base, portone):
    pay(base, "approve")
    url = f"{base}/console/payments/payment1"
    english = {"Accept-Language": "en"}
    for amount in ("", "1000"):
        form = {"amount": amount}
        asked = requests.post(f"{url}/cancel", data=form, headers=english, timeout=10)
        assert asked.url == f"{url}?ask=cancel#ask"
        assert "Cancel the whole of ₩1,000?" in asked.text
        assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)
    requests.post(f"{url}/cancel", data={"amount": "400"}, timeout=10)
    rest = requests.post(f"{url}/cancel", data={"amount": "600"}, headers=english, timeout=10)
    assert "Cancel the whole of ₩600?" in rest.text
    requests.post(f"{url}/cancel", data={"confirmed": "1"}, timeout=10)
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.CancelledPayment)
    over = requests.post(f"{url}/cancel", data={"amount": ""}, timeout=10)
    assert over.status_code == 409, "there is nothing to ask about"


@pytest.mark.browser
@pytest.mark.parametrize("has_script", [True, pytest.param(False, marks=pytest.mark.long)])
def test_a_whole_cancel_is_two_clicks_also_without_javascript(base, open_tab, has_script):
    make_payment(base, "approve")
    page = open_tab(base_url=base, locale="ko-KR", java_script_enabled=has_script)
    page.goto("/console/payments/payment1")
    page.click("[data-action=cancel]")
    expect = sync_api().expect
    expect(page.locator("#ask")).to_contain_text("1,000원 전액을 취소할까요?")
    page.click("#ask a")
    expect(page.locator("#ask")).to_have_count(0)
    page.click("[data-action=cancel]")
    page.click("#ask [data-action=cancel]")
    expect(page.locator("main")).to_have_attribute("data-payment-status", "CANCELLED")


@pytest.mark.parametrize(
    ("language", "method", "outcome", "bank"),
    [
        ("ko", "가상계좌 · IBK기업은행", "가상계좌 발급", "IBK기업은행 "),
        ("en", "Virtual account · IBK", "Issue the account", "IBK "),
    ],
)
def test_the_list_has_buyer_method_and_last_outcome(base, shown, language, method, outcome, bank):
    account = {"virtualAccount": {"bankCode": "INDUSTRIAL_BANK_OF_KOREA"}}
    make_payment(base, "decline", payMethod="VIRTUAL_ACCOUNT", **account)
    make_payment(base, "issue", payMethod="VIRTUAL_ACCOUNT", **account)
    page = shown("/", language)
    for text in ("홍길동", method, outcome):
        assert f">{text}</" in page, text
    assert f"{bank}<span" in shown("/console/payments/payment1", language)


def test_a_code_without_a_name_stands_for_itself(base, shown):
    account = {"virtualAccount": {"bankCode": "HSBC_BANK"}}
    make_payment(base, "issue", payMethod="VIRTUAL_ACCOUNT", **account)
    assert "Virtual account · HSBC<" in shown("/")


def test_times_are_korean_with_utc_in_the_title(room, shown):
    make_payment_at = "2026-11-24T21:15:45.000001Z"
    room.test_client().post(
        "/control/payments", json={"request": payment_request(), "outcome": "approve"}
    )
    with room.extensions["sandbox"].store.writing() as db:
        db.connection.execute(
            "UPDATE payments SET record = json_set(record, '$.updatedAt', ?)", (make_payment_at,)
        )
    time = f'<time datetime="{make_payment_at}" title="2026-11-24 21:15:45 UTC">'
    for path in ("/", "/console/payments/payment1"):
        assert f"{time}2026-11-25 06:15:45</time>" in shown(path)


@pytest.mark.parametrize(
    ("redirect_url", "page", "outcome", "link"),
    [
        (
            "https://shop.test/back?x=1",
            "https://shop.test/",
            "approve",
            "https://shop.test/back?x=1&amp;transactionType=PAYMENT&amp;txId=",
        ),
        ("https://shop.test/back", "https://shop.test/", None, "https://shop.test/"),
        ("myshop://back", "https://shop.test/o", "approve", "https://shop.test/o"),
        ("myshop://back", "javascript:alert(1)", "approve", None),
        (None, "data:text/html,x", None, None),
    ],
)
def test_a_payment_leads_back_to_the_shop(base, shown, redirect_url, page, outcome, link):
    request = payment_request(**({"redirectUrl": redirect_url} if redirect_url else {}))
    body = {"request": request, "windowType": "IFRAME", "page": page}
    url = requests.post(f"{base}/checkout/", json=body, timeout=10).json()["url"]
    if outcome:
        choose(base, url, outcome)
    found = re.search('id="shop" href="([^"]*)"', shown("/console/payments/payment1"))
    assert (found is None) if link is None else found[1].startswith(link)


def test_the_link_to_the_shop_has_no_payment_token(base, shown):
    key = channels.MANUAL_CHANNEL
    request = payment_request(channelKey=key, redirectUrl="https://shop.test/back")
    body = {"request": request, "outcome": "approve"}
    made = requests.post(f"{base}/control/payments", json=body, timeout=10).json()
    page = shown("/console/payments/payment1")
    link = re.search('id="shop" href="([^"]*)"', page)[1]
    assert "paymentId=payment1" in link and made["paymentToken"] not in link


@pytest.mark.parametrize("outcome", ["approve", "decline", "abandon"])
def test_the_link_opens_the_order_in_our_shop(shop, outcome):
    order = shop.order()
    shop.pay(order["request"], outcome)
    page = shop.window.get(f"/console/payments/{order['paymentId']}").text
    link = html.unescape(re.search('id="shop" href="([^"]*)"', page)[1])
    answer = shop.client.get(link)
    assert answer.status_code == 303
    assert answer.headers["Location"].partition("?")[0].endswith(f"/orders/{order['orderId']}")


@pytest.mark.long
@pytest.mark.browser
def test_the_journal_shows_a_call_while_it_is_open(base, page):
    make_payment(base, "approve")
    page.goto("/console/journal?paymentId=payment1&kind=API")
    expect = sync_api().expect
    expect(page.locator("[data-entry]")).to_have_count(0)
    headers = {"Authorization": f"PortOne {SECRET}"}
    for payment_id in ("payment1", "another1"):
        requests.get(f"{base}/payments/{payment_id}", headers=headers, timeout=10)
    expect(page.locator("[data-entry=API]")).to_have_count(1)
    page.click("[data-entry] summary")
    expect(page.locator("[data-entry] pre")).to_contain_text("GET /payments/payment1")


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("KO_KR", "브라우저만 돌아옵니다. 웹훅은 없습니다."),
        ("EN_US", "The browser only: no webhook."),
    ],
)
def test_the_window_says_what_is_simulated_and_what_one_chooses(base, shown, locale, text):
    url = open_window(base, locale=locale).json()["url"]
    question = (
        "어떤 결과를 시험할까요?" if locale == "KO_KR" else "Which result do you want to try?"
    )
    page = shown(url)
    assert question in page and "data-applied" not in page
    switch(base, "webhooks", order="off")
    switch(base, "outage", fault="500", calls=2)
    for path in (url, f"{url}/buyer"):
        page = shown(path)
        assert 'data-applied="webhooks"' in page and text in page and "×2" in page


def test_every_outcome_has_a_name(room):
    assert names.OUTCOMES.keys() >= set(outcomes.ALL_OUTCOMES)
    with room.test_request_context("/?lang=ko"):
        for outcome in outcomes.ALL_OUTCOMES:
            assert names.outcome_name(outcome) != outcome


def test_the_list_is_light(base, shown):
    for number in range(3):
        make_payment(base, "approve", paymentId=f"payment{number}")
    assert len(shown("/")) < 40 * 1024


@pytest.mark.long
@pytest.mark.browser
def test_a_button_copies_and_says_so(base, new_context):
    make_payment(base, "approve")
    page = new_context(
        base_url=base, locale="en-US", permissions=["clipboard-read", "clipboard-write"]
    ).new_page()
    page.goto("/console/payments/payment1")
    page.click("#record summary")
    expect = sync_api().expect
    button = page.locator("[data-copy=record-text]")
    button.click()
    expect(page.locator("[role=status].unseen")).to_have_text("Copied")
    expect(button).to_have_text("Copied")
    expect(button).to_have_text("Copy the JSON")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["id"] == "payment1" and copied["status"] == "PAID"
    page.goto("/")
    page.click("#channels summary")
    page.click("[data-channel] [data-copy] >> nth=0")
    expect(page.locator("[role=status].unseen")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == channels.DEFAULT_CHANNEL


@pytest.mark.long
@pytest.mark.browser
def test_without_javascript_no_button_copies(base, open_tab):
    make_payment(base, "approve")
    page = open_tab(base_url=base, java_script_enabled=False)
    page.goto("/console/payments/payment1")
    page.click("#record summary")
    expect = sync_api().expect
    expect(page.locator("#record-text")).to_be_visible()
    assert page.locator("[data-copy]:visible").count() == 0
