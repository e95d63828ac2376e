"""A shop whose PortOne answers what a test says, and a `flask reconcile` that does not pause."""

import pytest

from tests.money.portone import ACCOUNT


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch):
    monkeypatch.setattr("merchant.backoffice.reconciliation.LOOKUPS_PER_SECOND", 1000)


@pytest.fixture
def shop(make_shop, portone):
    return make_shop(PORTONE_API_BASE=portone.url, **ACCOUNT)
