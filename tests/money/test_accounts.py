"""Virtual accounts: their deadlines, those that the PG does not close, and those that nobody
offered.
"""

from datetime import datetime, timedelta, timezone

import pytest

from tests.money.commands import (
    REFUND,
    REFUND_ACCOUNT,
    attention,
    complete,
    error,
    reconcile,
    refund,
    retry,
    rows,
    shown,
    statuses,
)
from tests.money.portone import ACCOUNT, PG_REFUSES, time_of

pytestmark = pytest.mark.database


def account(shop, portone, hours=24, **changes):
    """An order whose buyer was given an account to pay into; `changes` make the record another one
    than was asked.
    """
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    portone.issue_account(order, hours, **changes)
    complete(shop, order)
    return order


def deadline(portone, order):
    """The record's deadline as Korea's clocks show it, hours and minutes."""
    at = time_of(portone.records[order["paymentId"]]["method"]["expiredAt"])
    return f"{at + timedelta(hours=9):%H:%M}"


MISMATCH = {"orderName": "another"}


@pytest.mark.parametrize("changes", [{}, MISMATCH], ids=["as asked", "mismatch"])
def test_an_account_stores_its_deadline(shop, portone, changes):
    order = account(shop, portone, **changes)
    stored = rows(shop, order)[1].virtual_account
    assert stored["expiredAt"] == portone.records[order["paymentId"]]["method"]["expiredAt"]


def test_a_deadline_in_korean_time_is_the_same_moment(shop, portone, clock):
    order = account(shop, portone, hours=30)
    in_korea = datetime.now(timezone(timedelta(hours=9))) + timedelta(hours=1)
    portone.records[order["paymentId"]]["method"]["expiredAt"] = in_korea.isoformat()
    portone.faults["virtual-account/close"] = PG_REFUSES
    assert error(retry(shop, order, payMethod="CARD")) == (409, "PAYMENT_IN_PROGRESS")
    clock.move(hours=2)
    assert retry(shop, order, payMethod="CARD").status_code == 201, "the deadline is over"


@pytest.mark.parametrize("changes", [{}, MISMATCH], ids=["as asked", "mismatch"])
def test_a_close_that_is_refused_holds_the_buyer_up_to_the_deadline_and_names_it(
    shop, portone, clock, changes
):
    order = account(shop, portone, hours=30, **changes)
    portone.faults["virtual-account/close"] = PG_REFUSES
    answer = retry(shop, order, payMethod="CARD")
    assert error(answer) == (409, "PAYMENT_IN_PROGRESS")
    assert deadline(portone, order) in answer.json["error"]["message"]
    clock.move(hours=29)
    assert error(retry(shop, order, payMethod="CARD")) == (409, "PAYMENT_IN_PROGRESS")
    clock.move(hours=2)
    answer = retry(shop, order, payMethod="CARD")
    assert answer.status_code == 201, "the deadline is over"
    portone.pay(answer.json)
    assert complete(shop, answer.json).json["status"] == "PAID"


@pytest.mark.parametrize("changes", [{}, MISMATCH], ids=["as asked", "mismatch"])
@pytest.mark.parametrize("closed_as", ["CANCELLED", "FAILED"])
def test_an_account_is_closed_before_another_attempt_is_opened(shop, portone, changes, closed_as):
    portone.closed_as = closed_as
    order = account(shop, portone, **changes)
    assert retry(shop, order, payMethod="CARD").status_code == 201
    assert portone.records[order["paymentId"]]["status"] == closed_as
    assert not attention(shop, order), "no money is in it"


def test_a_deposit_that_comes_in_while_the_account_is_closed_pays_the_order(shop, portone):
    order = account(shop, portone)

    def deposited_meanwhile(call):
        portone.faults.clear()
        portone.deposit(order["paymentId"])
        call.answer_well()

    portone.faults["virtual-account/close"] = deposited_meanwhile
    assert error(retry(shop, order, payMethod="CARD")) == (409, "ORDER_ALREADY_PAID")
    assert statuses(shop, order) == ("PAID", "PAID") and shown(shop, order) == "PAID"


def test_a_late_deposit_beside_another_attempt_that_paid_is_listed(shop, portone, clock):
    order = account(shop, portone)
    portone.faults["virtual-account/close"] = PG_REFUSES
    clock.move(hours=25)
    second = retry(shop, order, payMethod="CARD").json
    portone.pay(second)
    complete(shop, second)
    portone.deposit(order["paymentId"])
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 1
    assert REFUND in attention(shop, order)
    assert refund(shop, order, *REFUND_ACCOUNT).exit_code == 0
    assert not attention(shop, order) and shown(shop, order) == "PAID"


def test_an_account_where_none_is_offered_is_a_mismatch_of_the_method(make_shop, portone, clock):
    shop = make_shop(PORTONE_API_BASE=portone.url, PORTONE_PAY_METHODS="CARD", **ACCOUNT)
    order = shop.order()
    portone.issue_account(order, hours=72)
    answer = complete(shop, order)
    assert error(answer) == (400, "PAYMENT_MISMATCH")
    assert "METHOD" in answer.json["error"]["reasons"]
    assert statuses(shop, order) == ("MISMATCH", "MISMATCH")
    assert not attention(shop, order), "no money is in it yet"
    portone.deposit(order["paymentId"])
    clock.move(hours=48)
    assert reconcile(shop).exit_code == 1
    assert REFUND in attention(shop, order) and "METHOD" in attention(shop, order)
    assert rows(shop, order)[0].fulfilled_at is None


def test_a_card_payment_where_no_account_is_offered_is_no_mismatch(make_shop, portone):
    shop = make_shop(PORTONE_API_BASE=portone.url, PORTONE_PAY_METHODS="CARD", **ACCOUNT)
    order = shop.order()
    portone.pay(order)
    assert complete(shop, order).json["status"] == "PAID"


def test_a_late_deposit_into_a_closed_account_is_found_before_another_attempt_is_opened(
    shop, portone
):
    order = account(shop, portone)
    portone.close(order["paymentId"])
    complete(shop, order)
    assert rows(shop, order)[1].status == "CANCELLED"
    portone.deposit(order["paymentId"])
    assert error(retry(shop, order, payMethod="CARD")) == (409, "ORDER_ALREADY_PAID")
    assert statuses(shop, order) == ("PAID", "PAID")
