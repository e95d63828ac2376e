"""Many ask at once: about one payment, about two payments of one order, about one that is cancelled
meanwhile.

The shop is a real server of four processes with four threads each, and its callers are threads that
a barrier releases together. One round of a race is in the core suite, more rounds and more races
are `long`. Where one order of events is the interesting one, PortOne's stand-in holds its answers
back until it has come about.
"""

import random
import subprocess
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlsplit

import pytest

import portone_sandbox
from merchant import fulfilment
from merchant.models import Order, Payment, session
from tests.merchant.test_crashes import (
    RECONCILE,
    ROOT,
    Site,
    approved,
    assert_paid_once,
    complete,
    environment,
    ship,
    ship_in_vain,
    shipments,
    shipping_shop,
    webhook,
)
from tests.stand_in import record

pytestmark = pytest.mark.database


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A real server with the sandbox in it, and a look at its database: (site, shop)."""
    folder = tmp_path_factory.mktemp("served")
    shop = shipping_shop(folder)
    with Site(folder, workers=4) as site:
        yield site, shop


@pytest.fixture
def shop(tmp_path, portone, monkeypatch):
    """A shop in this process, whose PortOne is the stand-in."""
    monkeypatch.setattr(fulfilment, "fulfil", ship)
    return shipping_shop(tmp_path, PORTONE_API_BASE=portone.url)


def stand_in_settings(portone):
    return {
        **portone_sandbox.settings("/sandbox"),
        "PORTONE_API_BASE": portone.url,
        "PORTONE_SANDBOX": "0",
    }


def at_once(calls):
    """Make all calls at the same moment, each in a thread of its own; gives what they returned, in
    the same order."""
    together = threading.Barrier(len(calls))

    def make(call):
        together.wait(60)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(make, calls))


def stored(shop, model, id):
    with shop.app.app_context():
        return session.get(model, id)


def retry(client, order):
    return client.post(f"/orders/{order['orderId']}/payments", json={})


def is_duplicate(answer):
    error = answer.json()["error"]
    return (answer.status_code, error["code"], error["reasons"]) == (
        400,
        "PAYMENT_MISMATCH",
        ["DUPLICATE"],
    )


# One payment


def race_all_arrivals_of_one_payment(site, shop):
    order = approved(shop)
    asks = 17 * [site.complete] + 17 * [site.redirect] + 16 * [site.webhook]
    random.shuffle(asks)
    answers = {site.complete: [], site.redirect: [], site.webhook: []}
    for ask, answer in zip(asks, at_once([partial(ask, order) for ask in asks]), strict=True):
        answers[ask].append(answer)
    page = f"/orders/{order['orderId']}"
    paid = {
        "orderId": order["orderId"],
        "paymentId": order["paymentId"],
        "status": "PAID",
        "orderUrl": page,
    }
    for answer in answers[site.complete]:
        assert (answer.status_code, answer.json()) == (200, {**paid, "virtualAccount": None})
    for answer in answers[site.redirect]:
        assert (answer.status_code, answer.headers["Location"]) == (303, page)
    for answer in answers[site.webhook]:
        assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert_paid_once(shop, [order])
    arrivals = ["SDK_RETURNED", "REDIRECTED", "WEBHOOK_RECEIVED", "LOOKED_UP"]
    assert Counter(shop.trail(order)) == Counter(
        ["ORDER_CREATED", "ATTEMPT_OPENED", *arrivals, "ORDER_PAID"]
    )


def test_fifty_arrivals_at_once_pay_and_fulfil_once_and_are_answered_alike(
    served,
):
    race_all_arrivals_of_one_payment(*served)


@pytest.mark.long
def test_twenty_rounds_of_fifty_arrivals_at_once_pay_and_fulfil_once(served):
    for _ in range(20):
        race_all_arrivals_of_one_payment(*served)


# Two payments of one order


def race_two_payments_of_one_order(site, shop):
    first = shop.order()
    assert shop.complete(first).json["status"] == "PENDING"
    second = retry(shop.client, first).json
    shop.pay(first["request"])
    shop.pay(second["request"])
    answers = at_once(4 * [partial(site.complete, first), partial(site.complete, second)])
    if stored(shop, Order, first["orderId"]).payment_id == first["paymentId"]:
        winner, wins, loser, losses = first, answers[::2], second, answers[1::2]
    else:
        winner, wins, loser, losses = second, answers[1::2], first, answers[::2]
    assert [(answer.status_code, answer.json().get("status")) for answer in wins] == 4 * [
        (200, "PAID")
    ]
    assert all(is_duplicate(answer) for answer in losses)
    duplicate = stored(shop, Payment, loser["paymentId"])
    assert (duplicate.status, duplicate.reasons) == ("MISMATCH", ["DUPLICATE"])
    assert_paid_once(shop, [winner])
    assert shop.trail(winner).count("MISMATCHED") == 1


def test_of_two_payments_of_one_order_at_once_one_wins_and_the_other_is_a_duplicate(served):
    race_two_payments_of_one_order(*served)


@pytest.mark.long
def test_of_two_payments_of_one_order_one_wins_in_every_round(served):
    for _ in range(20):
        race_two_payments_of_one_order(*served)


# Another attempt while the first is approved


@pytest.mark.long
def test_an_attempt_opened_while_the_first_is_approved_is_refused_or_can_only_be_a_duplicate(
    served,
):
    site, shop = served

    def approve_and_complete(tx_id, order):
        shop.portone.test_client().post(f"/checkout/{tx_id}/outcome", data={"outcome": "approve"})
        return site.complete(order)

    answers = Counter()
    for _ in range(20):
        first = shop.order()
        tx_id = shop.open_window(first["request"])
        retried, completed = at_once(
            [partial(retry, site, first), partial(approve_and_complete, tx_id, first)]
        )
        assert (completed.status_code, completed.json().get("status")) == (200, "PAID")
        if retried.status_code == 201:
            second = retried.json()
            shop.pay(second["request"])
            assert is_duplicate(site.complete(second))
        else:
            assert (retried.status_code, retried.json()["error"]["code"]) == (
                409,
                "ORDER_ALREADY_PAID",
            )
        assert_paid_once(shop, [first])
        answers[retried.status_code] += 1
    print("another attempt was answered:", dict(answers))


class Held:
    """A fault of the stand-in: so many calls are answered with what PortOne knew when they came,
    once `go()` is called.

    `come()` waits until they are all there; whoever calls after them is answered at once.
    """

    def __init__(self, portone, calls):
        self.left, self.there = threading.Semaphore(calls), threading.Barrier(calls + 1)
        self.may_answer = threading.Event()
        self.come, self.go = partial(self.there.wait, 30), self.may_answer.set
        portone.fault = self

    def __call__(self, call):
        if not self.left.acquire(blocking=False):
            return call.answer_well()
        path = urlsplit(call.path).path
        is_list = path == "/payments"
        known = call.listed() if is_list else call.portone.records[path.rpartition("/")[2]]
        self.come()
        self.may_answer.wait(30)
        call.answer(200, known)


def complete_elsewhere(shop, order):
    """As Shop.complete, for several threads at once."""
    ids = {name: order[name] for name in ("orderId", "paymentId")}
    return shop.app.test_client().post("/payment/complete", json=ids)


def test_an_attempt_whose_look_up_came_before_the_approval_is_refused_once_the_order_is_paid(
    shop, portone
):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "READY")
    held = Held(portone, 1)
    with ThreadPoolExecutor(1) as pool:
        retried = pool.submit(retry, shop.app.test_client(), order)
        held.come()
        portone.records[order["paymentId"]] = record(order, "PAID")
        complete(shop, order)
        held.go()
    assert (retried.result().status_code, retried.result().json["error"]["code"]) == (
        409,
        "ORDER_ALREADY_PAID",
    )
    assert shop.trail(order).count("ATTEMPT_OPENED") == 1
    assert_paid_once(shop, [order])


def test_an_attempt_opened_before_the_firsts_approval_is_stored_can_only_be_a_duplicate(
    shop, portone
):
    first = shop.order()
    portone.records[first["paymentId"]] = record(first, "READY")
    with ThreadPoolExecutor(2) as pool:
        asked_before = Held(portone, 1)
        retried = pool.submit(retry, shop.app.test_client(), first)
        asked_before.come()
        portone.records[first["paymentId"]] = record(first, "PAID")
        asked_after = Held(portone, 1)
        completed = pool.submit(complete_elsewhere, shop, first)
        asked_after.come()
        asked_before.go()
        second = retried.result().json
        asked_after.go()
    assert completed.result().json["status"] == "PAID"
    portone.records[second["paymentId"]] = record(second, "PAID")
    error = shop.complete(second).json["error"]
    assert (error["code"], error["reasons"]) == ("PAYMENT_MISMATCH", ["DUPLICATE"])
    assert_paid_once(shop, [first])


# Answers that overtake each other


def test_an_answer_that_portone_gave_earlier_is_not_stored_over_a_later_one(shop, portone):
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    portone.records[order["paymentId"]] = record(order, "FAILED")
    held = Held(portone, 1)
    with ThreadPoolExecutor(1) as pool:
        completed = pool.submit(complete_elsewhere, shop, order)
        held.come()
        portone.records[order["paymentId"]] = record(order, "VIRTUAL_ACCOUNT_ISSUED")
        webhook(shop, order)
        held.go()
    assert completed.result().json["status"] == "VIRTUAL_ACCOUNT_ISSUED"
    assert stored(shop, Order, order["orderId"]).status == "VIRTUAL_ACCOUNT_ISSUED"
    assert "ATTEMPT_FAILED" not in shop.trail(order)


def test_a_cancel_settled_while_completes_wait_for_portone_is_not_undone(shop, portone):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID")
    held = Held(portone, 4)
    with ThreadPoolExecutor(4) as pool:
        completes = [pool.submit(complete_elsewhere, shop, order) for _ in range(4)]
        held.come()
        portone.records[order["paymentId"]] = record(order, "CANCELLED")
        webhook(shop, order)
        held.go()
    assert {answer.result().json["status"] for answer in completes} == {"CANCELLED"}
    assert stored(shop, Order, order["orderId"]).status == "CANCELLED"
    assert shop.trail(order).count("ORDER_CANCELLED") == 1
    assert "ORDER_PAID" not in shop.trail(order) and shipments(shop) == []


@pytest.mark.long
def test_a_cancel_among_completes_stays_whatever_their_order(shop, portone, tmp_path):
    def cancel(site, order):
        for _ in range(
            random.randrange(3)
        ):  # so that it comes before, while and after the order is paid
            site.complete(order)
        portone.records[order["paymentId"]] = record(order, "CANCELLED")
        assert site.webhook(order, "Transaction.Cancelled").status_code == 200
        return ["CANCELLED"]

    def complete_three_times(site, order):
        answers = [site.complete(order) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {200}
        return [answer.json()["status"] for answer in answers]

    fulfilled = Counter()
    with Site(tmp_path, workers=4, **stand_in_settings(portone)) as site:
        for _ in range(20):
            order = shop.order()
            portone.records[order["paymentId"]] = record(order, "PAID")
            asks = [partial(cancel, site, order)] + 12 * [
                partial(complete_three_times, site, order)
            ]
            random.shuffle(asks)
            for statuses in at_once(asks):
                assert statuses == sorted(statuses, reverse=True), "CANCELLED, then PAID again"
            assert site.complete(order).json()["status"] == "CANCELLED"
            assert stored(shop, Order, order["orderId"]).status == "CANCELLED"
            assert stored(shop, Payment, order["paymentId"]).status == "CANCELLED"
            trail = shop.trail(order)
            assert trail.count("ORDER_CANCELLED") == 1
            assert "ORDER_PAID" not in trail[trail.index("ORDER_CANCELLED") :]
            assert shipments(shop).count(order["orderId"]) == trail.count("ORDER_PAID") <= 1
            fulfilled[trail.count("ORDER_PAID")] += 1
    print("cancelled after the order was paid:", fulfilled[1], "before:", fulfilled[0])


# Two `flask reconcile` at once


@pytest.mark.long
def test_two_reconciles_at_once_pay_and_fulfil_each_order_once(
    shop, portone, tmp_path, monkeypatch
):
    unknown, unfulfilled = [shop.order() for _ in range(30)], [shop.order() for _ in range(10)]
    for order in unknown + unfulfilled:
        portone.records[order["paymentId"]] = record(order, "PAID")
    with monkeypatch.context() as patch:
        patch.setattr(fulfilment, "fulfil", ship_in_vain)
        for order in unfulfilled:
            complete(shop, order)
    portone.calls.clear()
    held = Held(portone, 2)  # each waits for the other with its first call, the list
    env = environment(tmp_path, **stand_in_settings(portone))
    runs = [
        subprocess.Popen(RECONCILE, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    held.come()
    held.go()
    for run in runs:
        output = run.communicate(timeout=60)[0]
        assert run.returncode == 0, output
    paths = [urlsplit(path).path for _, path, *_ in portone.calls]
    asked = Counter(path.rpartition("/")[2] for path in paths if path != "/payments")
    # Both have the same list, so each of them may look a payment up; nobody does it again.
    assert set(asked) == {order["paymentId"] for order in unknown}
    assert max(asked.values()) <= 2
    assert_paid_once(shop, unknown + unfulfilled)
