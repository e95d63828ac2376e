"""What a buyer with developer tools, a script or a forged link can try: each is answered as the
contract says, leaves the order unharmed, and is told by the trail."""

import base64
import logging
import re
from urllib.parse import quote

import pytest

from merchant.models import Order, Payment, PaymentEvent, session
from portone_sandbox import accounts, channels
from tests.conftest import BUYER
from tests.stand_in import record

pytestmark = pytest.mark.database

OPENED = ["ORDER_CREATED", "ATTEMPT_OPENED"]


def row(shop, model, id):
    with shop.app.app_context():
        return session.get(model, id)


def rows(shop, model):
    """Every row of a table, as plain values."""
    with shop.app.app_context():
        return session.execute(model.__table__.select().order_by(model.__table__.c.id)).all()


def everything(shop):
    """All that the shop has stored: what an attack that is refused must not change."""
    return [rows(shop, model) for model in (Order, Payment, PaymentEvent)]


def error(response, status, code):
    """The error of an answer, which is to be this one."""
    assert (response.status_code, response.json["error"]["code"]) == (status, code)
    return response.json["error"]


def differences(shop, order):
    """What the trail says did not match: {check: [asked for, at PortOne]}."""
    events = [event for event in rows(shop, PaymentEvent) if event.payment_id == order["paymentId"]]
    assert "MISMATCHED" in [event.event for event in events]
    checks = [check for event in events for check in event.checks or []]
    return {name: [expected, actual] for name, expected, actual in checks if expected != actual}


def assert_mismatch(shop, order, expected):
    """The browser is told which checks failed, the trail has both values, and the order can still
    be paid."""
    answer = error(shop.complete(order), 400, "PAYMENT_MISMATCH")
    assert (sorted(answer["reasons"]), answer["retryable"]) == (sorted(expected), False)
    assert differences(shop, order) == expected
    assert shop.trail(order) == [*OPENED, "SDK_RETURNED", "LOOKED_UP", "MISMATCHED"]
    stored = row(shop, Order, order["orderId"])
    assert (stored.status, stored.paid_at, stored.fulfilled_at) == ("MISMATCH", None, None)
    page = shop.page(order)
    assert 'data-order-status="MISMATCH"' in page
    holds_money = row(shop, Payment, order["paymentId"]).portone_status == "PAID"
    assert ('id="retry"' in page) == (not holds_money)
    assert all(f"<code>{reason}</code>" in page for reason in expected)


def assert_unharmed(shop, order):
    """Nothing has happened to the order, and it can be paid as if nothing had been tried."""
    stored = row(shop, Order, order["orderId"])
    assert (stored.status, stored.paid_at, stored.payment_id) == (
        "PENDING",
        None,
        order["paymentId"],
    )
    shop.pay(order["request"])
    assert shop.complete(order).json["status"] == "PAID"


def assert_no_personal_data(shop):
    """The trail is shown to whoever has the order's address, and kept: nobody is named in any of
    its columns."""
    told = str(rows(shop, PaymentEvent))
    for private in [
        *BUYER.values(),
        "성춘향",
        "chunhyang@example.org",
        "01087654321",
        "203.0.113.7",
    ]:
        assert private not in told


# The request is changed in the browser, before PortOne.requestPayment


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"totalAmount": 100}, {"AMOUNT": [1000, 100]}),
        ({"totalAmount": 1001}, {"AMOUNT": [1000, 1001]}),
        ({"currency": "USD"}, {"CURRENCY": ["KRW", "USD"]}),
        (
            {"orderName": "한정판 스니커즈"},
            {"ORDER_NAME": ["나이키 와플 트레이너 2 SD", "한정판 스니커즈"]},
        ),
        ({"taxFreeAmount": 1000}, {"TAX_FREE": [0, 1000]}),
        ({"promotionId": "half-price"}, {"PROMOTION": [None, "half-price"]}),
        ({"totalAmount": 1, "currency": "USD"}, {"AMOUNT": [1000, 1], "CURRENCY": ["KRW", "USD"]}),
    ],
)
def test_a_request_changed_in_the_browser_is_a_mismatch(make_shop, changes, expected):
    takes_dollars = channels.KEYS_BY_PG["INICIS_V2"]
    shop = make_shop(PORTONE_PG="INICIS_V2", PORTONE_CHANNEL_KEY=takes_dollars)
    order = shop.order()
    shop.pay({**order["request"], **changes})
    assert_mismatch(shop, order, expected)
    assert_no_personal_data(shop)


def test_the_trail_shows_a_difference_that_the_eye_does_not_see(asking_shop, portone):
    for unseen in ["\u200b", "\u202e", "\0", "\n", "\ud800"]:
        order = asking_shop.order()
        portone.records[order["paymentId"]] = record(
            order, "PAID", orderName=order["request"]["orderName"] + unseen
        )
        answer = error(asking_shop.complete(order), 400, "PAYMENT_MISMATCH")
        assert answer["reasons"] == list(differences(asking_shop, order)) == ["ORDER_NAME"]
        assert 'data-order-status="MISMATCH"' in asking_shop.page(order)


def test_the_older_spelling_of_the_currency_is_no_mismatch(shop):
    order = shop.order()
    shop.pay({**order["request"], "currency": "CURRENCY_KRW"})
    assert shop.complete(order).json["status"] == "PAID"


def test_a_price_changed_while_it_is_paid_is_a_mismatch(shop):
    order = shop.order()
    shop.pay(order["request"], "tamper")
    assert_mismatch(shop, order, {"AMOUNT": [1000, 100]})


def test_a_virtual_account_over_another_amount_is_a_mismatch_before_anybody_pays_into_it(shop):
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    shop.pay({**order["request"], "totalAmount": 100}, "issue")
    assert_mismatch(shop, order, {"AMOUNT": [1000, 100]})
    assert shop.window.post(f"/control/payments/{order['paymentId']}/deposit").status_code == 200
    error(shop.complete(order), 400, "PAYMENT_MISMATCH")
    assert row(shop, Order, order["orderId"]).paid_at is None


def test_an_order_whose_payment_was_changed_can_be_paid_by_another_attempt(shop):
    order = shop.order()
    shop.pay({**order["request"], "totalAmount": 100})
    error(shop.complete(order), 400, "PAYMENT_MISMATCH")
    retry = shop.client.post(f"/orders/{order['orderId']}/payments", json={}).json
    shop.pay(retry["request"])
    assert shop.complete(retry).json["status"] == "PAID"
    error(shop.complete(order), 400, "PAYMENT_MISMATCH")
    stored = row(shop, Order, order["orderId"])
    assert (stored.status, stored.payment_id) == ("PAID", retry["paymentId"])
    assert row(shop, Payment, order["paymentId"]).status == "MISMATCH", (
        "its money is still to be given back"
    )


def test_whose_name_pays_does_not_matter_and_is_not_kept_in_the_trail(shop):
    order = shop.order()
    customer = {
        "fullName": "성춘향",
        "email": "chunhyang@example.org",
        "phoneNumber": "01087654321",
    }
    shop.pay({**order["request"], "customer": customer, "customData": {"name": "성춘향"}})
    assert shop.complete(order).json["status"] == "PAID"
    assert_no_personal_data(shop)


# More is sent to our routes than they ask for

EXTRA = {
    "price": 1,
    "amount": 1,
    "totalAmount": 1,
    "currency": "JPY",
    "orderName": "free lunch",
    "name": "free lunch",
    "status": "PAID",
    "paid_at": "2026-01-01T00:00:00Z",
    "fulfilled_at": "2026-01-01T00:00:00Z",
    "code": None,
    "id": "0" * 32,
    "storeId": "store-attacker",
    "store_id": "store-attacker",
    "channelKey": "channel-key-attacker",
    "verified": True,
    "isAdmin": True,
    "transactionType": "PAYMENT",
    "txId": "tx",
    "message": "approved",
}


def terms(request):
    names = ("storeId", "channelKey", "orderName", "totalAmount", "currency", "payMethod")
    return {name: request[name] for name in names}


def test_a_new_order_takes_nothing_from_the_browser_but_what_was_asked(shop):
    honest = shop.order()
    order = shop.order(
        **EXTRA, orderId="0" * 32, paymentId="0" * 32, buyer={**BUYER, **EXTRA, "name": "홍길동"}
    )
    assert terms(order["request"]) == terms(honest["request"])
    assert order["paymentId"] == order["request"]["paymentId"]
    assert "0" * 32 not in {order["orderId"], order["paymentId"]}
    stored = row(shop, Order, order["orderId"])
    assert (stored.amount, stored.name) == (1000, "나이키 와플 트레이너 2 SD")
    assert_unharmed(shop, order)


def test_a_new_attempt_takes_nothing_from_the_browser_but_what_was_asked(shop):
    order = shop.order()
    extra = {
        **EXTRA,
        "productId": "wallpaper",
        "paymentId": order["paymentId"],
        "orderId": "0" * 32,
    }
    response = shop.client.post(f"/orders/{order['orderId']}/payments", json=extra)
    assert (response.status_code, response.json["orderId"]) == (201, order["orderId"])
    assert terms(response.json["request"]) == terms(order["request"])
    assert response.json["paymentId"] != order["paymentId"]
    assert_unharmed(shop, response.json)


@pytest.mark.parametrize("outcome", [None, "decline"])
def test_an_sdk_answer_that_claims_success_pays_nothing(shop, outcome):
    order = shop.order()
    if outcome:
        shop.pay(order["request"], outcome)
    ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
    response = shop.client.post("/payment/complete", json={**EXTRA, **ids})
    assert (response.status_code, response.json["status"]) == (
        200,
        "FAILED" if outcome else "PENDING",
    )
    assert row(shop, Order, order["orderId"]).paid_at is None


def test_an_sdk_answer_that_claims_failure_fails_nothing(shop):
    order = shop.order()
    shop.pay(order["request"])
    body = {
        "orderId": order["orderId"],
        "paymentId": order["paymentId"],
        "code": "FAILURE_TYPE_PG",
        "message": "no",
    }
    assert shop.client.post("/payment/complete", json=body).json["status"] == "PAID"
    assert shop.trail(order) == [*OPENED, "SDK_RETURNED", "LOOKED_UP", "ORDER_PAID"]


# A payment is offered that was made for something else


def test_a_cheap_paid_payment_does_not_pay_another_order(shop):
    cheap, dear = shop.order(), shop.order(productId="drip-coffee")
    shop.pay(cheap["request"])
    before = everything(shop)
    error(shop.complete({**dear, "paymentId": cheap["paymentId"]}), 404, "PAYMENT_NOT_FOUND")
    assert everything(shop) == before
    assert_unharmed(shop, dear)


def test_a_payment_that_paid_one_order_is_not_offered_for_another(shop):
    first, second = shop.order(), shop.order()
    shop.pay(first["request"])
    assert shop.complete(first).json["status"] == "PAID"
    before = everything(shop)
    error(shop.complete({**second, "paymentId": first["paymentId"]}), 404, "PAYMENT_NOT_FOUND")
    error(shop.complete({**first, "paymentId": second["paymentId"]}), 404, "PAYMENT_NOT_FOUND")
    assert everything(shop) == before
    assert row(shop, Order, first["orderId"]).status == "PAID"
    assert_unharmed(shop, second)


def test_a_dear_orders_payment_made_at_a_cheap_ones_terms_is_a_mismatch(shop):
    cheap, dear = shop.order(), shop.order(productId="drip-coffee")
    shop.pay({**cheap["request"], "paymentId": dear["paymentId"]})
    names = ["핸드드립 커피 10개입", "나이키 와플 트레이너 2 SD"]
    assert_mismatch(shop, dear, {"AMOUNT": [12_900, 1000], "ORDER_NAME": names})
    assert_unharmed(shop, cheap)


@pytest.mark.parametrize("id", ["f" * 32, "attacker-1"])
def test_a_payment_made_in_the_browser_under_an_id_of_its_own_is_not_ours(shop, id):
    order = shop.order()
    shop.pay(
        {**order["request"], "paymentId": id}
    )  # paid at PortOne, in our store, over our amount
    before = everything(shop)
    error(shop.complete({**order, "paymentId": id}), 404, "PAYMENT_NOT_FOUND")
    assert shop.client.get("/payment-redirect", query_string={"paymentId": id}).status_code == 404
    assert everything(shop) == before
    assert_unharmed(shop, order)


def test_nobody_is_asked_about_a_payment_that_is_not_the_orders(asking_shop, portone):
    shop = asking_shop
    order, other = shop.order(), shop.order()
    for id in [other["paymentId"], "f" * 32, "attacker-1"]:
        portone.records[id] = record(order, "PAID", id=id)
        error(shop.complete({**order, "paymentId": id}), 404, "PAYMENT_NOT_FOUND")
    assert not portone.calls


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"id": "another"}, {"PAYMENT_ID": "another"}),
        ({"storeId": "store-another"}, {"STORE": "store-another"}),
        (
            {"channel": {"type": "TEST", "key": "channel-key-another"}},
            {"CHANNEL": "channel-key-another"},
        ),
        ({"amount": {"total": 999}}, {"AMOUNT": 999}),
        ({"amount": {"total": -1000}}, {"AMOUNT": -1000}),
        ({"amount": {"total": 0}}, {"AMOUNT": 0}),
        ({"amount": {"total": 1000, "taxFree": 500}}, {"TAX_FREE": 500}),
        ({"currency": "USD"}, {"CURRENCY": "USD"}),
        ({"orderName": "another"}, {"ORDER_NAME": "another"}),
        ({"promotionId": "half-price"}, {"PROMOTION": "half-price"}),
        (
            {"id": "another", "storeId": "store-another"},
            {"PAYMENT_ID": "another", "STORE": "store-another"},
        ),
    ],
)
def test_a_paid_record_of_something_else_is_a_mismatch(asking_shop, portone, changes, expected):
    order = asking_shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID", **changes)
    request = order["request"]
    asked_for = {
        "PAYMENT_ID": request["paymentId"],
        "STORE": request["storeId"],
        "CHANNEL": request["channelKey"],
        "AMOUNT": 1000,
        "TAX_FREE": 0,
        "CURRENCY": "KRW",
        "ORDER_NAME": request["orderName"],
        "PROMOTION": None,
    }
    assert_mismatch(
        asking_shop, order, {name: [asked_for[name], actual] for name, actual in expected.items()}
    )
    assert_no_personal_data(asking_shop)


def test_a_test_payment_is_refused_unless_allowed_and_accepted_once_it_is(make_shop):
    shop = make_shop(PORTONE_ALLOW_TEST="0")
    order = shop.order()
    shop.pay(order["request"])
    answer = error(shop.complete(order), 400, "PAYMENT_MISMATCH")
    assert answer["reasons"] == ["TEST_CHANNEL"] and "PORTONE_ALLOW_TEST" in answer["message"]
    assert differences(shop, order) == {"TEST_CHANNEL": ["LIVE", "TEST"]}
    assert row(shop, Order, order["orderId"]).fulfilled_at is None
    assert make_shop(PORTONE_ALLOW_TEST="1").complete(order).json["status"] == "PAID"


def test_the_trail_names_nobody_whatever_happens(asking_shop, portone):
    customer = {"name": "성춘향", "email": "chunhyang@example.org", "phoneNumber": "01087654321"}
    for state in [
        "READY",
        "FAILED",
        "VIRTUAL_ACCOUNT_ISSUED",
        "PAID",
        "PARTIAL_CANCELLED",
        "CANCELLED",
        "NEW",
    ]:
        for changes in [{}, {"orderName": "another"}]:
            order = asking_shop.order()
            portone.records[order["paymentId"]] = record(order, state, customer=customer, **changes)
            query = {
                "paymentId": order["paymentId"],
                "message": "성춘향 chunhyang@example.org 01087654321",
            }
            assert (
                asking_shop.client.get("/payment-redirect", query_string=query).status_code == 303
            )
            asking_shop.complete(order)
            asking_shop.page(order)
    assert_no_personal_data(asking_shop)


# A redirect is forged


def follow(shop, query):
    """What the browser shows in the end, and the address it stands at.

    The query is a dict, or text as it is.
    """
    first = shop.client.get("/payment-redirect", query_string=query)
    assert first.status_code == 303 and re.fullmatch(
        r"/orders/[0-9a-f]{32}(\?message=.*)?", first.location
    )
    assert len(first.headers.getlist("Location")) == 1 and not first.headers.getlist("Set-Cookie")
    return shop.client.get(first.location).text, first.location


@pytest.mark.parametrize("name", ["paymentId", "payment_id"])
def test_a_redirect_that_claims_failure_fails_nothing(shop, name):
    order = shop.order()
    shop.pay(order["request"])
    failure = {
        "code": "FAILURE_TYPE_PG",
        "message": "declined!",
        "pgCode": "51",
        "pgMessage": "declined!",
    }
    page, _ = follow(shop, {name: order["paymentId"], **failure})
    assert 'data-order-status="PAID"' in page and "declined!" not in page
    assert shop.trail(order) == [*OPENED, "REDIRECTED", "LOOKED_UP", "ORDER_PAID"]


@pytest.mark.parametrize(
    ("outcome", "expected"), [(None, "PENDING"), ("decline", "FAILED"), ("tamper", "MISMATCH")]
)
def test_a_redirect_that_claims_success_pays_nothing(shop, outcome, expected):
    order = shop.order()
    if outcome:
        shop.pay(order["request"], outcome)
    claim = {
        "transactionType": "PAYMENT",
        "txId": "tx",
        "status": "PAID",
        "amount": "1000",
        "code": "",
    }
    page, _ = follow(shop, {"paymentId": order["paymentId"], **claim})
    assert f'data-order-status="{expected}"' in page
    assert row(shop, Order, order["orderId"]).paid_at is None


MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "{{ 7 * 7 }}",
    "%3Cb%3E",
]


@pytest.mark.parametrize("text", MARKUP)
def test_a_redirects_markup_is_shown_as_text(shop, text):
    order = shop.order()
    fields = ("message", "code", "pgCode", "pgMessage", "txId", "transactionType", "unknown")
    page, _ = follow(shop, {"paymentId": order["paymentId"], **dict.fromkeys(fields, text)})
    shown = re.search("<q>(.*)</q>", page)[1]
    assert (
        not set("<>\"'") & set(shown)
        and "alert(1)" not in page.replace(shown, "")
        and "49" not in shown
    )


def test_a_redirects_message_is_cut_and_holds_no_line(shop):
    order = shop.order()
    text = "a\r\nSet-Cookie: lang=x\0" + "b" * 9000
    page, location = follow(shop, {"paymentId": order["paymentId"], "message": text})
    assert not {"\r", "\n", "\0"} & set(location) and len(location) < 400
    assert len(re.search("<q>(.*)</q>", page)[1]) <= 200


def test_a_redirect_leads_to_its_payments_own_order_whatever_else_it_names(shop):
    order, other = shop.order(), shop.order()
    shop.pay(order["request"])
    before = row(shop, Order, other["orderId"])
    names = ("orderId", "order_id", "redirectUrl", "next", "url")
    for value in [other["orderId"], "//attacker.example/", "https://attacker.example/"]:
        _, location = follow(shop, {"paymentId": order["paymentId"], **dict.fromkeys(names, value)})
        assert location == f"/orders/{order['orderId']}"
    assert row(shop, Order, other["orderId"]).status == before.status == "PENDING"
    assert shop.trail(other) == OPENED


def test_a_redirect_that_names_its_payment_twice_means_that_payment(shop):
    order = shop.order()
    shop.pay(order["request"])
    id = order["paymentId"]
    for query in [
        f"paymentId={id}&payment_id={id}",
        f"paymentId={id}&paymentId={id}&code=A&code=B&message=&message=x",
    ]:
        page, _ = follow(shop, query)
        assert 'data-order-status="PAID"' in page


NO_PAYMENT = [
    "",
    "paymentId=",
    "paymentId=nobody",
    "paymentId=a&payment_id=b",
    "paymentId=a&paymentId=b",
    "code=X",
]
TWO_PAYMENTS = [
    "paymentId={0}&payment_id={1}",
    "payment_id={0}&payment_id={1}",
    "paymentId={1}&paymentId={0}",
]


def test_a_redirect_that_names_no_payment_or_two_is_an_error_page(shop):
    order, other = shop.order(), shop.order()
    shop.pay(order["request"])
    before = everything(shop)
    for query in [*NO_PAYMENT, *TWO_PAYMENTS]:
        query = query.format(order["paymentId"], other["paymentId"])
        response = shop.client.get(f"/payment-redirect?{query}")
        assert (query, response.status_code in {400, 404}) == (query, True)
        assert "text/html" in response.content_type and order["orderId"] not in response.text
    assert everything(shop) == before


# Ids are guessed

STRANGE_IDS = [
    "../payments",
    "a/b",
    "%2e%2e",
    "a?b",
    "a#b",
    "a\nb",
    "a\0b",
    "x" * 10_000,
    "결제",
    "\ud800",
]


def near(id):
    """Ids that are nearly this one."""
    return [
        id[::-1],
        id[:-1],
        id + "0",
        id.upper() + "A",
        f" {id}",
        f"{id}\n",
        "0" * 32,
        f"{int(id, 16) ^ 1:032x}",
    ]


def test_a_guessed_id_reaches_neither_database_nor_portone(asking_shop, portone):
    order = asking_shop.order()
    before = everything(asking_shop)
    for id in [*STRANGE_IDS, *near(order["paymentId"])]:
        answer = error(asking_shop.complete({**order, "paymentId": id}), 404, "PAYMENT_NOT_FOUND")
        assert answer["field"] == "paymentId"
    for id in [*STRANGE_IDS, *near(order["orderId"])]:
        answer = error(asking_shop.complete({**order, "orderId": id}), 404, "ORDER_NOT_FOUND")
        assert answer["field"] == "orderId"
    assert everything(asking_shop) == before and not portone.calls


def test_a_guessed_order_has_no_page_and_takes_no_attempt(asking_shop, portone):
    order = asking_shop.order()
    for id in [order["paymentId"], *near(order["orderId"])]:
        path = f"/orders/{quote(id)}"
        assert asking_shop.client.get(path).status_code == 404
        error(asking_shop.client.post(f"{path}/payments", json={}), 404, "ORDER_NOT_FOUND")
    assert asking_shop.trail(order) == OPENED and not portone.calls


def test_whether_a_payment_exists_is_not_told_to_who_has_another_order(shop):
    order, other = shop.order(), shop.order()
    existing = shop.complete({**order, "paymentId": other["paymentId"]})
    invented = shop.complete({**order, "paymentId": "f" * 32})
    assert (existing.status_code, existing.json) == (invented.status_code, invented.json)


def test_ids_are_long_and_do_not_repeat(shop):
    orders = [shop.order() for _ in range(20)]
    ids = {order[name] for order in orders for name in ("orderId", "paymentId")}
    assert len(ids) == 40 and all(re.fullmatch("[0-9a-f]{32}", id) for id in ids)


def test_an_orders_page_is_not_kept_by_caches_nor_shown_to_other_sites(shop):
    order = shop.order()
    response = shop.client.get(f"/orders/{order['orderId']}")
    assert response.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in response.headers


# Secrets


def said_by(shop):
    """The text of everything the shop answers, over the life of some orders."""
    for outcome in ["approve", "decline", "tamper", None]:
        order = shop.order()
        if outcome:
            shop.pay(order["request"], outcome)
        yield str(order)
        yield shop.complete(order).text
        yield shop.client.get(
            "/payment-redirect", query_string={"paymentId": order["paymentId"]}
        ).text
        yield shop.page(order)
        yield shop.client.post(f"/orders/{order['orderId']}/payments", json={}).text
    for path in ["/", "/nowhere", "/orders/x", "/payment-redirect", "/static/merchant/checkout.js"]:
        yield shop.client.get(path).text
    for path in ["/orders", "/payment/complete", "/payment/webhook"]:
        yield shop.client.post(path, data="{", content_type="application/json").text


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"PORTONE_API_SECRET": "wrong-secret-of-ours"},
        {"PORTONE_API_BASE": "http://127.0.0.1:9"},
    ],
)
def test_no_secret_is_in_any_page_answer_or_log_line(make_shop, settings, caplog):
    caplog.set_level(logging.DEBUG)
    shop = make_shop(**settings)
    said = [*said_by(shop), caplog.text]
    key = accounts.WEBHOOK_SECRET.removeprefix("whsec_")
    secrets = [
        accounts.API_SECRET,
        "wrong-secret-of-ours",
        "PortOne wrong",
        key,
        base64.b64decode(key).decode(),
    ]
    assert len(said) > 20
    for secret in secrets:
        assert not [text for text in said if secret in text]
