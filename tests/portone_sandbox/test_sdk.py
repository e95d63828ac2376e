"""window.PortOne in a real Chromium, on the page of a merchant who is not where the sandbox is.

With PORTONE_BROWSER_SDK, the folder of an unpacked npm package @portone/browser-sdk, that package
is tried as well.
"""

import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from portone_server_sdk import payment as shapes
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.wrappers import Response

from portone_sandbox.channels import KEYS_BY_PG, MANUAL_CHANNEL
from tests.browser import sync_api
from tests.portone_sandbox.client import payment_request
from tests.portone_sandbox.conftest import serve

expect = sync_api().expect
pytestmark = pytest.mark.browser

NPM = os.environ.get("PORTONE_BROWSER_SDK")
PAGE = """<!doctype html>
<title>Shop</title>
<button id="pay" onclick="pay()">Pay</button> <a id="basket" href="/basket">Basket</a>
<script src="{sdk}"></script>
<script>
  let request;
  const answers = [];
  const late = () => new Promise((_, reject) => setTimeout(reject, 10_000, new Error("no answer")));
  function pay() {{
    answers.push(PortOne.requestPayment(request).then(
      (answer) => ({{ answer }}),
      (error) => ({{ error: {{ ...error, message: error.message, isError: error instanceof Error }} }}),
    ));
  }}
</script>
"""
# A site name other than the sandbox's makes its iframe and popup cross-site, another port only
# cross-origin.
HOSTS = [pytest.param("127.0.0.1", marks=pytest.mark.long), "localhost"]


class Shop:
    def __init__(self, page, url):
        self.page = page
        self.url = url
        self.window = page.frame_locator("dialog iframe")

    def open(self, **changes):
        """Press Pay."""
        if "windowType" in changes:  # Toss Payments has one form of window for each device
            changes = {"channelKey": KEYS_BY_PG["NICE_V2"], **changes}
        self.page.evaluate("given => { request = given; }", payment_request(**changes))
        self.page.click("#pay")

    def open_popup(self, **changes):
        with self.page.expect_popup() as popup:
            self.open(windowType={"pc": "POPUP"}, **changes)
        return popup.value

    def click_backdrop(self):
        expect(self.page.locator("dialog iframe")).to_be_visible()
        self.page.mouse.click(5, 300)

    def choose(self, outcome):
        self.window.locator(f"[data-outcome={outcome}]").click()

    def answer(self):
        """Of the newest requestPayment: `{answer}`, or `{error}` when it threw."""
        return self.page.evaluate("Promise.race([answers.at(-1), late()])")


@pytest.fixture(scope="session")
def shop_port(address):
    """Of the merchant's page, which is on another origin than the sandbox."""
    html = PAGE.format(sdk=f"{address.url}/v2/browser-sdk.js")
    with serve(Response(html, mimetype="text/html")) as port:
        yield port


@pytest.fixture
def visit(open_tab, base, shop_port):
    """visit(host, device=None) -> a Shop in a browser without a past."""

    def visit(host="localhost", device=None):
        url = f"http://{host}:{shop_port}/"
        page = open_tab(device)
        page.goto(url)
        return Shop(page, url)

    return visit


@pytest.fixture
def shop(visit):
    return visit()


def cancelled(answer):
    return answer["answer"].get("pgCode") == "PAY_PROCESS_CANCELED"


def wait_until_closed(popup):
    if not popup.is_closed():
        popup.wait_for_event("close")


# Every kind of window, from another origin


@pytest.mark.parametrize("host", HOSTS)
def test_an_iframe_answers(visit, portone, host):
    shop = visit(host)
    shop.open()
    shop.choose("approve")
    answer = shop.answer()["answer"]
    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.PaidPayment)
    assert answer == {
        "transactionType": "PAYMENT",
        "txId": payment.transaction_id,
        "paymentId": "payment1",
    }
    expect(shop.page.locator("dialog")).to_have_count(0)


@pytest.mark.long
def test_a_token_of_manual_approval_reaches_the_page(shop, portone):
    shop.open(channelKey=MANUAL_CHANNEL)
    shop.choose("approve")
    token = shop.answer()["answer"]["paymentToken"]
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.ReadyPayment)
    portone.confirm_payment(payment_id="payment1", payment_token=token, total_amount=1000)
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)


@pytest.mark.parametrize("host", HOSTS)
def test_a_popup_answers(visit, portone, host):
    shop = visit(host)
    popup = shop.open_popup()
    popup.click("[data-outcome=approve]")
    assert shop.answer()["answer"]["paymentId"] == "payment1"
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)
    wait_until_closed(popup)


@pytest.mark.parametrize("device", [pytest.param(None, marks=pytest.mark.long), "iPhone 13"])
def test_a_redirect_comes_back(visit, device):
    shop = visit(device=device)
    shop.open(
        redirectUrl=f"{shop.url}back?order=7", windowType={} if device else {"pc": "REDIRECTION"}
    )
    shop.page.click("[data-outcome=approve]")
    shop.page.wait_for_url(f"{shop.url}back?*")
    query = parse_qs(urlsplit(shop.page.url).query)
    assert (query["order"], query["paymentId"], query.get("code")) == (["7"], ["payment1"], None)


def test_a_forced_redirect_leaves_the_page_whatever_the_answer(shop):
    shop.open(redirectUrl=f"{shop.url}back", forceRedirect=True)
    shop.choose("decline")
    shop.page.wait_for_url(f"{shop.url}back?*")
    assert parse_qs(urlsplit(shop.page.url).query)["pgCode"] == ["EXCEED_MAX_AMOUNT"]


# The buyer gives up


@pytest.mark.parametrize("host", HOSTS)
def test_escape_in_the_iframe_is_a_cancel(visit, portone, host):
    shop = visit(host)
    shop.open()
    expect(shop.window.locator("[data-outcome=approve]")).to_be_visible()
    shop.page.keyboard.press("Escape")
    assert cancelled(shop.answer())
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.FailedPayment)


def test_escape_outside_of_the_iframe_is_a_cancel_once_or_twice(shop):
    for times in (1, 2):
        shop.open()
        shop.page.locator("dialog iframe").evaluate("iframe => iframe.blur()")
        for _ in range(times):
            shop.page.keyboard.press("Escape")
        assert cancelled(shop.answer())
        expect(shop.page.locator("dialog")).to_have_count(0)


def test_a_click_on_the_backdrop_is_a_cancel(shop):
    shop.open()
    shop.click_backdrop()
    assert cancelled(shop.answer())


@pytest.mark.parametrize("host", HOSTS)
def test_a_closed_popup_is_a_cancel(visit, host):
    shop = visit(host)
    popup = shop.open_popup()
    popup.wait_for_selector("[data-outcome=approve]")
    popup.close()
    assert cancelled(shop.answer())


def test_a_page_that_drops_the_iframe_has_cancelled(shop):
    shop.open()
    shop.page.locator("dialog").evaluate("dialog => dialog.remove()")
    assert cancelled(shop.answer())


def test_the_second_click_of_a_double_click_is_not_the_backdrops(shop):
    shop.page.evaluate("given => { request = given; }", payment_request())
    box = shop.page.locator("#pay").bounding_box()
    shop.page.mouse.move(box["x"] + 5, box["y"] + 5)
    shop.page.mouse.down(click_count=1)
    shop.page.mouse.up(click_count=1)
    expect(shop.page.locator("dialog iframe")).to_be_visible()
    shop.page.mouse.down(click_count=2)
    shop.page.mouse.up(click_count=2)
    shop.choose("approve")
    assert not cancelled(shop.answer())


# The overlay


@pytest.mark.parametrize("host", HOSTS)
def test_the_iframe_keeps_the_focus_and_gives_it_back(visit, host):
    shop = visit(host)
    shop.open()
    expect(shop.window.locator("[data-outcome=approve]")).to_be_visible()
    focused = "document.activeElement.id || document.activeElement.tagName"
    assert shop.page.evaluate(focused) == "IFRAME"
    seen = set()
    for _ in range(20):
        shop.page.keyboard.press("Tab")
        seen.add(shop.page.evaluate(focused))
    assert seen <= {"IFRAME", "BODY"}
    shop.choose("cancel")
    shop.answer()
    assert shop.page.evaluate(focused) == "pay"


@pytest.mark.long
def test_the_merchants_styles_do_not_reach_it(visit):
    plain, styled = visit(), visit()
    styled.page.add_style_tag(
        content="""
        * { margin: 9px !important; max-width: 50px !important; color: red !important; }
        dialog, dialog *, body > :not(button) {
          display: none !important; opacity: 0 !important; visibility: hidden !important;
          position: static !important; pointer-events: none !important;
          transform: scale(0.1) !important; height: auto !important; animation: none !important;
          z-index: -1 !important; border: 5px solid !important; padding: 7px !important;
        }
    """
    )
    plain.open()
    styled.open()
    for part in ("dialog", "dialog iframe"):
        assert styled.page.locator(part).bounding_box() == plain.page.locator(part).bounding_box()
    styled.choose("approve")
    assert "code" not in styled.answer()["answer"]


@pytest.mark.long
def test_the_page_is_dimmed_unless_told_otherwise(shop):
    dialog = shop.page.locator("dialog")
    for iframe, background in (({}, "rgba(0, 0, 0, 0.55)"), ({"dim": False}, "rgba(0, 0, 0, 0)")):
        shop.open(iframe=iframe)
        expect(dialog).to_have_css("background-color", background)
        assert dialog.evaluate("dialog => getComputedStyle(dialog, '::backdrop').display") == "none"
        shop.choose("cancel")
        expect(dialog).to_have_count(0)


@pytest.mark.long
def test_a_popup_is_centred_when_told_so(shop):
    shop.page.evaluate("""() => {
      const open = window.open;
      window.open = (...all) => open(...(window.opened = all));
    }""")
    for center in (True, False):
        popup = shop.open_popup(popup={"center": center})
        assert ("left=" in shop.page.evaluate("window.opened[2]")) is center
        popup.click("[data-outcome=cancel]")
        assert cancelled(shop.answer())


@pytest.fixture
def own_site(open_tab, room, base, address):
    """A shop that has the sandbox under an address of its own, so that their origin is the same."""
    html = PAGE.format(sdk=f"{base}/v2/browser-sdk.js")
    shop = Response(html, mimetype="text/html")
    address.room = DispatcherMiddleware(room, {"/shop": shop})
    page = open_tab(None)
    page.goto(f"{base}/shop")
    return Shop(page, f"{base}/shop")


@pytest.mark.parametrize("site", ["shop", "own_site"])
def test_nobody_else_can_answer_for_the_window(request, site):
    shop = request.getfixturevalue(site)
    shop.open()
    tx_id = shop.page.get_attribute("dialog iframe", "src").split("/")[-1]
    shop.page.evaluate(
        """(txId) => new Promise((resolve) => {
            let heard = 0;
            window.addEventListener("message", () => ++heard === 2 && resolve());
            window.postMessage({ txId, result: { forged: true } }, "*");
            const stranger = document.body.appendChild(document.createElement("iframe"));
            stranger.srcdoc = `<script>parent.postMessage({ txId: "${txId}", closed: true }, "*")<${"/"}script>`;
        })""",
        tx_id,
    )
    shop.choose("approve")
    assert shop.answer()["answer"] == {
        "transactionType": "PAYMENT",
        "txId": tx_id,
        "paymentId": "payment1",
    }


def test_the_window_answers_nobody_but_the_page_that_opened_it(visit, base):
    """Another site that knows the window's address has it in a frame, and the buyer pays there."""
    shop, other = visit(), visit("127.0.0.1")
    shop.open()
    window = shop.page.get_attribute("dialog iframe", "src")
    other.page.evaluate(
        """(window_) => {
            window.heard = [];
            window.addEventListener("message", (event) => heard.push(event.data));
            document.body.appendChild(document.createElement("iframe")).src = window_;
        }""",
        window,
    )
    frame = other.page.frame_locator("iframe")
    frame.locator("[data-outcome=approve]").click()
    expect(frame.locator("body[data-message]")).to_be_visible()
    other.page.wait_for_timeout(200)  # a message would be here by then
    assert other.page.evaluate("heard") == []


def test_another_site_inside_the_window_cannot_answer_for_it(shop):
    """A page of the PG's that leads elsewhere is in the same frame, but of another origin."""
    shop.open()
    expect(shop.window.locator("[data-outcome=approve]")).to_be_visible()  # else it loads over ours
    tx_id = shop.page.get_attribute("dialog iframe", "src").split("/")[-1]
    shop.page.evaluate(
        """(txId) => Promise.race([late(), new Promise((resolve) => {
            let heard = 0;
            window.addEventListener("message", () => ++heard === 2 && resolve());
            const forge = (message) => `parent.postMessage(${JSON.stringify(message)}, "*");`;
            const both = forge({ txId, result: { forged: true } }) + forge({ txId, closed: true });
            const iframe = document.querySelector("dialog iframe");
            iframe.srcdoc = `<script>${both}<${"/"}script>`;
        })])""",
        tx_id,
    )
    shop.page.evaluate("document.querySelector('dialog iframe').removeAttribute('srcdoc')")
    shop.choose("approve")
    assert shop.answer()["answer"] == {
        "transactionType": "PAYMENT",
        "txId": tx_id,
        "paymentId": "payment1",
    }


# What requestPayment throws


def thrown(answer):
    """The code of what npm's isPaymentError recognises."""
    error = answer["error"]
    assert error["isError"] and error["message"]
    assert (error["__portOneErrorType"], error["transactionType"]) == ("PaymentError", "PAYMENT")
    return error["code"]


@pytest.mark.long
def test_a_payment_id_is_tried_until_it_is_paid(shop):
    for outcome in ("decline", "cancel", "approve"):
        shop.open()
        shop.choose(outcome)
        assert ("code" in shop.answer()["answer"]) is (outcome != "approve")
    shop.open()
    assert thrown(shop.answer()) == "PaymentAlreadyPaid"


def test_one_window_at_a_time(shop):
    shop.page.evaluate("given => { request = given; pay(); pay(); }", payment_request())
    assert thrown(shop.answer()) == "FailedPrecondition"
    expect(shop.page.locator("dialog")).to_have_count(1)
    shop.choose("decline")
    assert shop.page.evaluate("answers[0]")["answer"]["pgCode"] == "EXCEED_MAX_AMOUNT"
    shop.open()
    shop.choose("approve")
    assert "code" not in shop.answer()["answer"]


NAVERPAY = {
    "channelKey": KEYS_BY_PG["NAVERPAY"],
    "payMethod": "EASY_PAY",
    "bypass": {
        "naverpay": {
            "productItems": [
                {"categoryType": "PRODUCT", "categoryId": "GENERAL", "uid": "p1"}
                | {"name": "나이키 와플 트레이너 2 SD", "count": 1}
            ]
        }
    },
}


def test_the_pg_decides_the_window_that_the_request_leaves_open(shop, portone):
    """A popup at Naver Pay on a PC, an iframe at Toss Payments. No answer is awaited before it."""
    with shop.page.expect_popup() as popup:
        shop.open(**NAVERPAY)
    popup.value.click("[data-outcome=approve]")
    assert shop.answer()["answer"]["paymentId"] == "payment1"
    assert portone.get_payment(payment_id="payment1").channel.pg_provider == "NAVERPAY"
    shop.open(paymentId="payment2")
    shop.choose("approve")
    assert shop.answer()["answer"]["paymentId"] == "payment2"


def test_a_phone_is_redirected_by_naver_pay(visit):
    shop = visit(device="iPhone 13")
    shop.open(redirectUrl=f"{shop.url}back", **NAVERPAY)
    shop.page.click("[data-outcome=approve]")
    shop.page.wait_for_url(f"{shop.url}back?*")


def test_a_window_form_that_the_pg_does_not_have_is_thrown(shop):
    popup = shop.open_popup(channelKey=KEYS_BY_PG["TOSSPAYMENTS"])
    wait_until_closed(popup)
    assert thrown(shop.answer()) == "BadRequest"
    message = shop.answer()["error"]["message"]
    assert "windowType.pc" in message and "pg/v2/tosspayments" in message


def test_a_bad_request_closes_its_popup(shop):
    popup = shop.open_popup(totalAmount="1000")
    wait_until_closed(popup)
    assert thrown(shop.answer()) == "BadRequest"
    assert shop.answer()["error"]["message"] == "totalAmount must be an integer."


def test_what_is_no_request_at_all_is_a_payment_error(shop):
    for request in ("undefined", "null", "[]", "'CARD'"):
        shop.page.evaluate(f"request = {request}; pay()")
        assert thrown(shop.answer()) == "BadRequest"
    shop.page.evaluate("request = { totalAmount: 1n }; pay()")  # is not JSON
    assert thrown(shop.answer()) == "UnknownError"


def test_a_blocked_popup_is_a_payment_error(shop):
    shop.page.evaluate("window.open = () => null")
    shop.open(windowType={"pc": "POPUP"})
    assert thrown(shop.answer()) == "Aborted"


def test_a_sandbox_that_cannot_be_reached(shop):
    shop.page.route("**/checkout/", lambda route: route.abort())
    shop.open()
    assert thrown(shop.answer()) == "UnknownError"


def test_a_sandbox_that_cannot_say_what_became_of_the_payment(shop):
    shop.page.route(
        "**/close", lambda route: route.fulfill(status=404, json={"type": "INVALID_REQUEST"})
    )
    shop.open()
    shop.click_backdrop()
    answer = shop.answer()["answer"]
    assert (answer["paymentId"], answer["code"]) == ("payment1", "UnknownError")


def test_what_is_not_in_the_sandbox_throws_an_error_of_its_own_type(shop):
    types = shop.page.evaluate("""
        async () => {
          const types = {};
          const { requestPayment, ...others } = PortOne;
          for (const [name, call] of Object.entries(others)) {
            await call({}).catch((error) => { types[name] = error.__portOneErrorType; });
          }
          return types;
        }
    """)
    assert types == {
        "requestIdentityVerification": "IdentityVerificationError",
        "requestIssueBillingKey": "IssueBillingKeyError",
        "requestIssueBillingKeyAndPay": "IssueBillingKeyAndPayError",
        "loadPaymentUI": "LoadPaymentUIError",
        "updateLoadPaymentUIRequest": "LoadPaymentUIError",
        "loadIssueBillingKeyUI": "LoadIssueBillingKeyUIError",
        "updateLoadIssueBillingKeyUIRequest": "LoadIssueBillingKeyUIError",
    }


# npm's package


@pytest.mark.skipif(not NPM, reason="PORTONE_BROWSER_SDK is not set")
def test_the_npm_package_drives_it(shop, base):
    module = Path(NPM or "", "dist/v2.js").read_text()
    shop.page.route(
        "**/npm.js", lambda route: route.fulfill(body=module, content_type="text/javascript")
    )
    call = """async ([sdk, request]) => {
        delete window.PortOne;
        document.querySelector("script[src]").remove();
        const npm = await import("/npm.js");
        npm.__INTERNAL__setPortOneSdkUrl(sdk);
        answers.push(npm.requestPayment(request).then(
            (answer) => ({ answer }),
            (error) => ({ code: npm.isPaymentError(error) && error instanceof npm.PaymentError && error.code }),
        ));
        unsupported = (name, isError) => npm[name]({}).catch((error) => npm[isError](error));
    }"""
    shop.page.evaluate(call, [f"{base}/v2/browser-sdk.js", payment_request()])
    shop.choose("approve")
    assert shop.answer()["answer"]["paymentId"] == "payment1"
    shop.page.evaluate(call, [f"{base}/v2/browser-sdk.js", payment_request()])
    assert shop.answer() == {"code": "PaymentAlreadyPaid"}
    assert shop.page.evaluate("unsupported('loadPaymentUI', 'isLoadPaymentUIError')")
    assert shop.page.evaluate("unsupported('requestIssueBillingKey', 'isIssueBillingKeyError')")
