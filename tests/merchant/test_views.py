"""The payment flow on the server: order, complete, redirect, result page, retry, webhook."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from merchant.models import Order, Payment, session
from merchant.pages.korean import KOREAN
from merchant.pages.messages import MESSAGES
from tests.conftest import BUYER
from tests.merchant.test_webhook import signed
from tests.stand_in import PortOne, answer, record

pytestmark = pytest.mark.database


def row(shop, model, id):
    with shop.app.app_context():
        return session.get(model, id)


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
    assert shop.order(windowType="POPUP")["request"]["windowType"] == {
        "pc": "POPUP",
        "mobile": "POPUP",
    }
    customer = shop.order()["request"]["customer"]
    assert (
        customer["fullName"]
        and customer["email"]
        and customer["phoneNumber"]
        and len(customer["customerId"]) <= 20
    )


def test_an_approved_payment_is_paid_and_fulfilled_once(shop):
    order = shop.order()
    shop.pay(order["request"])
    for _ in range(3):
        answer = shop.complete(order)
        assert (answer.status_code, answer.json["status"]) == (200, "PAID")
    assert answer.json["orderUrl"] == f"/orders/{order['orderId']}"
    stored = row(shop, Order, order["orderId"])
    assert stored.status == "PAID" and stored.paid_at and stored.fulfilled_at
    assert shop.trail(order) == [
        "ORDER_CREATED",
        "ATTEMPT_OPENED",
        "SDK_RETURNED",
        "LOOKED_UP",
        "ORDER_PAID",
    ]
    assert 'data-order-status="PAID"' in shop.page(order)


def test_twenty_completes_at_once_pay_and_fulfil_once_and_all_say_paid(shop):
    order = shop.order()
    shop.pay(order["request"])
    ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
    together = threading.Barrier(20)

    def complete(_):
        client = shop.app.test_client()
        together.wait()
        return client.post("/payment/complete", json=ids).json["status"]

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(complete, range(20))) == {"PAID"}
    assert shop.trail(order) == [
        "ORDER_CREATED",
        "ATTEMPT_OPENED",
        "SDK_RETURNED",
        "LOOKED_UP",
        "ORDER_PAID",
    ]


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


def test_a_window_that_never_opened_is_pending(shop):
    order = shop.order()
    assert shop.complete(order).json["status"] == "PENDING"
    shop.complete(order)
    assert shop.trail(order) == ["ORDER_CREATED", "ATTEMPT_OPENED", "SDK_RETURNED", "LOOKED_UP"]


@pytest.mark.parametrize("outcome", ["decline", "cancel"])
def test_a_declined_or_cancelled_payment_failed_and_may_be_tried_again(shop, outcome):
    order = shop.order()
    shop.pay(order["request"], outcome)
    assert shop.complete(order).json["status"] == "FAILED"
    assert 'data-order-status="FAILED"' in shop.page(order)
    retry = shop.client.post(f"/orders/{order['orderId']}/payments", json={})
    assert retry.status_code == 201 and retry.json["paymentId"] != order["paymentId"]
    shop.pay(retry.json["request"])
    assert shop.complete(retry.json).json["status"] == "PAID"
    assert row(shop, Order, order["orderId"]).payment_id == retry.json["paymentId"]


def test_reloading_the_page_of_an_abandoned_payment_finds_it_paid(shop):
    order = shop.order()
    shop.pay(order["request"], "abandon")
    assert 'data-order-status="PAID"' in shop.page(order)


def test_a_webhook_settles_a_payment_whose_browser_never_came_back(shop):
    order = shop.order()
    shop.pay(order["request"], "abandon")
    body = json.dumps({"type": "Transaction.Paid", "data": {"paymentId": order["paymentId"]}})
    answer = shop.client.post(
        "/payment/webhook", data=body, headers=signed(body), content_type="application/json"
    )
    assert answer.status_code == 200
    assert row(shop, Order, order["orderId"]).status == "PAID"


def test_a_virtual_account_is_shown_then_paid(shop):
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    shop.pay(order["request"], "issue")
    answer = shop.complete(order).json
    assert answer["status"] == "VIRTUAL_ACCOUNT_ISSUED"
    assert answer["virtualAccount"]["accountNumber"] in shop.page(order)
    assert shop.window.post(f"/control/payments/{order['paymentId']}/deposit").status_code == 200
    assert shop.complete(order).json["status"] == "PAID"


def test_a_live_virtual_account_is_closed_before_another_attempt(shop):
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    shop.pay(order["request"], "issue")
    shop.complete(order)
    retry = shop.client.post(f"/orders/{order['orderId']}/payments", json={"payMethod": "CARD"})
    assert retry.status_code == 201 and retry.json["request"]["payMethod"] == "CARD"
    assert shop.window.post(f"/control/payments/{order['paymentId']}/deposit").status_code == 409
    assert row(shop, Order, order["orderId"]).status == "PENDING"
    assert "ATTEMPT_CANCELLED" in shop.trail(order) and "ORDER_CANCELLED" not in shop.trail(order)
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


def test_a_second_paid_payment_is_a_duplicate_and_the_order_keeps_the_first(shop):
    first = shop.order()
    shop.complete(first)
    second = shop.client.post(f"/orders/{first['orderId']}/payments", json={}).json
    shop.pay(first["request"])
    shop.pay(second["request"])
    assert shop.complete(first).json["status"] == "PAID"
    for _ in range(2):
        error = shop.complete(second).json["error"]
        assert (error["code"], error["reasons"]) == ("PAYMENT_MISMATCH", ["DUPLICATE"])
    assert row(shop, Order, first["orderId"]).payment_id == first["paymentId"]
    assert row(shop, Payment, second["paymentId"]).status == "MISMATCH"
    assert shop.trail(first).count("ORDER_PAID") == 1 and shop.trail(first).count("MISMATCHED") == 1


@pytest.mark.parametrize("name", ["paymentId", "payment_id"])
def test_the_redirect_settles_and_leads_to_the_result_page(shop, name):
    order = shop.order()
    shop.pay(order["request"])
    answer = shop.client.get("/payment-redirect", query_string={name: order["paymentId"]})
    assert answer.status_code == 303
    page = shop.client.get(answer.location)
    assert 'data-order-status="PAID"' in page.text


def test_a_redirect_that_waits_for_manual_approval_says_so_to_buyer_and_log(shop, caplog):
    order = shop.order()
    query = {"paymentId": order["paymentId"], "paymentToken": "token"}
    page = shop.client.get("/payment-redirect", query_string=query, follow_redirects=True).text
    assert (
        'data-order-status="PENDING"' in page
        and KOREAN[MESSAGES["MANUAL_APPROVAL"].happened] in page
    )
    assert order["paymentId"] in caplog.text and "manual approval" in caplog.text


def test_portone_that_can_not_be_reached_leaves_the_truth_unknown(make_shop):
    order = make_shop().order()
    shop = make_shop(
        PORTONE_API_BASE="http://127.0.0.1:9"
    )  # the discard port: nobody listens there
    answer = shop.complete(order)
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert (
        answer.json["error"]["retryable"] is True
        and answer.json["error"]["code"] == "PORTONE_UNAVAILABLE"
    )
    assert 'data-order-status="PENDING"' in shop.page(order)
    assert shop.client.post(f"/orders/{order['orderId']}/payments", json={}).status_code == 503
    assert shop.client.get(f"/payment-redirect?paymentId={order['paymentId']}").status_code == 303


def test_a_refused_secret_is_said_without_leaking_it(make_shop, caplog):
    order = make_shop().order()
    shop = make_shop(PORTONE_API_SECRET="wrong-secret")
    answer = shop.complete(order)
    assert (answer.status_code, answer.json["error"]["code"]) == (502, "PORTONE_REJECTED")
    assert "PORTONE_API_SECRET" in caplog.text
    assert "wrong-secret" not in caplog.text + answer.text


def test_a_fulfilment_that_raises_leaves_the_order_paid(shop, monkeypatch):
    def broken(order):
        order.name = "must be rolled back"
        raise RuntimeError("out of stock")

    monkeypatch.setattr("merchant.fulfilment.fulfil", broken)
    order = shop.order()
    shop.pay(order["request"])
    assert shop.complete(order).json["status"] == "PAID"
    stored = row(shop, Order, order["orderId"])
    assert (
        stored.status == "PAID"
        and stored.fulfilled_at is None
        and stored.name != "must be rolled back"
    )
    assert "FULFILMENT_FAILED" in shop.trail(order)


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


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        ("{", "application/json", 400),
        ("[]", "application/json", 400),
        ("[" * 10_000, "application/json", 400),
        (b"\xff", "application/json", 400),
        ("productId=waffle-trainer", "application/x-www-form-urlencoded", 400),
        ("{}" + " " * 1_000_000, "application/json", 413),
    ],
)
@pytest.mark.parametrize("path", ["/orders", "/payment/complete"])
def test_a_body_that_is_not_small_json_is_refused(shop, path, data, content_type, status):
    answer = shop.client.post(path, data=data, content_type=content_type)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, "INVALID_REQUEST")


@pytest.mark.parametrize("field", ["orderId", "paymentId"])
@pytest.mark.parametrize("value", [None, 7, "", ["x"]])
def test_complete_names_the_id_that_is_missing(shop, field, value):
    answer = shop.complete({**shop.order(), field: value})
    assert answer.status_code == 400 and answer.json["error"]["field"] == field


def test_a_wrong_method_and_an_unknown_path_are_explained(shop):
    answer = shop.client.get("/payment/complete")
    assert answer.status_code == 405 and answer.json["error"]["code"] == "INVALID_REQUEST"
    for path in ["/nowhere", "/orders/nobody", f"/orders/{'0' * 32}"]:
        answer = shop.client.get(path)
        assert answer.status_code == 404 and 'href="/"' in answer.text


def test_pages_are_korean_or_english_and_remember_it(shop):
    assert '<html lang="en"' in shop.client.get("/", headers={"Accept-Language": "en-US"}).text
    assert '<html lang="ko"' in shop.client.get("/", headers={"Accept-Language": "ko"}).text
    shop.client.get("/?lang=en")
    assert '<html lang="en"' in shop.client.get("/", headers={"Accept-Language": "ko"}).text
