"""A random mix of faults by a seed: pure plans, the switch, and the same run again."""

from collections import Counter

import pytest
import requests

from portone_sandbox import chaos, switches, testing
from portone_sandbox.errors import Refused
from tests.portone_sandbox.client import SECRET, payment_request

HEADERS = {"Authorization": f"PortOne {SECRET}"}
MANY = 3000
FAULTS_OF_7 = [
    None,
    None,
    "500",
    None,
    None,
    None,
    "garbled",
    "drop",
    None,
    None,
    "garbled",
    "garbled",
]
ORDERS_OF_7 = ["before", "off", "before", "twice", "reversed", "concurrent"]


def test_a_plan_has_all_that_the_switches_have():
    assert set(chaos.CALLS) == {"", *switches.FAULTS}
    assert set(chaos.WINDOWS) == {"", *switches.WEBHOOK_ORDERS}
    assert {chaos.fault(7, number) for number in range(MANY)} == {None, *switches.FAULTS}
    orders = {chaos.webhook_order(7, number) for number in range(MANY)}
    assert orders == {None, *switches.WEBHOOK_ORDERS}


def test_a_plan_is_as_its_weights_say():
    drawn = Counter(chaos.fault(11, number) or "" for number in range(MANY))
    for fault, weight in chaos.CALLS.items():
        assert drawn[fault] / MANY == pytest.approx(weight / sum(chaos.CALLS.values()), abs=0.03)


def test_a_plan_never_changes():
    """A seed that somebody has noted gives the same faults in every version."""
    assert [chaos.fault(7, number) for number in range(12)] == FAULTS_OF_7
    assert [chaos.webhook_order(7, number) for number in range(6)] == ORDERS_OF_7


@pytest.fixture(scope="module")
def server():
    with testing.Server() as server:
        yield server


@pytest.fixture
def sandbox(server):
    with server.sandbox() as sandbox:
        yield sandbox


def run(portone, seed):
    """What ten payments and thirty calls meet, once the chaos has begun."""
    portone._sandbox.pause = lambda seconds: None
    portone.switch("chaos", seed=seed)
    met = []
    for number in range(10):
        payment_id = f"payment-{seed}-{number}-{len(portone.calls)}"
        result = portone.pay(payment_request(paymentId=payment_id), "approve")
        met.append(result is None)
        met.append([each.type for each in portone.webhooks_for(payment_id)])
        for _ in range(3):
            try:
                answer = requests.get(
                    f"{portone.url}/payments/{payment_id}", headers=HEADERS, timeout=10
                )
                met.append((answer.status_code, len(answer.content) > 800))
            except requests.ConnectionError:
                met.append("broken")
    return met


def test_the_same_seed_does_the_same_again(sandbox):
    first, other, again = run(sandbox, 7), run(sandbox, 8), run(sandbox, 7)
    assert first == again != other
    faults = [each.fault for each in sandbox.calls]
    assert faults[:30] == [chaos.fault(7, number) for number in range(30)] == faults[60:]


def test_the_seed_is_given_shown_and_stored(sandbox, caplog):
    seed = sandbox.chaos()
    assert sandbox.chaos_seed == seed and f"the seed is {seed}" in caplog.text
    page = requests.get(sandbox.url, timeout=10).text
    assert f'data-switch="chaos" data-value="{seed}"' in page
    assert sandbox.chaos(seed=7) == 7
    end = {"end": "1", "seed": "7"}
    page = requests.post(f"{sandbox.url}/console/switches/chaos", data=end, timeout=10).text
    assert 'data-switch="chaos" data-value=""' in page and sandbox.chaos_seed is None
    page = requests.post(f"{sandbox.url}/console/switches/chaos", data={"seed": "9"}, timeout=10)
    assert sandbox.chaos_seed == 9 and "<b>9</b>" in page.text


def test_a_switch_comes_before_the_chaos(sandbox):
    sandbox.chaos(seed=7)
    sandbox.outage("429")
    sandbox.switch("webhooks", order="off")
    for number in range(8):
        payment_id = f"payment{number}"
        assert sandbox.pay(payment_request(paymentId=payment_id)) is not None
        assert sandbox.webhooks_for(payment_id) == []
        url = f"{sandbox.url}/payments/{payment_id}"
        assert requests.get(url, headers=HEADERS, timeout=10).status_code == 429


@pytest.mark.parametrize("seed", [-1, 2**31, "7", True, 1.5])
def test_what_is_no_seed(sandbox, seed):
    with pytest.raises(Refused, match="seed"):
        sandbox.switch("chaos", seed=seed)
