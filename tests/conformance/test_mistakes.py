"""The judge finds each mistake of the broken merchant, and nothing else."""

import pytest

from tests.conformance.merchant import MISTAKES, UNTOLD

pytestmark = pytest.mark.browser
NAMES = {name for names in MISTAKES.values() for name in names}


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


@pytest.mark.long
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_by_the_checks_that_are_about_it_and_by_no_other(judge, mistake):
    found = judge(mistake, *NAMES)
    if found["channel-changed"] is None and mistake == "ignores the channel":
        pytest.skip("this sandbox has no second channel")
    wrong = {name for name, passed in found.items() if passed is False}
    untold = {name for name, passed in found.items() if passed is None}
    assert untold <= {"channel-changed"} | UNTOLD.get(mistake, set())
    assert wrong == MISTAKES[mistake] - untold
