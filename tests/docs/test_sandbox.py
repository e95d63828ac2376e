"""docs/sandbox: what it shows is what is run, and it names all there is."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from portone_sandbox import cli, switches, testing
from portone_sandbox.testing_documents import Call

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / name for name in ("sandbox.md", "sandbox.ko.md")]
EXAMPLES = [
    each
    for each in sorted((ROOT / "tests/package/examples").iterdir())
    if each.is_file() and each.name != "__init__.py"
]

pytestmark = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def public_names(of):
    return {name for name in vars(of) if not name.startswith("_")}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_examples_are_the_files_that_tests_run(page, example):
    assert f"\n{example.read_text().rstrip()}\n```" in page.read_text()
    assert f"../{example.relative_to(ROOT)}" in page.read_text()


def test_it_names_the_whole_fixture(page):
    named = set(re.findall(r"`portone\.(\w+)", page.read_text()))
    assert named == (public_names(testing.PortOne) | {"url"}) - {"webhook_url"}
    fields = set(re.findall(r"`\.(\w+)`", page.read_text()))
    assert fields - {"type", "headers", "body"} <= public_names(Call) | set(Call.__annotations__)
    assert all(f'`"{fault}"`' in page.read_text() for fault in switches.FAULTS)


def test_it_names_every_option_of_serve(page):
    usage = CliRunner().invoke(cli.main, ["serve", "--help"]).output
    options = set(re.findall(r"--[a-z-]+", usage)) - {"--help"}
    rows = "".join(line for line in page.read_text().splitlines() if line.startswith("| `--"))
    assert set(re.findall(r"--[a-z-]+", rows)) == options | {"--port"}
