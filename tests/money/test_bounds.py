"""Junk can't crowd out money: how many attempts an order has, how old it gets, and what a page asks
PortOne.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from merchant.models import Order, Payment, new_id, session
from tests.money.commands import attempts, change, complete, error, retry, rows, shown, statuses

pytestmark = pytest.mark.database

ATTEMPTS, DAYS = 10, 7
PAGE_LOOKUPS, ALL_LOOKUPS = 12, 200


def many_attempts(shop, order, number):
    """An order as an older version of the shop let it grow: more attempts, each a minute younger
    than the one before.

    Returns their ids, the oldest first; the order follows the youngest.
    """
    table, ids = Payment.__table__, [new_id() for _ in range(number)]
    with shop.app.app_context():
        row = session.execute(select(table).where(table.c.id == order["paymentId"])).one()
        like = dict(row._mapping)
        times = [like["created_at"] + timedelta(minutes=index + 1) for index in range(number)]
        session.execute(
            insert(table),
            [
                {**like, "id": id, "created_at": at, "asked_at": None}
                for id, at in zip(ids, times, strict=True)
            ],
        )
        session.commit()
    change(shop, Order, order["orderId"], payment_id=ids[-1])
    return ids


def test_an_order_has_ten_attempts_and_an_eleventh_is_refused(shop, portone):
    order = shop.order()
    for _ in range(ATTEMPTS - 1):
        assert retry(shop, order).status_code == 201
    assert error(retry(shop, order)) == (409, "TOO_MANY_ATTEMPTS")
    assert attempts(shop, order) == ATTEMPTS
    assert "retryable" in retry(shop, order).json["error"]


def test_the_last_attempt_of_an_order_with_all_of_them_can_still_be_paid(shop, portone):
    order = shop.order()
    tries = [order] + [retry(shop, order).json for _ in range(ATTEMPTS - 1)]
    for one in tries:
        portone.open(one)
    portone.pay(tries[-1])
    assert complete(shop, tries[-1]).json["status"] == "PAID"
    assert error(retry(shop, order)) == (409, "ORDER_ALREADY_PAID")


def test_an_order_older_than_seven_days_takes_no_new_attempt(shop, portone, clock):
    order = shop.order()
    clock.move(days=DAYS, hours=-1)
    assert retry(shop, order).status_code == 201
    clock.move(hours=2)
    assert error(retry(shop, order)) == (409, "ORDER_EXPIRED")
    assert attempts(shop, order) == 2


def test_what_an_old_order_is_paid_with_after_all_is_followed(shop, portone, clock):
    order = shop.order()
    portone.open(order)
    clock.move(days=DAYS + 1)
    portone.pay(order)
    assert complete(shop, order).json["status"] == "PAID"
    assert statuses(shop, order) == ("PAID", "PAID")


def test_a_paid_order_is_called_paid_however_old_it_is(shop, portone, clock):
    order = shop.order()
    portone.pay(order)
    complete(shop, order)
    clock.move(days=400)
    assert error(retry(shop, order)) == (409, "ORDER_ALREADY_PAID")


def test_forty_retries_of_one_order_cost_at_most_two_hundred_look_ups(shop, portone, clock):
    order = shop.order()
    portone.open(order)
    for _ in range(40):
        answer = retry(shop, order)
        if answer.status_code == 201:
            portone.open(answer.json)
        clock.move(seconds=4)
    assert portone.count("get") <= ALL_LOOKUPS
    portone.calls.clear()
    shop.page(order)
    assert portone.count("get") <= PAGE_LOOKUPS


@pytest.mark.parametrize("look", ["page", "retry"])
def test_an_order_with_forty_attempts_asks_about_a_bounded_number_at_a_time(
    shop, portone, clock, look
):
    order = shop.order()
    many_attempts(shop, order, 40)
    clock.move(hours=1)
    for _ in range(3):
        clock.move(seconds=4)
        portone.calls.clear()
        shop.page(order) if look == "page" else retry(shop, order)
        assert portone.count("get") <= PAGE_LOOKUPS


def test_a_page_that_many_load_again_and_again_asks_portone_once_in_three_seconds(
    shop, portone, clock
):
    order = shop.order()
    portone.open(order)
    address = f"/orders/{order['orderId']}"
    for asked in (1, 2):
        with ThreadPoolExecutor(4) as pool:
            pages = list(pool.map(lambda _: shop.app.test_client().get(address), range(8)))
        assert {page.status_code for page in pages} == {200}
        assert portone.count("get") == asked
        clock.move(seconds=4)


def test_a_page_asks_first_about_the_attempt_that_may_have_money_in_it(shop, portone, clock):
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    portone.issue_account(order, hours=24 * 6)
    complete(shop, order)
    many = many_attempts(shop, order, 40)
    for id in many:
        change(shop, Payment, id, status="PENDING", portone_status=None, virtual_account=None)
    portone.deposit(order["paymentId"])
    clock.move(hours=1)
    portone.calls.clear()
    assert shown(shop, order) == "PAID", "the oldest of 41 attempts has the account"
    assert portone.count("get") <= PAGE_LOOKUPS
    assert rows(shop, order)[0].payment_id == order["paymentId"]
