"""Every kind of result that the shop's pages have, reached by clicks in the window and the console.

Only STALE needs more: an hour must pass for the shop.
"""

import time
from contextlib import ExitStack
from datetime import timedelta

import pytest
import requests
from sqlalchemy import update

from merchant.models import Payment
from merchant.pages.messages import CODES, MESSAGES
from merchant.rows import now
from portone_sandbox import declines
from tests.browser import sync_api
from tests.visitor import begin, order, reload_for, run_site

MANUAL = {"SANDBOX_MANUAL_APPROVAL": "1"}
LIVE = {"SANDBOX_LIVE": "1"}
CARDS_ONLY = {"PORTONE_PAY_METHODS": "CARD"}
UNKNOWN_CODE = "INVALID_CARD_INSTALLMENT_PLAN"  # the shop's messages do not know it


class Clicks:
    """A buyer at the shop, and a person at the sandbox's console in another tab."""

    def __init__(self, page, console, site):
        self.page, self.console, self.site = page, console, site

    def choose(self, outcome, code=None, page=None):
        window = (page or self.page).frame_locator("dialog iframe")
        if code:
            window.locator("[data-reasons]").click()
            window.locator(f"[data-outcome={outcome}][data-code={code}]").click()
        else:
            window.locator(f"[data-outcome={outcome}]").click()

    def pay(self, outcome, code=None, method="CARD"):
        order(self.page, method=method)
        self.choose(outcome, code)
        self.page.wait_for_url("**/orders/*")

    def act(self, action, amount=None):
        """A button of the newest payment's page in the console."""
        self.console.goto("/sandbox/")
        self.console.click("tbody a")
        if amount:
            self.console.fill("[name=amount]", str(amount))
        self.console.click(f"[data-action={action}]")
        if action == "cancel" and not amount:
            self.console.click("#ask [data-action=cancel]")

    def switch(self, name, choice):
        self.console.goto("/sandbox/")
        fold = self.console.locator("#switches:not([open]) > summary")
        if fold.count():
            fold.click()
        self.console.select_option(f"[data-switch={name}] select", choice)
        self.console.click(f"[data-switch={name}] button")
        self.console.wait_for_selector(
            f"[data-switch={name}][data-value='{choice}']", state="attached"
        )

    def leave(self):
        """The buyer goes back to the shop while the window is open."""
        order(self.page)
        self.page.frame_locator("dialog iframe").locator("[data-outcome=approve]").wait_for()
        self.page.reload()
        self.page.wait_for_url("**/orders/*")

    def let_an_hour_pass(self):
        with self.site.engine.begin() as connection:
            connection.execute(update(Payment).values(created_at=now() - timedelta(hours=2)))

    def see(self, kind):
        """The order's page says so; the shop asks PortOne at most once in three seconds."""
        deadline = time.monotonic() + 30
        while not reload_for(self.page, f"[data-hint={kind}]"):
            assert time.monotonic() < deadline, f"the page does not say {kind}"
            self.page.wait_for_timeout(300)
        sync_api().expect(self.page.locator("body")).to_contain_text(MESSAGES[kind].happened)


def with_issued_account(action, **switches):
    def click(clicks):
        for name, choice in switches.items():
            clicks.switch(name, choice)
        clicks.pay("issue", method="VIRTUAL_ACCOUNT")
        if action:
            clicks.act(action)

    return click


def ends(outcome, code=None):
    return lambda clicks: clicks.pay(outcome, code)


def then(outcome, action, amount=None):
    def click(clicks):
        clicks.pay(outcome)
        clicks.act(action, amount)

    return click


def stay_away_for_long(clicks):
    clicks.leave()
    clicks.let_an_hour_pass()


def pay_twice(clicks):
    """Two tabs, both with an open window of the same order."""
    clicks.pay("decline")
    other = clicks.page.context.new_page()
    other.goto(clicks.page.url)
    for page in (clicks.page, other):
        page.click("#retry")
        page.frame_locator("dialog iframe").locator("[data-outcome=approve]").wait_for()
    clicks.choose("approve", page=other)
    other.wait_for_selector("[data-order-status=PAID]")
    with clicks.page.expect_navigation():
        clicks.choose("approve")
    other.close()


def pay_in_an_outage(clicks):
    clicks.switch("outage", "500")
    order(clicks.page)
    clicks.choose("approve")
    clicks.page.click("#message a")  # the page could not learn the result
    clicks.page.wait_for_url("**/orders/*")


# kind: the clicks, and the settings that the shop and its sandbox start with.
RESULTS = {
    "PENDING": (Clicks.leave, {}),
    "PAY_PENDING": (ends("pend"), {}),
    "STALE": (stay_away_for_long, {}),
    "VIRTUAL_ACCOUNT_ISSUED": (with_issued_account(None), {}),
    "EXPIRED": (with_issued_account("expire"), {}),
    "PAID": (ends("approve"), {}),
    "CANCELLED": (then("approve", "cancel"), {}),
    "PARTIAL_CANCELLED": (then("approve", "cancel", 300), {}),
    "CLOSED": (with_issued_account("close", close="CANCELLED"), {}),
    "GIVEN_BACK": (then("tamper", "cancel"), {}),
    "FAILED": (ends("decline", UNKNOWN_CODE), {}),
    **{kind: (ends("decline", codes.split()[-1]), {}) for kind, codes in CODES.items()},
    "LEFT": (ends("cancel"), {}),
    "MISMATCH": (ends("tamper-name"), {}),
    "NOT_APPROVED": (ends("tamper"), MANUAL),
    "AMOUNT": (ends("tamper"), {}),
    "CURRENCY": (ends("tamper-currency"), {}),
    "TEST_CHANNEL": (ends("tamper-channel"), LIVE),
    "OTHER_ACCOUNT": (lambda clicks: clicks.pay("tamper", method="VIRTUAL_ACCOUNT"), {}),
    "OTHER_PAYMENT": (ends("tamper-channel"), {}),
    "DUPLICATE": (pay_twice, {}),
    "UNKNOWN": (pay_in_an_outage, {}),
}
# More ways to the same kinds.
MORE = [
    ("MISMATCH", ends("tamper-tax-free"), {}),
    ("OTHER_ACCOUNT", ends("tamper-method"), CARDS_ONLY),
    ("VIRTUAL_ACCOUNT_ISSUED", ends("tamper-method"), {}),
    ("OTHER_PAYMENT", ends("tamper-channel"), MANUAL),
    ("LIMIT", ends("decline"), {}),
    ("CARD", ends("refuse"), MANUAL),
    ("LIMIT", then("pend", "decline"), {}),
]


def cases():
    for kind, (clicks, settings) in RESULTS.items():
        yield pytest.param(kind, clicks, settings, id=kind)
    for number, case in enumerate(MORE):
        yield pytest.param(*case, id=f"{case[0]}-{number}")


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """start(settings) -> a running site with them, until the last test of this file."""
    sites = {}
    with ExitStack() as stack:

        def start(settings):
            key = repr(settings)
            if key not in sites:
                folder = tmp_path_factory.mktemp("site")
                sites[key] = stack.enter_context(run_site(folder, **settings))
            return sites[key]

        yield start


@pytest.fixture
def clicks_at(start, open_tab):
    """clicks_at(settings) -> Clicks. Every switch has its default before and after."""
    used = []

    def clicks_at(settings):
        site = start(settings)
        page = open_tab(None, base_url=site.url, locale="en-US")
        begin(page)
        used.append(site)
        reset(site)
        return Clicks(page, page.context.new_page(), site)

    yield clicks_at
    for site in used:
        reset(site)


def reset(site):
    requests.post(f"{site.url}/sandbox/control/reset", timeout=20).raise_for_status()


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.parametrize(("kind", "clicks", "settings"), [*cases()])
def test_it_is_reached_by_clicks(clicks_at, kind, clicks, settings):
    person = clicks_at(settings)
    clicks(person)
    person.see(kind)


def test_no_kind_is_missing():
    assert RESULTS.keys() == MESSAGES.keys()
    codes = {code for each in CODES.values() for code in each.split()}
    assert codes - declines.MESSAGES.keys() == {"PAY_PROCESS_CANCELED"}  # the buyer's Cancel
    assert UNKNOWN_CODE in declines.MESSAGES.keys() - codes
