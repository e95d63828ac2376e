"""docs/security: each row names a function and a test that exist, the same ones in both languages."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / "docs" / name).read_text() for name in ("security.md", "security.ko.md")}


def rows(page):
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in page.splitlines()
        if line.startswith("| ") and "`tests/" in line
    ]


def test_both_languages_name_the_same_functions_and_tests():
    one, other = (rows(page) for page in PAGES.values())
    assert [row[2:] for row in one] == [row[2:] for row in other] and len(one) > 12


@pytest.mark.parametrize("row", rows(PAGES["security.md"]), ids=lambda row: row[0][:40])
def test_each_row_has_a_test_and_a_place_that_exist(row):
    file, test = row[3].strip("` |").split("::")
    assert re.search(rf"^def {test}\b", (ROOT / file).read_text(), re.MULTILINE), test
    for place in re.findall(r"`([^`]+)`", row[2]):
        path, _, function = place.partition(".py")[0].rpartition(".")
        if place.endswith(".py"):
            assert (ROOT / place).exists()
        else:
            source = (ROOT / "merchant" / f"{path}.py").read_text()
            assert re.search(rf"^(def|class) {function}\b", source, re.MULTILINE), place
