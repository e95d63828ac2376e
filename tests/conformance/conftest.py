"""A sandbox, and a merchant of tests/conformance/merchant.py that uses it, over real HTTP."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from werkzeug.serving import make_server

from portone_sandbox import conformance, settings
from portone_sandbox.conformance import browser
from portone_sandbox.conformance.own_sandbox import running_sandbox
from tests.browser import REQUIRED, find_browser
from tests.conformance.merchant import create_app


@contextmanager
def serve(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def base():
    """The address of a sandbox. The judge needs no empty one."""
    with running_sandbox(None) as base:
        yield base


@pytest.fixture
def judge(base, tmp_path):
    """judge(mistake, *names) -> {name: passed} of those checks, or of all; `judge.code` is the exit
    status, `judge.report` the JSON file.
    """
    if find_browser() is None and not REQUIRED:
        pytest.skip("no browser found")

    def judge(mistake, *names):
        with serve(create_app(settings(base), mistake)) as url:
            arguments = [url, "--pay", "#pay", "--paid", "#paid", "--failed", "#failed"]
            arguments += ["--webhook", f"{url}/webhook", "--sandbox", base, "--patience", "0.5"]
            arguments += ["--json", str(tmp_path / "report.json")]
            arguments += [argument for name in names for argument in ("--only", name)]
            # In a thread of its own: Playwright takes one browser driver for each.
            with ThreadPoolExecutor(1) as pool:
                judge.code = pool.submit(conformance.main, arguments).result()
        judge.report = json.loads((tmp_path / "report.json").read_text())
        return {each["name"]: each["passed"] for each in judge.report["checks"]}

    return judge


@pytest.fixture
def no_browser(monkeypatch):
    """Playwright is not installed."""
    monkeypatch.setattr(browser.importlib.util, "find_spec", lambda name: None)
