"""Refunds: what is asked for is given back once, whoever repeats, however late PortOne or the PG
answers.
"""

import pytest

from tests.money.commands import (
    REFUND,
    REFUND_ACCOUNT,
    attention,
    complete,
    paid,
    reconcile,
    refund,
    rows,
    run,
    shown,
    statuses,
)
from tests.money.portone import ACCOUNT, DOWN, Answering, first, lose_answer

pytestmark = pytest.mark.database

# Refunds that end as REQUESTED


@pytest.fixture(params=[True, False], ids=["shown in the record", "not shown in the record"])
def visibility(request, portone):
    """PaidPayment has no `cancellations` in the schema: PortOne may show a REQUESTED one there or
    not.
    """
    portone.shows_requested = request.param


@pytest.mark.parametrize("days", [0, 8, 400])
def test_a_requested_refund_is_followed_to_its_end_however_old_the_payment_is(
    shop, portone, clock, visibility, days
):
    order = paid(shop, portone)
    reconcile(shop)
    clock.move(days=days, hours=1)
    reconcile(shop)
    portone.cancel_result = "REQUESTED"
    assert refund(shop, order).exit_code == 0
    clock.move(hours=1)
    reconcile(shop)
    assert statuses(shop, order) == ("PAID", "PAID") and portone.given_back(order["paymentId"]) == 0
    assert REFUND not in attention(shop, order), "nobody is to ask for it again"
    portone.end_cancellation(order["paymentId"])
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED")
    assert rows(shop, order)[1].cancelled_amount == 1000 and not attention(shop, order)
    assert shown(shop, order) == "CANCELLED"


@pytest.mark.parametrize("days", [0, 40])
def test_a_requested_refund_that_failed_is_found_and_can_be_asked_for_anew(
    shop, portone, clock, days
):
    order = paid(shop, portone)
    clock.move(days=days)
    portone.cancel_result = "REQUESTED"
    refund(shop, order)
    portone.end_cancellation(order["paymentId"], "FAILED")
    clock.move(hours=1)
    reconcile(shop)
    assert "REFUND_FAILED" in shop.trail(order)
    assert statuses(shop, order) == ("PAID", "PAID")
    portone.cancel_result = "SUCCEEDED"
    assert refund(shop, order).exit_code == 0
    assert portone.given_back(order["paymentId"]) == 1000 and len(set(portone.keys())) == 2
    assert reconcile(shop).exit_code == 0 and not attention(shop, order)


@pytest.mark.parametrize("amount", [[], ["--amount", 300]], ids=["whole", "part"])
@pytest.mark.parametrize("is_lost", [False, True], ids=["answered", "its answer was lost"])
@pytest.mark.parametrize("end", ["refund", "console", "acknowledge"])
def test_a_refund_that_fails_later_is_listed_until_somebody_ends_it(
    shop, portone, clock, amount, is_lost, end
):
    """Whoever asked for it has been told that the PG makes it, and the buyer waits for it."""
    order = paid(shop, portone)
    portone.cancel_result = "REQUESTED"
    if is_lost:
        portone.faults["cancel"] = first(lose_answer)
    refund(shop, order, *amount)
    portone.end_cancellation(order["paymentId"], "FAILED")
    clock.move(hours=1)
    for _ in range(2):
        clock.move(hours=1)
        portone.calls.clear()
        assert reconcile(shop).exit_code == 1
        again = " ".join([REFUND, order["paymentId"], *map(str, amount), "--reason"])
        assert again in attention(shop, order)
    assert portone.count("get") == 0, "it has ended, so nobody asks PortOne about it any more"
    assert shop.trail(order).count("REFUND_FAILED") == 1
    portone.cancel_result = "SUCCEEDED"
    if end == "refund":
        assert refund(shop, order, *amount).exit_code == 0
    elif end == "console":
        portone.cancel(order["paymentId"], 300 if amount else None)
    else:
        assert run(shop, "acknowledge", order["paymentId"]).exit_code == 0
        assert run(shop, "acknowledge", order["paymentId"]).exit_code == 2, "it is off the list"
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0 and not attention(shop, order)
    given = 0 if end == "acknowledge" else 300 if amount else 1000
    assert portone.given_back(order["paymentId"]) == given


@pytest.mark.parametrize("hours", [0, 4, 24 * 30])
@pytest.mark.parametrize("amount", [[], ["--amount", 300]], ids=["whole", "part"])
def test_a_requested_refund_is_asked_for_once_whoever_repeats_it_and_whenever(
    make_shop, shop, portone, clock, visibility, hours, amount
):
    order = paid(shop, portone)
    portone.cancel_result = "REQUESTED"
    assert refund(shop, order, *amount).exit_code == 0
    clock.move(hours=hours)
    refund(shop, order, *amount)
    refund(make_shop(PORTONE_API_BASE=portone.url, **ACCOUNT), order, *amount)
    reconcile(shop)
    refund(shop, order, *amount)
    requested = portone.records[order["paymentId"]]["cancellations"]
    assert len(requested) == 1, "a repeat that PortOne carries out gives the money back twice"
    portone.end_cancellation(order["paymentId"])
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0
    assert portone.given_back(order["paymentId"]) == (300 if amount else 1000)
    assert not attention(shop, order)


def test_another_amount_is_not_asked_for_while_a_refund_is_requested(shop, portone, clock):
    order = paid(shop, portone)
    portone.cancel_result = "REQUESTED"
    refund(shop, order, "--amount", 300)
    clock.move(hours=4)
    assert refund(shop, order, "--amount", 400).exit_code != 0
    assert refund(shop, order).exit_code != 0
    assert portone.count("cancel") == 1
    portone.cancel_result = "SUCCEEDED"
    portone.end_cancellation(order["paymentId"])
    assert refund(shop, order, "--amount", 400).exit_code == 0
    assert portone.given_back(order["paymentId"]) == 700


def test_a_requested_refund_that_takes_too_long_is_listed_and_asked_for_again_by_a_person(
    shop, portone, clock, visibility
):
    """A person has seen in PortOne's console that the PG refused it."""
    order = paid(shop, portone)
    portone.cancel_result = "REQUESTED"
    refund(shop, order, "--amount", 300)
    clock.move(days=6)
    assert not attention(shop, order)
    clock.move(days=2)
    assert f"refund {order['paymentId']} --again" in attention(shop, order)
    portone.cancel_result = "SUCCEEDED"
    assert refund(shop, order, "--amount", 300, "--again").exit_code == 0
    assert portone.given_back(order["paymentId"]) == 300 and len(set(portone.keys())) == 2
    assert shop.trail(order).count("REFUND_FAILED") == 1
    portone.end_cancellation(order["paymentId"], "FAILED")
    reconcile(shop)
    assert not attention(shop, order) and statuses(shop, order)[0] == "PARTIAL_CANCELLED"


def test_a_refund_that_failed_at_once_is_in_the_trail_once(shop, portone, visibility):
    order = paid(shop, portone)
    portone.cancel_result = "FAILED"
    assert refund(shop, order).exit_code == 1
    assert shop.trail(order).count("REFUND_FAILED") == 1
    assert rows(shop, order)[1].refund is None and not attention(shop, order)
    portone.cancel_result = "SUCCEEDED"
    assert refund(shop, order).exit_code == 0
    assert portone.given_back(order["paymentId"]) == 1000


def test_a_refund_whose_answer_was_lost_is_found_as_requested_and_not_asked_for_again(
    shop, portone, clock
):
    order = paid(shop, portone)
    portone.cancel_result, portone.faults["cancel"] = "REQUESTED", first(lose_answer)
    assert refund(shop, order).exit_code == 1
    clock.move(hours=4)
    reconcile(shop)
    assert REFUND not in attention(shop, order), "PortOne's record says that it is on its way"
    refund(shop, order)
    assert portone.count("cancel") == 1
    portone.end_cancellation(order["paymentId"])
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0
    assert portone.given_back(order["paymentId"]) == 1000 and not attention(shop, order)


def test_nothing_is_asked_for_while_a_refund_made_in_portones_console_is_requested(
    shop, portone, clock
):
    order = paid(shop, portone)
    portone.cancel(order["paymentId"], result="REQUESTED")
    refund(shop, order)
    refund(shop, order, "--amount", 300)
    assert portone.count("cancel") == 0
    portone.end_cancellation(order["paymentId"])
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED")
    assert portone.given_back(order["paymentId"]) == 1000


@pytest.mark.parametrize("name", [None, "another"], ids=["paid", "mismatch"])
def test_a_refund_in_portones_console_that_stays_requested_is_listed_after_a_week(
    shop, portone, clock, name
):
    """The PG has forgotten it: somebody has to ask again, or the money stays here for good."""
    order = shop.order()
    portone.pay(order, **({"orderName": name} if name else {}))
    complete(shop, order)
    portone.cancel(order["paymentId"], result="REQUESTED")
    reconcile(shop)
    clock.move(days=6)
    reconcile(shop)
    assert not attention(shop, order), "the PG may take its time"
    clock.move(days=2)
    assert reconcile(shop).exit_code == 1
    assert f"{REFUND} {order['paymentId']} --again" in attention(shop, order)
    assert refund(shop, order, "--again").exit_code == 0
    assert portone.given_back(order["paymentId"]) == 1000
    for _ in range(2):
        clock.move(days=8)
        portone.calls.clear()
        assert reconcile(shop).exit_code == 0 and not attention(shop, order)
    assert portone.count("get") == 0, "the forgotten one is not asked about any more"


# Answers that are lost


@pytest.mark.parametrize("hours", [0, 4])
def test_a_refund_that_was_not_carried_out_is_listed_and_its_repeat_makes_it_once(
    shop, portone, clock, hours
):
    order = paid(shop, portone)
    portone.faults["cancel"] = first(DOWN)
    assert refund(shop, order, "--amount", 300).exit_code == 1
    assert REFUND in attention(shop, order) and "300" in attention(shop, order)
    assert reconcile(shop).exit_code == 1
    clock.move(hours=hours)
    assert refund(shop, order, "--amount", 300).exit_code == 0
    assert portone.given_back(order["paymentId"]) == 300
    assert reconcile(shop).exit_code == 0 and not attention(shop, order)


@pytest.mark.parametrize("hours", [1, 4])
@pytest.mark.parametrize("is_reconciled", [False, True])
def test_a_refund_whose_answer_was_lost_is_not_made_again(
    shop, portone, clock, hours, is_reconciled
):
    order = paid(shop, portone)
    portone.faults["cancel"] = first(lose_answer)
    assert refund(shop, order, "--amount", 300).exit_code == 1
    assert REFUND in attention(shop, order)
    clock.move(hours=hours)
    if is_reconciled:
        reconcile(shop)
        assert not attention(shop, order), "PortOne's record shows its end"
    assert refund(shop, order, "--amount", 300).exit_code == 0
    assert portone.given_back(order["paymentId"]) == 300
    assert statuses(shop, order) == ("PARTIAL_CANCELLED", "PARTIAL_CANCELLED")
    assert reconcile(shop).exit_code == 0 and not attention(shop, order)


@pytest.mark.parametrize("amount", [[], ["--amount", 300]], ids=["whole", "part"])
def test_a_refund_whose_result_could_not_be_printed_is_not_made_again(
    shop, portone, monkeypatch, amount
):
    """The command was killed, or its terminal was gone: whoever saw no result repeats it."""

    def gone(*_, **__):
        raise RuntimeError("the terminal is gone")

    order = paid(shop, portone)
    args = [str(each) for each in ("refund", order["paymentId"], "--reason", "변심", *amount)]
    with monkeypatch.context() as patch:
        patch.setattr("click.echo", gone)
        assert shop.app.test_cli_runner().invoke(args=args).exit_code == 1
    result = refund(shop, order, *amount)
    assert result.exit_code == 0 and "nothing more was asked for" in result.output
    assert portone.given_back(order["paymentId"]) == (300 if amount else 1000)
    assert reconcile(shop).exit_code == 0 and not attention(shop, order)


@pytest.mark.parametrize("result", ["SUCCEEDED", "REQUESTED", "FAILED"])
def test_a_part_given_back_in_portones_console_does_not_end_a_refund_of_the_whole(
    shop, portone, clock, result
):
    """The refund never reached PortOne; the part is somebody else's."""
    order = paid(shop, portone)
    portone.faults["cancel"] = first(DOWN)
    assert refund(shop, order).exit_code == 1
    portone.cancel(order["paymentId"], 200, result)
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 1
    assert f"{REFUND} {order['paymentId']} --reason" in attention(shop, order)
    if result == "REQUESTED":
        portone.end_cancellation(order["paymentId"])
    assert refund(shop, order).exit_code == 0
    assert portone.given_back(order["paymentId"]) == 1000
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED")
    assert reconcile(shop).exit_code == 0 and not attention(shop, order)


@pytest.mark.parametrize("end", ["SUCCEEDED", "FAILED"])
def test_a_refund_of_the_whole_beside_a_part_in_portones_console_is_followed_to_its_end(
    shop, portone, clock, end
):
    """Its answer was lost, and PortOne had less left than the shop knew."""
    order = paid(shop, portone)
    portone.cancel_result = "REQUESTED"

    def after_a_part(call):
        portone.cancel(order["paymentId"], 200)
        lose_answer(call)

    portone.faults["cancel"] = first(after_a_part)
    assert refund(shop, order).exit_code == 1
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0
    assert refund(shop, order).exit_code == 0 and portone.count("cancel") == 1
    portone.end_cancellation(order["paymentId"], end)
    clock.move(hours=1)
    assert reconcile(shop).exit_code == (end == "FAILED")
    assert (f"{REFUND} {order['paymentId']}" in attention(shop, order)) == (end == "FAILED")
    assert portone.given_back(order["paymentId"]) == (1000 if end == "SUCCEEDED" else 200)
    assert shop.trail(order).count("REFUND_FAILED") == (end == "FAILED")


@pytest.mark.parametrize(
    "account", [(), REFUND_ACCOUNT[:3] + ("110-123-456789",) + REFUND_ACCOUNT[4:]]
)
def test_a_repeat_with_another_account_than_the_first_call_does_not_forget_that_call(
    shop, portone, clock, visibility, account
):
    """PortOne refuses a key with another body, and may have carried out the first one."""
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    portone.issue_account(order)
    portone.deposit(order["paymentId"])
    assert shop.complete(order).json["status"] == "PAID"
    portone.cancel_result, portone.faults["cancel"] = "REQUESTED", first(lose_answer)
    assert refund(shop, order, "--amount", 300, *REFUND_ACCOUNT).exit_code == 1
    for _ in range(2):
        result = refund(shop, order, "--amount", 300, *account)
        assert result.exit_code == 0 or "--refund-account" in result.output
    assert refund(shop, order, "--amount", 300, *REFUND_ACCOUNT).exit_code == 0
    assert len(portone.records[order["paymentId"]]["cancellations"]) == 1
    portone.end_cancellation(order["paymentId"])
    clock.move(hours=1)
    assert reconcile(shop).exit_code == 0 and not attention(shop, order)
    assert portone.given_back(order["paymentId"]) == 300


# Two at once


@pytest.fixture(params=["before", "after", "look-up"])
def another_person(request, make_shop, portone):
    """`another_person(act)`: it runs `act(shop)` with a shop of its own, at one moment of the first
    refund: before PortOne has done it, before its answer, or before the answer of the look-up that
    follows.
    """
    other = make_shop(PORTONE_API_BASE=portone.url, **ACCOUNT)

    def comes_in(act):
        def on_cancel(call):
            portone.faults.clear()
            if request.param == "look-up":
                portone.faults["get"] = on_look_up
            elif request.param == "before":
                act(other)
            answer = portone.respond(call)
            if request.param == "after":
                act(other)
            call.answer(*answer)

        def on_look_up(call):
            portone.faults.clear()
            act(other)
            Answering.answer_well(call)

        portone.faults["cancel"] = on_cancel

    return comes_in


@pytest.mark.parametrize("is_lost", [True, False], ids=["its answer is lost", "it is answered"])
def test_two_refunds_at_once_give_back_what_each_asked_for_and_no_more(
    shop, portone, another_person, is_lost
):
    order, codes = paid(shop, portone), []

    def second(other):
        if is_lost:
            portone.faults["cancel"] = first(lose_answer)
        codes.append(refund(other, order, "--amount", 200).exit_code)

    another_person(second)
    assert refund(shop, order, "--amount", 300).exit_code == 0
    assert len(codes) == 1
    portone.faults.clear()
    if codes[0]:  # it was told to repeat, or to wait for the first
        assert refund(shop, order, "--amount", 200).exit_code == 0
    assert portone.given_back(order["paymentId"]) == 500
    assert reconcile(shop).exit_code == 0 and not attention(shop, order)
    assert rows(shop, order)[1].cancelled_amount == 500


def test_a_key_is_not_forgotten_because_another_refund_of_the_payment_ended(
    make_shop, shop, portone
):
    """Two people, two parts; the first one's answer is lost, and it is repeated once the second is
    over.
    """
    order = paid(shop, portone)
    other = make_shop(PORTONE_API_BASE=portone.url, **ACCOUNT)
    portone.faults["cancel"] = first(lose_answer)
    assert refund(other, order, "--amount", 200).exit_code == 1
    is_given = refund(shop, order, "--amount", 300).exit_code == 0
    assert refund(other, order, "--amount", 200).exit_code == 0
    assert portone.given_back(order["paymentId"]) == (500 if is_given else 200)
    assert not attention(shop, order)


def test_a_refund_ends_by_itself_and_the_same_amount_can_be_given_back_again(shop, portone):
    """Two parts of the same size, each asked for, done and over."""
    order = paid(shop, portone)
    for given in (250, 500):
        assert refund(shop, order, "--amount", 250).exit_code == 0
        assert portone.given_back(order["paymentId"]) == given
    assert rows(shop, order)[1].cancelled_amount == 500
    assert shop.trail(order).count("REFUND_REQUESTED") == 2


def test_a_refund_of_a_payment_whose_row_is_behind_reckons_from_portones_record(shop, portone):
    order = paid(shop, portone)
    portone.cancel(order["paymentId"], 400)
    assert refund(shop, order).exit_code == 0
    assert portone.given_back(order["paymentId"]) == 1000
    assert statuses(shop, order) == ("CANCELLED", "CANCELLED")
