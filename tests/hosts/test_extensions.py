"""The usual extensions, each in a host that uses it as its documentation shows."""

import logging
import re

import pytest
from flask import after_this_request

import portone_sandbox
from portone_sandbox.channels import KEYS_BY_PG
from tests.hosts.apps import babel, caching, cors, csp, csrf, limiter, login
from tests.hosts.servers import serve
from tests.visitor import expect_status

# Flask-Login


@pytest.mark.database
def test_a_user_who_is_loaded_before_each_request_stays_logged_in_and_pays(config, buyer):
    app = login.create_app(config)
    with app.app_context():
        login.db.session.add(login.User(name="kim"))
        login.db.session.commit()
    host = buyer(app)
    assert host.get("/account").status_code == 302
    host.client.post("/login", data={"name": "kim"})
    order = host.pay()
    shown = host.get(f"/shop/orders/{order['orderId']}")
    assert shown.headers["X-User"] == "kim"
    assert host.get("/account").text == "kim was at /account"
    with (
        app.app_context()
    ):  # what was pending when the merchant began is stored, and nothing else of the host's
        assert login.db.session.scalar(login.db.select(login.User.last_path)) == "/account"


# Flask-WTF

EXEMPTION = re.escape("csrf.exempt(merchant.bp)")


def warnings(caplog, word):
    return [
        each.getMessage()
        for each in caplog.records
        if each.levelno == logging.WARNING and re.search(word, each.getMessage())
    ]


def test_with_the_line_of_the_docs_csrf_protection_leaves_the_payment_alone(config, buyer, caplog):
    app = csrf.create_app({**config, "EXEMPT": True})
    host = buyer(app)
    host.pay()
    assert host.client.post("/submit", data={"name": "kim"}).status_code == 400
    token = re.search('name="csrf_token"[^>]* value="([^"]+)"', host.get("/submit").text)[1]
    answer = host.client.post("/submit", data={"name": "kim", "csrf_token": token})
    assert answer.text == "hello kim"
    assert warnings(caplog, EXEMPTION) == []


def test_without_that_line_the_start_names_it(config, caplog):
    csrf.create_app({**config, "EXEMPT": False})
    assert len(warnings(caplog, EXEMPTION)) == 1


def test_without_that_line_the_first_page_names_it_if_the_protection_was_set_up_later(
    config, buyer, caplog
):
    host = buyer(csrf.create_app({**config, "EXEMPT": False, "PROTECTED_LATER": True}))
    for _ in range(2):
        assert host.get("/shop/").status_code == 200
    assert len(warnings(caplog, EXEMPTION)) == 1


def test_a_host_that_turns_csrf_protection_off_in_its_tests_is_not_warned(config, buyer, caplog):
    host = buyer(csrf.create_app({**config, "EXEMPT": False, "WTF_CSRF_ENABLED": False}))
    host.pay()
    assert warnings(caplog, EXEMPTION) == []


# Flask-Talisman

INLINE = r"<style|<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=|javascript:"


def test_under_talismans_policy_one_pays_over_https_and_no_page_has_inline_code(config, buyer):
    app = csp.create_app({**config, "HTTPS": True, "PAYMENT_PANEL": "1"})
    assert app.test_client().get("/shop/").status_code == 302
    host = buyer(app, base_url="https://localhost")
    order = host.pay()
    assert order["request"]["redirectUrl"] == "https://localhost/shop/payment-redirect"
    code = "/shop/panel/code/merchant/verification.py?function=compare"
    result = host.get(f"/shop/orders/{order['orderId']}").text
    assert f'href="{code}#marked"' in result
    for path in ("/shop/", f"/shop/orders/{host.order()['orderId']}", "/shop/orders/nothing", code):
        page = host.get(path)
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]
        assert re.search(INLINE, page.text) is None, re.search(f".*({INLINE}).*", page.text)[0]


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.parametrize("window_type", ["IFRAME", "REDIRECTION"])
def test_a_browser_pays_under_talismans_default_policy_without_a_violation(
    config, open_tab, tmp_path, window_type
):
    takes_every_window = {"PORTONE_PG": "INICIS_V2", "PORTONE_CHANNEL_KEY": KEYS_BY_PG["INICIS_V2"]}
    settings = portone_sandbox.settings("/sandbox") | takes_every_window
    app = csp.create_app({**config, **settings, "HTTPS": False, "PAYMENT_PANEL": "1"})
    csp.mount_sandbox(app, tmp_path / "sandbox.db")
    with serve(app) as base:
        page = open_tab()
        violations = []
        page.on("console", lambda message: violations.append(message.text))
        page.goto(f"{base}/shop/")
        assert page.locator("#pay").evaluate("each => getComputedStyle(each).cursor") == "pointer"
        page.select_option("[name=windowType]", window_type)
        page.click("#pay")
        window = page if window_type == "REDIRECTION" else page.frame_locator("dialog iframe")
        window.locator("[data-outcome=approve]").click()
        expect_status(page, "PAID")
        page.click("#trail tr a[href*='verification.py'] >> text=AMOUNT")
        page.locator(".line.decides").wait_for()
    assert [text for text in violations if "Content Security Policy" in text] == []


# Flask-Babel


def test_babels_own_words_and_the_merchants_stand_side_by_side(config, buyer):
    app = babel.create_app(config)
    korean = buyer(app, headers={"Accept-Language": "ko"})
    assert korean.get("/").text == "Order Card ₩1,000!"
    order = korean.pay()
    page = korean.get(f"/shop/orders/{order['orderId']}").text
    assert "1,000원" in page and 'lang="ko"' in page
    english = buyer(app, headers={"Accept-Language": "en"})
    assert "Payment method" in english.get("/shop/").text
    assert "결제" not in re.sub(' lang="ko".*', "", english.get("/shop/").text)


# Flask-Caching


def test_a_hosts_cached_pages_stay_cached_and_the_merchants_are_not(config, buyer):
    host = buyer(caching.create_app(config))
    assert [host.get("/").text for _ in range(2)] == ["visit 1", "visit 1"]
    order = host.order()
    path = f"/shop/orders/{order['orderId']}"
    assert 'data-order-status="PENDING"' in host.get(path).text
    host.approve(order)
    host.complete(order)
    page = host.get(path)
    assert 'data-order-status="PAID"' in page.text
    assert page.headers["Cache-Control"] == "no-store"


# Flask-Limiter


def test_a_hosts_default_limit_does_not_refuse_webhooks_once_the_merchant_is_exempt(config, buyer):
    host = buyer(limiter.create_app(config))
    order = host.pay()
    assert {host.webhook(order).status_code for _ in range(10)} == {200}
    assert [host.get("/slow").status_code for _ in range(4)] == [200, 200, 200, 429]


# flask-cors


def test_with_cors_for_every_route_one_pays_and_a_page_says_on_what_it_depends(config, buyer):
    host = buyer(cors.create_app(config), headers={"Origin": "https://other.example"})
    order = host.pay()
    page = host.get(f"/shop/orders/{order['orderId']}")
    assert page.headers["Cache-Control"] == "no-store"
    assert "Accept-Language" in page.headers["Vary"] and "Cookie" in page.headers["Vary"]
    assert host.get("/").text == "Hello, cross-origin-world!"


def test_what_an_extension_says_a_page_depends_on_is_left_there(config, buyer):
    app = cors.create_app(config)

    @app.before_request
    def depend():
        @after_this_request
        def vary(response):
            response.vary.add("Origin")
            return response

    assert "Origin" in buyer(app).get("/shop/").headers["Vary"]
