"""`flask orders` and `flask order`, what needs a person, and the commands' help."""

from datetime import timedelta

import pytest

from merchant.models import Order
from tests.merchant.backoffice.commands import cancellation, on_cancel, paid
from tests.money.commands import change, reconcile, refund, rows, run
from tests.stand_in import record

pytestmark = pytest.mark.database


def test_money_that_is_not_the_orders_needs_a_person_until_it_is_given_back(shop, portone):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID", orderName="another")
    result = reconcile(shop)
    assert result.exit_code == 1 and "now MISMATCH, before PENDING" in result.output
    listed = run(shop, "orders", "--attention").output
    assert "ORDER_NAME: 1000 KRW taken, not this order's" in listed and order["paymentId"] in listed
    assert listed in result.output, "cron mails what is to be done"

    def refunded(call):
        portone.records[order["paymentId"]] = record(order, "CANCELLED", orderName="another")
        cancellation("SUCCEEDED")(call)

    portone.fault = on_cancel(refunded)
    assert refund(shop, order).exit_code == 0
    assert run(shop, "orders", "--attention").output == ""
    assert reconcile(shop).exit_code == 0


def test_orders_lists_the_newest_first(shop, portone):
    first, second = paid(shop, portone), shop.order(productId="wallpaper")
    earlier = rows(shop, first)[0].created_at - timedelta(minutes=1)
    change(shop, Order, first["orderId"], created_at=earlier)
    lines = run(shop, "orders").output.splitlines()
    assert second["orderId"] in lines[0] and "PENDING" in lines[0] and "3300 KRW" in lines[0]
    assert first["orderId"] in lines[1] and "PAID" in lines[1]
    assert len(run(shop, "orders", "--limit", "1").output.splitlines()) == 1


def test_order_shows_its_payments_and_its_trail_without_the_buyer(shop, portone):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID", orderName="another")
    shop.complete(order)
    shown = run(shop, "order", order["orderId"]).output
    assert order["paymentId"] in shown and "MISMATCH  (ORDER_NAME)" in shown
    assert all(event in shown for event in shop.trail(order))
    assert "홍길동" not in shown and "buyer@example.com" not in shown
    result = run(shop, "order", "nobody")
    assert result.exit_code == 2 and "ORDER_ID" in result.output


def test_each_command_describes_itself_in_one_line(shop):
    shown = run(shop, "--help").output
    for command in ("reconcile", "refund", "orders", "order", "acknowledge"):
        assert any(
            line.split()[:1] == [command] and line.rstrip().endswith(".")
            for line in shown.splitlines()
        )
