"""What a look-up costs the shop while PortOne or our own machine is slow: no thread of its own, and
never all of those that the pages need.
"""

import subprocess
import sys
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from merchant import lookup_limit
from merchant import portone as client
from merchant.errors import PortOneUnavailable
from merchant.lookup_limit import (
    BURST_ANSWERS,
    LOOKUPS_PER_MINUTE,
    SLOW_LOOKUPS,
    SLOW_SECONDS,
    LookupLimit,
)
from tests.merchant.test_faults import CHUNKED, HEAD, REJECTED, SILENCE, UNAVAILABLE
from tests.stand_in import answer, drip, record

# Python's HTTP client waits for the end of each of these lines by itself. Our deadline is looked at
# when a piece of the body has come, so it ends none of them.
DRIPPING = {
    "a dripping header": drip(HEAD + b"X: ", b"x", 0.02),
    "dripping headers": drip(HEAD, b"X: x\r\n", 0.04),  # a hundred are read
    "endless continues": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.02),
    "a dripping chunk header": drip(CHUNKED, b"0", 0.02),
}
ANSWERS = {
    "good": {"a record": None, "no payment": answer(404, {"type": "PAYMENT_NOT_FOUND"})},
    "not understood": UNAVAILABLE,
    "refused": REJECTED,
    "silence": SILENCE,
}


@pytest.fixture
def shop(asking_shop):
    return asking_shop


def complete(shop, order):
    ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
    return shop.app.test_client().post("/payment/complete", json=ids)


def assert_unavailable(told):
    assert (told.status_code, told.json["error"]["code"]) == (503, "PORTONE_UNAVAILABLE"), told.text


# Threads


def our_threads():
    """The threads of this process, without those in which the stand-in answers."""
    return {each for each in threading.enumerate() if "process_request_thread" not in each.name}


@pytest.mark.parametrize("kind", ANSWERS)
def test_no_answer_and_no_silence_leaves_a_thread_behind(shop, portone, monkeypatch, kind):
    monkeypatch.setattr(client, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(client, "READ_SECONDS", 0.1)
    before = our_threads()
    for name, portone.fault in ANSWERS[kind].items():
        assert complete(shop, shop.order()).status_code in {200, 502, 503}, name
        assert our_threads() <= before, name


@pytest.mark.parametrize("fault", DRIPPING)
def test_a_dripping_header_takes_no_thread_but_the_callers(shop, portone, fault):
    order = shop.order()
    portone.fault = DRIPPING[fault]
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()  # the pool's thread exists
        before = our_threads()
        waiting = pool.submit(complete, shop, order)
        try:
            portone.wait_for_calls(1)
            assert our_threads() <= before and not waiting.done()
        finally:
            portone.released.set()
        assert_unavailable(waiting.result())
    assert our_threads() <= before


# How many wait


@pytest.mark.parametrize("fault", DRIPPING)
def test_while_a_header_drips_few_look_ups_wait_and_the_pages_answer(
    shop, portone, monkeypatch, fault
):
    monkeypatch.setattr(lookup_limit, "SLOW_SECONDS", 0)  # PortOne is slow from the first moment on
    orders = [shop.order() for _ in range(SLOW_LOOKUPS + 4)]
    portone.fault = DRIPPING[fault]
    with ThreadPoolExecutor(len(orders)) as pool:
        told = {pool.submit(complete, shop, order) for order in orders}
        try:
            refused = set()
            while len(refused) < 4:
                done, told = wait(told, timeout=10, return_when=FIRST_COMPLETED)
                assert done, f"{len(told)} look-ups wait"
                refused |= done
            portone.wait_for_calls(SLOW_LOOKUPS)
            assert shop.client.get("/").status_code == 200
            for order in orders:
                shown = shop.client.get(f"/orders/{order['orderId']}")
                assert shown.status_code == 200 and 'data-order-status="PENDING"' in shown.text
            shop.order()
            assert len(portone.calls) == SLOW_LOOKUPS and not any(each.done() for each in told)
        finally:
            portone.released.set()
        for each in refused | told:
            assert_unavailable(each.result())
    monkeypatch.undo()
    portone.fault = None
    portone.records[orders[0]["paymentId"]] = record(orders[0], "PAID")
    assert complete(shop, orders[0]).json["status"] == "PAID", "the places were given back"


@pytest.fixture
def busy_machine():
    """Two processes that compute all the time, beside the tests."""
    with ExitStack() as ends:
        for _ in range(2):
            process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            ends.callback(process.wait)
            ends.callback(process.kill)
        yield


@pytest.mark.exhaustive
@pytest.mark.alone  # beside other tests the machine can be too busy; see also the clock's, below
@pytest.mark.parametrize("status", ["READY", "PAID"])
def test_a_burst_on_a_busy_machine_is_not_taken_for_a_slow_portone(
    shop, portone, busy_machine, status
):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, status)
    together = threading.Barrier(50)

    def call(_):
        together.wait(60)
        return complete(shop, order)

    with ThreadPoolExecutor(50) as pool:
        told = list(pool.map(call, range(50)))
    assert [each.status_code for each in told] == [200] * 50, {each.text for each in told}
    assert {each.json["status"] for each in told} == {"PAID" if status == "PAID" else "PENDING"}
    assert shop.trail(order).count("ORDER_PAID") == (status == "PAID")


# The limit itself, by a clock that stands still until it is moved


class Callers:
    """Look-ups of one LookupLimit. Each has a payment of its own."""

    def __init__(self):
        self.limit = LookupLimit(None)
        self.places = []  # a place that nobody refers to would be given back

    def begin(self):
        """Returns the look-up, or None if it was refused."""
        self.places.append(self.limit.place(f"payment {len(self.places)}"))
        try:
            self.places[-1].__enter__()
        except PortOneUnavailable:
            return None
        return self.places[-1]

    def end(self, place):
        place.__exit__(None, None, None)


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(lookup_limit, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def callers(clock):
    return Callers()


def test_many_look_ups_wait_while_portone_is_quick(callers):
    assert all(callers.begin() for _ in range(50))


def test_few_look_ups_wait_while_one_has_had_no_answer_for_long(callers, clock):
    waiting = [callers.begin() for _ in range(SLOW_LOOKUPS)]
    clock.now += SLOW_SECONDS + 0.1
    assert callers.begin() is None
    callers.end(waiting.pop())
    assert callers.begin()
    assert callers.begin() is None


def test_so_many_answers_meanwhile_mean_that_our_own_machine_is_busy(callers, clock):
    places = [callers.begin() for _ in range(BURST_ANSWERS + SLOW_LOOKUPS)]
    clock.now += SLOW_SECONDS + 0.1
    for place in places[: BURST_ANSWERS - 1]:
        callers.end(place)
    assert callers.begin() is None, "one answer too few"
    callers.end(places[BURST_ANSWERS - 1])
    assert callers.begin() is None, "slow answers have come"
    clock.now += lookup_limit.STAYS_SLOW_SECONDS
    assert callers.begin(), "and with them enough others"


def test_a_look_up_that_drips_for_ever_does_not_hide_that_portone_hangs(callers, clock):
    dripping = callers.begin()
    for _ in range(BURST_ANSWERS):
        callers.end(callers.begin())
    clock.now += SLOW_SECONDS + 0.1
    hanging = [callers.begin() for _ in range(SLOW_LOOKUPS)]
    assert dripping and all(hanging)
    clock.now += SLOW_SECONDS + 0.1
    assert callers.begin() is None


def test_a_payment_that_was_asked_about_too_often_is_asked_about_again_a_minute_later(clock):
    limit = LookupLimit(None)

    def asks(payment_id):
        try:
            with limit.place(payment_id):
                return True
        except PortOneUnavailable:
            return False

    assert all(asks("flooded") for _ in range(LOOKUPS_PER_MINUTE))
    assert not asks("flooded") and asks("another")
    clock.now += 60
    assert asks("flooded")
