"""The console and /control: what a bank or the merchant's staff would do next."""

import pytest
import requests
from portone_server_sdk import payment as shapes

from tests.browser import sync_api
from tests.portone_sandbox.client import control, make_payment, pay

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


@pytest.mark.browser
@pytest.mark.parametrize("language", ["ko", pytest.param("en", marks=pytest.mark.long)])
def test_the_console_fits_a_narrow_phone(base, open_tab, language):
    make_payment(base, "approve", orderName="아주 긴 이름의 상품 " * 5)
    page = open_tab(base_url=base, locale=language, viewport={"width": 320, "height": 640})
    for path in ("/", "/console/payments/payment1"):
        page.goto(path)
        page.evaluate(
            "document.querySelectorAll('details').forEach((each) => { each.open = true })"
        )
        assert page.evaluate("document.documentElement.scrollWidth") == 320
