"""The page that explains the sandbox to others: its commands are run, and its tables are
complete."""

import json
import re
import shutil
import subprocess

import pytest

from portone_sandbox import actions, outcomes, switches
from tests.portone_sandbox.client import ROOT, SECRET, SETTINGS

PAGES = [ROOT / "portone_sandbox" / name for name in ("README.md", "README.ko.md")]


def commands(page):
    return re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_its_calls_do_what_it_says(base, page):
    start, *calls = commands(page)
    assert start == "pip install path/to/this/repository\nportone-sandbox serve\n"  # .ci/package
    script = "set -e\n" + "".join(calls).replace("http://localhost:5001", base)
    run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    lines = [line for line in run.stdout.splitlines() if line.startswith("{")]
    empty, paid, read, cancelled, *_, switches, calls = map(json.loads, lines)
    assert empty == {}
    assert paid == read and (paid["id"], paid["status"]) == ("order-1", "PAID")
    assert (cancelled["status"], cancelled["amount"]["cancelled"]) == ("PARTIAL_CANCELLED", 300)
    assert {name: each for name, each in switches.items() if each} == {
        "window": {"outcome": "decline"}
    }
    assert [each["url"] for each in calls["entries"]] == ["/payments/order-1"]
    assert run.stdout.count("'no answer") == 0 and run.stderr.startswith("curl:")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_it_names_every_setting_and_switch(page):
    text = page.read_text()
    for name in (
        SECRET,
        SETTINGS["PORTONE_STORE_ID"],
        SETTINGS["PORTONE_CHANNEL_KEY"],
        *switches.SWITCHES,
    ):
        assert name in text
    for switch in switches.SWITCHES.values():
        assert all(f"`{choice}`" in text for choice in switch.choices)
    assert all(f"`{action}`" in text for action in actions.ACTIONS)
    assert all(f"`{outcome}`" in text for outcome in outcomes.ALL_OUTCOMES)
    code = "".join(file.read_text() for file in (ROOT / "portone_sandbox").glob("*.py"))
    variables = set(re.findall(r'"(SANDBOX_[A-Z_]+)"', code))
    assert variables and all(f"`{variable}`" in text for variable in variables)
