"""`flask refund`: what it sends, what it prints, and what is stored meanwhile.

That nothing is given back twice, whoever repeats, is in tests/money/test_refunds.py.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from merchant.models import Payment
from tests.databases import new_database
from tests.merchant.backoffice.commands import (
    cancellation,
    cancels,
    just_before,
    on_cancel,
    paid,
)
from tests.money.commands import REFUND_ACCOUNT, attention, change, reconcile, refund, rows
from tests.money.portone import ACCOUNT
from tests.stand_in import answer, hang, record

pytestmark = pytest.mark.database

ROOT = Path(__file__).parents[3]
REFUND_IS_STORED = r"UPDATE merchant_payment SET .*\brefund="


def refunded(order, *amounts):
    """PortOne's record after cancellations of these amounts, each SUCCEEDED."""
    returned = sum(amounts)
    cancellations = [
        {"id": f"cancellation-{number}", "status": "SUCCEEDED", "totalAmount": amount}
        for number, amount in enumerate(amounts)
    ]
    status = "CANCELLED" if returned == 1000 else "PARTIAL_CANCELLED"
    amount = {"total": 1000, "cancelled": returned}
    return record(order, status, cancellations=cancellations, amount=amount)


def test_refunds_are_followed_from_portones_record(make_shop):
    shop = make_shop()  # its PortOne is the sandbox, which counts the balance
    order = shop.order()
    shop.pay(order["request"])
    result = refund(shop, order, "--amount", "300")
    assert result.exit_code == 0 and "300 KRW of 1000 refunded" in result.output
    assert rows(shop, order)[0].status == "PARTIAL_CANCELLED" and "700원" in shop.page(order)
    assert refund(shop, order, "--amount", "300").exit_code == 0
    assert refund(shop, order).exit_code == 0
    row, payment = rows(shop, order)
    assert (row.status, payment.cancelled_amount, payment.refund) == ("CANCELLED", 1000, None)
    cancelled = ["ORDER_PARTIAL_CANCELLED", "ORDER_PARTIAL_CANCELLED", "ORDER_CANCELLED"]
    assert [event for event in shop.trail(order) if event.endswith("CANCELLED")] == cancelled
    assert shop.trail(order).count("REFUND_REQUESTED") == 3


def test_the_whole_is_asked_for_without_an_amount_and_a_part_with_one_and_the_balance(
    shop, portone
):
    order = paid(shop, portone)
    portone.fault = on_cancel(cancellation("FAILED"))
    refund(shop, order)
    refund(shop, order, "--amount", "1000")
    refund(shop, order, "--amount", "400")
    keys, (whole, all_of_it, part) = zip(*cancels(portone), strict=True)
    assert whole == all_of_it == {"reason": "변심", "storeId": "store-1"}
    assert part == {**whole, "amount": 400, "currentCancellableAmount": 1000}
    assert len(set(keys)) == 3
    assert all(16 <= len(key.strip('"')) <= 256 and key[0] == key[-1] == '"' for key in keys)


def test_a_refund_that_timed_out_is_asked_for_again_with_the_same_key_and_never_twice(
    shop, portone, monkeypatch
):
    monkeypatch.setattr("merchant.portone.PG_READ_SECONDS", 0.1)
    order = paid(shop, portone)
    portone.fault = on_cancel(hang)
    result = refund(shop, order, "--amount", "300")
    assert result.exit_code == 1 and "Repeat the same command" in result.output
    assert "the result of a refund of 300 KRW is unknown" in attention(shop, order)
    assert reconcile(shop).exit_code == 1
    assert refund(shop, order, "--amount", "300").exit_code == 1
    assert len(cancels(portone)) == 2 and len({str(call) for call in cancels(portone)}) == 1
    other = refund(shop, order, "--amount", "400")
    assert other.exit_code == 2 and "--amount" in other.output and "300" in other.output
    portone.records[order["paymentId"]] = refunded(order, 300)
    result = refund(shop, order, "--amount", "300")
    assert result.exit_code == 0 and "nothing more was asked for" in result.output
    assert len(cancels(portone)) == 2
    assert rows(shop, order)[1].refund is None and reconcile(shop).exit_code == 0


def test_a_refund_killed_before_its_answer_is_finished_by_the_same_command(shop, portone, tmp_path):
    order = paid(shop, portone)
    portone.fault = on_cancel(hang)
    environment = {
        **os.environ,
        **ACCOUNT,
        "PORTONE_API_BASE": portone.url,
        "PORTONE_ALLOW_TEST": "1",
        "DATABASE_URL": new_database(tmp_path),
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "refund"]
    command += [order["paymentId"], "--reason", "변심"]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        while not cancels(portone):
            assert process.poll() is None
        process.kill()
    assert rows(shop, order)[1].refund, "it was stored before PortOne was asked"
    portone.fault = on_cancel(cancellation("REQUESTED"))
    assert refund(shop, order).exit_code == 0
    (key, body), repeated = cancels(portone)
    assert repeated == (key, body)


def test_a_refund_that_is_still_running_stays_open(shop, portone):
    order = paid(shop, portone)
    running = {"type": "IDEMPOTENCY_OUTSTANDING_REQUEST", "message": "running"}
    portone.fault = on_cancel(answer(409, running))
    assert "Repeat" in refund(shop, order).output
    assert rows(shop, order)[1].refund


def test_a_refund_that_the_pg_makes_later_is_open_until_portones_record_shows_it(shop, portone):
    order = paid(shop, portone)
    portone.fault = on_cancel(cancellation("REQUESTED"))
    for _ in range(2):
        result = refund(shop, order)
        assert result.exit_code == 0 and "later" in result.output
    assert rows(shop, order)[0].status == "PAID" and rows(shop, order)[1].refund
    portone.records[order["paymentId"]] = refunded(order, 1000)
    assert reconcile(shop).exit_code == 0
    row, payment = rows(shop, order)
    assert row.status == "CANCELLED" and payment.refund is None
    assert len(cancels(portone)) == 1
    repeated = refund(shop, order)
    assert repeated.exit_code == 2 and "CANCELLED" in repeated.output


def test_a_refund_that_was_made_without_an_answer_is_reported_once_and_another_one_follows(
    shop, portone, monkeypatch
):
    monkeypatch.setattr("merchant.portone.PG_READ_SECONDS", 0.1)
    order = paid(shop, portone)
    portone.fault = on_cancel(hang)
    assert refund(shop, order, "--amount", "250").exit_code == 1
    portone.records[order["paymentId"]], portone.fault = refunded(order, 250), None
    assert reconcile(shop).exit_code == 0, "its result is known"
    other = refund(shop, order, "--amount", "100")
    assert other.exit_code == 2 and "250" in other.output, "its result was not printed yet"
    assert "nothing more was asked for" in refund(shop, order, "--amount", "250").output
    assert len(cancels(portone)) == 1
    portone.fault = on_cancel(cancellation("REQUESTED"))
    refund(shop, order, "--amount", "250")
    portone.records[order["paymentId"]] = refunded(order, 250, 250)
    reconcile(shop)
    refund(shop, order, "--amount", "100")
    asked = [(body["amount"], body["currentCancellableAmount"]) for _, body in cancels(portone)]
    assert asked == [(250, 1000), (250, 750), (100, 500)]


@pytest.mark.parametrize(
    ("reply", "printed"),
    [
        (
            answer(
                502, {"type": "PG_PROVIDER", "message": "failed", "pgMessage": "잔액이 부족합니다."}
            ),
            "잔액이 부족합니다.",
        ),
        (
            answer(409, {"type": "CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN", "message": "m"}),
            "CONSISTENCY_BROKEN",
        ),
        (answer(403, {"type": "FORBIDDEN", "message": "m"}), "FORBIDDEN"),
        (cancellation("FAILED"), "failed"),
    ],
)
def test_a_refusal_is_printed_as_the_pg_words_it_and_the_next_try_is_a_new_request(
    shop, portone, reply, printed
):
    order = paid(shop, portone)
    portone.fault = on_cancel(reply)
    for _ in range(2):
        result = refund(shop, order)
        assert result.exit_code == 1 and printed in result.output
    row, payment = rows(shop, order)
    assert row.status == "PAID" and payment.refund is None
    assert len({key for key, _ in cancels(portone)}) == 2
    assert shop.trail(order)[-4:] == ["REFUND_REQUESTED", "REFUND_FAILED"] * 2


@pytest.mark.parametrize(
    "reply",
    [answer(500, {}), answer(200, {"cancellation": "?"}), answer(200, b"{"), answer(429, {})],
)
def test_an_answer_without_a_result_leaves_the_refund_open(shop, portone, reply):
    order = paid(shop, portone)
    portone.fault = on_cancel(reply)
    assert "Repeat" in refund(shop, order).output
    assert rows(shop, order)[1].refund


def test_a_refund_that_succeeded_is_not_called_unknown_because_the_next_look_up_failed(
    shop, portone
):
    order = paid(shop, portone)

    def down_afterwards(call):
        portone.fault = answer(500, {})
        cancellation("SUCCEEDED")(call)

    portone.fault = on_cancel(down_afterwards)
    result = refund(shop, order)
    assert result.exit_code == 0 and "Refunded" in result.output
    portone.records[order["paymentId"]], portone.fault = refunded(order, 1000), None
    assert reconcile(shop).exit_code == 0 and rows(shop, order)[0].status == "CANCELLED"


def test_a_virtual_accounts_refund_names_the_account_to_pay_into(shop, portone):
    order = paid(shop, portone, payMethod="VIRTUAL_ACCOUNT")
    portone.fault = on_cancel(cancellation("SUCCEEDED"))
    assert refund(shop, order, *REFUND_ACCOUNT).exit_code == 0
    assert refund(shop, order, *REFUND_ACCOUNT, "--refund-phone", "01012345678").exit_code == 0
    account = {"bank": "SHINHAN", "number": "110123456789", "holderName": "홍길동"}
    assert [body["refundAccount"] for _, body in cancels(portone)] == [
        account,
        {**account, "holderPhoneNumber": "01012345678"},
    ]


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (["--amount", "0"], "--amount"),
        (["--amount", "-1"], "--amount"),
        (["--amount", "1001"], "--amount"),
        (["--amount", "x"], "--amount"),
        (["--refund-bank", "SHINHAN"], "--refund-account"),
    ],
)
def test_a_refund_that_can_not_be_names_the_option_and_asks_portone_for_nothing(
    shop, portone, args, named
):
    order = paid(shop, portone)
    result = refund(shop, order, *args)
    assert result.exit_code == 2 and named in result.output
    assert not cancels(portone) and rows(shop, order)[1].refund is None


def test_only_a_paid_payment_of_ours_can_be_refunded(shop, portone):
    order = shop.order()
    result = refund(shop, order)
    assert result.exit_code == 2 and "PAYMENT_ID" in result.output and "PENDING" in result.output
    assert refund(shop, {"paymentId": "nobody"}).exit_code == 2
    assert not cancels(portone)


def test_a_refund_of_a_payment_that_can_not_be_looked_up_is_not_asked_for(shop, portone):
    order = paid(shop, portone)
    portone.fault = answer(500, {})
    assert refund(shop, order).exit_code == 1
    portone.fault = answer(401, {"type": "UNAUTHORIZED"})
    assert "UNAUTHORIZED" in refund(shop, order).output
    assert not cancels(portone) and rows(shop, order)[1].refund is None


# Another process changes the payment meanwhile


def another_change(shop, order):
    return lambda: change(shop, Payment, order["paymentId"], version=100)


def test_a_refund_of_a_payment_that_changes_meanwhile_asks_for_nothing_yet(shop, portone):
    order = paid(shop, portone)
    with just_before(shop, REFUND_IS_STORED, another_change(shop, order)):
        result = refund(shop, order)
    assert result.exit_code == 2 and "repeat" in result.output
    assert not cancels(portone) and rows(shop, order)[1].refund is None


def test_a_refused_refund_is_given_up_whatever_else_is_stored_meanwhile(shop, portone):
    order = paid(shop, portone)

    def refuse(call):
        race.enter_context(just_before(shop, REFUND_IS_STORED, another_change(shop, order)))
        answer(409, {"type": "PAYMENT_NOT_PAID", "message": "m"})(call)

    with ExitStack() as race:
        portone.fault = on_cancel(refuse)
        assert refund(shop, order).exit_code == 1
    assert rows(shop, order)[1].refund is None and shop.trail(order)[-1] == "REFUND_FAILED"


def test_a_refund_that_somebody_elses_repeat_has_ended_meanwhile_stays_ended(shop, portone):
    order = paid(shop, portone)

    def end(call):
        """The other one's call with the same key was answered first, and its result was printed."""
        change(shop, Payment, order["paymentId"], refund=None)
        portone.records[order["paymentId"]] = record(order, "CANCELLED")
        cancellation = {"status": "SUCCEEDED", "id": "cancellation-1", "totalAmount": 1000}
        answer(200, {"cancellation": cancellation})(call)

    portone.fault = on_cancel(end)
    assert refund(shop, order).exit_code == 0
    order_row, payment = rows(shop, order)
    assert (order_row.status, payment.status, payment.refund) == ("CANCELLED", "CANCELLED", None)
