"""pytest's fixtures `portone_server` and `portone`. testing.py has what they give.

A test that fails shows the calls that the sandbox was sent.
"""

from collections.abc import Generator, Iterator

import pytest

from .testing import PortOne, Server


@pytest.fixture(scope="session")
def portone_server() -> Iterator[Server]:
    """The server of the sandboxes, on a free port: `portone_server.url` stays for the session."""
    with Server() as server:
        yield server


@pytest.fixture
def portone(portone_server: Server) -> Iterator[PortOne]:
    """A PortOne for this test alone: empty, in memory, and gone after it."""
    with portone_server.sandbox() as portone:
        yield portone


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    portone = getattr(item, "funcargs", {}).get("portone")
    if report.when == "call" and report.failed and isinstance(portone, PortOne):
        lines = "\n".join(map(str, portone.calls)) or "It was not called."
        if portone.chaos_seed is not None:
            lines = f"portone.chaos(seed={portone.chaos_seed})\n{lines}"
        report.sections.append(("PortOne sandbox", lines))
    return report
