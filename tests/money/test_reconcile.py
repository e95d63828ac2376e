"""`flask reconcile` by what changed: PortOne's list first, then one look-up for each payment that
differs from its row.

`GET /payments` with PaymentTimestampType STATUS_CHANGED_AT is by the time of payment, cancellation
or failure, in pages of up to 1,000: https://developers.portone.io/api/rest-v2/payment.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import delete

from merchant.backoffice.models import ReconciliationRun
from merchant.models import Order, Payment, PaymentEvent, session
from merchant.rows import now
from tests.databases import new_database, sqlite_only
from tests.money.commands import (
    attention,
    change,
    complete,
    copies,
    paid,
    reconcile,
    refund,
    rows,
    run,
    statuses,
)
from tests.money.portone import ACCOUNT, DOWN, Answering, after, refuse, search_of, time_of

pytestmark = pytest.mark.database

ROOT = Path(__file__).parents[2]
LISTS = 3  # calls of the list for one page of changes; one is enough, and none grows with what is stored


def listed_since(portone):
    """From when the last run listed all that changed, as a datetime in UTC."""
    filters = [search["filter"] for search in portone.asked("list")]
    return min(time_of(each["from"]) for each in filters if "status" not in each)


def fall_behind(shop, payment_id):
    """The shop has heard of nothing since the attempt was opened, such as for lost webhooks and a
    closed browser.
    """
    with shop.app.app_context():
        order_id = session.get(Payment, payment_id).order_id
    change(shop, Payment, payment_id, status="PENDING", portone_status=None)
    change(shop, Order, order_id, status="PENDING", paid_at=None, fulfilled_at=None)


def spread(portone, orders):
    """Copies were all paid at the same moment; now each is later than the one before."""
    for order in orders:
        moment = portone.stamp()
        times = dict.fromkeys(("requestedAt", "paidAt", "statusChangedAt"), moment)
        portone.records[order["paymentId"]] |= times


# What a run costs


def test_a_run_asks_only_about_what_changed_however_much_is_stored(shop, portone, clock):
    stored = copies(shop, portone, paid(shop, portone), 300)
    pending = [shop.order() for _ in range(3)]
    for order in pending:
        portone.open(order)
    reconcile(shop)
    clock.move(hours=2)
    portone.calls.clear()
    assert reconcile(shop).exit_code == 0
    assert portone.count("get") == 0 and portone.count("list") <= LISTS, "nothing has changed"

    cancelled, partly = stored[:4], stored[4:7]
    for order in cancelled:
        portone.cancel(order["paymentId"])
    for order in partly:
        portone.cancel(order["paymentId"], 250)
    for order in pending:
        portone.pay(order)
    clock.move(hours=1)
    portone.calls.clear()
    assert reconcile(shop).exit_code == 0
    changed = {order["paymentId"] for order in [*cancelled, *partly, *pending]}
    assert Counter(portone.asked("get")) == dict.fromkeys(changed, 1)
    assert portone.count("list") <= LISTS
    assert {statuses(shop, order) for order in cancelled} == {("CANCELLED", "CANCELLED")}
    assert {statuses(shop, order)[0] for order in partly} == {"PARTIAL_CANCELLED"}
    assert {statuses(shop, order) for order in pending} == {("PAID", "PAID")}
    assert statuses(shop, stored[-1]) == ("PAID", "PAID")
    clock.move(hours=1)
    portone.calls.clear()
    assert reconcile(shop).exit_code == 0
    assert portone.count("get") == 0, "what was followed is not asked about again"


@sqlite_only  # it is about PortOne's calls, and 100,000 rows take long elsewhere
@pytest.mark.long
def test_with_100_000_paid_orders_and_100_changes_a_run_makes_at_most_110_calls(
    shop, portone, clock
):
    like, stored = paid(shop, portone), []
    for _ in range(20):
        stored += copies(shop, portone, like, 5_000)
    clock.move(hours=1)
    with shop.app.app_context():
        session.add(ReconciliationRun(store_id=ACCOUNT["PORTONE_STORE_ID"], started_at=now()))
        session.commit()
    clock.move(hours=1)
    changed = stored[::1_000]
    for order in changed:
        portone.cancel(order["paymentId"])
    clock.move(minutes=5)
    portone.calls.clear()
    assert reconcile(shop).exit_code == 0
    assert len(portone.calls) <= 110 and len(changed) == 100
    assert {statuses(shop, order)[0] for order in changed} == {"CANCELLED"}


def test_the_first_run_ever_asks_only_about_what_differs(shop, portone, clock):
    stored = copies(shop, portone, paid(shop, portone), 100)
    portone.cancel(stored[50]["paymentId"])
    clock.move(hours=1)
    portone.calls.clear()
    assert reconcile(shop).exit_code == 0
    assert portone.asked("get") == [stored[50]["paymentId"]]


def test_a_list_of_more_than_one_page_is_read_to_its_end(shop, portone, clock):
    stored = copies(shop, portone, paid(shop, portone), 1_100)
    spread(portone, stored)
    behind = [stored[place]["paymentId"] for place in (0, 550, -1)]
    for payment_id in behind:
        fall_behind(shop, payment_id)
    clock.move(hours=1)
    portone.calls.clear()
    assert reconcile(shop).exit_code == 0
    assert Counter(portone.asked("get")) == dict.fromkeys(behind, 1)
    assert all(search["page"]["size"] <= 1_000 for search in portone.asked("list"))


@pytest.mark.exhaustive
def test_a_list_that_is_longer_than_its_pages_reach_is_read_to_its_end(shop, portone, clock):
    """(number + 1) × size is at most 60,000: what comes after it is had by another range of time
    only.
    """
    like, stored = paid(shop, portone), []
    for _ in range(61):
        stored += copies(shop, portone, like, 1_000)
    spread(portone, stored)
    behind = [stored[place]["paymentId"] for place in (0, 1_000, 30_000, 59_999, 60_000, -1)]
    for payment_id in behind:
        fall_behind(shop, payment_id)
    clock.move(hours=1)
    portone.calls.clear()
    assert reconcile(shop).exit_code == 0
    assert Counter(portone.asked("get")) == dict.fromkeys(behind, 1)
    assert portone.count("list") <= 200


def test_more_than_a_page_that_changed_at_the_same_moment_is_read_to_its_end(shop, portone, clock):
    """Copies were all paid at the same moment, so no page can begin at another time."""
    stored = copies(shop, portone, paid(shop, portone), 2_100)
    behind = [stored[place]["paymentId"] for place in (0, 1_000, -1)]
    for payment_id in behind:
        fall_behind(shop, payment_id)
    clock.move(hours=1)
    portone.calls.clear()
    assert reconcile(shop).exit_code == 0
    assert Counter(portone.asked("get")) == dict.fromkeys(behind, 1)
    assert portone.count("list") <= 2 * LISTS


def test_what_moves_on_the_list_while_it_is_read_hides_nothing(shop, portone, clock):
    """A payment of the first page changes before the second is read, so that all that follows it
    moves up by one.
    """
    spread(portone, copies(shop, portone, paid(shop, portone), 1_010))
    clock.move(hours=1)
    moved, missed = [], []

    def moving(call):
        portone.faults.clear()
        search = search_of(call.path, call.body)
        pages = [
            portone.search({**search, "page": {**search["page"], "number": number}})["items"]
            for number in (0, 1)
        ]
        missed.append(pages[1][0]["id"])
        fall_behind(shop, missed[0])
        Answering.answer_well(call)
        moved.append(pages[0][0]["id"])
        portone.cancel(moved[0])

    portone.faults["list"] = moving
    reconcile(shop)
    clock.move(minutes=10)
    reconcile(shop)
    assert missed, "no list was asked for"
    with shop.app.app_context():
        assert session.get(Payment, missed[0]).status == "PAID"
        assert session.get(Payment, moved[0]).status == "CANCELLED"


# What a run finds


@pytest.mark.parametrize("days", [8, 100, 400])
def test_a_refund_in_portones_console_is_found_however_old_the_payment_is(
    shop, portone, clock, days
):
    order = paid(shop, portone)
    reconcile(shop)
    clock.move(days=days - 1)
    reconcile(shop)
    clock.move(days=1)
    portone.cancel(order["paymentId"])
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED")


def test_a_refund_is_found_although_no_run_came_for_longer_than_a_list_reaches_back_by_itself(
    shop, portone, clock
):
    """Without `from` a list is of the last 90 days only."""
    order = paid(shop, portone)
    reconcile(shop)
    clock.move(days=20)
    portone.cancel(order["paymentId"])
    clock.move(days=200)
    assert reconcile(shop).exit_code == 0
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED")


def test_a_deposit_into_an_account_of_eight_days_is_found(shop, portone, clock):
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    portone.issue_account(order, hours=24 * 9)
    complete(shop, order)
    for _ in range(8):
        clock.move(days=1)
        assert reconcile(shop).exit_code == 0
    portone.deposit(order["paymentId"])
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0
    assert statuses(shop, order) == ("PAID", "PAID")


@pytest.mark.parametrize("late", [{"minutes": 30}, {"hours": 20}, {"days": 6}])
def test_a_deposit_that_the_pg_tells_late_is_found(shop, portone, clock, late):
    """The list is by the time of payment (paid -> 결제 완료 시점), and that is the deposit's."""
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    portone.issue_account(order, hours=24 * 9)
    complete(shop, order)
    for _ in range(7):
        clock.move(days=1)
        reconcile(shop)
    early = {name: -number for name, number in late.items()}
    portone.deposit(order["paymentId"], paidAt=portone.stamp(**early))
    clock.move(minutes=10)
    portone.calls.clear()
    assert reconcile(shop).exit_code == 0
    assert statuses(shop, order) == ("PAID", "PAID")
    assert portone.count("list") <= LISTS and portone.count("get") == 1


def test_a_card_payment_that_the_pg_tells_after_a_run_is_found_by_the_next(shop, portone, clock):
    """The list is by the PG's time of the payment, and that is minutes before the run."""
    order = shop.order()
    portone.open(order)
    clock.move(hours=1)
    reconcile(shop)
    clock.move(minutes=1)
    portone.pay(order, paidAt=portone.stamp(minutes=-5))
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0
    assert statuses(shop, order) == ("PAID", "PAID")


def test_a_payment_that_the_pg_tells_late_is_found_across_the_border_of_two_pages(
    shop, portone, clock
):
    """It is on the second page by PortOne's time, and the PG's time is before that page's first."""
    card = copies(shop, portone, paid(shop, portone), 1_200)
    for number, order in enumerate(card):
        moment = portone.stamp(seconds=number)
        portone.records[order["paymentId"]] |= {"paidAt": moment, "statusChangedAt": moment}
    late = card[1_010]["paymentId"]
    portone.records[late]["paidAt"] = portone.records[card[990]["paymentId"]]["paidAt"]
    fall_behind(shop, late)
    clock.move(hours=1)
    portone.calls.clear()
    assert reconcile(shop).exit_code == 0
    assert portone.asked("get") == [late]


def test_a_deposit_that_the_pg_tells_late_is_found_among_many(shop, portone, clock):
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    portone.issue_account(order)
    portone.deposit(order["paymentId"])
    complete(shop, order)
    stored = copies(shop, portone, order, 2_100)
    spread(portone, stored)
    reconcile(shop)
    clock.move(days=2)
    reconcile(shop)
    late = stored[1_050]["paymentId"]
    moment = portone.stamp()
    portone.records[late] |= {"statusChangedAt": moment, "updatedAt": moment}
    fall_behind(shop, late)
    clock.move(minutes=10)
    portone.calls.clear()
    assert reconcile(shop).exit_code == 0
    assert portone.asked("get") == [late]


@pytest.mark.parametrize("moves", [True, False], ids=["each moves the time", "only the first does"])
def test_partial_cancellations_beyond_the_first_are_found(shop, portone, clock, moves):
    portone.partial_moves_time = moves
    order = paid(shop, portone)
    for given in (250, 500, 750):
        clock.move(days=10)
        portone.cancel(order["paymentId"], 250)
        clock.move(hours=1)
        assert reconcile(shop).exit_code == 0
        assert rows(shop, order)[1].cancelled_amount == given
    assert statuses(shop, order) == ("PARTIAL_CANCELLED", "PARTIAL_CANCELLED")
    assert shop.trail(order).count("ORDER_PARTIAL_CANCELLED") == 3


@pytest.mark.parametrize("skew", [-60, 60])
def test_a_clock_that_is_a_minute_off_hides_nothing(shop, portone, clock, skew):
    portone.skew = timedelta(seconds=skew)
    orders = [paid(shop, portone) for _ in range(3)]
    reconcile(shop)
    for order in orders:
        portone.cancel(order["paymentId"])
        reconcile(shop)
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0
    assert {statuses(shop, order)[0] for order in orders} == {"CANCELLED"}


@pytest.mark.parametrize("hours", [-9, -1, 1])
def test_a_clock_that_is_hours_off_hides_nothing(shop, portone, clock, hours):
    """Such as one that has Korean time as UTC: it refuses the signed webhooks too."""
    portone.skew = timedelta(hours=hours)
    reconcile(shop)
    for _ in range(3):
        order = shop.order()
        clock.move(minutes=3)
        portone.pay(order)
        clock.move(minutes=7)
        portone.calls.clear()
        assert reconcile(shop, "--older-than", 1).exit_code == 0
        assert statuses(shop, order) == ("PAID", "PAID")
        assert portone.count("get") == 1
    clock.move(hours=hours)
    portone.skew = timedelta()
    portone.cancel(order["paymentId"])
    reconcile(shop)
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED"), "the clock is right again"


@pytest.mark.parametrize("date", [None, "", "gestern"])
def test_a_portone_that_does_not_say_its_time_is_taken_to_have_ours(shop, portone, clock, date):
    order = shop.order()

    def without_its_time(call):
        call.answer(*portone.respond(call), {"Date": date})

    portone.faults["list"] = without_its_time
    reconcile(shop)
    portone.pay(order)
    clock.move(minutes=10)
    assert reconcile(shop).exit_code == 0
    assert statuses(shop, order) == ("PAID", "PAID")


def test_money_comes_before_junk_when_portone_gives_way(shop, portone, clock):
    junk = [shop.order() for _ in range(20)]
    order = shop.order()
    more = [shop.order() for _ in range(5)]
    for one in junk + more:
        portone.fail(one)
    portone.pay(order)
    clock.move(hours=1)
    portone.faults["get"] = after(1, DOWN)
    assert reconcile(shop).exit_code == 1
    assert statuses(shop, order) == ("PAID", "PAID")
    portone.faults.clear()
    clock.move(minutes=10)
    assert reconcile(shop).exit_code == 0
    assert {statuses(shop, one)[0] for one in junk + more} == {"FAILED"}


def test_a_backup_that_was_restored_is_brought_up_to_date_from_further_back(shop, portone, clock):
    order = paid(shop, portone)
    portone.cancel(order["paymentId"])
    clock.move(hours=1)
    reconcile(shop)
    for _ in range(3):
        clock.move(days=10)
        assert reconcile(shop).exit_code == 0
    change(shop, Order, order["orderId"], status="PAID")
    change(shop, Payment, order["paymentId"], status="PAID", portone_status="PAID")
    change(shop, Payment, order["paymentId"], cancelled_amount=0, portone_updated_at=None)
    clock.move(hours=1)
    portone.calls.clear()
    assert reconcile(shop).exit_code == 0
    assert listed_since(portone) > datetime.now(timezone.utc) - timedelta(days=5)
    portone.calls.clear()
    assert reconcile(shop, "--since", 60).exit_code == 0
    assert listed_since(portone) < datetime.now(timezone.utc) - timedelta(days=59)
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED")


@pytest.mark.parametrize("first", [True, False], ids=["the first run", "a later run"])
def test_a_run_that_looks_back_less_far_than_to_the_last_one_hides_nothing_from_the_next(
    shop, portone, clock, first
):
    """Such as by hand, after cron was off for days."""
    if not first:
        reconcile(shop)
    order = shop.order()
    portone.pay(order)
    clock.move(days=3)
    for days in (1, 0):
        assert reconcile(shop, "--since", days).exit_code == 0
        assert statuses(shop, order)[0] == "PENDING", "it was not to look so far back"
    clock.move(minutes=10)
    assert reconcile(shop).exit_code == 0
    assert statuses(shop, order) == ("PAID", "PAID")
    clock.move(days=3)
    reconcile(shop, "--since", 4)
    portone.calls.clear()
    clock.move(minutes=10)
    reconcile(shop)
    assert listed_since(portone) > datetime.now(timezone.utc) - timedelta(hours=1)


def test_changes_that_are_younger_than_asked_for_are_left_to_the_next_run(shop, portone, clock):
    """Their buyers may still be on the way back from the payment window."""
    older, young = shop.order(), shop.order()
    portone.pay(older)
    clock.move(hours=1)
    portone.pay(young)
    clock.move(minutes=5)
    assert reconcile(shop, "--older-than", 30).exit_code == 0
    assert (statuses(shop, older)[0], statuses(shop, young)[0]) == ("PAID", "PENDING")
    assert reconcile(shop).exit_code == 0
    assert statuses(shop, young)[0] == "PAID"


# Runs that are killed, and lists that can't be had


KILLS = {"list": 1, "first look-up": 1, "third look-up": 3}


@pytest.mark.parametrize(
    "step",
    ["list", "first look-up", pytest.param("third look-up", marks=pytest.mark.long)],
)
def test_a_run_that_is_killed_leaves_all_that_it_missed_to_the_next(
    shop, portone, clock, tmp_path, step
):
    orders = [paid(shop, portone) for _ in range(5)]
    reconcile(shop)
    for order in orders:
        portone.cancel(order["paymentId"])
    portone.calls.clear()
    route = "list" if step == "list" else "get"

    def hangs(call):
        portone.released.wait()

    portone.faults[route] = after(KILLS[step] - 1, hangs)
    names = ("PORTONE_", "DATABASE_", "FLASK_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    env |= {**ACCOUNT, "PORTONE_API_BASE": portone.url, "PORTONE_ALLOW_TEST": "1"}
    env |= {"PORTONE_SANDBOX": "0", "DATABASE_URL": new_database(tmp_path)}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "reconcile"]
    if "--older-than" in run(shop, "reconcile", "--help").output:
        command += ["--older-than", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL) as process:
        while portone.count(route) < KILLS[step]:
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
            assert process.poll() is None, "it ended before"
        process.kill()
    portone.faults.clear()
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0
    assert {statuses(shop, order) for order in orders} == {("CANCELLED", "CANCELLED")}
    assert all(shop.trail(order).count("ORDER_CANCELLED") == 1 for order in orders)


REFUSALS = {
    "forbidden": refuse(403, "FORBIDDEN"),
    "invalid": refuse(400, "INVALID_REQUEST"),
    "down": DOWN,
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_run_that_can_not_list_asks_one_by_one_and_says_so(shop, portone, clock, refusal):
    lost, waiting = shop.order(), shop.order(payMethod="VIRTUAL_ACCOUNT")
    portone.issue_account(waiting)
    complete(shop, waiting)
    portone.pay(lost)
    portone.deposit(waiting["paymentId"])
    clock.move(hours=1)
    portone.faults["list"] = REFUSALS[refusal]
    result = reconcile(shop)
    assert "one by one" in result.output
    assert statuses(shop, lost) == statuses(shop, waiting) == ("PAID", "PAID")


def test_a_run_that_could_not_list_is_no_complete_one(shop, portone, clock):
    order = paid(shop, portone)
    reconcile(shop)
    clock.move(days=60)
    reconcile(shop)
    clock.move(days=1)
    portone.cancel(order["paymentId"])
    portone.faults["list"] = DOWN
    for _ in range(3):
        clock.move(days=10)
        reconcile(shop)
    portone.faults.clear()
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED")


def test_a_run_that_could_not_look_everything_up_is_no_complete_one(shop, portone, clock):
    orders = [paid(shop, portone) for _ in range(3)]
    reconcile(shop)
    clock.move(days=30)
    for order in orders:
        portone.cancel(order["paymentId"])
    broken = orders[1]["paymentId"]
    portone.faults["get"] = lambda call: (DOWN if broken in call.path else Answering.answer_well)(
        call
    )
    for _ in range(3):
        clock.move(days=1)
        assert reconcile(shop).exit_code == 1
    assert [statuses(shop, order)[0] for order in orders] == ["CANCELLED", "PAID", "CANCELLED"]
    portone.faults.clear()
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0
    assert statuses(shop, orders[1])[0] == "CANCELLED"


def test_a_portone_that_is_down_is_not_hammered_and_the_next_run_finds_all(shop, portone, clock):
    orders = [shop.order() for _ in range(12)]
    for order in orders:
        portone.pay(order)
    clock.move(hours=1)
    portone.fault = DOWN
    assert reconcile(shop).exit_code == 1
    assert len(portone.calls) <= 10
    portone.fault = None
    clock.move(minutes=10)
    assert reconcile(shop).exit_code == 0
    assert {statuses(shop, order) for order in orders} == {("PAID", "PAID")}


# Payments that the shop has no row of


def times_of(text):
    """How a report may write a time: in UTC or as Korea's clocks show it, to the minute."""
    at = time_of(text)
    return [f"{moment:%H:%M}" for moment in (at, at + timedelta(hours=9))]


def assert_reported(output, made):
    assert made["id"] in output
    assert f"{made['amount']['total']}" in output.replace(",", "")
    assert any(time in output for time in times_of(made["paidAt"]))


def test_of_money_without_a_row_what_is_left_is_reported(shop, portone, clock):
    stranger = portone.stranger(43_210)
    portone.cancel(stranger["id"], 3_000)
    clock.move(hours=1)
    assert re.search("40,?210", reconcile(shop).output)


def test_a_portone_that_fails_now_and_then_is_asked_about_everything(shop, portone, clock):
    orders = [shop.order() for _ in range(8)]
    for order in orders:
        portone.pay(order)
    calls = []

    def every_second(call):
        calls.append(call)
        return DOWN(call) if len(calls) % 2 else Answering.answer_well(call)

    portone.faults["get"] = every_second
    assert reconcile(shop).exit_code == 1
    assert len(calls) == 8
    assert [statuses(shop, order)[0] for order in orders].count("PAID") == 4


def test_money_at_portone_without_a_row_is_reported_with_its_id_amount_and_time(
    shop, portone, clock
):
    stranger = portone.stranger(43_210)
    clock.move(hours=1)
    result = reconcile(shop)
    assert result.exit_code == 1
    assert_reported(result.output, stranger)
    assert stranger["id"] in run(shop, "orders", "--attention").output
    clock.move(days=1)
    assert stranger["id"] in run(shop, "orders", "--attention").output, "until it has ended"
    portone.cancel(stranger["id"])
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0
    assert stranger["id"] not in run(shop, "orders", "--attention").output


def test_a_payment_that_another_system_sold_is_off_the_list_once_a_person_says_so(
    shop, portone, clock
):
    stranger, other = portone.stranger(43_210), portone.stranger(5_000)
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 1
    listed = run(shop, "orders", "--attention").output
    assert f"flask acknowledge {stranger['id']}" in listed
    assert run(shop, "acknowledge", stranger["id"]).exit_code == 0
    listed = run(shop, "orders", "--attention").output
    assert stranger["id"] not in listed and other["id"] in listed
    assert run(shop, "acknowledge", other["id"]).exit_code == 0
    assert reconcile(shop, "--since", 1).exit_code == 0, "the next runs find it again"
    unknown = run(shop, "acknowledge", "0" * 32)
    assert unknown.exit_code == 2 and "PAYMENT_ID" in unknown.output


def test_an_order_that_a_restored_backup_lacks_is_reported(shop, portone, clock):
    order = paid(shop, portone)
    with shop.app.app_context():
        for table in (PaymentEvent, Payment, Order):
            ids = table.id if table is Order else table.order_id
            session.execute(delete(table).where(ids == order["orderId"]))
        session.commit()
    clock.move(hours=1)
    result = reconcile(shop)
    assert result.exit_code == 1
    assert_reported(result.output, portone.records[order["paymentId"]])


@pytest.mark.parametrize("status", ["READY", "FAILED"])
def test_a_payment_without_a_row_and_without_money_is_nobodys_business(
    shop, portone, clock, status
):
    stranger = portone.stranger(43_210, status)
    clock.move(hours=1)
    result = reconcile(shop)
    assert result.exit_code == 0 and stranger["id"] not in result.output


@pytest.mark.parametrize("allowed", ["0", "1"])
def test_a_test_payment_without_a_row_is_no_money_to_a_live_shop(make_shop, portone, allowed):
    shop = make_shop(PORTONE_API_BASE=portone.url, PORTONE_ALLOW_TEST=allowed, **ACCOUNT)
    stranger = portone.stranger(43_210)
    stranger["channel"]["type"] = "TEST"
    is_listed = stranger["id"] in reconcile(shop).output
    assert is_listed is (allowed == "1")


def test_strangers_keep_a_run_from_nothing_else(shop, portone, clock):
    order = shop.order()
    portone.stranger(5_000)
    portone.pay(order)
    portone.stranger(6_000)
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 1
    assert statuses(shop, order) == ("PAID", "PAID")


def test_a_mismatch_is_listed_by_the_run_that_finds_it_and_ends_with_its_refund(
    shop, portone, clock
):
    order = shop.order()
    portone.pay(order, orderName="another")
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 1
    assert "flask refund" in attention(shop, order)
    clock.move(hours=1)
    portone.calls.clear()
    assert reconcile(shop).exit_code == 1, "it is somebody's business until it ends"
    assert portone.count("get") <= 1
    assert refund(shop, order).exit_code == 0
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0 and not attention(shop, order)
