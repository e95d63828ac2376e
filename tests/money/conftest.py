"""A shop and a PortOne that remembers, on a clock that the test moves."""

import sys
from datetime import datetime, timedelta, timezone

import pytest
import time_machine

from tests.money.portone import ACCOUNT, StatefulPortOne


class Clock:
    """The time of this process, the shop's and PortOne's alike.

    It goes on as usual, and jumps when it is moved.
    """

    def __init__(self, traveller):
        self._traveller = traveller

    def move(self, **by):
        """`clock.move(days=8)`: timedelta's units."""
        self._traveller.shift(timedelta(**by))


@pytest.fixture
def clock():
    with time_machine.travel(datetime.now(timezone.utc), tick=True) as traveller:
        yield Clock(traveller)


@pytest.fixture
def portone():
    with StatefulPortOne() as portone:
        yield portone


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch):
    """`flask reconcile` spares PortOne, wherever in merchant/ the pace is written down; no test has
    to wait for it.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith("merchant") and hasattr(module, "LOOKUPS_PER_SECOND"):
            monkeypatch.setattr(module, "LOOKUPS_PER_SECOND", 10_000)


@pytest.fixture
def shop(make_shop, portone):
    return make_shop(PORTONE_API_BASE=portone.url, **ACCOUNT)
