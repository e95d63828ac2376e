"""The example for other languages; those for Python's frameworks are tests themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.portone_sandbox.client import ROOT

EXAMPLES = Path(__file__).with_name("examples")


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_project_in_another_language(tmp_path):
    command = tmp_path / "portone-sandbox"  # as the installed package has it
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m portone_sandbox "$@"\n')
    command.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["node", "--test", str(EXAMPLES / "sandbox.test.mjs")],
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# pass 3" in run.stdout
