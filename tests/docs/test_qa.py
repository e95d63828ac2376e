"""docs/qa: its run sheet is complete, its clicks lead where it says, its command reaches a phone."""

import re

import pytest

from merchant.pages.korean import KOREAN
from merchant.pages.messages import CODES, MESSAGES
from portone_sandbox.outcomes import ALL_OUTCOMES, REFUSE
from portone_sandbox.switches import SWITCHES
from tests.databases import new_database
from tests.docs.conftest import running
from tests.docs.pages import PAGES, PHONE, table
from tests.money.commands import run
from tests.visitor import free_port

SHEET, KOREAN_SHEET = PAGES["docs/qa.md"], PAGES["docs/qa.ko.md"]
CLICKS = table(SHEET, "## Results, by clicks")
MORE = table(SHEET, "## Results that need more")


def code(cell):
    return re.search("`([^`]+)`", cell)[1]


def test_it_has_every_kind_of_result():
    kinds = {code(row[2]) for row in CLICKS} | {code(row[1]) for row in MORE}
    assert kinds | CODES.keys() | {"FAILED"} == MESSAGES.keys()
    reasons = table(SHEET, "## Reasons of a failed payment")
    assert {code(row[0]) for row in reasons} == CODES.keys() | {"FAILED"}
    for kind, example, *_ in reasons[:-1]:
        assert code(example) in CODES[code(kind)].split()


def test_it_has_every_outcome_and_fault_of_the_sandbox():
    assert {code(row[0]) for row in CLICKS} | {REFUSE} >= set(ALL_OUTCOMES)
    for switch in ("outage", "webhooks"):
        assert all(f"`{choice}`" in SHEET for choice in SWITCHES[switch].choices)


def test_the_titles_are_those_of_the_pages():
    pages = [(SHEET, lambda title: title), (KOREAN_SHEET, KOREAN.get)]
    for sheet, translated in pages:
        for line in sheet.splitlines():
            found = re.search(r"\| `([A-Z_]+)` \| `[A-Z_]+` \| \*\*([^*]+)\*\*", line)
            assert not found or found[2] == translated(MESSAGES[found[1]].title)


@pytest.mark.parametrize("row", CLICKS, ids=lambda row: f"{code(row[0])} {row[1]}"[:40])
def test_each_click_leads_where_it_says(shop, row):
    outcome, then, kind, status = code(row[0]), row[1], code(row[2]), code(row[3])
    order = shop.order(payMethod="VIRTUAL_ACCOUNT" if outcome == "issue" else "CARD")
    shop.pay(order["request"], outcome)
    if "`" in then:
        shop.complete(order)
        amount = re.search(r"\d+", then)
        action = f"/control/payments/{order['paymentId']}/{code(then)}"
        body = {"amount": int(amount[0])} if amount else {}
        assert shop.window.post(action, json=body).status_code == 200
        run(shop, "reconcile", "--older-than", "0")  # or the webhook, which this shop does not get
    page = shop.page(order)
    assert f'data-hint="{kind}"' in page
    assert f'data-order-status="{status}"' in page


def test_a_phone_reaches_it(clone):
    port = free_port()
    with running(
        PHONE, clone, port, FLASK_RUN_PORT=str(port), DATABASE_URL=new_database(clone)
    ) as page:
        assert page.status_code == 200 and 'id="order-form"' in page.text
    assert (
        f"http://0.0.0.0:{port}" in (clone / "log").read_text()
        or "all addresses" in (clone / "log").read_text()
    )
