"""Korean and English: each text has both, and no page in one shows a sentence of the other."""

import ast
import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

import merchant.pages.korean
import portone_sandbox.korean
from merchant.pages.messages import CODES, MESSAGES, REASONS
from tests.conftest import BUYER
from tests.stand_in import answer, record

ROOT = Path(__file__).parents[3]
VOID = {"br", "hr", "img", "input", "link", "meta", "path", "rect", "circle"}
DATA = {"code", "pre", "style"}  # what no buyer reads as a sentence
SHOWN = {"alt", "aria-label", "placeholder", "title", "value"}
FOREIGN = {
    "en": "[가-힣]",
    "ko": r"[A-Za-z]+(?:,? [a-z]+){2}",
}  # three English words in a row are a sentence


class Page(HTMLParser):
    """`texts`: what a page shows, of it what is in the page's own language."""

    def __init__(self, html):
        super().__init__()
        self.open, self.texts = [("", "")], []
        self.feed(html)
        assert self.open == [("", "")], "every element is closed"

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        within = self.open[-1][1]
        language = "data" if within == "data" or tag in DATA else attributes.get("lang", within)
        if tag == "html":
            self.language = language
        self.texts += [
            (language, attributes[name]) for name in SHOWN & attributes.keys() if tag != "option"
        ]
        # The sandbox's data-message goes to the SDK.
        self.texts += [
            (language, value)
            for name, value in attributes.items()
            if re.match("data-(?!message)", name)
        ]
        if tag not in VOID:
            self.open.append((tag, language))

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop()[0] == tag

    def handle_data(self, text):
        tag, language = self.open[-1]
        texts = json.loads(text).values() if tag == "script" else [text]
        self.texts += [(language, text) for text in texts]


def assert_language(language, html):
    page = Page(html)
    assert page.language == language
    own = [text for of, text in page.texts if of == language and text]
    assert not [text for text in own if re.search(FOREIGN[language], text)]
    return html


def texts_in(folder):
    """The texts that the templates of `folder` pass to _(), and every text in its Python files."""
    templates = "".join(file.read_text() for file in (ROOT / "templates").glob(f"{folder}/*.html"))
    templates += "".join(file.read_text() for file in (ROOT / folder).glob("templates/*.html"))
    translated = {text for _, text in re.findall(r"""\b_\(\s*(["'])(.+?)\1\s*\)""", templates)}
    files = [file for file in (ROOT / folder).rglob("*.py") if not file.name.startswith("korean")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    return translated, {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize(
    ("folder", "room", "others"),
    [
        ("merchant", merchant.pages.korean, merchant.pages.korean.BANKS),
        ("portone_sandbox", portone_sandbox.korean, ()),
    ],
)
def test_every_text_has_its_korean_and_every_korean_is_a_texts(folder, room, others):
    translated, constants = texts_in(folder)
    assert len(translated) > 50 and not translated - room.KOREAN.keys()
    assert not room.KOREAN.keys() - translated - constants - set(others)


# One term for each thing, as PortOne's documentation and Korean shops write it: {wrong: right}
TERMS = {
    "결제 수단": "결제수단",
    "입금 기한": "입금기한",
    "주문 번호": "주문번호",
    "결제 번호": "결제번호, or paymentId for developers",
    "API 시크릿": "API Secret",
    "채널키": "채널 키",
    "금액 위조": "금액 위변조",
    "다른 방법": "다른 결제수단",
    "결제된 금액은 없습니다": "결제는 되지 않았습니다",
    "상점에 문의": "판매자에게 문의",
    "상점에 알려": "판매자에게 문의",
    "결제를 취소하셨": "결제가 중단되었습니다: 취소 is a refund",
}


@pytest.mark.parametrize("room", [merchant.pages.korean, portone_sandbox.korean])
def test_the_terms_are_settled(room):
    texts = room.KOREAN.values()
    assert not [(wrong, text) for wrong in TERMS for text in texts if wrong in text]


# The shop


@pytest.fixture(params=["ko", "en"])
def language(request):
    return request.param


@pytest.fixture
def speak(language):
    """speak(client) -> a browser that prefers the language."""

    def speak(client):
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        return client

    return speak


EXPIRED = {
    "type": "PaymentMethodVirtualAccount",
    "bank": "SHINHAN",
    "accountNumber": "5600",
    "accountType": "NORMAL",
    "remitteeName": "스토어",
    "issuedAt": "2026-01-01T00:00:00Z",
    "expiredAt": "2026-01-02T00:00:00Z",
}
STATES = [  # (kind of message, PortOne's status, changes to the record)
    ("PENDING", "READY", {}),
    ("PAY_PENDING", "PAY_PENDING", {}),
    ("VIRTUAL_ACCOUNT_ISSUED", "VIRTUAL_ACCOUNT_ISSUED", {}),
    ("EXPIRED", "VIRTUAL_ACCOUNT_ISSUED", {"method": EXPIRED}),
    ("PAID", "PAID", {}),
    ("CANCELLED", "CANCELLED", {}),
    ("PARTIAL_CANCELLED", "PARTIAL_CANCELLED", {}),
    (
        "CLOSED",
        "CANCELLED",
        {"paidAt": None, "cancellations": [], "amount": {"total": 1000, "cancelled": 0}},
    ),
    ("GIVEN_BACK", "CANCELLED", {"currency": "USD"}),
    ("FAILED", "FAILED", {"failure": {"reason": "[X-1] 알 수 없는 오류"}}),
    ("FAILED", "FAILED", {"failure": {"pgCode": "EXCEED", "pgMessage": "한도초과"}}),
    *(
        (kind, "FAILED", {"failure": {"pgCode": codes.split()[-1], "pgMessage": "x"}})
        for kind, codes in CODES.items()
    ),
    (
        "LIMIT",
        "FAILED",
        {"failure": {"reason": "[EXCEED_MAX_AMOUNT] 거래금액 한도를 초과했습니다."}},
    ),
    ("AMOUNT", "PAID", {"amount": {"total": 7, "cancelled": 0}}),
    ("CURRENCY", "PAID", {"currency": "USD"}),
    ("OTHER_PAYMENT", "PAID", {"storeId": "another"}),
    ("MISMATCH", "PAID", {"orderName": "다른 상품"}),
    ("OTHER_ACCOUNT", "VIRTUAL_ACCOUNT_ISSUED", {"amount": {"total": 7, "cancelled": 0}}),
]


@pytest.mark.parametrize(("kind", "status", "changes"), STATES)
def test_every_state_of_an_order_has_its_message(
    asking_shop, portone, speak, language, kind, status, changes
):
    speak(asking_shop.client)
    order = asking_shop.order()
    complete = record(order, status, **changes)
    portone.records[order["paymentId"]] = {
        name: value for name, value in complete.items() if value is not None
    }
    page = assert_language(language, asking_shop.page(order))
    assert_message(page, kind, language)
    assert ("<q>" in page) == (status == "FAILED")


def assert_message(page, kind, language):
    message = MESSAGES[kind]
    assert f'data-hint="{kind}"' in page
    for text in message:
        text = merchant.pages.korean.KOREAN[text] if language == "ko" else text
        assert text in page.replace("&#39;", "'"), text


def test_every_kind_of_message_is_shown_by_a_test():
    others = {"STALE", "NOT_APPROVED", "TEST_CHANNEL", "DUPLICATE", "UNKNOWN"}  # below
    assert {kind for kind, *_ in STATES} | others == MESSAGES.keys()
    assert CODES.keys() | REASONS.keys() <= MESSAGES.keys()


def test_a_payment_that_waits_for_long(shop, speak, language, monkeypatch):
    monkeypatch.setattr("merchant.views.WINDOW_TIME", timedelta())
    speak(shop.client)
    assert_message(assert_language(language, shop.page(shop.order())), "STALE", language)


def test_a_payment_that_was_not_approved_because_its_terms_differ(
    asking_shop, portone, speak, language
):
    """Manual approval: PortOne compares the terms of the shop with the window's, before money
    moves.
    """
    mismatch = answer(409, {"type": "INFORMATION_MISMATCH", "message": "terms differ"})
    portone.fault = lambda call: (
        mismatch(call) if call.path.endswith("/confirm") else call.answer_well()
    )
    client = speak(asking_shop.client)
    order = asking_shop.order()
    portone.records[order["paymentId"]] = record(order, "READY", amount={"total": 7})
    query = {"paymentId": order["paymentId"], "paymentToken": "token"}
    page = client.get("/payment-redirect", query_string=query, follow_redirects=True).text
    assert_message(assert_language(language, page), "NOT_APPROVED", language)
    assert 'data-order-status="MISMATCH"' in page


def test_a_test_payment_that_is_refused(make_shop, portone, speak, language):
    shop = make_shop(PORTONE_API_BASE=portone.url, PORTONE_ALLOW_TEST="")
    speak(shop.client)
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID")
    assert_message(assert_language(language, shop.page(order)), "TEST_CHANNEL", language)


def test_an_order_that_was_paid_twice(asking_shop, portone, speak, language):
    speak(asking_shop.client)
    first = asking_shop.order()
    second = asking_shop.client.post(f"/orders/{first['orderId']}/payments", json={}).json
    for each in (first, second):
        portone.records[each["paymentId"]] = record(each, "PAID")
        asking_shop.complete(each)
    page = assert_language(language, asking_shop.page(first))
    assert 'data-order-status="PAID"' in page and 'data-hint="DUPLICATE"' in page


@pytest.mark.parametrize(
    "fault", [answer(500, {}), answer(401, {"type": "UNAUTHORIZED", "message": "아니요"})]
)
def test_a_portone_that_can_not_be_asked(asking_shop, portone, speak, language, fault):
    portone.fault = fault
    speak(asking_shop.client)
    page = assert_language(language, asking_shop.page(asking_shop.order()))
    assert 'data-hint="UNKNOWN"' in page


def test_the_message_of_a_redirect_is_quoted_and_leads_to_no_state(shop, speak, language):
    speak(shop.client)
    order = shop.order()
    query = {
        "paymentId": order["paymentId"],
        "code": "FAILURE_TYPE_PG",
        "pgCode": "A1",
        "message": "안 됩니다",
    }
    page = shop.client.get("/payment-redirect", query_string=query, follow_redirects=True).text
    assert_message(assert_language(language, page), "PENDING", language)
    assert '<span lang="ko"><q>안 됩니다</q></span>' in page, "the PG's message, unaltered"
    assert "<code data-failure-code>A1</code>" in page, "its code is the developer's"


def test_a_language_that_is_chosen_keeps_the_page_and_goes_with_the_next_request(shop):
    order = shop.order()
    page = shop.client.get(f"/orders/{order['orderId']}?message=no&lang=en").text
    assert 'href="?message=no&amp;lang=ko"' in page and assert_language("en", page)
    retry = shop.client.post(
        f"/orders/{order['orderId']}/payments", json={}, headers={"Accept-Language": "ko"}
    )
    assert retry.json["request"]["locale"] == "EN_US"
    assert_language("en", shop.client.get("/", headers={"Accept-Language": "ko"}).text)


def test_amounts_dates_and_products_are_in_each_ones_form(shop, monkeypatch):
    order = shop.order()
    for language, amount, date in [
        ("ko", "1,000원", r"20\d\d년 \d+월 \d+일 \d\d:\d\d \(KST\)"),
        ("en", "₩1,000", r"\d+ [A-Z][a-z]{2} 20\d\d, \d\d:\d\d KST"),
    ]:
        pages = [
            shop.client.get(f"{path}?lang={language}").text
            for path in ("/", f"/orders/{order['orderId']}")
        ]
        assert all(amount in page for page in pages) and re.search(date, pages[1])
        assert all(("Nike Waffle Trainer" in page) == (language == "en") for page in pages)
    assert order["request"]["orderName"] == "나이키 와플 트레이너 2 SD"
    monkeypatch.setattr("merchant.views.PRODUCTS", {})
    assert "나이키" in shop.page(order)


@pytest.mark.parametrize(
    ("path", "problem", "status"),
    [
        ("/", None, 200),
        ("/nowhere", None, 404),
        ("/orders/nobody", None, 404),
        ("/panel/code/merchant/nothing.py", None, 404),
        ("/payment-redirect", None, 400),
        ("/payment-redirect?paymentId=a&paymentId=b", None, 400),
        ("/payment-redirect?paymentId=nobody", None, 404),
        ("/orders/nobody", RuntimeError(), 500),
        ("/orders/nobody", OperationalError("", {}, Exception()), 503),
    ],
)
def test_every_error_page_is_in_one_language(
    shop, speak, language, monkeypatch, path, problem, status
):
    if problem:
        monkeypatch.setattr(
            "merchant.storage.read_order", lambda order_id: (_ for _ in ()).throw(problem)
        )
    page = speak(shop.client).get(path)
    assert page.status_code == status
    assert_language(language, page.text)


@pytest.mark.parametrize("file", ["merchant/verification.py", "static/merchant/checkout.js"])
def test_the_page_of_a_step_s_code_is_in_one_language(shop, speak, language, file):
    for query in ("", "?function=compare&check=AMOUNT", "?function=complete"):
        page = speak(shop.client).get(f"/panel/code/{file}{query}")
        assert page.status_code == 200
        assert_language(language, page.text)


def test_every_json_error_is_in_one_language(asking_shop, portone, speak, language):
    client = speak(asking_shop.client)
    order = asking_shop.order()
    good = {"productId": "waffle-trainer", "payMethod": "CARD", "buyer": BUYER}
    bad_buyers = [{}, {**BUYER, "name": "<b>"}, {**BUYER, "email": "x"}, {**BUYER, "phone": "x"}]
    bad = [
        {},
        {"productId": "x"},
        {**good, "payMethod": "x"},
        *({**good, "buyer": buyer} for buyer in bad_buyers),
    ]
    answers = [client.post("/orders", json=body) for body in bad]
    answers += [
        client.post("/orders", data=data, content_type="application/json")
        for data in ("x", "x" * 20_000)
    ]
    answers += [client.post("/orders", data="x")]
    answers += [
        client.get("/payment/complete"),
        client.post("/payment/complete", json=order | {"orderId": "x"}),
    ]
    answers += [client.post("/payment/complete", json=order | {"paymentId": "x"})]
    answers += [client.post("/payment/webhook", json={})]
    for fault in (answer(500, {}), answer(401, {})):
        portone.fault = fault
        answers.append(asking_shop.complete(order))
    portone.fault = None
    for status in ("PAY_PENDING", "PAID"):
        portone.records[order["paymentId"]] = record(order, status)
        answers.append(client.post(f"/orders/{order['orderId']}/payments", json={}))
    assert {each.status_code for each in answers} == {400, 401, 404, 405, 409, 413, 502, 503}
    for each in answers:
        message = each.json["error"]["message"]
        assert bool(re.search("[가-힣]", message)) == (language == "ko"), message


# The sandbox


@pytest.fixture
def window(shop, speak):
    return speak(shop.window)


@pytest.mark.parametrize("method", ["CARD", "VIRTUAL_ACCOUNT", "TRANSFER", "EASY_PAY", "MOBILE"])
def test_every_screen_of_the_window_is_in_one_language(shop, window, speak, language, method):
    speak(shop.client)
    order = shop.order(payMethod=method, buyer={**BUYER, "name": "Gildong Hong"})
    url = f"/checkout/{shop.open_window(order['request'])}"
    choice = assert_language(language, window.get(f"{url}/buyer").text)
    name, value = re.search(r'type="radio" name="(\w+)" value="(\w+)"', choice).groups()
    form = {
        "agree": "on",
        name: value,
        "installment": "",
        "remitterName": "Kim",
        "phoneNumber": "01012345678",
        "birthDate": "900101-1",
    }
    pages = [
        window.get(url),
        *(window.post(f"{url}/buyer", data={**form, field: ""}) for field in ("agree", name)),
    ]
    form["installment"] = "0"
    if method != "VIRTUAL_ACCOUNT":
        pages += [
            window.post(f"{url}/buyer", data=form),
            window.post(f"{url}/buyer", data={**form, "secret": ""}),
        ]
    for page in pages:
        assert page.status_code == 200
        assert_language(language, page.text)


def test_every_page_of_the_console_is_in_one_language(shop, window, speak, language):
    speak(shop.client)
    for path in ("/", "/console/channels", "/console/journal"):
        assert_language(language, window.get(path).text)
    for outcome in ("approve", "decline", "cancel", "abandon", "pend", "issue"):
        order = shop.order(payMethod="VIRTUAL_ACCOUNT" if outcome == "issue" else "CARD")
        tx_id = shop.open_window(order["request"])
        window.post(f"/checkout/{tx_id}/outcome", data={"outcome": outcome})
        for path in (f"/checkout/{tx_id}/done", f"/console/payments/{order['paymentId']}"):
            assert_language(language, window.get(path).text)
    for action in ("expire", "deposit", "resend-webhook", "dance"):
        page = window.post(
            f"/console/payments/{order['paymentId']}/{action}", follow_redirects=True
        )
        assert page.status_code in {200, 400, 404, 409}
        assert_language(language, page.text)
    window.post("/console/switches/outage", data={"fault": "500", "calls": "1"})
    for path in (
        "/",
        "/?q=nothing",
        "/nowhere",
        "/console/payments/nothing",
        "/checkout/nothing",
        "/control/reset",
    ):
        assert_language(language, window.get(path).text)


def test_the_consoles_language_is_chosen_and_remembered(shop):
    window = shop.window
    korean = {"Accept-Language": "ko"}
    page = assert_language("en", window.get("/?q=x&lang=en", headers=korean).text)
    assert 'href="?q=x&amp;lang=ko"' in page
    assert_language("en", window.get("/nowhere", headers={**korean, "Accept": "text/html"}).text)
    tx_id = shop.open_window(shop.order()["request"])
    assert_language(
        "ko", window.get(f"/checkout/{tx_id}").text
    )  # the request's locale, which the shop has chosen
    assert_language("ko", window.get("/?lang=ko").text)
