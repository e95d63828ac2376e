"""What the buyer's pages do by themselves, in a browser: look again, count down, copy, fold."""

import pytest

from tests.browser import sync_api
from tests.merchant.pages.test_accessibility import Walk, open_the_window
from tests.visitor import choose, expect_status

expect = sync_api().expect
pytestmark = pytest.mark.browser

DAY = 86_400_000


@pytest.fixture
def clocked(new_context, site):
    """A page whose clock stands until the test lets it run."""
    page = new_context(base_url=site.url, locale="en-US").new_page()
    page.clock.install()
    return page


def look_ups(page):
    """The result pages that the page itself asks for, from now on."""
    found = []
    page.on(
        "request",
        lambda each: (
            found.append(each) if each.resource_type == "fetch" and "/orders/" in each.url else None
        ),
    )
    return found


def issue(page):
    walk = Walk(page.context.request)
    path, payment_id, _ = walk.order("issue", "VIRTUAL_ACCOUNT")
    page.goto(path)
    expect_status(page, "VIRTUAL_ACCOUNT_ISSUED")
    page.wait_for_load_state()
    return walk, payment_id


def deposit(walk, payment_id):
    walk.post(f"/sandbox/control/payments/{payment_id}/deposit")


def test_a_deposit_is_shown_by_itself_and_read_out(clocked):
    walk, payment_id = issue(clocked)
    deposit(walk, payment_id)
    clocked.clock.run_for(4_100)
    expect_status(clocked, "PAID")
    expect(clocked.locator("h1")).to_be_focused()
    expect(clocked.locator("#watch")).to_have_count(0)


@pytest.mark.long
def test_the_tab_that_comes_back_looks_at_once(clocked):
    walk, payment_id = issue(clocked)
    deposit(walk, payment_id)
    clocked.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect_status(clocked, "PAID")


@pytest.mark.long
def test_nobody_who_chooses_is_disturbed_while_nothing_has_changed(clocked):
    issue(clocked)
    clocked.evaluate("window.isSamePage = true")
    clocked.locator("#again [name=payMethod][value=CARD]").check(force=True)
    for _ in range(2):
        with clocked.expect_response("**/orders/*") as looked:
            clocked.clock.run_for(4_100)
        looked.value.finished()
    expect(clocked.locator("#again [value=CARD]")).to_be_checked()
    assert clocked.evaluate("window.isSamePage")


@pytest.mark.long
def test_it_ends_after_an_hour_says_so_and_begins_again_with_the_tab(clocked):
    issue(clocked)
    watch = clocked.locator("#watch")
    expect(watch).to_have_attribute("role", "status")
    expect(watch).to_contain_text("by itself whether")
    clocked.clock.run_for(3_700_000)
    expect(watch).to_contain_text("not check by itself any more")
    asked = look_ups(clocked)
    clocked.clock.run_for(3_700_000)
    assert asked == []
    with clocked.expect_response("**/orders/*"):
        clocked.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(watch).to_contain_text("by itself whether")


@pytest.mark.long
def test_while_another_payment_window_is_open_it_does_not_look(clocked):
    issue(clocked)
    clocked.route("**/payments", lambda route: None)
    clocked.click("#retry")
    expect(clocked.locator("#retry")).to_have_attribute("aria-disabled", "true")
    asked = look_ups(clocked)
    clocked.clock.run_for(30_000)
    assert not [each for each in asked if each.method == "GET"]


@pytest.mark.long
def test_the_time_for_the_deposit_runs_and_is_warned_of(clocked):
    issue(clocked)
    left, soon = clocked.locator("#left"), clocked.locator("#soon")
    expect(left).to_have_text("23 h 59 min left")
    expect(soon).to_be_hidden()
    clocked.clock.fast_forward(DAY - 1_830_000)
    expect(left).to_have_text("30 min left")
    expect(soon).to_contain_text("Less than an hour")


@pytest.mark.long
def test_one_button_copies_the_account_and_another_its_number(new_context, site):
    context = new_context(base_url=site.url, locale="ko-KR")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    issue(page)
    number = page.inner_text("#account-number")
    page.get_by_role("button", name="은행·계좌번호·예금주·금액 복사").click()
    expect(page.locator(".account > .copy")).to_have_text("복사됨")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert number in copied and "12,900원" in copied and "은행" in copied
    page.locator(".number .copy").click()
    expect(page.locator(".number .copy")).to_have_text("복사됨")
    assert page.evaluate("navigator.clipboard.readText()") == number
    expect(page.locator(".account > .copy")).not_to_have_text("복사됨")
    page.locator(".id .copy").first.click()
    expect(page.locator(".id .copy").first).to_have_text("복사됨")
    order_id = page.get_attribute("[data-order-id]", "data-order-id")
    assert page.evaluate("navigator.clipboard.readText()") == order_id


@pytest.mark.long
def test_a_phones_bar_says_product_method_and_amount(visit):
    page = visit("iPhone 13")
    bar = page.locator(".sum")
    expect(bar).to_be_in_viewport(ratio=1)
    for text in ("Nike Waffle Trainer", "Card", "₩1,000"):
        expect(bar).to_contain_text(text)
    page.locator("[value=drip-coffee]").check(force=True)
    page.locator("[value=VIRTUAL_ACCOUNT]").check(force=True)
    for text in ("Drip coffee", "Virtual account", "₩12,900"):
        expect(bar).to_contain_text(text)


@pytest.mark.long
def test_a_phone_folds_the_buyer_and_a_mistake_opens_it(visit):
    page = visit("iPhone 13")
    page.reload()
    brief, name = page.locator(".brief"), page.locator("[name=buyerName]")
    expect(brief).to_contain_text("buyer@example.com")
    assert page.locator(".buyer").bounding_box()["height"] < 120
    brief.locator("button").click()
    expect(name).to_be_focused()
    expect(brief).to_be_hidden()
    page.reload()
    page.evaluate("document.querySelector('[name=buyerEmail]').value = 'nobody'")
    page.click("#pay")
    email = page.locator("[name=buyerEmail]")
    expect(email).to_be_focused()
    expect(brief).to_be_hidden()
    expect(page.locator("#buyerEmail-error")).to_be_in_viewport()


@pytest.mark.long
def test_after_the_window_nothing_but_the_waiting_is_on_the_page(page):
    page.route("**/payment/complete", lambda route: None)
    open_the_window(page)
    choose(page, "approve")
    message = page.locator("#message.approving")
    expect(message).to_contain_text("Checking the payment's result")
    assert message.bounding_box() == {"x": 0, "y": 0, **page.viewport_size}
    at = "document.elementFromPoint(innerWidth / 2, 80).id"
    assert page.evaluate(at) == "message"


def test_a_retry_stays_possible_after_a_waiting_that_ends_in_an_error(page):
    error = {"code": "PORTONE_REJECTED", "message": "ask the seller", "retryable": False}
    page.route(
        "**/payment/complete", lambda route: route.fulfill(status=502, json={"error": error})
    )
    open_the_window(page)
    choose(page, "approve")
    expect(page.locator("#message")).to_contain_text("ask the seller")
    expect(page.locator(".approving")).to_have_count(0)


def test_on_paper_there_is_the_slip_alone(page):
    page.goto(Walk(page.context.request).order("approve")[0])
    page.emulate_media(media="print")
    expect(page.locator(".receipt")).to_be_visible()
    for other in (".bar", "footer", ".panel", ".actions", ".copy >> nth=0"):
        expect(page.locator(other)).to_be_hidden()
    page.emulate_media(media="screen")


@pytest.mark.long
def test_the_windows_kind_is_a_developers_option_that_opens_for_a_blocked_popup(page):
    expect(page.locator("[name=windowType]")).to_be_visible()
    page.evaluate("document.querySelector('.developer').open = false")
    page.evaluate("() => { PortOne.requestPayment = async () => { throw Error('팝업'); }; }")
    page.click("#pay")
    expect(page.locator("#message")).to_contain_text("Allow popups")
    expect(page.locator(".developer")).to_have_attribute("open", "")
