"""Buyers are called what they are called, and a method that the shop no longer offers does not
block a retry.
"""

import json

import pytest

from tests.conftest import BUYER
from tests.hosts.apps import plain

pytestmark = pytest.mark.database


@pytest.fixture
def host(config, buyer):
    return buyer(plain.create_app(config))


@pytest.mark.parametrize(
    "name",
    [
        *("O’Brien", "O'Brien", "สมชาย ก้อง", "(주)홍길동", "홍길동", "Nguyễn Văn A", "José"),
        *(
            "Jose\u0301",
            "毛利 蘭",
            "Müller-Lüdenscheidt",
            "म\u0941\u0902शी",
            "Kim, Jr.",
        ),
    ],
)
def test_a_name_passes_as_it_is_written_and_reaches_the_pg(host, name):
    order = host.pay(buyer={**BUYER, "name": name})
    assert order["request"]["customer"]["fullName"] == name


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "a" * 31, "가" * 11, "<b>Kim</b>", 'Kim"', "Kim\n", "Kim\x00", "Kim\u202egnimi"),
        *("Kim\u200b", "\u0301\u0301", "...", "Kim;", "Kim\\", "{{ 7*7 }}", "😀", None, 5, ["Kim"]),
    ],
)
def test_what_is_no_name_is_refused_with_the_fields_name(host, name):
    body = {"productId": "waffle-trainer", "payMethod": "CARD", "buyer": {**BUYER, "name": name}}
    answer = host.post("/orders", body)
    assert (answer.status_code, answer.json["error"]["field"]) == (400, "buyer.name")


@pytest.fixture
def order_by_easy_pay(config, buyer):
    """An order by EASY_PAY, and the same shop after its owner took EASY_PAY off: (order, shop)."""
    offered = buyer(plain.create_app({**config, "PORTONE_PAY_METHODS": "CARD,EASY_PAY"}))
    order = offered.order(payMethod="EASY_PAY")
    return order, buyer(plain.create_app({**config, "PORTONE_PAY_METHODS": "CARD,TRANSFER"}))


def test_a_retry_with_a_method_that_is_no_longer_offered_takes_the_first_that_is(order_by_easy_pay):
    order, shop = order_by_easy_pay
    answer = shop.retry(order)
    assert answer.status_code == 201, answer.text
    retried = json.loads(answer.text)
    assert retried["request"]["payMethod"] == "CARD"
    shop.approve(retried)
    assert json.loads(shop.complete(retried).text)["status"] == "PAID"


def test_a_retry_may_choose_another_method_and_window(order_by_easy_pay):
    order, shop = order_by_easy_pay
    answer = shop.retry(order, payMethod="TRANSFER", windowType="REDIRECTION")
    assert answer.status_code == 201, answer.text
    request = json.loads(answer.text)["request"]
    assert request["payMethod"] == "TRANSFER"
    assert set(request["windowType"].values()) == {"REDIRECTION"}


def test_a_retry_that_asks_for_a_method_that_is_not_offered_is_refused(order_by_easy_pay):
    order, shop = order_by_easy_pay
    answer = shop.retry(order, payMethod="EASY_PAY")
    assert (answer.status_code, answer.json["error"]["field"]) == (400, "payMethod")
