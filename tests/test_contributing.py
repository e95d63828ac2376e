"""What CONTRIBUTING.md says can be typed is there, and the checks before a commit are those of CI."""

import re
import shlex
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
CI = (ROOT / ".ci/run").read_text()
HOOKS = re.findall(r"entry: (.*)", (ROOT / ".pre-commit-config.yaml").read_text())
COMMANDS = [
    command
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
    for command in line.split(" && ")
]
PRE_COMMIT = ".venv/bin/pre-commit install"  # installed by the command before it


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {PRE_COMMIT}))
def test_its_commands_name_what_is_there(command, pytestconfig):
    markers = {line.split(":")[0] for line in pytestconfig.getini("markers")}
    words = shlex.split(command)
    for word in words:
        if word.startswith(".venv/bin/"):
            program = Path(sys.executable).parent / word.removeprefix(".venv/bin/")
            assert program.is_file(), word
        elif word.startswith((".ci/", "tests/")) or word.endswith(".txt"):
            assert (ROOT / word).is_file(), word
    for option, value in zip(words, words[1:], strict=False):
        if option == "-k":
            assert any(f"def {value}(" in file.read_text() for file in ROOT.glob("tests/**/*.py"))
        elif option == "-m" and ".venv/bin/pytest" in words:
            assert set(value.split()) - {"and", "not"} <= markers
        elif option == "-m" and value.startswith("tests."):
            path = value.replace(".", "/")
            assert (ROOT / f"{path}.py").is_file() or (ROOT / path / "__main__.py").is_file()


def test_it_explains_every_marker(pytestconfig):
    ours = re.findall(r'^    "(\w+): ', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert len(ours) >= 3
    for marker in ours:
        assert re.search(rf"`-m (\"not )?{marker}\b", PAGE), marker


def test_the_checks_before_a_commit_are_those_of_ci():
    assert len(HOOKS) == 3
    for entry in HOOKS:
        assert entry in COMMANDS
        check = entry.replace("ruff format", "ruff format --check")
        assert check in CI.splitlines()
