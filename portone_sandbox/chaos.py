"""A random mix of the REST API's faults and of the webhooks' orders, planned by a seed. Pure.

The switch "chaos" has the seed and counts what was asked of the plan, so that the same seed gives
the same faults to the same sequence of calls and windows.
"""

import random

MAX_SEED = 2**31 - 1

# What a call of the REST API meets: {fault of switches.FAULTS, or "": weight}. Some take long.
CALLS = {"": 60, "drop": 8, "lost": 8, "500": 8, "429": 5, "garbled": 8, "slow": 2, "hang": 1}
# How a window's webhooks come: {order of switches.WEBHOOK_ORDERS, or "": weight}.
WINDOWS = {
    "": 25,
    "before": 12,
    "after": 12,
    "without": 8,
    "off": 8,
    "twice": 12,
    "reversed": 12,
    "concurrent": 11,
}


def new_seed() -> int:
    return random.SystemRandom().randint(1, MAX_SEED)


def fault(seed: int, number: int) -> str | None:
    """Of the REST API's call of this number, from 0; None for none."""
    return _draw(CALLS, f"{seed} call {number}")


def webhook_order(seed: int, number: int) -> str | None:
    """Of the payment window of this number, from 0; None for the default."""
    return _draw(WINDOWS, f"{seed} window {number}")


def _draw(weights: dict[str, int], key: str) -> str | None:
    # A text is hashed the same way in every version of Python 3 and on every machine.
    return random.Random(key).choices([*weights], [*weights.values()])[0] or None
