"""The payment flow on the server: order, complete, redirect, result page, retry, webhook."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from merchant.models import Order, Payment, session
from tests import stand_in
from tests.merchant.test_webhook import signed

pytestmark = pytest.mark.database


def row(shop, model, id):
    with shop.app.app_context():
        return session.get(model, id)


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


def test_a_payment_token_that_portone_refuses_leaves_the_order_unpaid_and_is_logged(
    asking_shop, portone, caplog
):
    refused = stand_in.answer(400, {"type": "INVALID_PAYMENT_TOKEN", "message": "no such token"})
    portone.fault = lambda call: refused(call) if call.command == "POST" else call.answer_well()
    order = asking_shop.order()
    query = {"paymentId": order["paymentId"], "paymentToken": "token"}
    url = "/payment-redirect"
    page = asking_shop.client.get(url, query_string=query, follow_redirects=True).text
    assert 'data-order-status="PENDING"' in page
    [line] = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert order["paymentId"] in line and "INVALID_PAYMENT_TOKEN" in line


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


def test_a_refused_secret_is_logged_without_leaking_it(make_shop, caplog):
    order = make_shop().order()
    shop = make_shop(PORTONE_API_SECRET="wrong-secret")
    answer = shop.complete(order)
    assert (answer.status_code, answer.json["error"]["code"]) == (502, "PORTONE_REJECTED")
    assert "PORTONE_API_SECRET" in caplog.text
    assert "wrong-secret" not in caplog.text + answer.text


def test_a_fulfilment_that_raises_leaves_the_order_paid(shop, monkeypatch):
    def broken(order):
        session.execute(update(Order).values(name="must be rolled back"))
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
