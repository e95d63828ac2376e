"""docs/conformance: each check is explained, in the order in which it is run, in both languages."""

import re
from pathlib import Path

import pytest

from portone_sandbox.conformance import situations
from portone_sandbox.conformance.command import _parser

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ["conformance.md", "conformance.ko.md"]


@pytest.mark.parametrize("page", PAGES)
def test_each_check_has_a_row_in_the_order_of_the_run(page):
    rows = re.findall(r"^\| `([a-z-]+)` \|", (DOCS / page).read_text(), re.MULTILINE)
    assert rows == [each.name for each in situations.load()]
    assert f"{len(rows)}" in (DOCS / page).read_text().split("##")[0]


@pytest.mark.parametrize("page", PAGES)
def test_each_argument_has_a_row(page):
    text = (DOCS / page).read_text()
    options = [name for action in _parser()._actions for name in action.option_strings]
    assert [name for name in options if f"| `{name}" not in text] == ["-h", "--help"]


def test_both_languages_have_the_same_scores():
    one, other = (re.findall(r"\*\*\d+/\d+\*\*", (DOCS / page).read_text()) for page in PAGES)
    assert one == other and len(one) >= 6
