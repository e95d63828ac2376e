"""Our shop under seeded faults: each order in its true state, fulfilled once. See tests/chaos."""

import pytest

from merchant.verification import STATUSES, Verdict
from tests.chaos.world import SETTINGS, batches, run

# The runs of the core suite and those of `-m long`; python -m tests.chaos makes thousands.
QUICK, LONG = 80, 320


def seeds(first, runs):
    return [
        pytest.param(*batch, id=f"{batch[0][0]}-{batch[0][-1]}") for batch in batches(first, runs)
    ]


@pytest.mark.parametrize(("seeds", "settings"), seeds(1, QUICK))
def test_each_order_is_in_its_true_state(seeds, settings):
    assert run(seeds, settings) == []


@pytest.mark.long
@pytest.mark.parametrize(("seeds", "settings"), seeds(1 + QUICK, LONG))
def test_each_of_many_orders_is_in_its_true_state(seeds, settings):
    assert run(seeds, settings) == []


def test_every_run_has_a_seed_of_its_own():
    made = [seed for seeds, _ in batches(5, 100) for seed in seeds]
    assert sorted(made) == [*range(5, 105)]
    assert [settings for _, settings in batches(0, 4)] == SETTINGS
    ((_, alone),) = batches(7, 1)
    assert alone == SETTINGS[3]  # a seed has the same shop, whoever makes it


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        ("fulfilment", "fulfilled 2 times"),
        ("verification", "MISMATCH"),
    ],
)
def test_a_broken_shop_is_found_out(monkeypatch, broken, found):
    """The judge does not believe the shop: two faults are put into it."""
    if broken == "verification":
        monkeypatch.setattr("merchant.settlement.verify", believing)
    else:
        monkeypatch.setattr("tests.chaos.world.World.fulfil", fulfil_twice)
    wrong = [text for _, problems, _ in run(range(0, 80, 4), {}) for text in problems]
    assert any(found in text for text in wrong), wrong


def believing(payment, record, *_, **__):
    return Verdict(STATUSES.get(record["status"], "PENDING"), ())


def fulfil_twice(world, order):
    world.fulfilled[order.id] += 2
