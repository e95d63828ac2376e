"""A PG's own discount: `amount.paid` is below `amount.total`, and PortOne does not say which of
them can be cancelled.

The schema has `discount` (card and PG promotions, points) and `currentCancellableAmount`, the
balance before the
cancellation: https://developers.portone.io/api/rest-v2/payment. Every test is run with both
readings.
"""

import pytest

from tests.money.commands import (
    REFUND,
    attention,
    complete,
    error,
    paid,
    reconcile,
    refund,
    rows,
    shown,
    statuses,
)
from tests.money.portone import first, lose_answer

pytestmark = pytest.mark.database

WHOLE = {"total": 1000, "paid": 900}


@pytest.fixture(params=WHOLE)
def whole(request, portone):
    """What a whole refund gives back in this reading."""
    portone.balance = request.param
    return WHOLE[request.param]


@pytest.fixture
def order(shop, portone, whole):
    return paid(shop, portone, discount=100)


def test_the_whole_is_given_back_without_reckoning_a_balance(shop, portone, order, whole):
    assert refund(shop, order).exit_code == 0
    assert portone.given_back(order["paymentId"]) == whole
    (asked,) = portone.asked("cancel")
    assert not {"amount", "currentCancellableAmount"} & set(asked)
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED")
    assert shown(shop, order) == "CANCELLED" and not attention(shop, order)
    assert reconcile(shop).exit_code == 0


@pytest.mark.parametrize("times", [1, 2])
def test_a_part_is_given_back_once_or_refused_with_the_reason_and_the_rest_can_follow(
    shop, portone, order, whole, times
):
    given = 0
    for _ in range(times):
        result = refund(shop, order, "--amount", 300)
        assert result.output.strip()
        given += 300 if result.exit_code == 0 else 0
        assert portone.given_back(order["paymentId"]) == given
        assert not attention(shop, order), "a refusal leaves nothing open"
    assert refund(shop, order).exit_code == 0
    assert portone.given_back(order["paymentId"]) == whole
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED")
    assert reconcile(shop).exit_code == 0 and not attention(shop, order)


def test_a_part_that_only_one_way_of_counting_allows_is_refused_before_portone_is_asked(
    shop, portone, order, whole
):
    result = refund(shop, order, "--amount", 950)
    assert result.exit_code == 2 and "discount" in result.output and "at most 900" in result.output
    assert portone.count("cancel") == 0 and not attention(shop, order)


def test_the_rest_is_given_back_after_a_part_in_portones_console(shop, portone, order, whole):
    portone.cancel(order["paymentId"], 300)
    reconcile(shop)
    assert refund(shop, order).exit_code == 0
    assert portone.given_back(order["paymentId"]) == whole
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED") and not attention(shop, order)


def test_a_whole_refund_whose_answer_was_lost_is_made_once(shop, portone, clock, order, whole):
    portone.faults["cancel"] = first(lose_answer)
    assert refund(shop, order).exit_code == 1
    clock.move(hours=4)
    assert refund(shop, order).exit_code == 0
    assert portone.given_back(order["paymentId"]) == whole
    assert reconcile(shop).exit_code == 0 and not attention(shop, order)


def test_a_mismatch_with_a_discount_is_off_the_list_once_all_of_it_is_back(shop, portone, whole):
    order = shop.order()
    portone.pay(order, discount=100, orderName="another")
    assert error(complete(shop, order)) == (400, "PAYMENT_MISMATCH")
    assert REFUND in attention(shop, order)
    assert refund(shop, order).exit_code == 0
    assert portone.given_back(order["paymentId"]) == whole
    assert not attention(shop, order) and reconcile(shop).exit_code == 0
    assert rows(shop, order)[0].paid_at is None
