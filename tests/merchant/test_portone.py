"""What goes to PortOne, and how much of it at once."""

import json
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import event

from tests.stand_in import answer, hang, record


def test_a_look_up_carries_the_secret_the_store_and_the_one_path(make_shop, portone):
    shop = make_shop(PORTONE_API_BASE=portone.url)
    order = shop.order()
    shop.complete(order)
    [(method, path, headers, body)] = portone.calls
    assert (method, body) == ("GET", b"")
    assert path == f"/payments/{order['paymentId']}?storeId={order['request']['storeId']}"
    assert (
        headers["Authorization"] == f"PortOne {shop.app.extensions['merchant'].settings.api_secret}"
    )


def test_a_netrc_and_a_proxy_of_the_machine_are_left_alone(
    make_shop, portone, tmp_path, monkeypatch
):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    shop = make_shop(PORTONE_API_BASE=portone.url)
    assert shop.complete(shop.order()).json["status"] == "PENDING"
    assert portone.calls[0][2]["Authorization"].startswith("PortOne ")


def test_pre_registration_sends_the_amount_and_its_failure_does_not_stop_the_sale(
    make_shop, portone
):
    shop = make_shop(PORTONE_API_BASE=portone.url, PORTONE_PRE_REGISTER="1")
    portone.fault = answer(500, {"type": "INTERNAL"})
    order = shop.order()
    [(method, path, _, body)] = portone.calls
    assert (method, path) == ("POST", f"/payments/{order['paymentId']}/pre-register")
    terms = {
        "totalAmount": 1000,
        "taxFreeAmount": 0,
        "currency": "KRW",
        "storeId": order["request"]["storeId"],
    }
    assert json.loads(body) == terms


def test_look_ups_beyond_the_bound_are_answered_at_once(make_shop, portone):
    shop = make_shop(PORTONE_API_BASE=portone.url, PORTONE_MAX_LOOKUPS="1")
    order = shop.order()
    ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
    portone.fault = hang
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: shop.app.test_client().post("/payment/complete", json=ids))
        portone.wait_for_calls(1)
        assert shop.complete(order).json["error"]["code"] == "PORTONE_UNAVAILABLE"
        assert not waiting.done()
        portone.released.set()
        assert waiting.result().json["status"] == "PENDING"
    assert shop.complete(order).status_code == 200, "the place was given back"


def test_look_ups_are_bounded_while_portone_is_slow_and_not_any_more_once_it_is_quick(
    make_shop, portone, monkeypatch
):
    shop = make_shop(PORTONE_API_BASE=portone.url)
    orders = [shop.order() for _ in range(5)]

    def waiting(pool, number):
        """So many look-ups, each at PortOne by now."""
        portone.calls.clear()
        portone.fault = hang
        portone.released.clear()
        ids = [
            {"orderId": order["orderId"], "paymentId": order["paymentId"]}
            for order in orders[:number]
        ]
        answers = [
            pool.submit(shop.app.test_client().post, "/payment/complete", json=each) for each in ids
        ]
        portone.wait_for_calls(number)
        return answers

    with ThreadPoolExecutor(5) as pool:
        answers = waiting(pool, 2)
        monkeypatch.setattr("merchant.lookup_limit.SLOW_SECONDS", 0)
        refused = shop.complete(orders[2])
        assert (refused.status_code, refused.json["error"]["code"]) == (
            503,
            "PORTONE_UNAVAILABLE",
        ), "two wait already"
        portone.released.set()
        assert {each.result().json["status"] for each in answers} == {"PENDING"}
        answers = waiting(pool, 2)
        assert shop.complete(orders[2]).status_code == 503, "the last answers were slow"
        monkeypatch.setattr("merchant.lookup_limit.SLOW_SECONDS", 60)
        portone.released.set()
        assert {each.result().json["status"] for each in answers} == {"PENDING"}
        answers = waiting(pool, 5)
        portone.released.set()
        assert {each.result().json["status"] for each in answers} == {"PENDING"}


def test_a_completion_is_one_read_one_question_and_one_write(make_shop, portone):
    shop = make_shop(PORTONE_API_BASE=portone.url)
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID")
    with shop.app.app_context():
        engine = shop.app.extensions["sqlalchemy"].engine
    transactions = []
    event.listen(engine, "begin", lambda connection: transactions.append([]))
    event.listen(
        engine,
        "before_cursor_execute",
        lambda connection, cursor, statement, *_: transactions[-1].append(statement.split()[0]),
    )
    assert shop.complete(order).json["status"] == "PAID"
    reading, writing = transactions
    assert set(reading) == {"SELECT"} and writing[0] == "UPDATE", (
        "the change of the payment comes first"
    )
    assert writing.count("INSERT") == 1, "the whole trail at once"
    transactions.clear()
    assert shop.complete(order).json["status"] == "PAID"
    assert [set(transaction) for transaction in transactions] == [{"SELECT"}]
    assert len(portone.calls) == 1


def test_many_questions_take_one_connection(make_shop, portone):
    shop = make_shop(PORTONE_API_BASE=portone.url)
    order = shop.order()
    for _ in range(20):
        assert shop.complete(order).json["status"] == "PENDING"
    assert (len(portone.calls), portone.connections) == (20, 1)
