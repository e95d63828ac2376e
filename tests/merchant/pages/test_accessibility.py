"""Everybody can pay: with a screen reader, a keyboard, a small phone, without JavaScript as far as
that goes.

axe-core looks at every page in every state, in both languages, light and dark. It comes with a
package: no network.
"""

import re
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import sync_api
from tests.conftest import BUYER
from tests.visitor import choose, expect_status, order

expect = sync_api().expect
pytestmark = pytest.mark.browser

NARROW = {"width": 320, "height": 640}

# What a thumb or a pointer has to hit. In a line of text, and in the developer's panel, 24 px are
# enough (WCAG 2.5.8).
SMALL_TARGETS = """() => [
  ...document.querySelectorAll("a, button, input, select, summary"),
].filter((target) => {
  if (!target.checkVisibility() || target.type === "hidden") return false;
  if (target.closest(".unseen")) return false;
  const label = target.matches("[type=checkbox], [type=radio]") && target.closest("label");
  const { width, height } = (label || target).getBoundingClientRect();
  const least = target.closest("p:not(.actions), .panel") ? 24 : 44;
  return height < least || width < 24;
}).map((target) => target.outerHTML)"""


class Walk:
    """What a test does on the site without a page: make orders and bring them into a state."""

    def __init__(self, request):
        self.request = request

    def post(self, path, **options):
        answer = self.request.post(path, **options)
        assert answer.ok, (path, answer.text())
        return answer

    def order(self, outcome=None, method="CARD", then=()):
        """-> (the order's page, paymentId, the payment window).

        then: what its PG or bank does next, in the console.
        """
        body = {
            "productId": "drip-coffee",
            "payMethod": method,
            "windowType": "IFRAME",
            "buyer": BUYER,
        }
        answer = self.post("/orders", data=body)
        made = answer.json()
        wanted = {"request": made["request"], "windowType": "IFRAME", "page": "http://localhost/"}
        window = self.post("/sandbox/checkout/", data=wanted).json()["url"]
        if outcome:
            self.post(f"{window}/outcome", form={"outcome": outcome})
        for action, values in then:
            self.post(f"/sandbox/control/payments/{made['paymentId']}/{action}", data=values)
        if outcome:
            ids = {"orderId": made["orderId"], "paymentId": made["paymentId"]}
            self.request.post("/payment/complete", data=ids)  # 400 after a mismatch
        return f"/orders/{made['orderId']}", made["paymentId"], window

    def set_outage(self, fault):
        self.post("/sandbox/control/switches/outage", data={"fault": fault})


def shop(walk):
    """(address, what the visitor does there) of the shop's pages, in every state."""
    yield "/", mistype
    yield "/", wait_for_the_shop
    yield "/", open_the_window
    yield "/no-such-page", None
    yield "/panel/code/merchant/verification.py?function=compare&check=AMOUNT", None
    yield "/panel/code/static/merchant/checkout.js", None
    for outcome in ("approve", "decline", "cancel", "tamper", "pend", None):
        yield walk.order(outcome)[0], open_all
    for amount in ({"amount": 400}, {}):
        yield walk.order("approve", then=[("cancel", amount)])[0], None
    for then in ([], [("expire", {})]):
        yield walk.order("issue", "VIRTUAL_ACCOUNT", then)[0], None
    page = walk.order()[0]
    walk.set_outage("500")
    yield page, None
    walk.set_outage(None)


def sandbox(walk):
    """The same of the sandbox's."""
    for method in ("VIRTUAL_ACCOUNT", "TRANSFER", "EASY_PAY", "MOBILE"):
        yield walk.order(None, method)[2] + "/buyer", open_all
    window = walk.order()[2]
    yield window, None
    yield f"{window}/buyer", agree_to_nothing
    yield f"{window}/buyer", authenticate
    for outcome in ("decline", "abandon"):
        yield walk.order(outcome)[2], None
    for outcome, method in (("approve", "CARD"), ("pend", "CARD"), ("issue", "VIRTUAL_ACCOUNT")):
        yield f"/sandbox/console/payments/{walk.order(outcome, method)[1]}", open_all
    yield "/sandbox/console/payments/none", None
    _, payment_id, window = walk.order("approve")
    yield f"/sandbox/console/payments/{payment_id}?ask=cancel", None
    yield f"/sandbox/console/journal?paymentId={payment_id}", open_all
    yield "/sandbox/console/journal", open_all
    yield "/sandbox/console/channels", open_all
    walk.set_outage("500")
    yield "/sandbox/", open_all
    yield walk.order()[2], None
    walk.set_outage(None)


def mistype(page):
    page.fill("[name=buyerEmail]", "nobody")
    page.click("#pay")
    email = page.locator("[name=buyerEmail]")
    expect(email).to_be_focused()
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(email).to_have_accessible_description(re.compile("name@example.com"))
    expect(page.locator("#message")).to_contain_text("name@example.com")


def wait_for_the_shop(page):
    page.route("**/orders", lambda route: None)
    page.click("#pay")
    expect(page.locator("#pay")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#pay")).to_be_focused()


def open_the_window(page):
    page.click("#pay")
    expect(page.frame_locator("dialog iframe").locator("[data-outcome=approve]")).to_be_visible()


def open_all(page):
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")


def agree_to_nothing(page):
    page.locator(".primary").evaluate("button => { button.formNoValidate = true }")
    page.click(".primary")
    expect(page.locator("[name=agree]")).to_be_focused()


def authenticate(page):
    page.check("[name=agree]")
    page.click(".primary")
    page.wait_for_selector("[name=secret]")
    page.locator(".primary").evaluate("button => { button.formNoValidate = true }")
    page.click(".primary")
    expect(page.locator("[name=secret]")).to_be_focused()


@pytest.mark.parametrize(
    ("scheme", "locale", "states"),
    [
        pytest.param("light", "ko-KR", shop, marks=pytest.mark.long),
        pytest.param("dark", "en-US", sandbox, marks=pytest.mark.long),
        pytest.param("dark", "en-US", shop, marks=pytest.mark.exhaustive),
        pytest.param("light", "ko-KR", sandbox, marks=pytest.mark.exhaustive),
    ],
)
def test_nothing_is_in_anybodys_way(site, new_context, scheme, locale, states):
    context = new_context(
        base_url=site.url,
        viewport=NARROW,
        color_scheme=scheme,
        locale=locale,
        reduced_motion="reduce",
    )
    axe, found = Axe(), []
    for address, act in states(Walk(context.request)):
        page = context.new_page()
        page.goto(address)
        if act:
            act(page)
        where = f"{address} {act.__name__ if act else ''}"
        for violation in axe.run(page, options={"resultTypes": ["violations"]}).response[
            "violations"
        ]:
            found += [(where, violation["id"], node["html"]) for node in violation["nodes"]]
        found += [(where, "small target", html) for html in page.evaluate(SMALL_TARGETS)]
        if page.evaluate("document.documentElement.scrollWidth") > NARROW["width"]:
            found.append((where, "scrolls sideways"))
        page.close()
    assert found == []


def tab_to(page, selector, frame=None):
    for _ in range(60):
        if (frame or page).evaluate(
            "selector => document.activeElement?.matches(selector)", selector
        ):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{selector} is not reached by Tab")


def test_a_keyboard_pays(page):
    page.reload()
    tab_to(page, "[name=productId]")
    page.keyboard.press("ArrowDown")
    tab_to(page, "[name=payMethod]")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    tab_to(page, "#pay")
    expect(page.locator("#pay")).to_contain_text("12,900")
    page.keyboard.press("Enter")
    page.frame_locator("dialog iframe").locator("[data-outcome=approve]").wait_for()
    tab_to(page, "[data-outcome=approve]", page.frames[1])
    page.keyboard.press("Space")
    expect_status(page, "PAID")
    expect(page.locator("h1")).to_be_focused()  # read out next
    expect(page.locator("main")).to_contain_text("Bank transfer")


def test_a_closed_window_gives_the_focus_back(page):
    page.route("**/payment/complete", lambda route: None)
    open_the_window(page)
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#pay")).to_be_focused()


def test_what_goes_wrong_takes_the_focus(page):
    page.route("**/orders", lambda route: route.abort())
    page.click("#pay")
    expect(page.locator("#message")).to_be_focused()
    expect(page.locator("#message")).to_contain_text("could not be reached")
    expect(page.locator("#pay")).not_to_have_attribute("aria-busy", "true")


def test_without_javascript_it_is_said_and_the_result_is_all_there(site, new_context):
    context = new_context(base_url=site.url, locale="en-US", java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    expect(page.locator(".notice")).to_contain_text("JavaScript")
    expect(page.locator("#pay")).to_be_hidden()
    walk = Walk(context.request)
    page.goto(walk.order("approve")[0])
    expect(page.locator("[data-order-status=PAID]")).to_contain_text("₩12,900")
    expect(page.locator("#trail > [data-event=ORDER_PAID]")).to_be_visible()
    page.goto(walk.order("decline")[0])
    expect(page.locator(".notice")).to_contain_text("JavaScript")
    expect(page.locator("#retry")).to_be_hidden()
    page.click("#recheck")
    expect_status(page, "FAILED")


def test_who_wants_no_motion_sees_none(visit):
    page = visit(reduced_motion="no-preference")  # a tab that no other test uses
    page.emulate_media(reduced_motion="no-preference")
    wait_for_the_shop(page)
    spinner = "getComputedStyle(document.querySelector('#pay'), '::before').animationName"
    still = "getComputedStyle(document.querySelector('.choice')).transitionDuration === '0s'"
    assert (page.evaluate(spinner), page.evaluate(still)) == ("turn", False)
    page.emulate_media(reduced_motion="reduce")
    assert (page.evaluate(spinner), page.evaluate(still)) == ("none", True)


def test_the_pay_button_is_in_reach_of_a_thumb(visit):
    page = visit("iPhone 13")
    for y in (0, 300):
        page.mouse.wheel(0, y)
        expect(page.locator("#pay")).to_be_in_viewport(ratio=1)


def test_the_first_page_is_light_and_asks_no_other_host(new_context, site):
    context = new_context(base_url=site.url, locale="ko-KR")
    page, answers = context.new_page(), []
    context.on("response", lambda answer: answers.append(answer))
    page.goto("/", wait_until="networkidle")
    weights = {each.url: len(each.body()) for each in answers if "browser-sdk" not in each.url}
    assert len(weights) >= 4 and sum(weights.values()) < 40 * 1024, weights
    order(page)
    choose(page, "approve")
    expect_status(page, "PAID")
    assert {urlsplit(each.url).netloc for each in answers} == {urlsplit(site.url).netloc}
