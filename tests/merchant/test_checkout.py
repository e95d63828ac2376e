"""A new order, and another attempt at one: what is asked for, what is refused."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from merchant.models import Order, Payment, session
from tests.conftest import BUYER
from tests.merchant.test_views import row
from tests.stand_in import PortOne, answer, record

pytestmark = pytest.mark.database


def test_an_order_asks_for_the_catalogue_price_whatever_the_browser_says(shop):
    order = shop.order(price=1, totalAmount=1, status="PAID")
    request = order["request"]
    assert (request["totalAmount"], request["currency"]) == (1000, "KRW")
    assert request["paymentId"] == order["paymentId"]
    assert request["paymentId"].isalnum() and len(request["paymentId"]) <= 40
    assert "windowType" not in request and "virtualAccount" not in request
    assert request["redirectUrl"] == "http://localhost/payment-redirect"


def test_another_address_for_webhooks_goes_with_the_request(make_shop):
    notice_url = "https://tunnel.example/payment/webhook"
    assert make_shop(PORTONE_NOTICE_URL=notice_url).order()["request"]["noticeUrls"] == [notice_url]


def test_what_pgs_insist_on_goes_with_each_method(shop):
    assert shop.order(payMethod="VIRTUAL_ACCOUNT")["request"]["virtualAccount"][
        "accountExpiry"
    ] == {"validHours": 24}
    assert (
        shop.order(payMethod="MOBILE", productId="wallpaper")["request"]["productType"] == "DIGITAL"
    )
    assert shop.order(windowType="IFRAME")["request"]["windowType"] == {"pc": "IFRAME"}
    customer = shop.order()["request"]["customer"]
    assert (
        customer["fullName"]
        and customer["email"]
        and customer["phoneNumber"]
        and len(customer["customerId"]) <= 20
    )


BAD_ORDERS = [
    ("productId", {"productId": "free-lunch"}),
    ("productId", {"productId": 7}),
    ("payMethod", {"payMethod": "BARTER"}),
    ("windowType", {"windowType": "HOLOGRAM"}),
    ("windowType", {"windowType": ["IFRAME"]}),
    ("buyer.name", {"buyer": None}),
    ("buyer.name", {"buyer": {**BUYER, "name": "가" * 11}}),
    ("buyer.name", {"buyer": {**BUYER, "name": "홍\x00길동"}}),
    ("buyer.name", {"buyer": {**BUYER, "name": "<b>홍길동</b>"}}),
    ("buyer.name", {"buyer": {**BUYER, "name": "\ud800"}}),
    ("buyer.email", {"buyer": {**BUYER, "email": "nobody"}}),
    ("buyer.email", {"buyer": {**BUYER, "email": "a@b.co\n"}}),
    ("buyer.phone", {"buyer": {**BUYER, "phone": "call me"}}),
]


@pytest.mark.parametrize(("field", "change"), BAD_ORDERS)
def test_a_bad_field_is_named_and_nothing_is_stored(shop, field, change):
    body = {
        "productId": "waffle-trainer",
        "payMethod": "CARD",
        "windowType": "",
        "buyer": BUYER,
        **change,
    }
    answer = shop.client.post("/orders", json=body)
    assert answer.status_code == 400
    error = answer.json["error"]
    assert (error["code"], error["field"], error["retryable"]) == ("INVALID_REQUEST", field, False)
    assert error["message"]
    with shop.app.app_context():
        assert session.query(Order).count() == 0


def test_two_retries_at_once_open_one_attempt(shop):
    order = shop.order()
    together = threading.Barrier(2)

    def retry(_):
        client = shop.app.test_client()
        together.wait()
        return client.post(f"/orders/{order['orderId']}/payments", json={}).status_code

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(retry, range(2)))
    followed = row(shop, Order, order["orderId"]).payment_id
    assert 201 in answers and set(answers) <= {201, 409}
    assert shop.trail(order).count("ATTEMPT_OPENED") == 1 + answers.count(201)
    assert (
        row(shop, Payment, followed).order_id == order["orderId"] and followed != order["paymentId"]
    )


def test_a_live_virtual_account_is_closed_before_another_attempt(shop):
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    shop.pay(order["request"], "issue")
    shop.complete(order)
    retry = shop.client.post(f"/orders/{order['orderId']}/payments", json={"payMethod": "CARD"})
    assert retry.status_code == 201 and retry.json["request"]["payMethod"] == "CARD"
    assert shop.window.post(f"/control/payments/{order['paymentId']}/deposit").status_code == 409
    assert row(shop, Order, order["orderId"]).status == "PENDING"
    assert "ATTEMPT_FAILED" in shop.trail(order) and "ORDER_CANCELLED" not in shop.trail(order)
    retry = shop.client.post(f"/orders/{order['orderId']}/payments", json={})
    assert retry.status_code == 201, "the closed one is not in the way"
    shop.pay(retry.json["request"])
    assert shop.complete(retry.json).json["status"] == "PAID"


@pytest.mark.parametrize(
    ("deadline", "reply", "status", "code"),
    [
        (
            "2099-01-01T00:00:00Z",
            answer(409, {"type": "PAYMENT_NOT_WAITING_FOR_DEPOSIT"}),
            409,
            "PAYMENT_IN_PROGRESS",
        ),
        ("2099-01-01T00:00:00Z", answer(500, {}), 503, "PORTONE_UNAVAILABLE"),
        (
            "2026-01-01T00:00:00Z",
            answer(409, {"type": "PAYMENT_NOT_WAITING_FOR_DEPOSIT"}),
            201,
            None,
        ),
    ],
)
def test_an_account_that_stays_open_is_in_the_way_until_its_deadline(
    make_shop, deadline, reply, status, code
):
    with PortOne() as portone:
        shop = make_shop(PORTONE_API_BASE=portone.url)
        order = shop.order(payMethod="VIRTUAL_ACCOUNT")
        portone.records[order["paymentId"]] = issued = record(order, "VIRTUAL_ACCOUNT_ISSUED")
        issued["method"]["expiredAt"] = deadline
        portone.fault = lambda call: (
            reply(call) if "/virtual-account/close" in call.path else call.answer_well()
        )
        retry = shop.client.post(f"/orders/{order['orderId']}/payments", json={"payMethod": "CARD"})
        assert retry.status_code == status and retry.json.get("error", {}).get("code") == code
        assert shop.trail(order).count("ATTEMPT_OPENED") == (2 if status == 201 else 1)


def test_an_attempt_at_a_paid_order_is_refused_without_asking_portone(asking_shop, portone):
    order = asking_shop.order()
    other = asking_shop.client.post(f"/orders/{order['orderId']}/payments", json={}).json
    portone.records[other["paymentId"]] = record(other, "PAID")
    asking_shop.complete(other)
    portone.calls.clear()
    answer = asking_shop.client.post(f"/orders/{order['orderId']}/payments", json={})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "ORDER_ALREADY_PAID")
    assert not portone.calls and asking_shop.trail(order).count("ATTEMPT_OPENED") == 2


def test_an_attempt_at_an_order_that_turns_out_paid_is_refused(shop):
    order = shop.order()
    shop.pay(order["request"], "abandon")
    answer = shop.client.post(f"/orders/{order['orderId']}/payments", json={})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "ORDER_ALREADY_PAID")
    assert row(shop, Order, order["orderId"]).status == "PAID"
