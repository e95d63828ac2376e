"""The judge finds each mistake of the broken merchant, and nothing else."""

import pytest

from tests.conformance.merchant import MISTAKES

pytestmark = pytest.mark.browser
NAMES = {name for names in MISTAKES.values() for name in names}
# One of each kind of check: they are tried for every change, the others every night.
OFTEN = {
    "accepts any paymentId",
    "skips the signature",
    "fulfils twice",
    "says failed when PortOne is down",
    "leaks the secret",
}


def marked():
    for mistake in MISTAKES:
        mark = pytest.mark.long if mistake in OFTEN else pytest.mark.exhaustive
        yield pytest.param(mistake, marks=mark)


def test_the_mistakes_that_are_tried_often_are_mistakes():
    assert OFTEN.issubset(MISTAKES)


@pytest.mark.long
def test_a_mistake_is_told_with_what_was_seen_and_what_to_do(judge):
    found = judge("no amount check", "amount-changed")
    assert found == {"honest-paid": True, "amount-changed": False}
    assert (judge.code, judge.report["score"]) == (1, "1/2")
    finding = judge.report["checks"][-1]
    assert "totalAmount 15000 became 7500" in finding["seen"]
    assert "POST /complete 200" in finding["seen"]
    assert "GET /payments/" in finding["seen"]
    assert "amount.total" in finding["advice"]


@pytest.mark.long
def test_a_merchant_without_a_mistake_has_full_marks(judge):
    found = judge(None)
    assert len(found) >= 45
    assert {name for name, passed in found.items() if passed is False} == set()
    assert {name for name, passed in found.items() if passed is None} <= {"channel-changed"}
    assert judge.code == 0


@pytest.mark.parametrize("mistake", [*marked()])
def test_a_mistake_is_found_by_the_checks_that_are_about_it(judge, mistake):
    found = judge(mistake, *MISTAKES[mistake])
    untold = {name for name, passed in found.items() if passed is None}
    assert untold <= {"channel-changed"}  # a sandbox may have no second channel
    assert {name for name, passed in found.items() if passed is False} == MISTAKES[mistake] - untold
    assert judge.code == 1 or untold == MISTAKES[mistake]


@pytest.mark.exhaustive
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_by_no_other_check(judge, mistake):
    found = judge(mistake, *NAMES - MISTAKES[mistake])
    assert {name for name, passed in found.items() if passed is False} == set()
    assert {name for name, passed in found.items() if passed is None} <= {"channel-changed"}
    assert judge.code == 0
