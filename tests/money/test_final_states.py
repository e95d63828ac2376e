"""States that look final and change all the same: followed where that is safe, else kept, logged
and listed.
"""

import logging

import pytest

from tests.money.commands import (
    ID,
    REFUND,
    REFUND_ACCOUNT,
    attention,
    complete,
    error,
    paid,
    reconcile,
    refund,
    retry,
    rows,
    run,
    shown,
    statuses,
    webhook,
)

pytestmark = pytest.mark.database

ASKING = {
    "webhook": webhook,
    "page": lambda shop, order: shop.page(order),
    "reconcile": lambda shop, order: reconcile(shop),
}


@pytest.fixture(params=ASKING)
def ask(request, shop, clock):
    """How the shop comes to hear of it: a webhook, the buyer's reload, or cron; an hour has passed."""

    def ask(order):
        clock.move(hours=1)
        return ASKING[request.param](shop, order)

    ask.name = request.param
    return ask


def assert_followed_or_listed(shop, order):
    """The money of a payment is the order's, or a person's business; rows, page and list agree on
    which.
    """
    row, payment = rows(shop, order)
    listed = attention(shop, order)
    if row.status == "PAID":
        assert payment.status == "PAID" and row.paid_at and row.fulfilled_at and not listed
        assert shop.trail(order).count("ORDER_PAID") == 1
    else:
        assert REFUND in listed, f"{row.status}, {payment.status}: nobody hears of the money"
    assert shown(shop, order) == row.status


@pytest.mark.parametrize("closed_as", ["CANCELLED", "FAILED"])
def test_a_deposit_into_an_account_that_was_closed_is_followed_or_listed(
    shop, portone, ask, closed_as
):
    portone.closed_as = closed_as
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    portone.issue_account(order)
    complete(shop, order)
    portone.close(order["paymentId"])
    complete(shop, order)
    assert rows(shop, order)[0].paid_at is None and not attention(shop, order)
    portone.deposit(order["paymentId"])
    ask(order)
    if ask.name == "page" and closed_as == "CANCELLED":
        reconcile(shop)  # a page need not ask about what looks final
    assert_followed_or_listed(shop, order)


def test_a_deposit_into_a_closed_account_of_an_order_paid_otherwise_is_listed_until_it_is_back(
    shop, portone, clock
):
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    portone.issue_account(order)
    complete(shop, order)
    second = retry(shop, order, payMethod="CARD").json
    assert portone.count("virtual-account/close") == 1
    portone.pay(second)
    assert complete(shop, second).json["status"] == "PAID"
    portone.deposit(order["paymentId"])
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 1
    assert REFUND in attention(shop, order) and not attention(shop, second)
    assert rows(shop, order)[0].payment_id == second["paymentId"]
    assert shown(shop, order) == "PAID" and shop.trail(order).count("ORDER_PAID") == 1
    assert refund(shop, order, *REFUND_ACCOUNT).exit_code == 0
    assert not attention(shop, order) and reconcile(shop).exit_code == 0
    assert shown(shop, order) == "PAID"


@pytest.mark.parametrize("status", ["CANCELLED", "FAILED"])
def test_a_closed_account_whose_paid_at_is_null_leaves_the_order_payable(shop, portone, status):
    portone.closed_as = status
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    portone.issue_account(order)
    portone.close(order["paymentId"], paidAt=None)
    complete(shop, order)
    assert rows(shop, order)[0].paid_at is None
    answer = retry(shop, order, payMethod="CARD")
    assert answer.status_code == 201, answer.text
    portone.pay(answer.json)
    assert complete(shop, answer.json).json["status"] == "PAID"


@pytest.mark.parametrize(
    "field",
    [{"orderName": "another"}, {"currency": "USD"}, {"storeId": "another"}, {"id": "another"}],
)
def test_a_paid_record_whose_terms_change_is_kept_logged_and_listed(shop, portone, caplog, field):
    order = paid(shop, portone)
    portone.change(order["paymentId"], **field)
    caplog.clear()
    webhook(shop, order)
    assert attention(shop, order), "kept, and a person hears of it"
    warnings = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert any(order["paymentId"] in each.getMessage() for each in warnings)
    assert rows(shop, order)[0].paid_at and shop.trail(order).count("ORDER_PAID") == 1


def test_a_partial_cancellation_whose_record_changed_is_followed_or_listed(shop, portone, ask):
    order = paid(shop, portone)
    portone.cancel(order["paymentId"], 250)
    webhook(shop, order)
    portone.change(order["paymentId"], orderName="another")
    portone.cancel(order["paymentId"], 250)
    ask(order)
    if ask.name == "page":
        webhook(shop, order)  # a page need not ask about what looks final
    assert attention(shop, order) or rows(shop, order)[1].cancelled_amount == 500
    assert rows(shop, order)[0].paid_at and shop.trail(order).count("ORDER_PAID") == 1


def test_what_was_listed_for_its_changed_terms_is_off_the_list_once_all_is_given_back(
    shop, portone
):
    order = paid(shop, portone)
    portone.cancel(order["paymentId"], 250)
    portone.change(order["paymentId"], orderName="another")
    webhook(shop, order)
    assert attention(shop, order)
    assert refund(shop, order).exit_code == 0
    assert portone.given_back(order["paymentId"]) == 1000
    assert not attention(shop, order)
    assert reconcile(shop).exit_code == 0


def test_more_that_was_given_back_is_followed_although_other_fields_changed_too(shop, portone):
    order = paid(shop, portone)
    portone.cancel(order["paymentId"], 250)
    webhook(shop, order)
    portone.change(order["paymentId"], orderName="another")
    portone.cancel(order["paymentId"])
    webhook(shop, order)
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED")
    assert rows(shop, order)[1].cancelled_amount == 1000 and not attention(shop, order)


@pytest.mark.parametrize("status", ["READY", "FAILED", "PAY_PENDING", "SOMETHING_NEW"])
def test_a_paid_payment_that_portone_calls_unpaid_stays_paid_and_is_listed(
    shop, portone, caplog, status
):
    order = paid(shop, portone)
    portone.change(order["paymentId"], status=status)
    webhook(shop, order)
    assert statuses(shop, order) == ("PAID", "PAID")
    assert attention(shop, order), "what is ignored although money is in it is listed"
    assert any(order["paymentId"] in each.getMessage() for each in caplog.records)
    portone.change(order["paymentId"], status="PAID")
    webhook(shop, order)
    assert statuses(shop, order) == ("PAID", "PAID") and not attention(shop, order)


def test_a_refund_that_portone_takes_back_is_followed_or_listed(shop, portone):
    order = paid(shop, portone)
    portone.cancel(order["paymentId"])
    webhook(shop, order)
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED")
    amount = portone.records[order["paymentId"]]["amount"] | {"cancelled": 0}
    portone.change(order["paymentId"], status="PAID", amount=amount)
    webhook(shop, order)
    assert attention(shop, order) or statuses(shop, order) == ("PAID", "PAID")
    assert shop.trail(order).count("ORDER_PAID") == 1


def test_an_older_record_changes_nothing_in_a_final_state(shop, portone):
    order = paid(shop, portone)
    paid_record = {**portone.records[order["paymentId"]]}
    portone.cancel(order["paymentId"])
    webhook(shop, order)
    portone.records[order["paymentId"]] = paid_record
    webhook(shop, order)
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED") and not attention(shop, order)


def test_a_second_payment_of_a_paid_order_is_listed_until_it_is_given_back(shop, portone):
    order = shop.order()
    second = retry(shop, order).json
    portone.pay(second)
    complete(shop, second)
    portone.pay(order)
    assert error(complete(shop, order)) == (400, "PAYMENT_MISMATCH")
    assert REFUND in attention(shop, order) and not attention(shop, second)
    listed = run(shop, "orders", "--attention").output
    assert order["paymentId"] in ID.findall(listed)
    assert refund(shop, order).exit_code == 0
    assert not attention(shop, order) and shown(shop, order) == "PAID"
