"""The QA run sheet that the console and /control export: what was clicked, expected and seen."""

import re

import pytest
import requests

from portone_sandbox import channels, qa_sheet
from portone_sandbox.events import TYPES
from tests.portone_sandbox.client import (
    SECRET,
    choose,
    control,
    make_payment,
    open_window,
    payment_request,
    switch,
)

HEADERS = {"Authorization": f"PortOne {SECRET}"}


@pytest.fixture
def sheet(base):
    """sheet(language="en", paymentId=…) -> the Markdown."""

    def sheet(language="en", **query):
        answer = requests.get(
            f"{base}/control/qa.md", params={"lang": language, **query}, timeout=10
        )
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
        return answer.text

    return sheet


def tables(text):
    """Each table's rows, as lists of cells, without its head."""
    found = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    return [
        [
            [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in each.splitlines()[2:]
        ]
        for each in found
    ]


def items(text):
    """The only payment's values by their names."""
    _, details = tables(text)
    return dict(details)


def look_up(base, payment_id="payment1"):
    return requests.get(f"{base}/payments/{payment_id}", headers=HEADERS, timeout=10)


def test_an_empty_sandbox_has_an_empty_sheet(sheet):
    assert tables(sheet()) == [[]]
    assert sheet("ko").startswith("# QA 실행표\n")


def test_what_was_clicked_is_in_it(base, sheet):
    iphone = "Mozilla/5.0 (iPhone) Mobile"
    key = channels.KEYS_BY_PG["INICIS_V2"]
    request = payment_request(
        payMethod="EASY_PAY",
        channelKey=key,
        easyPay={"easyPayProvider": "KAKAOPAY"},
        redirectUrl="https://shop.test/back",
        customData={"orderId": "order-77"},
        customer={"fullName": "Kim", "email": "kim@example.com", "phoneNumber": "01012345678"},
    )
    body = {"request": request, "windowType": "REDIRECTION", "page": "https://shop.test/"}
    opened = requests.post(
        f"{base}/checkout/", json=body, headers={"User-Agent": iphone}, timeout=10
    )
    choose(base, opened.json()["url"], "approve")
    text = sheet()
    found = items(text)
    for part in (
        "Approve (`approve`)",
        "Window `REDIRECTION`",
        "Device MOBILE",
        "Method `EASY_PAY`",
        "Provider `KAKAOPAY`",
        f"Channel KG Inicis (`{key}`)",
    ):
        assert part in found["Attempt 1"], part
    assert (found["Payment ID"], found["Order number"]) == ("`payment1`", "`order-77`")
    link = found["Order in the shop"]
    assert link.startswith("<https://shop.test/back?") and "paymentId=payment1" in link
    assert found["Status at PortOne"].startswith("`PAID`")
    assert found["Seen on the page"] == found["OK?"] == ""  # a person fills them in
    for personal in ("Kim", "kim@example.com", "01012345678"):
        assert personal not in text


def test_every_attempt_is_in_it(base, sheet):
    make_payment(base, "decline", orderName="first")
    make_payment(base, "approve", orderName="second")
    found = items(sheet())
    assert "`decline`, `EXCEED_MAX_AMOUNT`" in found["Attempt 1"]
    assert "`approve`" in found["Attempt 2"]
    ((row, *_), _) = tables(sheet())
    assert row[3] == "Decline (`decline`, `EXCEED_MAX_AMOUNT`) → Approve (`approve`)"


@pytest.mark.parametrize(
    ("outcome", "then", "kind"),
    [
        (None, None, "READY"),
        ("approve", None, "PAID"),
        ("abandon", None, "PAID"),
        ("decline", None, "FAILED"),
        ("cancel", None, "LEFT"),
        ("tamper", None, "TAMPERED"),
        ("tamper", ("cancel", {}), "GIVEN_BACK"),
        ("approve", ("cancel", {}), "CANCELLED"),
        ("approve", ("cancel", {"amount": 300}), "PARTIAL_CANCELLED"),
        ("pend", None, "PAY_PENDING"),
        ("pend", ("decline", {}), "FAILED"),
        ("issue", None, "VIRTUAL_ACCOUNT_ISSUED"),
        ("issue", ("expire", {}), "EXPIRED"),
        ("issue", ("deposit", {}), "PAID"),
    ],
)
def test_what_the_shop_must_show_follows_from_outcome_and_record(base, sheet, outcome, then, kind):
    changes = {"payMethod": "VIRTUAL_ACCOUNT"} if outcome == "issue" else {}
    if outcome is None:
        open_window(base)
    else:
        make_payment(base, outcome, **changes)
    if then:
        assert control(base, *then).status_code == 200
    assert items(sheet())["Expected of the shop"] == qa_sheet.EXPECTED[kind]


def test_every_status_has_what_is_expected():
    assert qa_sheet.EXPECTED.keys() >= set(TYPES)


def test_the_calls_and_webhooks_of_the_payment_are_in_it(base, sheet, merchant):
    make_payment(base)
    make_payment(base, paymentId="other1")
    merchant.wait_for_calls(4)
    look_up(base)
    requests.get(f"{base}/payments/payment1", timeout=10)
    switch(base, "outage", fault="500", calls=1)
    look_up(base)
    found = items(sheet(paymentId="payment1"))
    calls = found["Calls of the REST API"].split("<br>")
    assert [call.split("→ ")[1] for call in calls] == ["200", "401", "500 (500)"]
    assert all("`GET /payments/payment1`" in call for call in calls)
    deliveries = found["Webhooks"].split("<br>")
    assert sorted(re.findall(r"Transaction\.\w+", found["Webhooks"])) == [
        "Transaction.Paid",
        "Transaction.Ready",
    ]
    assert all(each.endswith("→ 200") and merchant.url in each for each in deliveries)


def test_it_says_when_the_shop_has_not_looked_the_payment_up(base, sheet):
    make_payment(base)
    found = items(sheet())
    assert "has not looked this payment up" in found["Calls of the REST API"]
    assert "조회하지 않았습니다" in sheet("ko")
    look_up(base)
    assert "has not looked" not in sheet()


def test_somebody_elses_text_stays_text(base, sheet):
    name = "a | b `c` <script>x</script> [d](javascript:1)\n# e"
    url = "https://shop.test/a|b`<script>"
    make_payment(base, orderName=name, customData={"orderId": "1`|\n| x |"}, redirectUrl=url)
    text = sheet()
    (rows, details) = tables(text)
    assert len(rows) == 1 and len(rows[0]) == 8 and all(len(row) == 2 for row in details)
    assert "<script>" not in text and "[d](" not in text and "\n# e" not in text
    assert dict(details)["Order number"] == "`1'¦ ¦ x ¦`"


def test_payments_stand_in_the_order_in_which_they_were_made(base, sheet):
    for payment_id in ("first1", "second", "third1"):
        make_payment(base, paymentId=payment_id)
    text = sheet()
    assert text.index("`first1`") < text.index("`second`") < text.index("`third1`")
    assert [row[0] for row in tables(text)[0]] == ["1", "2", "3"]


def test_the_console_offers_it_as_a_file(base, sheet):
    make_payment(base)
    make_payment(base, paymentId="other1")
    english = {"Accept-Language": "en"}
    for page, link in (
        ("/", "/console/qa.md"),
        ("/console/payments/payment1", "/console/qa.md?paymentId=payment1"),
    ):
        html = requests.get(base + page, headers=english, timeout=10).text
        assert f'href="{link}" download' in html
        answer = requests.get(base + link, headers=english, timeout=10)
        assert answer.headers["Content-Disposition"] == 'attachment; filename="qa.md"'
        assert ("`other1`" in answer.text) == (page == "/")
    unknown = requests.get(f"{base}/control/qa.md?paymentId=unknown", timeout=10)
    assert (unknown.status_code, unknown.json()["type"]) == (404, "PAYMENT_NOT_FOUND")


@pytest.mark.parametrize(
    ("language", "other"), [("ko", r"[a-z]+ [a-z]+ [a-z]+"), ("en", "[가-힣]")]
)
def test_it_is_in_one_language(base, sheet, language, other):
    for outcome in ("approve", "decline", "cancel"):
        name = "상품" if language == "ko" else "Shoes"
        make_payment(base, outcome, orderName=name, paymentId=f"id-{outcome}")
    text = re.sub("`[^`]*`", "", sheet(language))
    text = re.sub(r"(Status at PortOne.*?) · .*", r"\1", text)  # the PG's own message
    assert not re.search(other, text)
