"""What goes to PortOne, seen by a stand-in on the client's own session."""

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import sandbox


def stand_in(shop, api):
    http = shop.app.extensions["merchant"].portone.session
    http.mount(sandbox.API_BASE, sandbox.SandboxAdapter(api))


def test_pre_registration_tells_portone_the_amount_and_its_failure_does_not_stop_the_sale(make_shop):
    shop = make_shop(PORTONE_PRE_REGISTER="1")
    seen = []

    def api(environ, start_response):
        body = io.TextIOWrapper(environ["wsgi.input"]).read(int(environ["CONTENT_LENGTH"]))
        seen.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], json.loads(body)))
        start_response("500 Internal Server Error", [])
        return [b"{}"]

    stand_in(shop, api)
    order = shop.order()
    terms = {"totalAmount": 1000, "taxFreeAmount": 0, "currency": "KRW", "storeId": order["request"]["storeId"]}
    assert seen == [("POST", f"/payments/{order['paymentId']}/pre-register", terms)]


def test_look_ups_beyond_the_bound_are_answered_at_once(make_shop):
    shop = make_shop(PORTONE_MAX_LOOKUPS="1")
    order = shop.order()
    asked, answer_now = threading.Event(), threading.Event()

    def api(environ, start_response):
        asked.set()
        answer_now.wait(5)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"status": "READY"}']

    stand_in(shop, api)
    ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: shop.app.test_client().post("/payment/complete", json=ids))
        assert asked.wait(5)
        assert shop.complete(order).json["error"]["code"] == "PORTONE_UNAVAILABLE"
        answer_now.set()
        assert waiting.result().json["status"] == "PENDING"
    assert shop.complete(order).status_code == 200, "the place was given back"


def test_the_look_up_carries_the_secret_the_store_and_the_one_path(shop):
    seen = []

    def api(environ, start_response):
        seen.append((environ["PATH_INFO"], environ["QUERY_STRING"], environ["HTTP_AUTHORIZATION"]))
        start_response("302 Found", [("Location", "http://elsewhere.invalid/")])
        return [b""]

    stand_in(shop, api)
    order = shop.order()
    assert shop.complete(order).status_code == 503, "a redirect is not followed: the secret would go with it"
    secret = shop.app.extensions["merchant"].settings.api_secret
    store = f"storeId={order['request']['storeId']}"
    assert seen == [(f"/payments/{order['paymentId']}", store, f"PortOne {secret}")]
