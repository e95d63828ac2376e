"""Tax-free goods (면세): fresh food, books, tuition. The part that bears no VAT goes with the money
everywhere.

`taxFreeAmount` is part of requestPayment, pre-register, confirm and cancel; without it all is
taxed: https://developers.portone.io/api/rest-v2/payment.
"""

import pytest

from merchant.catalog import PRODUCTS, Product
from tests.money.commands import (
    REFUND,
    attention,
    complete,
    error,
    paid,
    reconcile,
    refund,
    retry,
    rows,
    statuses,
)
from tests.money.portone import ACCOUNT, first, lose_answer

pytestmark = pytest.mark.database

GOODS = {"all of it": (3_000, 3_000), "a part of it": (3_000, 1_000)}


@pytest.fixture(params=GOODS)
def goods(request, monkeypatch):
    """A product in the catalogue: its price, and the part of it that is free of tax."""
    price, tax_free = GOODS[request.param]
    product = Product("rice", "쌀 1kg", price, tax_free=tax_free)
    monkeypatch.setitem(PRODUCTS, "rice", product)
    return price, tax_free


def test_the_request_and_the_row_have_the_tax_free_part_and_the_payment_is_settled(
    shop, portone, goods
):
    order = paid(shop, portone, productId="rice")
    assert order["request"]["totalAmount"] == goods[0]
    assert order["request"]["taxFreeAmount"] == goods[1]
    assert portone.records[order["paymentId"]]["amount"]["taxFree"] == goods[1]
    assert statuses(shop, order) == ("PAID", "PAID")
    assert goods[1] in {
        value for name, value in vars(rows(shop, order)[1]).items() if "tax" in name
    }


def test_another_attempt_asks_for_the_same_tax_free_part(shop, portone, goods):
    order = shop.order(productId="rice")
    assert retry(shop, order).json["request"]["taxFreeAmount"] == goods[1]


def test_the_row_counts_and_not_a_catalogue_that_has_changed(shop, portone, goods, monkeypatch):
    order = shop.order(productId="rice")
    monkeypatch.setitem(PRODUCTS, "rice", Product("rice", "쌀 1kg", 3_000, tax_free=500))
    assert retry(shop, order).json["request"]["taxFreeAmount"] == goods[1]
    portone.pay(order)
    assert complete(shop, order).json["status"] == "PAID"


@pytest.mark.parametrize("other", [0, 999, 3_001])
def test_a_record_with_another_tax_free_part_is_a_mismatch(shop, portone, goods, other):
    order = shop.order(productId="rice")
    portone.pay(order)
    portone.records[order["paymentId"]]["amount"]["taxFree"] = other
    answer = complete(shop, order)
    assert error(answer) == (400, "PAYMENT_MISMATCH")
    assert answer.json["error"]["reasons"] == ["TAX_FREE"]
    assert REFUND in attention(shop, order)


def test_goods_that_are_taxed_name_no_tax_free_part(shop, portone):
    """It takes a contract at most PGs; without one a request that names it is refused."""
    order = shop.order()
    assert not order["request"].get("taxFreeAmount")
    portone.pay(order)
    portone.records[order["paymentId"]]["amount"]["taxFree"] = 500
    assert complete(shop, order).json["error"]["reasons"] == ["TAX_FREE"]


@pytest.mark.parametrize("other", [0, 500, 3_000])
@pytest.mark.parametrize("sold", ["rice", "waffle-trainer"])
@pytest.mark.parametrize("parts", [[[]], [["--amount", 400], []]], ids=["whole", "in parts"])
def test_what_was_paid_with_another_tax_free_part_is_given_back_as_it_was_paid(
    shop, portone, monkeypatch, sold, other, parts
):
    """The buyer's browser has changed the request: the row's part is not the one to give back."""
    monkeypatch.setitem(PRODUCTS, "rice", Product("rice", "쌀 1kg", 3_000, tax_free=1_000))
    order = shop.order(productId=sold)
    total = order["request"]["totalAmount"]
    terms = {**order["request"], "taxFreeAmount": min(other, total)}
    portone.pay({**order, "request": terms})
    complete(shop, order)
    for part in parts:
        assert refund(shop, order, *part).exit_code == 0
    left = portone.records[order["paymentId"]]["amount"]
    assert (left["cancelled"], left["cancelledTaxFree"]) == (total, min(other, total))
    for body in portone.asked("cancel"):
        assert body.get("taxFreeAmount", 0) <= min(other, total)
        assert other == 0 or "taxFreeAmount" in body, "without it PortOne takes it as taxed"
    assert reconcile(shop).exit_code == 0 and not attention(shop, order)


def test_it_is_pre_registered(make_shop, portone, goods):
    shop = make_shop(PORTONE_API_BASE=portone.url, PORTONE_PRE_REGISTER="1", **ACCOUNT)
    order = shop.order(productId="rice")
    terms = portone.terms[order["paymentId"]]
    assert (terms["totalAmount"], terms["taxFreeAmount"]) == goods
    assert terms["currency"] == "KRW"


def test_it_is_confirmed(shop, portone, goods):
    order = shop.order(productId="rice")
    token = portone.token(order)
    assert complete(shop, order, paymentToken=token).json["status"] == "PAID"
    (asked,) = portone.asked("confirm")
    assert (asked["totalAmount"], asked["taxFreeAmount"]) == goods


def test_the_whole_is_given_back_with_its_tax_free_part(shop, portone, goods):
    order = paid(shop, portone, productId="rice")
    assert refund(shop, order).exit_code == 0
    amount = portone.records[order["paymentId"]]["amount"]
    assert (amount["cancelled"], amount["cancelledTaxFree"]) == goods
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED")
    assert reconcile(shop).exit_code == 0 and not attention(shop, order)


def test_parts_are_given_back_with_their_tax_free_part_until_nothing_is_left(shop, portone, goods):
    order = paid(shop, portone, productId="rice")
    for part in (1_000, 1_500):
        assert refund(shop, order, "--amount", part).exit_code == 0
    assert portone.given_back(order["paymentId"]) == 2_500
    assert refund(shop, order).exit_code == 0
    amount = portone.records[order["paymentId"]]["amount"]
    assert (amount["cancelled"], amount["cancelledTaxFree"]) == goods
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED") and not attention(shop, order)


def test_a_part_is_given_back_after_a_taxed_one_in_portones_console(shop, portone, monkeypatch):
    """What the console has left of the tax-free part is more than this part."""
    monkeypatch.setitem(PRODUCTS, "rice", Product("rice", "쌀 1kg", 3_000, tax_free=1_500))
    order = paid(shop, portone, productId="rice")
    portone.cancel(order["paymentId"], 1_000)
    assert refund(shop, order, "--amount", 100).exit_code == 0
    amount = portone.records[order["paymentId"]]["amount"]
    assert (amount["cancelled"], amount["cancelledTaxFree"]) == (1_100, 100)
    assert refund(shop, order).exit_code == 0
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED")


def test_a_part_whose_answer_was_lost_is_asked_for_again_as_it_was(shop, portone, goods):
    order = paid(shop, portone, productId="rice")
    portone.faults["cancel"] = first(lose_answer)
    assert refund(shop, order, "--amount", 1_000).exit_code == 1
    assert refund(shop, order, "--amount", 1_000).exit_code == 0
    assert portone.given_back(order["paymentId"]) == 1_000
    assert not attention(shop, order)


@pytest.mark.parametrize("tax_free", [-1, 1_001])
def test_a_product_whose_tax_free_part_is_no_part_of_its_price_is_refused(tax_free):
    """At once, when the catalogue is read, not when a buyer pays; that one can be sold shows that
    the rest is right.
    """
    assert Product("rice", "쌀 1kg", 1_000, tax_free=1_000).tax_free == 1_000
    with pytest.raises(ValueError, match="tax_free"):
        Product("rice", "쌀 1kg", 1_000, tax_free=tax_free)
