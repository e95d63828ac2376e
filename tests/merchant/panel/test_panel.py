"""The panel: the messages of the browser and the trail of the server, drawn as one sequence."""

import ast
import html
import importlib
import re
import shutil
import time

import pytest

from merchant import trail, transitions
from merchant.models import Order, Payment
from merchant.pages.korean import KOREAN
from merchant.panel.steps import EXPECTED, GROUPS, STEPS
from tests.browser import sync_api
from tests.conftest import BUYER
from tests.visitor import (
    ROOT,
    begin,
    choose,
    expect_status,
    order,
    order_id,
    pay,
    payment_ids,
    run_site,
)

MERCHANT = ROOT / "merchant"
LANGUAGES = {"ko": "결제 과정 한눈에 보기", "en": "The payment, step by step"}
PAID_IN_BROWSER = [  # the messages of a payment that is not a redirect
    "POST /orders",
    "201",
    "PortOne.requestPayment",
    "",
    "resolved",
    "POST /payment/complete",
    "200",
]


def expect(locator, **options):
    return sync_api().expect(locator, **options)


# The server's half


def emitted():
    """Every event that merchant/ stores, found in its source: the names in the calls that make or
    store events, the values of the tables that name events, and what outcome_events() returns.
    """
    events = {*trail.ARRIVALS.values(), *transitions.EVENTS.values()}
    for file in MERCHANT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in STORES_EVENTS:
                events |= {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "_replace":
                events |= {each.value.value for each in node.keywords if each.arg == "event"}
            elif isinstance(node, ast.FunctionDef) and node.name == "outcome_events":
                events |= {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
    names = {event for event in events if isinstance(event, str) and re.fullmatch("[A-Z_]+", event)}
    return names - STATUSES


# refunds.py passes the names of events on through these.
STORES_EVENTS = {"NewEvent", "_end", "_change", "_store", "_store_new"}
STATUSES = {"MADE", "REQUESTED", "FAILED", "CANCELLED", "PARTIAL_CANCELLED"}  # in the same calls


def test_every_event_of_the_trail_has_its_name_and_a_function_that_exists():
    assert emitted() == set(STEPS)
    for event, step in STEPS.items():
        module = step.file.removesuffix(".py").replace("/", ".")
        found = importlib.import_module(f"merchant.{module}")
        for part in step.function.split("."):
            found = getattr(found, part, None)
        assert callable(found), f"{event}: {step.file} {step.function}"
        assert step.title != event and 1 <= step.group <= len(GROUPS)


def rows(page):
    """The result page's steps: [(event, text), …]."""
    found = re.findall(
        r'<li data-event="(\w+)"(.*?)</li>', page[page.index('id="trail"') :], re.DOTALL
    )
    return [
        (event, " ".join(html.unescape(re.sub("<[^>]+>", " ", "<" + text)).split()))
        for event, text in found
    ]


def test_the_page_shows_the_trail_in_its_order_with_time_source_status_duration_and_function(shop):
    order = shop.order()
    shop.pay(order["request"])
    shop.complete(order)
    shown = rows(shop.client.get(f"/orders/{order['orderId']}?lang=en").text)
    assert [event for event, _ in shown] == shop.trail(order)
    assert all(re.search(r"\d\d:\d\d:\d\d\.\d{3} · ", text) for _, text in shown)
    texts = dict(shown)
    assert re.search(
        r"browser SDK · PortOne: PAID · \d+ ms · portone.py · PortOne.get_payment",
        texts["LOOKED_UP"],
    )
    assert "shop · checkout.py · open_order" in texts["ORDER_CREATED"]


def test_a_mismatch_shows_both_values_side_by_side(shop):
    order = shop.order()
    shop.pay(order["request"], "tamper")
    shop.complete(order)
    page = shop.page(order)
    [row] = re.findall(r'<tr class="differs">(.*?)</tr>', page)
    assert re.findall(r"(\w+)(?:</code></a>)?</t[hd]>", row) == ["AMOUNT", "1000", "100"]
    assert "<details open>" in page and "verification.py · compare" in page


def test_the_step_that_decides_is_open_and_marked_also_when_all_is_well(shop):
    order = shop.order()
    shop.pay(order["request"])
    shop.complete(order)
    page = shop.client.get(f"/orders/{order['orderId']}?lang=en").text
    [decides] = [step for step in re.findall(r"<li .*?</li>", page, re.DOTALL) if "<table" in step]
    assert "<details open>" in decides and "This step decides" in decides
    assert 'data-event="LOOKED_UP"' in decides


def test_every_step_is_a_direct_child_under_the_heading_of_its_group(shop):
    """Scripts read `ol#trail > li[data-event]`."""
    order = shop.order()
    shop.pay(order["request"])
    shop.complete(order)
    page = shop.client.get(f"/orders/{order['orderId']}?lang=en").text
    trail = re.search(r'<ol id="trail".*?</ol>', page, re.DOTALL).group()
    assert trail.count("<ol") == 1 and "<ul" not in trail
    found = re.findall(r'<h3>(\d)|<li data-event="(\w+)"', trail)
    assert found[:3] == [("1", ""), ("", "ORDER_CREATED"), ("", "ATTEMPT_OPENED")]
    assert [number for number, _ in found if number] == ["1", "3", "4"]
    assert found.index(("3", "")) < found.index(("", "LOOKED_UP")) < found.index(("4", ""))
    assert found[-1] == ("", "ORDER_PAID")


def test_before_a_payment_the_steps_to_come_are_there_in_four_groups(shop):
    page = shop.client.get("/?lang=en").text
    assert re.findall(r"<h3>(\d [\w ]+)</h3>", page) == [
        "1 Store the order",
        "2 Payment window",
        "3 Check on the server",
        "4 Store the state",
    ]
    assert page.count('<li class="expected') == len(EXPECTED) and "data-event=" not in page


def test_the_raw_record_is_a_link_to_the_console_and_not_in_the_page(make_shop):
    shop = make_shop(PORTONE_CONSOLE_URL="https://console.example/")
    order = shop.order()
    assert f'href="https://console.example/?q={order["paymentId"]}"' in shop.page(order)
    assert BUYER["name"] not in shop.page(order) and "transactionId" not in shop.page(order)
    assert "?q=" not in make_shop(PORTONE_CONSOLE_URL="").page(order)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_panel_is_korean_or_english(shop, language):
    order = shop.order()
    for path in ("/", f"/orders/{order['orderId']}"):
        page = shop.client.get(f"{path}?lang={language}").text
        assert LANGUAGES[language] in page
        assert (KOREAN["The SDK answers"] in page) == (language == "ko")


# In a browser


# What was sent or stored. The rest is a heading, or a step to come.
DRAWN = "#trail > li:has(time)"


def titles(page, steps=DRAWN):
    """What each step is: a message of the browser, or an event of the server.

    The payment window has no such name.
    """
    page.wait_for_load_state()  # by then panel.js has run
    return page.eval_on_selector_all(
        steps, "all => all.map((li) => li.querySelector('p code')?.textContent ?? '')"
    )


def events(page):
    return titles(page, "#trail > li[data-event]")


def messages(page):
    return titles(page, f"{DRAWN}:not([data-event])")


@pytest.mark.browser
def test_messages_appear_while_the_payment_window_is_open(page):
    expect(page.locator(DRAWN)).to_have_count(0)
    expect(page.locator("#trail > .expected")).to_have_count(len(EXPECTED))
    order(page, "IFRAME")
    expect(page.locator(DRAWN)).to_have_count(4)
    assert titles(page) == PAID_IN_BROWSER[:4]
    expect(page.locator(DRAWN).last).to_have_class("from-portone to-pg")
    # Each took the place of a step to come. The order, too, is stored by now.
    expect(page.locator("#trail > .expected")).to_have_count(len(EXPECTED) - 5)
    expect(page.locator("#trail > .group")).to_have_count(4)
    asked = page.locator("#trail li", has_text="PortOne.requestPayment")
    asked.locator("summary").click(force=True)
    expect(asked.locator("pre")).to_contain_text('"totalAmount": 1000')
    expect(
        page.get_by_role("complementary", name=LANGUAGES["en"], include_hidden=True)
    ).to_have_count(1)


@pytest.mark.browser
@pytest.mark.parametrize("window_type", ["IFRAME", pytest.param("POPUP", marks=pytest.mark.long)])
def test_the_result_page_draws_both_halves_as_one_sequence(page, site, new_context, window_type):
    pay(page, "approve", window_type)
    expect_status(page, "PAID")
    assert messages(page) == PAID_IN_BROWSER
    steps = titles(page)
    assert steps[:5] == [
        "POST /orders",
        "ORDER_CREATED",
        "ATTEMPT_OPENED",
        "201",
        "PortOne.requestPayment",
    ]
    assert steps.index("POST /payment/complete") < steps.index("SDK_RETURNED") < len(steps) - 1
    assert steps[-1] == "200"
    expect(page.locator(".to-pg small")).to_contain_text(re.compile(r"\d\.\d s"))

    # The raw record is one click away.
    with page.expect_popup() as console:
        page.click(".panel a")
    [payment_id] = payment_ids(site, page)
    expect(console.value.locator("[data-payment-status=PAID]")).to_be_visible()
    assert console.value.url.endswith(f"/sandbox/console/payments/{payment_id}")

    # Without JavaScript the trail is there.
    plain = new_context(java_script_enabled=False).new_page()
    plain.goto(page.url)
    expect(plain.locator("#trail > li[data-event=ORDER_PAID]")).to_be_visible()
    expect(plain.locator(f"{DRAWN}:not([data-event])")).to_have_count(0)


@pytest.mark.browser
def test_a_redirect_is_one_sequence_across_three_pages(page):
    pay(page, "approve", "REDIRECTION")
    expect_status(page, "PAID")
    assert messages(page) == [
        "POST /orders",
        "201",
        "PortOne.requestPayment",
        "undefined",
        "",
    ]
    assert titles(page)[-1] in {"REDIRECTED", "LOOKED_UP", "ORDER_PAID"}
    assert titles(page).index("REDIRECTED") > titles(page).index("undefined")
    expect(page.locator("#trail > li", has_text="undefined")).to_contain_text("page leaves")


@pytest.mark.long
@pytest.mark.browser
def test_the_servers_steps_stay_in_order_whatever_the_browsers_clock_shows(new_context, site):
    page = new_context(base_url=site.url, locale="en-US").new_page()
    page.add_init_script("const now = Date.now; Date.now = () => now() + 3_600_000")
    begin(page)
    pay(page, "approve", "IFRAME")
    expect_status(page, "PAID")
    assert titles(page)[:4] == ["POST /orders", "ORDER_CREATED", "ATTEMPT_OPENED", "201"]
    # Two clocks are compared no better than an exchange takes.
    assert titles(page).index("POST /payment/complete") > titles(page).index("ATTEMPT_OPENED")
    assert messages(page) == PAID_IN_BROWSER
    shown = page.request.get(f"/orders/{order_id(page)}").text()
    assert events(page) == [event for event, _ in rows(shown)]


@pytest.mark.long
@pytest.mark.browser
def test_a_window_that_does_not_open_is_not_drawn(page):
    page.evaluate("window.open = () => null")
    order(page, "POPUP")
    expect(page.locator(DRAWN)).to_have_count(4)
    expect(page.locator("#trail > .expected")).to_have_count(0)  # they do not come
    assert titles(page) == ["POST /orders", "201", "PortOne.requestPayment", "rejected"]
    pay(page, "approve", "IFRAME")
    expect_status(page, "PAID")
    assert events(page).count("ATTEMPT_OPENED") == 2
    expect(page.locator(".to-pg")).to_have_count(1)


@pytest.mark.long
@pytest.mark.browser
def test_another_basket_begins_a_new_drawing(page):
    page.evaluate("window.open = () => null")
    order(page, "POPUP")
    expect(page.locator("#trail")).to_contain_text("rejected")
    page.locator("[name=productId]").nth(1).check(force=True)
    order(page, "IFRAME")
    expect(page.locator("#trail > li.to-pg")).to_have_count(1)
    assert titles(page) == PAID_IN_BROWSER[:4]


@pytest.mark.long
@pytest.mark.browser
def test_both_attempts_of_an_order_are_drawn(page):
    pay(page, "decline")
    expect_status(page, "FAILED")
    expect(page.locator("#trail tr.differs td")).to_have_count(0)
    page.click("#retry")
    choose(page, "approve")
    expect_status(page, "PAID")
    drawn = page.locator(f"{DRAWN}:not([data-event])")
    expect(drawn).to_have_count(2 * len(PAID_IN_BROWSER))
    assert events(page).count("ATTEMPT_OPENED") == 2


@pytest.mark.browser
def test_an_order_that_only_a_webhook_reported(page, site):
    email = page.input_value("[name=buyerEmail]")
    pay(page, "abandon", "IFRAME")
    expect(page.frame_locator("dialog iframe").locator(".done")).to_be_visible()
    deadline = time.monotonic() + 10
    while site.values(Order.status, Order.buyer_email == email) != ["PAID"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    page.reload()
    expect_status(page, "PAID")
    assert messages(page) == ["POST /orders", "201", "PortOne.requestPayment", ""]
    assert titles(page)[-1] == "ORDER_PAID" and "SDK_RETURNED" not in titles(page)
    expect(page.locator("[data-event=ORDER_PAID]")).to_contain_text("webhook")


@pytest.mark.long
@pytest.mark.browser
def test_repeated_look_ups_are_folded(page):
    """The shop is away, and answers the fourth question of checkout.js."""
    answers = iter([503, 503, 503])

    def answer(route):
        status = next(answers, None)
        error = {"code": "PORTONE_UNAVAILABLE", "message": "away", "retryable": True}
        if status:
            route.fulfill(status=status, json={"error": error})
        else:
            route.continue_()

    page.route("**/payment/complete", answer)
    pay(page, "approve", "IFRAME")
    expect_status(page, "PAID")
    page.wait_for_load_state()
    [summary] = page.locator("#trail .repeats summary").all_inner_texts()
    times = int(re.fullmatch(r"… the same look-up, (\d) times", summary).group(1))
    hidden = page.locator("#trail > li[hidden] p code")
    assert times > 1  # a webhook may come between two of them
    assert hidden.all_text_contents() == ["POST /payment/complete", "503"] * (times - 1)
    assert messages(page).count("503") == 3, "they are there, and a click shows them"
    page.locator(".repeats summary").click()
    expect(page.locator("#trail > li[hidden]")).to_have_count(0)
    expect(hidden).to_have_count(0)


@pytest.mark.browser
def test_from_the_paid_page_to_the_line_that_compares_the_amount(page):
    pay(page, "approve", "IFRAME")
    expect_status(page, "PAID")
    page.click("#trail tr a[href*='verification.py'] >> text=AMOUNT")
    line = page.locator(".line.decides")
    expect(line).to_have_text(re.compile(r'Check\("AMOUNT", payment.amount'))
    expect(line).to_be_in_viewport()
    expect(page.locator(".line.marked").first).to_contain_text("def compare(")


@pytest.mark.browser
def test_the_messages_of_the_browser_lead_to_checkout_js(page):
    pay(page, "approve", "IFRAME")
    expect_status(page, "PAID")
    page.wait_for_load_state()
    links = page.locator("#trail > li:not([data-event]) small a")
    names = [text.removeprefix("checkout.js · ") for text in links.all_text_contents()]
    assert names == [*["createPayment"] * 2, *["openWindow"] * 2, *["complete"] * 2]
    headings = page.locator("#trail h3").all_text_contents()
    assert sorted({text[0] for text in headings}) == ["1", "2", "3", "4"]
    links.last.click()
    expect(page.locator(".line.marked").first).to_contain_text("async function complete(")


@pytest.mark.browser
def test_the_tab_remembers_three_orders_and_thirty_messages_of_each(page):
    page.evaluate("""
      for (const orderId of ["a", "b", "c", "d"]) {
        for (let at = 0; at < 40; at += 1) {
          const detail = { from: "shop", to: "browser", what: "200", data: { orderId }, at };
          document.dispatchEvent(new CustomEvent("checkout:message", { detail }));
        }
      }
    """)
    page.wait_for_function("sessionStorage['checkout:messages']?.includes('\"d\"')")
    stored = page.evaluate("JSON.parse(sessionStorage['checkout:messages'])")
    assert [(order, len(messages)) for order, messages in stored] == [
        ("b", 30),
        ("c", 30),
        ("d", 30),
    ]
    assert stored[-1][1][-1]["at"] == 39


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_what_did_not_match_is_seen_at_once_and_the_panel_fits_a_narrow_phone(visit, locale):
    page = visit(locale=locale, viewport={"width": 320, "height": 640})
    pay(page, "tamper", "IFRAME")
    expect_status(page, "MISMATCH")
    differing = page.locator("#trail tr.differs td")
    assert differing.all_inner_texts() == ["1000", "100"]
    expect(differing.first).to_be_visible()

    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    assert page.evaluate("document.querySelector('.panel').scrollWidth") <= 320
    right = """Math.max(
        ...[...document.querySelectorAll(".panel *")].map(
            (each) => each.getBoundingClientRect().right))"""
    assert page.evaluate(right) <= 320


@pytest.mark.browser
@pytest.mark.long
def test_the_shop_works_with_the_panel_removed(new_context, tmp_path):
    root = tmp_path / "shop"
    names = ("merchant", "portone_sandbox", "static", "templates")
    for name in names:
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / "wsgi.py", root)
    (root / "templates/merchant/panel.html").unlink()
    (root / "templates/merchant/code.html").unlink()
    for name in ("panel-start.js", "panel.js", "trail.js", "panel.css"):
        (root / "static/merchant" / name).unlink()
    layout = root / "templates/merchant/layout.html"
    lines = layout.read_text().splitlines(keepends=True)
    kept = [line for line in lines if "panel" not in line]
    assert len(lines) - len(kept) == 1
    layout.write_text("".join(kept))
    with run_site(tmp_path, root) as site:
        page = new_context(base_url=site.url, locale="en-US").new_page()
        begin(page)
        pay(page, "approve")
        expect_status(page, "PAID")
        expect(page.locator(".panel, #trail")).to_have_count(0)
        assert site.values(Payment.status, Payment.order_id == order_id(page)) == ["PAID"]
