"""The result page: text and button agree, amounts, codes, deadline, receipt. On the server."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from merchant.models import Order, Payment, session
from merchant.pages.languages import money
from merchant.pages.messages import MESSAGES
from merchant.pages.result import masked
from merchant.rows import now
from tests.stand_in import answer, record

RETRY = 'id="retry"'


@pytest.fixture
def english(asking_shop):
    asking_shop.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return asking_shop


def stand(shop, portone, status, order=None, **changes):
    """An order whose payment is so at PortOne. Returns (the order's JSON, its page)."""
    order = order or shop.order()
    portone.records[order["paymentId"]] = record(order, status, **changes)
    shop.complete(order)
    return order, shop.page(order)


def retry(shop, order, **choice):
    return shop.client.post(f"/orders/{order['orderId']}/payments", json=choice)


def change(shop, model, id, **values):
    with shop.app.app_context():
        session.execute(update(model).where(model.id == id).values(**values))
        session.commit()


def kind(page):
    return re.search(r'data-kind="(\w+)"', page)[1]


# Text and button


def test_while_the_approval_is_awaited_neither_page_nor_server_opens_another_payment(
    english, portone
):
    order, page = stand(english, portone, "PAY_PENDING")
    assert "Do not pay again" in page and RETRY not in page and 'id="again"' not in page
    assert retry(english, order).json["error"]["code"] == "PAYMENT_IN_PROGRESS"


def test_a_mismatch_with_money_in_it_shows_both_amounts_and_no_retry_until_it_is_given_back(
    english, portone
):
    order, page = stand(english, portone, "PAID", amount={"total": 7, "cancelled": 0})
    assert re.search(r"Amount of the order</dt><dd>₩1,000<", page)
    assert re.search(r"Amount paid</dt><dd><b>₩7<", page)
    assert "Do not pay again before it is refunded" in page and RETRY not in page
    back = {"total": 7, "cancelled": 7}
    _, page = stand(english, portone, "CANCELLED", order, amount=back)
    assert kind(page) == "GIVEN_BACK" and RETRY in page
    assert retry(english, order).status_code == 201


def test_the_amount_of_another_currency_is_not_called_won(english, portone):
    _, page = stand(
        english, portone, "PAID", amount={"total": 1000, "cancelled": 0}, currency="USD"
    )
    assert "<b>USD 10.00<" in page and "₩1,000<" in page


def test_a_mismatched_account_without_a_deposit_may_be_replaced(english, portone):
    _, page = stand(english, portone, "VIRTUAL_ACCOUNT_ISSUED", amount={"total": 7, "cancelled": 0})
    assert kind(page) == "OTHER_ACCOUNT" and RETRY in page
    assert "Do not deposit into it" in page and "56001234567890" not in page
    assert "Amount of the payment" in page and "Amount paid" not in page


@pytest.mark.parametrize(
    ("status", "changes", "shown"),
    [
        ("PAID", {"amount": {"total": 7, "cancelled": 0}}, "AMOUNT"),
        ("PAY_PENDING", {}, "PAY_PENDING"),
    ],
)
def test_an_earlier_attempt_that_has_to_end_first_is_the_one_that_is_shown(
    english, portone, status, changes, shown
):
    first = english.order()
    second = retry(english, first).json
    portone.records[second["paymentId"]] = record(second, "FAILED")
    english.complete(second)
    _, page = stand(english, portone, status, first, **changes)
    assert kind(page) == shown and RETRY not in page
    assert f'id="payment-number">{first["paymentId"]}' in page


def test_without_an_answer_of_portone_there_is_no_retry(english, portone):
    portone.fault = answer(500, {})
    page = english.page(english.order())
    assert "Do not pay again" in page and RETRY not in page and "data-unknown" in page


@pytest.mark.parametrize("code", ["TOO_MANY_ATTEMPTS", "ORDER_EXPIRED"])
def test_an_order_that_takes_no_attempt_any_more_sends_to_a_new_order(
    english, portone, code, monkeypatch
):
    monkeypatch.setattr("merchant.pages.result.MAX_ATTEMPTS", 1 if code[0] == "T" else 10)
    monkeypatch.setattr("merchant.checkout.MAX_ATTEMPTS", 1 if code[0] == "T" else 10)
    order = english.order()
    if code == "ORDER_EXPIRED":
        change(english, Order, order["orderId"], created_at=now() - timedelta(days=8))
    _, page = stand(english, portone, "FAILED", order)
    refused = retry(english, order).json["error"]
    assert refused["code"] == code and refused["message"] in page
    assert RETRY not in page and re.search('class="primary" href="/">New order', page)


def test_who_closed_the_window_sees_no_failure(english, portone):
    failure = {"reason": "x", "pgCode": "PAY_PROCESS_CANCELED", "pgMessage": "x"}
    _, page = stand(english, portone, "FAILED", failure=failure)
    assert kind(page) == "LEFT" and 'data-order-status="FAILED"' in page
    shown, _, codes = page.partition('<details class="codes">')
    assert "<code>FAILED</code>" in codes and "<code>PAY_PROCESS_CANCELED</code>" in codes
    assert not re.search(">[^<]*FAILED[^<]*<", shown) and "m8.5 8.5" not in shown, "no cross"
    assert shown.index(RETRY) < shown.index('id="recheck"')


# What refreshes without JavaScript


def test_without_javascript_an_open_payment_refreshes_ever_more_slowly_and_not_for_ever(
    english, portone
):
    refresh = r'<noscript><meta http-equiv="refresh" content="(\d+)"></noscript>'
    pauses = []
    for status in ("READY", "PAY_PENDING", "VIRTUAL_ACCOUNT_ISSUED"):
        order, page = stand(english, portone, status)
        pauses.append([re.findall(refresh, page)])
        for minutes in (5, 30, 61):
            created_at = now() - timedelta(minutes=minutes)
            change(english, Payment, order["paymentId"], created_at=created_at)
            pauses[-1].append(re.findall(refresh, english.page(order)))
    assert pauses == [[["5"], ["20"], ["60"], []]] * 3
    for status in ("PAID", "FAILED", "CANCELLED"):
        assert "http-equiv" not in stand(english, portone, status)[1]


# The account


@pytest.mark.parametrize("seconds", [23 * 3600 + 720, 1800])
def test_the_account_has_the_time_that_is_left_and_a_depositor_without_a_name(
    english, portone, seconds
):
    until = (now() + timedelta(seconds=seconds + 20)).isoformat() + "Z"
    order = english.order(payMethod="VIRTUAL_ACCOUNT")
    account = record(order, "VIRTUAL_ACCOUNT_ISSUED")["method"] | {"expiredAt": until}
    _, page = stand(english, portone, "VIRTUAL_ACCOUNT_ISSUED", order, method=account)
    left = re.search(r'id="left" data-seconds="(\d+)"[^>]*>([^<]*)<', page)
    assert seconds < int(left[1]) <= seconds + 20
    assert left[2] == ("23 h 12 min left" if seconds > 3600 else "30 min left")
    warning = re.search(r'id="soon"[^>]*>([^<]*)<', page)[1].strip()
    assert bool(warning) == (seconds < 3600)
    assert "홍*동" in page and "홍길동" not in page


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("홍길동", "홍*동"),
        ("남궁민수", "남**수"),
        ("김철", "김*"),
        ("Gildong Hong", "G****** H***"),
        ("김", "*"),
    ],
)
def test_a_masked_name(name, shown):
    assert masked(name) == shown


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [(1000, "KRW", "₩1,000"), (123456, "USD", "USD 1,234.56"), (7, "JPY", "JPY 7")],
)
def test_an_amount_in_its_currency(shop, amount, currency, shown):
    with shop.app.test_request_context(headers={"Accept-Language": "en"}):
        assert money(amount, currency) == shown


# The receipt


@pytest.mark.parametrize(
    ("url", "is_linked"),
    [
        ("https://receipt.example/?id=1&x=2", True),
        ("javascript:alert(1)", False),
        ("https://receipt.example/" + "x" * 500, False),
        ("https://receipt.example/\n", False),
        (None, False),
        (7, False),
    ],
)
def test_the_pgs_receipt_is_linked_if_it_is_a_web_address(english, portone, url, is_linked):
    order, page = stand(english, portone, "PAID", receiptUrl=url)
    links = re.findall(r'<a [^>]*href="([^"]*)"[^>]*>Payment receipt', page)
    assert links == ([url.replace("&", "&amp;")] if is_linked else [])
    _, page = stand(english, portone, "PAID", order)
    assert ("Payment receipt" in page) == is_linked


def test_the_numbers_are_short_and_whole(english, portone):
    order, page = stand(english, portone, "PAID")
    for id in (order["orderId"], order["paymentId"]):
        assert f"<b>{id[:8].upper()}</b>" in page and f">{id}</code>" in page
    assert MESSAGES["PAID"].happened in page
