"""Manual approval (수동 승인): the money moves when the shop confirms the payment token, on the
terms that it stored.

The token is in the SDK's answer and in the redirect, and the optional fields of `POST
/payments/{paymentId}/confirm` are checks:
https://developers.portone.io/opi/ko/extra/manual-confirm/readme-v2.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from merchant.models import PaymentEvent, session
from tests.money.commands import (
    attention,
    complete,
    error,
    reconcile,
    retry,
    rows,
    shown,
    statuses,
    webhook,
)
from tests.money.portone import ACCOUNT, DOWN, PG_REFUSES, first, lose_answer

pytestmark = pytest.mark.database


def redirect(shop, order, **more):
    """The buyer comes back from a redirect window."""
    query = {"paymentId": order["paymentId"], "transactionType": "PAYMENT", **more}
    return shop.client.get("/payment-redirect", query_string=query)


def by_sdk(shop, order, token):
    answer = complete(shop, order, paymentToken=token)
    assert answer.status_code == 200, answer.text
    return answer.json["status"]


def by_redirect(shop, order, token):
    assert redirect(shop, order, paymentToken=token).status_code == 303
    return shown(shop, order)


@pytest.fixture(params=[by_sdk, by_redirect])
def arrive(request, shop):
    """`arrive(order, token)`: the token reaches the shop, one way or the other. Returns the order's
    status then.
    """
    return lambda order, token: request.param(shop, order, token)


def assert_nothing_moved(shop, portone, order):
    """Nothing is paid, nobody has anything to give back, and the buyer can pay in another way."""
    assert not portone.approvals[order["paymentId"]]
    row = rows(shop, order)[0]
    assert row.paid_at is None and row.fulfilled_at is None
    assert not attention(shop, order)
    assert shown(shop, order) != "PAID"


def test_a_token_is_confirmed_with_the_stored_terms_and_the_payment_is_settled(
    shop, portone, arrive
):
    order = shop.order()
    token = portone.token(order)
    assert arrive(order, token) == "PAID"
    (asked,) = portone.asked("confirm")
    assert (asked["paymentToken"], asked["totalAmount"], asked["currency"]) == (token, 1000, "KRW")
    assert asked.get("storeId", "store-1") == "store-1"
    assert portone.approvals == {order["paymentId"]: 1}
    assert statuses(shop, order) == ("PAID", "PAID") and rows(shop, order)[0].fulfilled_at
    assert "CONFIRMED" in shop.trail(order) and shop.trail(order).count("ORDER_PAID") == 1
    assert not attention(shop, order)


def test_a_token_stays_out_of_the_trail_and_the_page(shop, portone):
    order = shop.order()
    token = portone.token(order)
    complete(shop, order, paymentToken=token)
    assert portone.count("confirm") == 1
    with shop.app.app_context():
        trail = session.scalars(
            select(PaymentEvent).where(PaymentEvent.order_id == order["orderId"])
        ).all()
        assert token not in str([vars(event) for event in trail])
    assert token not in shop.page(order)


def test_an_account_is_issued_by_the_confirmation_and_paid_into_later(shop, portone, arrive):
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    token = portone.token(order, hours=24)
    assert arrive(order, token) == "VIRTUAL_ACCOUNT_ISSUED"
    assert arrive(order, token) == "VIRTUAL_ACCOUNT_ISSUED"
    assert not portone.approvals
    stored = rows(shop, order)[1].virtual_account
    assert stored["accountNumber"] == "56001234567890"
    portone.deposit(order["paymentId"])
    webhook(shop, order)
    assert statuses(shop, order) == ("PAID", "PAID")


@pytest.mark.parametrize(
    "terms",
    [{"totalAmount": 100}, {"totalAmount": 100_000}, {"currency": "USD"}, {"taxFreeAmount": 500}],
)
def test_other_terms_are_refused_before_money_moves_and_shown_as_a_mismatch(shop, portone, terms):
    order = shop.order()
    token = portone.token(order, **terms)
    assert error(complete(shop, order, paymentToken=token)) == (400, "PAYMENT_MISMATCH")
    assert_nothing_moved(shop, portone, order)
    assert reconcile(shop).exit_code == 0
    assert retry(shop, order).status_code == 201


def test_other_terms_by_redirect_are_refused_before_money_moves(shop, portone):
    order = shop.order()
    assert by_redirect(shop, order, portone.token(order, totalAmount=100)) != "PAID"
    assert portone.count("confirm") == 1
    assert_nothing_moved(shop, portone, order)


def test_a_test_payment_is_refused_before_it_is_confirmed_where_only_live_ones_are_taken(
    make_shop, portone
):
    shop = make_shop(PORTONE_API_BASE=portone.url, PORTONE_ALLOW_TEST="0", **ACCOUNT)
    order = shop.order()
    token = portone.token(order, isTest=True)
    assert error(complete(shop, order, paymentToken=token)) == (400, "PAYMENT_MISMATCH")
    assert_nothing_moved(shop, portone, order)


@pytest.mark.parametrize("odd", ["x", 7, True, ["x"], {"x": 1}])
@pytest.mark.parametrize("field", ["amount", "channel", "method"])
def test_other_terms_are_a_mismatch_however_odd_the_record_is(shop, portone, field, odd):
    """Before money moves a record may have anything in it."""
    order = shop.order()
    token = portone.token(order, totalAmount=100)
    portone.change(order["paymentId"], **{field: odd})
    assert error(complete(shop, order, paymentToken=token)) == (400, "PAYMENT_MISMATCH")
    assert_nothing_moved(shop, portone, order)


# Lost answers and crashes


def test_a_lost_answer_of_the_confirmation_ends_in_the_true_state(shop, portone, arrive):
    order = shop.order()
    token = portone.token(order)
    portone.faults["confirm"] = first(lose_answer)
    answer = complete(shop, order, paymentToken=token)
    assert answer.status_code in {200, 503}
    assert arrive(order, token) == "PAID"
    assert portone.approvals == {order["paymentId"]: 1}
    assert shop.trail(order).count("ORDER_PAID") == 1


def test_a_confirmation_whose_answer_was_lost_is_found_by_the_page_and_by_reconcile(
    shop, portone, clock
):
    orders = [shop.order(), shop.order()]
    for order in orders:
        portone.faults["confirm"], portone.faults["get"] = first(lose_answer), first(DOWN, times=9)
        assert complete(shop, order, paymentToken=portone.token(order)).status_code == 503
        portone.faults.clear()
    clock.move(hours=1)
    assert shown(shop, orders[0]) == "PAID"
    assert reconcile(shop).exit_code == 0
    assert {statuses(shop, order) for order in orders} == {("PAID", "PAID")}


def test_a_confirmation_that_was_not_carried_out_is_repeated_with_the_same_token(
    shop, portone, arrive
):
    order = shop.order()
    token = portone.token(order)
    portone.faults["confirm"] = first(DOWN)
    assert error(complete(shop, order, paymentToken=token)) == (503, "PORTONE_UNAVAILABLE")
    assert arrive(order, token) == "PAID"
    assert portone.approvals == {order["paymentId"]: 1}


def test_a_shop_that_died_between_token_and_confirmation_takes_no_money_without_the_token(
    shop, portone, clock, arrive
):
    order = shop.order()
    token = portone.token(order)
    assert complete(shop, order).json["status"] == "PENDING"
    clock.move(minutes=20)
    assert reconcile(shop).exit_code == 0
    assert statuses(shop, order) == ("PENDING", "PENDING")
    assert arrive(order, token) == "PAID"
    assert portone.approvals == {order["paymentId"]: 1}


def test_a_pg_that_refuses_the_approval_ends_the_attempt_and_not_the_order(shop, portone):
    order = shop.order()
    token = portone.token(order)

    def refused(call):
        portone.fail(order)
        PG_REFUSES(call)

    portone.faults["confirm"] = refused
    answer = complete(shop, order, paymentToken=token)
    assert (answer.status_code, answer.json["status"]) == (200, "FAILED")
    assert statuses(shop, order) == ("FAILED", "FAILED")
    portone.faults.clear()
    second = retry(shop, order).json
    assert by_sdk(shop, second, portone.token(second)) == "PAID"
    assert not portone.approvals[order["paymentId"]]


# Tokens used twice, forged and odd


def test_a_token_that_is_used_again_pays_once_and_is_answered_with_the_truth(shop, portone, arrive):
    order = shop.order()
    token = portone.token(order)
    for _ in range(3):
        assert arrive(order, token) == "PAID"
    assert portone.approvals == {order["paymentId"]: 1}
    assert shop.trail(order).count("ORDER_PAID") == 1


def test_a_token_used_by_sdk_and_redirect_at_the_same_time_pays_once(shop, portone):
    order = shop.order()
    token = portone.token(order)
    with ThreadPoolExecutor(1) as pool:

        def meanwhile(call):
            portone.faults.clear()
            answer = portone.respond(call)
            pool.submit(by_redirect, shop, order, token).result(30)
            call.answer(*answer)

        portone.faults["confirm"] = meanwhile
        assert by_sdk(shop, order, token) == "PAID"
    assert portone.approvals == {order["paymentId"]: 1}
    assert statuses(shop, order) == ("PAID", "PAID")
    assert shop.trail(order).count("ORDER_PAID") == 1


ODD = [
    "forged",
    "x" * 9_000,
    "../confirm?x=1#\r\nX: y",
    "\x00토큰\u202e\U0001f600",
    "",
    None,
    5,
    True,
    ["a"],
    {"a": 1},
]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_a_forged_or_odd_token_pays_nothing_and_is_no_fault_of_the_shops(shop, portone, odd):
    order = shop.order()
    token = portone.token(order)
    assert complete(shop, order, paymentToken=odd).status_code < 500
    if isinstance(odd, str):
        assert redirect(shop, order, paymentToken=odd).status_code < 500
    assert_nothing_moved(shop, portone, order)
    assert by_sdk(shop, order, token) == "PAID", "the true one still works"
    assert portone.approvals == {order["paymentId"]: 1}


def test_a_token_of_another_payment_confirms_neither(shop, portone):
    ours, other = shop.order(), shop.order()
    tokens = portone.token(ours), portone.token(other)
    assert complete(shop, ours, paymentToken=tokens[1]).status_code < 500
    assert not portone.approvals
    assert by_sdk(shop, other, tokens[1]) == "PAID"
    assert statuses(shop, ours)[0] != "PAID"
    assert by_sdk(shop, ours, tokens[0]) == "PAID"


def test_a_token_with_another_orders_id_is_not_taken_to_portone(shop, portone):
    ours, other = shop.order(), shop.order()
    token = portone.token(ours)
    mixed = {"orderId": other["orderId"], "paymentId": ours["paymentId"]}
    assert error(complete(shop, mixed, paymentToken=token)) == (404, "PAYMENT_NOT_FOUND")
    unknown = {"orderId": ours["orderId"], "paymentId": "0" * 32}
    assert error(complete(shop, unknown, paymentToken=token)) == (404, "PAYMENT_NOT_FOUND")
    assert not portone.calls


def test_a_token_of_a_second_attempt_is_not_confirmed_once_the_order_is_paid(shop, portone):
    order = shop.order()
    second = retry(shop, order).json
    tokens = portone.token(order), portone.token(second)
    assert by_sdk(shop, order, tokens[0]) == "PAID"
    answer = complete(shop, second, paymentToken=tokens[1])
    assert answer.status_code < 500
    assert portone.approvals == {order["paymentId"]: 1}, "it would have to be given back"
    assert not attention(shop, second) and shown(shop, order) == "PAID"
    assert rows(shop, order)[0].payment_id == order["paymentId"]


def test_a_token_beside_a_payment_that_was_approved_already_is_no_fault(shop, portone):
    """The channel's switch was turned off meanwhile, or somebody else has confirmed it."""
    order = shop.order()
    token = portone.token(order)
    portone.pay(order)
    assert by_sdk(shop, order, token) == "PAID"
    assert portone.approvals == {order["paymentId"]: 1}
