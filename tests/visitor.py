"""The real site in a process of its own, and what a visitor does in it.

For the tests in a browser.
"""

import os
import re
import socket
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from sqlalchemy import create_engine, select

from merchant.models import Payment
from tests.browser import sync_api
from tests.databases import new_database

ROOT = Path(__file__).parent.parent
START_SECONDS = 20
# Empty rather than absent, so that a developer's own .env does not fill them in.
UNSET = (
    "PORTONE_STORE_ID",
    "PORTONE_CHANNEL_KEY",
    "PORTONE_API_SECRET",
    "PORTONE_ALLOW_TEST",
    "PORTONE_WEBHOOK_SECRET",
    "PORTONE_NOTICE_URL",
    "PORTONE_API_BASE",
    "PORTONE_SDK_URL",
    "PORTONE_CONSOLE_URL",
    "PORTONE_PG",
    "PORTONE_CHANNELS",
    "PORTONE_PAY_METHODS",
    "PORTONE_EASY_PAY_PROVIDERS",
    "PORTONE_PRE_REGISTER",
    "PORTONE_MAX_LOOKUPS",
    "PUBLIC_URL",
    "PAYMENT_PANEL",
)


class Site:
    """The running site: its address, and its database to look into."""

    def __init__(self, url, database):
        self.url, self.engine = url, create_engine(database)

    def values(self, column, condition):
        with self.engine.connect() as connection:
            return connection.scalars(select(column).where(condition)).all()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A PG that takes every window type on every device. The default, Toss Payments, does not."""
    with run_site(tmp_path_factory.mktemp("site"), SANDBOX_PG="INICIS_V2") as site:
        yield site


@contextmanager
def run_site(folder, root=ROOT, **settings):
    """Runs the site whose wsgi.py is in `root`, with its databases and its log in `folder`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    database = new_database(folder)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PORTONE_", "FLASK_", "SANDBOX_"))
    }
    environment |= dict.fromkeys(UNSET, "")
    environment |= {
        "PORTONE_SANDBOX": "1",
        "DATABASE_URL": database,
        "SANDBOX_DATABASE": str(folder / "sandbox.db"),
        **settings,
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "run", "--port", str(port)]
    log = folder / "log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=root, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(url, server, log)
        yield Site(url, database)
    finally:
        server.terminate()
        server.wait(10)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_until_up(url, server, log):
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urlopen(url, timeout=5) as answer:
                assert answer.status == 200
                return
        except URLError:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the site did not start:\n{log.read_text()}")


@pytest.fixture
def visit(open_tab, site):
    """visit(device=None, **options) -> the order page in a browser without a past."""

    def visit(device=None, **options):
        page = open_tab(device, **{"base_url": site.url, "locale": "en-US", **options})
        begin(page)
        return page

    return visit


@pytest.fixture
def page(visit):
    return visit()


def begin(page):
    """The order page, with a buyer of its own. Returns the buyer's address."""
    page.goto("/")
    email = new_email()
    page.fill("[name=buyerEmail]", email)
    return email


def new_email():
    """One per order page: its rows in the database are found by it."""
    return f"{uuid.uuid4().hex}@example.com"


def order(page, window_type="", method="CARD"):
    """Fill in the order page and press Pay."""
    page.select_option("[name=windowType]", window_type)
    page.locator(f"[name=payMethod][value={method}]").check(force=True)
    page.click("#pay")


def pay(page, outcome, window_type="", method="CARD", opens=None):
    """Order, and end the payment window as its button `data-outcome` says. opens: which kind of
    window is awaited."""
    opens = opens or window_type or "IFRAME"
    if opens == "POPUP":
        with page.expect_popup() as popup:
            order(page, window_type, method)
        popup.value.click(f"[data-outcome={outcome}]")
        return
    order(page, window_type, method)
    choose(page, outcome, opens)


def choose(page, outcome, opens="IFRAME"):
    window = page if opens == "REDIRECTION" else page.frame_locator("dialog iframe")
    window.locator(f"[data-outcome={outcome}]").click()


def expect_status(page, status):
    shown = page.locator("[data-order-status]")
    sync_api().expect(shown).to_have_attribute("data-order-status", status, timeout=15_000)
    page.wait_for_load_state()  # by then the page's scripts listen to its buttons


def reload_until(page, status):
    """The result page asks PortOne at most once in three seconds, whoever asks for the page."""
    deadline = time.monotonic() + 15
    while f'data-order-status="{status}"' not in page.request.get(page.url).text():
        assert time.monotonic() < deadline, f"the order did not become {status}"
        page.wait_for_timeout(200)
    reload_for(page, f"[data-order-status={status}]")
    expect_status(page, status)


def reload_for(page, selector):
    """Reload the result page if `selector` is not there, and return whether it was there.

    A page that watches its payment loads itself. Two loads at once would end each other, so this
    waits until the page shows `selector` or watches no longer.
    """
    page.wait_for_function(
        """selector => document.readyState === "complete" &&
            (document.querySelector(selector) || !document.querySelector("#watch"))""",
        arg=selector,
    )
    there = page.locator(selector).count() > 0
    if not there:
        try:
            page.reload()
        except sync_api().Error as error:  # a page that pays leaves by itself: look again
            if not re.search("ERR_ABORTED|interrupted|Not attached", error.message):
                raise
    return there


def order_id(page):
    return page.get_attribute("[data-order-id]", "data-order-id")


def payment_ids(site, page):
    return site.values(Payment.id, Payment.order_id == order_id(page))
