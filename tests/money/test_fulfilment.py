"""A fulfilment that breaks its rules (it commits, rolls back, raises) costs neither the payment nor
the truth.
"""

import pytest
from sqlalchemy import text

from tests.money.commands import (
    RECONCILE,
    attention,
    complete,
    error,
    host_session,
    reconcile,
    retry,
    rows,
    run,
    shown,
    statuses,
    webhook,
)

pytestmark = pytest.mark.database


def rolls_back(order):
    host_session().rollback()


def fails_and_rolls_back(order):
    """The usual try and except around database work."""
    try:
        host_session().execute(text("SELECT * FROM no_such_table"))
    except Exception:
        host_session().rollback()


def rolls_back_and_raises(order):
    host_session().rollback()
    raise RuntimeError("out of stock")


def commits(order):
    host_session().commit()


def commits_and_raises(order):
    host_session().commit()
    raise RuntimeError("out of stock")


def raises(order):
    raise RuntimeError("out of stock")


BREAKING = [
    rolls_back,
    fails_and_rolls_back,
    rolls_back_and_raises,
    commits,
    commits_and_raises,
    raises,
]


@pytest.fixture
def fulfil(monkeypatch):
    """`fulfil(function)` puts it in the place of the shop's own; returns the ids of the orders it
    was run for.
    """

    def replace(function):
        ran = []

        def recorded(order):
            ran.append(order.id)
            function(order)

        monkeypatch.setattr("merchant.fulfilment.fulfil", recorded)
        return ran

    return replace


@pytest.mark.parametrize("breaking", BREAKING)
def test_a_fulfilment_that_breaks_its_rules_leaves_the_order_paid_and_listed(
    shop, portone, fulfil, breaking
):
    ran = fulfil(breaking)
    order = shop.order()
    portone.pay(order)
    answer = complete(shop, order)
    assert (answer.status_code, answer.json["status"]) == (200, "PAID")
    assert statuses(shop, order) == ("PAID", "PAID"), "the answer and the rows say the same"
    row = rows(shop, order)[0]
    assert row.paid_at and row.fulfilled_at is None
    for ask in (complete, webhook, complete):
        ask(shop, order)
    assert shown(shop, order) == "PAID"
    assert ran == [order["orderId"]], "asking again runs no fulfilment"
    trail = shop.trail(order)
    assert (trail.count("ORDER_PAID"), trail.count("FULFILMENT_FAILED")) == (1, 1)
    assert RECONCILE in attention(shop, order)
    assert error(retry(shop, order)) == (409, "ORDER_ALREADY_PAID")


@pytest.mark.parametrize("breaking", BREAKING)
def test_reconcile_runs_it_again_until_it_keeps_the_rules_and_then_nothing_is_listed(
    shop, portone, fulfil, breaking
):
    fulfil(breaking)
    order = shop.order()
    portone.pay(order)
    complete(shop, order)
    ran = fulfil(breaking)
    assert reconcile(shop).exit_code == 1
    assert ran == [order["orderId"]]
    assert rows(shop, order)[0].fulfilled_at is None and RECONCILE in attention(shop, order)
    assert statuses(shop, order) == ("PAID", "PAID")
    ran = fulfil(lambda order: None)
    assert reconcile(shop).exit_code == 0
    assert reconcile(shop).exit_code == 0
    assert ran == [order["orderId"]]
    assert rows(shop, order)[0].fulfilled_at and not attention(shop, order)


@pytest.mark.parametrize("breaking", [rolls_back, commits])
def test_a_run_that_finds_the_payment_and_breaks_the_rules_goes_on_with_the_next(
    shop, portone, clock, fulfil, breaking
):
    fulfil(breaking)
    orders = [shop.order() for _ in range(3)]
    for order in orders:
        portone.pay(order)
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 1
    assert {statuses(shop, order) for order in orders} == {("PAID", "PAID")}
    listed = run(shop, "orders", "--attention").output
    assert all(order["paymentId"] in listed for order in orders)
