"""A clone of this repository, and commands typed in it."""

import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.docs.pages import COPY, ROOT


@pytest.fixture
def clone(tmp_path):
    """What a clone has, with the tests' own environment as `.venv`."""
    list_files = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(list_files, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for file in filter(None, files.split("\0")):
        if (ROOT / file).is_file():
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, tmp_path / file)
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    return tmp_path


@contextmanager
def running(command, folder, port, log_name="log", **settings):
    """The command, typed in that folder; until the site answers at that port, and no longer than
    the test."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not re.match("PORTONE_|SANDBOX_|FLASK_", name)
    }
    environment |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **settings}
    with (folder / log_name).open("w") as log:
        run = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                yield requests.get(f"http://127.0.0.1:{port}/", timeout=10)
                return
            except requests.ConnectionError:
                assert run.poll() is None and time.monotonic() < deadline, (
                    folder / log_name
                ).read_text()
                time.sleep(0.1)
    finally:
        os.killpg(run.pid, 15)
        run.wait(20)


def typed(command, clone, **environment):
    return subprocess.run(
        ["bash", "-c", command],
        cwd=clone,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def configure(clone, **settings):
    """Copies the settings, as the README says, and writes these into the copy."""
    assert typed(COPY, clone).returncode == 0
    text = (clone / ".env").read_text()
    for name, value in settings.items():
        text, found = re.subn(
            rf"^#?{name}=.*$", lambda match, line=f"{name}={value}": line, text, flags=re.MULTILINE
        )
        assert found == 1, name
    (clone / ".env").write_text(text)
