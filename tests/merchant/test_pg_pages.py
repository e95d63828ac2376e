"""Each PG's order page in a browser: what it offers, and that what it sends is paid."""

import pytest

from merchant.pg import PGS
from tests.browser import sync_api
from tests.visitor import choose, expect_status, order_id, pay, run_site

expect = sync_api().expect
pytestmark = pytest.mark.browser


@pytest.fixture
def visit_pg(tmp_path, open_tab):
    """visit_pg(SANDBOX_PG, device) -> the order page of a site with these PGs."""
    sites = {}

    def visit_pg(names, device=None):
        if names not in sites:
            site = run_site(tmp_path, SANDBOX_PG=names)
            sites[names] = site, site.__enter__()
        page = open_tab(device, base_url=sites[names][1].url, locale="ko-KR")
        page.goto("/")
        return page

    yield visit_pg
    for site, _ in sites.values():
        site.__exit__(None, None, None)


def choose_provider(page, provider):
    page.locator("[name=payMethod][value=EASY_PAY]").check(force=True)
    page.locator(f"[name=easyPayProvider][value={provider}]").check(force=True)


def test_a_provider_is_a_button_and_is_kept_for_a_retry(visit_pg):
    page = visit_pg("")
    providers = page.locator(".providers")
    expect(providers).to_be_hidden()
    choose_provider(page, "NAVERPAY")
    expect(providers).to_be_visible()
    expect(providers).to_contain_text("네이버페이")
    page.click("#pay")
    choose(page, "decline")
    expect_status(page, "FAILED")
    chosen = page.locator("#again [name=easyPayProvider]:checked")
    assert chosen.get_attribute("value") == "NAVERPAY"
    page.click("#retry")
    choose(page, "approve")
    expect_status(page, "PAID")
    expect(page.locator(".receipt")).to_contain_text("간편결제 (네이버페이)")


@pytest.mark.long
@pytest.mark.parametrize("device", [None, "iPhone 13"])
def test_cards_and_wallets_go_through_their_own_channels(visit_pg, device):
    page = visit_pg("TOSSPAY_V2 KSNET", device)
    pay(page, "approve", opens="REDIRECTION" if device else "IFRAME")
    expect_status(page, "PAID")
    assert sent_through(page) == "KSNET"
    page.goto("/")
    choose_provider(page, "TOSSPAY")
    page.click("#pay")
    choose(page, "approve", "REDIRECTION" if device else "IFRAME")
    expect_status(page, "PAID")
    assert sent_through(page) == "TOSSPAY_V2"


def sent_through(page):
    """The PG of the paid payment's channel, from the drawn cross-check."""
    channels = page.request.get("/sandbox/control/channels").json()
    [key] = page.locator("tr", has_text="CHANNEL").locator("td:nth-child(2)").all_text_contents()
    return next(each["pgProvider"] for each in channels if each["key"] == key)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", PGS)
def test_each_pg_is_paid_through_each_window_that_it_has(visit_pg, name):
    pg = PGS[name]
    method = pg.methods[0]
    for window_type in ("", *pg.pc):
        page = visit_pg(name)
        opens = window_type or ("POPUP" if pg.pc == ("POPUP",) else "IFRAME")
        pay(page, "approve", window_type, method, opens=opens)
        expect_status(page, "PAID")
        assert order_id(page)
    for window_type in ("", *pg.mobile):
        page = visit_pg(name, "iPhone 13")
        pay(page, "approve", window_type, method, opens=window_type or "REDIRECTION")
        expect_status(page, "PAID")


@pytest.mark.long
def test_a_window_that_the_pg_refuses_is_left_to_the_pg_and_still_returns_by_redirect(visit_pg):
    page = visit_pg("TOSSPAYMENTS")
    pay(page, "approve", "REDIRECTION", opens="IFRAME")
    expect_status(page, "PAID")
    expect(page.locator("#trail > [data-event=REDIRECTED]")).to_have_count(1)
    page.goto("/")
    pay(page, "approve", "POPUP", opens="IFRAME")
    expect_status(page, "PAID")
