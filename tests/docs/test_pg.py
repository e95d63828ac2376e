"""docs/pg: its table is what the sandbox's channels answer, and it names what the code has."""

import re
from itertools import product
from pathlib import Path

import pytest

from merchant.backoffice import pg_tasks
from merchant.pg import METHODS, NOT_SERVED, PGS
from portone_sandbox import channels
from tests.merchant.test_pg import DEVICES, open_window

PAGES = {
    name: (Path(__file__).parents[2] / "docs" / name).read_text() for name in ("pg.md", "pg.ko.md")
}
AS_IS = {"pg.md": "as is", "pg.ko.md": "그대로"}


def table(name):
    """{PG: [a cell for each of METHODS]}"""
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGES[name], re.MULTILINE)
    return {pg: cells for pg, row in rows if len(cells := row.strip(" ").split(" | ")) > 1}


def not_served(name):
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (.*) \|$", PAGES[name], re.MULTILINE)
    return {
        pg: reason for pgs, reason in rows if " | " not in reason for pg in re.findall(r"\w+", pgs)
    }


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("pg", PGS)
def test_each_cell_is_what_the_pgs_channel_answers(make_shop, name, pg):
    cells = [cell.strip() for cell in table(name)[pg]]
    everything = ",".join(METHODS)
    shop = make_shop(
        PORTONE_CHANNEL_KEY=channels.KEYS_BY_PG[pg], PORTONE_PG="", PORTONE_PAY_METHODS=everything
    )
    for method, cell in zip(METHODS, cells, strict=True):
        assert (cell == "–") == (method not in PGS[pg].methods), method
        if cell != "–":
            requests = [(shop.order(payMethod=method)["request"], device) for device in DEVICES]
            passes = all(
                open_window(shop, request, device).status_code == 200
                for request, device in requests
            )
            assert cell == (AS_IS[name] if passes else "PORTONE_PG"), method


def test_each_pg_that_is_not_served_stands_there_with_the_reason_of_the_error():
    assert not_served("pg.md") == NOT_SERVED
    assert set(not_served("pg.ko.md")) == set(NOT_SERVED)
    assert set(table("pg.md")) == set(table("pg.ko.md")) == set(PGS)


@pytest.mark.parametrize(("name", "pg"), list(product(PAGES, pg_tasks.PGS)))
def test_the_deposit_notices_addresses_are_those_of_flask_doctor(name, pg):
    known = re.findall(rf"{pg_tasks.NOTICE}/\S+", pg_tasks.PGS[pg].notice or "")
    assert all(f"`{address}`" in PAGES[name] for address in known)
