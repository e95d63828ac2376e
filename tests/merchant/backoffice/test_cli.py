"""flask reconcile, refund, orders, order."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from merchant.models import Order, Payment, session
from tests.databases import new_database
from tests.stand_in import answer, hang, record

pytestmark = pytest.mark.database

ROOT = Path(__file__).parents[3]
ACCOUNT = {
    "PORTONE_STORE_ID": "store-1",
    "PORTONE_CHANNEL_KEY": "channel-key-1",
    "PORTONE_API_SECRET": "secret-1",
}


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch):
    monkeypatch.setattr("merchant.backoffice.reconciliation.LOOKUPS_PER_SECOND", 1000)


@pytest.fixture
def shop(make_shop, portone):
    return make_shop(PORTONE_API_BASE=portone.url, **ACCOUNT)


def run(shop, *args):
    result = shop.app.test_cli_runner().invoke(args=list(args))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "secret-1" not in result.output
    return result


def reconcile(shop, *args):
    return run(shop, "reconcile", "--older-than", "0", *args)


def refund(shop, order, *args):
    return run(shop, "refund", order["paymentId"], "--reason", "변심", *args)


def stored(shop, order):
    with shop.app.app_context():
        return session.get(Order, order["orderId"]), session.get(Payment, order["paymentId"])


def change(shop, model, id, **values):
    with shop.app.app_context():
        row = session.get(model, id)
        for name, value in values.items():
            setattr(row, name, value)
        session.commit()


def make_older(shop, order, **age):
    payment = stored(shop, order)[1]
    change(shop, Payment, payment.id, created_at=payment.created_at - timedelta(**age))


def paid(shop, portone, **fields):
    order = shop.order(**fields)
    portone.records[order["paymentId"]] = record(order, "PAID")
    assert shop.complete(order).json["status"] == "PAID"
    portone.calls.clear()
    return order


def cancels(portone):
    """What was asked of PortOne's cancel: (idempotency key, body)."""
    return [
        (headers["Idempotency-Key"], json.loads(body))
        for method, path, headers, body in portone.calls
        if method == "POST" and path.endswith("/cancel")
    ]


def on_cancel(reply):
    """A fault for the cancel calls only."""
    return lambda call: reply(call) if call.path.endswith("/cancel") else call.answer_well()


def cancellation(status):
    return answer(200, {"cancellation": {"status": status, "id": "c-1"}})


# reconcile


@pytest.mark.parametrize("before", [None, "READY", "FAILED", "VIRTUAL_ACCOUNT_ISSUED"])
def test_reconcile_finds_what_was_paid_without_the_shop_hearing_of_it(shop, portone, before):
    order = shop.order()
    if before:
        portone.records[order["paymentId"]] = record(order, before)
        shop.complete(order)
    portone.records[order["paymentId"]] = record(order, "PAID")
    result = reconcile(shop)
    assert result.exit_code == 0 and "now PAID" in result.output
    row = stored(shop, order)[0]
    assert row.status == "PAID" and row.fulfilled_at
    assert shop.trail(order).count("ORDER_PAID") == 1
    assert "unchanged, PAID" in reconcile(shop).output


@pytest.mark.parametrize(("status", "cancelled"), [("CANCELLED", 1000), ("PARTIAL_CANCELLED", 250)])
def test_reconcile_follows_a_refund_made_in_portones_console(shop, portone, status, cancelled):
    order = paid(shop, portone)
    portone.records[order["paymentId"]] = record(order, status)
    assert f"now {status}, before PAID" in reconcile(shop).output
    row, payment = stored(shop, order)
    assert (row.status, payment.cancelled_amount) == (status, cancelled)
    assert f"{1000 - cancelled:,}원" in shop.page(order)


def test_reconcile_leaves_young_and_old_attempts_alone_but_not_what_waits_for_a_deposit(
    shop, portone
):
    young, old, waiting, overdue = [shop.order() for _ in range(4)]
    make_older(shop, old, days=8)
    for order, deadline in ((waiting, "2099-01-01T00:00:00Z"), (overdue, "2026-01-01T00:00:00Z")):
        portone.records[order["paymentId"]] = record(order, "VIRTUAL_ACCOUNT_ISSUED")
        portone.records[order["paymentId"]]["method"]["expiredAt"] = deadline
        shop.complete(order)
        make_older(shop, order, days=8)
    portone.calls.clear()
    assert run(shop, "reconcile").exit_code == 0
    asked = {path.partition("?")[0].rpartition("/")[2] for _, path, *_ in portone.calls}
    assert asked == {waiting["paymentId"]}
    assert run(shop, "reconcile", "--older-than", "0", "--since", "9").exit_code == 0
    asked = {path.partition("?")[0].rpartition("/")[2] for _, path, *_ in portone.calls}
    assert asked == {order["paymentId"] for order in (young, old, waiting, overdue)}


def test_reconcile_asks_about_an_old_attempt_that_was_paid_lately(shop, portone):
    order = paid(shop, portone)
    make_older(shop, order, days=30)
    portone.records[order["paymentId"]] = record(order, "CANCELLED")
    reconcile(shop)
    assert stored(shop, order)[0].status == "CANCELLED"


def test_reconcile_gives_up_when_portone_is_down_and_goes_on_there_the_next_time(shop, portone):
    orders = [shop.order() for _ in range(5)]
    for order in orders:
        portone.records[order["paymentId"]] = record(order, "PAID")
    portone.fault = answer(500, {"type": "INTERNAL"})
    result = reconcile(shop)
    assert result.exit_code == 1 and "5  could not be asked" in result.output
    first = [path for _, path, *_ in portone.calls]
    assert len(first) == 3, "it does not hammer a PortOne that is down"
    portone.calls.clear()
    portone.fault = None
    assert reconcile(shop).exit_code == 0
    assert set(first).isdisjoint(path for _, path, *_ in portone.calls[:2]), (
        "what was not asked about comes first"
    )
    assert {stored(shop, order)[0].status for order in orders} == {"PAID"}


def test_reconcile_does_not_ask_about_another_stores_payments_and_says_so(shop, portone, make_shop):
    order = shop.order()
    moved = make_shop(PORTONE_API_BASE=portone.url, **{**ACCOUNT, "PORTONE_STORE_ID": "store-2"})
    result = reconcile(moved)
    assert result.exit_code == 1 and "1  of another store" in result.output and not portone.calls
    assert stored(shop, order)[0].status == "PENDING"


def test_reconcile_leaves_to_another_run_what_that_has_just_asked_about(shop, portone, monkeypatch):
    order = shop.order()
    monkeypatch.setattr("merchant.backoffice.cli.now", lambda: stored(shop, order)[1].created_at)
    assert "unchanged" in reconcile(shop).output
    assert "somebody else" in reconcile(shop).output and len(portone.calls) == 1


def test_reconcile_runs_a_failed_fulfilment_again_until_it_succeeds(shop, portone, monkeypatch):
    def broken(order):
        raise RuntimeError("out of stock")

    fulfilled = []
    monkeypatch.setattr("merchant.fulfilment.fulfil", broken)
    order = paid(shop, portone)
    result = reconcile(shop)
    assert result.exit_code == 1 and "failed to be fulfilled again" in result.output
    assert "its fulfilment failed" in run(shop, "orders", "--attention").output
    assert stored(shop, order)[0].fulfilled_at is None
    monkeypatch.setattr("merchant.fulfilment.fulfil", lambda order: fulfilled.append(order.id))
    assert reconcile(shop).exit_code == 0
    assert reconcile(shop).exit_code == 0
    assert fulfilled == [order["orderId"]] and stored(shop, order)[0].fulfilled_at
    assert shop.trail(order)[-2:] == ["FULFILMENT_FAILED", "FULFILLED"]


def test_a_fulfilment_that_failed_is_not_run_for_an_order_that_was_refunded_meanwhile(
    shop, portone, monkeypatch
):
    def broken(order):
        raise RuntimeError("out of stock")

    monkeypatch.setattr("merchant.fulfilment.fulfil", broken)
    order = paid(shop, portone)
    portone.records[order["paymentId"]] = record(order, "CANCELLED")
    assert reconcile(shop).exit_code == 0
    assert stored(shop, order)[0].fulfilled_at is None


def test_money_that_is_not_the_orders_needs_a_person_until_it_is_given_back(shop, portone):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID", orderName="another")
    assert reconcile(shop).exit_code == 1
    listed = run(shop, "orders", "--attention").output
    assert "ORDER_NAME: 1000 KRW taken, not this order's" in listed and order["paymentId"] in listed
    portone.fault = on_cancel(lambda call: (refunded(call), cancellation("SUCCEEDED")(call)))

    def refunded(call):
        call.portone.records[order["paymentId"]] = record(order, "CANCELLED", orderName="another")

    assert refund(shop, order).exit_code == 0
    assert run(shop, "orders", "--attention").output == ""
    assert reconcile(shop).exit_code == 0


# refund


def test_a_refund_is_asked_for_with_the_balance_and_followed_from_portones_record(make_shop):
    shop = make_shop()  # the sandbox, which keeps account
    order = shop.order()
    shop.pay(order["request"])
    result = refund(shop, order, "--amount", "300")
    assert result.exit_code == 0 and "300 KRW of 1000 given back" in result.output
    assert stored(shop, order)[0].status == "PARTIAL_CANCELLED" and "700원" in shop.page(order)
    assert refund(shop, order, "--amount", "300").exit_code == 0
    assert refund(shop, order).exit_code == 0
    row, payment = stored(shop, order)
    assert (row.status, payment.cancelled_amount, payment.refund) == ("CANCELLED", 1000, None)
    cancelled = ["ORDER_PARTIAL_CANCELLED", "ORDER_PARTIAL_CANCELLED", "ORDER_CANCELLED"]
    assert [event for event in shop.trail(order) if event.endswith("CANCELLED")] == cancelled
    assert shop.trail(order).count("REFUND_REQUESTED") == 3


def test_the_whole_is_asked_for_without_an_amount_and_a_part_with_one(shop, portone):
    order = paid(shop, portone)
    portone.fault = on_cancel(cancellation("FAILED"))
    refund(shop, order)
    refund(shop, order, "--amount", "400")
    (first, whole), (second, part) = cancels(portone)
    store = {"reason": "변심", "currentCancellableAmount": 1000, "storeId": "store-1"}
    assert whole == store and part == {**store, "amount": 400}
    assert first != second and all(
        16 <= len(key.strip('"')) <= 256 and key[0] == key[-1] == '"' for key in (first, second)
    )


def test_a_refund_that_timed_out_is_asked_for_again_with_the_same_key_and_never_twice(
    shop, portone, monkeypatch
):
    monkeypatch.setattr("merchant.portone.PG_READ_SECONDS", 0.1)
    order = paid(shop, portone)
    portone.fault = on_cancel(hang)
    result = refund(shop, order, "--amount", "300")
    assert result.exit_code == 1 and "Repeat the same command" in result.output
    assert "no known end" in run(shop, "orders", "--attention").output
    assert reconcile(shop).exit_code == 1
    assert refund(shop, order, "--amount", "300").exit_code == 1
    assert len(cancels(portone)) == 2 and len({str(call) for call in cancels(portone)}) == 1
    other = refund(shop, order, "--amount", "400")
    assert other.exit_code == 2 and "--amount" in other.output and "300" in other.output
    portone.records[order["paymentId"]] = record(order, "PARTIAL_CANCELLED")
    result = refund(shop, order, "--amount", "300")
    assert (
        result.exit_code == 0
        and "nothing more was asked for" in result.output
        and len(cancels(portone)) == 2
    )
    assert stored(shop, order)[1].refund is None and reconcile(shop).exit_code == 0


def test_a_refund_killed_in_the_middle_is_finished_by_the_same_command(shop, portone, tmp_path):
    order = paid(shop, portone)
    portone.fault = on_cancel(hang)
    environment = {
        **os.environ,
        **ACCOUNT,
        "PORTONE_API_BASE": portone.url,
        "PORTONE_ALLOW_TEST": "1",
    }
    environment |= {"DATABASE_URL": new_database(tmp_path)}
    command = [
        sys.executable,
        "-m",
        "flask",
        "--app",
        "wsgi",
        "refund",
        order["paymentId"],
        "--reason",
        "변심",
    ]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        while not cancels(portone):
            assert process.poll() is None
        process.kill()
    assert stored(shop, order)[1].refund, "it was stored before PortOne was asked"
    portone.records[order["paymentId"]] = record(order, "PAID")  # PortOne has not done it
    portone.fault = on_cancel(cancellation("REQUESTED"))
    assert refund(shop, order).exit_code == 0
    (key, body), repeated = cancels(portone)
    assert repeated == (key, body)


def test_a_refund_that_is_still_running_stays_open(shop, portone):
    order = paid(shop, portone)
    portone.fault = on_cancel(
        answer(409, {"type": "IDEMPOTENCY_OUTSTANDING_REQUEST", "message": "running"})
    )
    assert "Repeat" in refund(shop, order).output
    assert stored(shop, order)[1].refund


def test_a_refund_that_the_pg_carries_out_later_is_open_until_portones_record_says_so(
    shop, portone
):
    order = paid(shop, portone)
    portone.fault = on_cancel(cancellation("REQUESTED"))
    result = refund(shop, order)
    assert result.exit_code == 0 and "later" in result.output
    assert stored(shop, order)[0].status == "PAID" and stored(shop, order)[1].refund
    portone.records[order["paymentId"]] = record(order, "CANCELLED")
    assert reconcile(shop).exit_code == 0
    assert stored(shop, order)[0].status == "CANCELLED"
    assert "nothing more was asked for" in refund(shop, order).output and len(cancels(portone)) == 1
    assert "PAYMENT_ID" in refund(shop, order).output, "that was told, and this is another"


def test_a_refund_that_was_made_without_being_told_is_not_made_again_but_another_one_is(
    shop, portone, monkeypatch
):
    monkeypatch.setattr("merchant.portone.PG_READ_SECONDS", 0.1)
    order = paid(shop, portone)
    portone.fault = on_cancel(hang)
    assert refund(shop, order, "--amount", "250").exit_code == 1
    portone.records[order["paymentId"]], portone.fault = record(order, "PARTIAL_CANCELLED"), None
    assert reconcile(shop).exit_code == 0, "it has a known end"
    assert "nothing more was asked for" in refund(shop, order, "--amount", "250").output
    assert len(cancels(portone)) == 1
    portone.fault = on_cancel(cancellation("REQUESTED"))
    refund(shop, order, "--amount", "250")
    portone.records[order["paymentId"]] = record(
        order, "PARTIAL_CANCELLED", amount={"total": 1000, "cancelled": 500}
    )
    reconcile(shop)
    refund(shop, order, "--amount", "100")
    asked = [(body["amount"], body["currentCancellableAmount"]) for _, body in cancels(portone)]
    assert asked == [(250, 1000), (250, 750), (100, 500)]


@pytest.mark.parametrize(
    ("reply", "said"),
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
def test_a_refusal_is_shown_in_the_pgs_words_and_the_next_try_is_a_new_request(
    shop, portone, reply, said
):
    order = paid(shop, portone)
    portone.fault = on_cancel(reply)
    for _ in range(2):
        result = refund(shop, order)
        assert result.exit_code == 1 and said in result.output
    assert stored(shop, order)[0].status == "PAID" and stored(shop, order)[1].refund is None
    assert len({key for key, _ in cancels(portone)}) == 2
    assert shop.trail(order)[-4:] == ["REFUND_REQUESTED", "REFUND_FAILED"] * 2


@pytest.mark.parametrize(
    "reply",
    [answer(500, {}), answer(200, {"cancellation": "?"}), answer(200, b"{"), answer(429, {})],
)
def test_an_answer_that_says_nothing_leaves_the_refund_open(shop, portone, reply):
    order = paid(shop, portone)
    portone.fault = on_cancel(reply)
    assert "Repeat" in refund(shop, order).output
    assert stored(shop, order)[1].refund


def test_a_refund_that_succeeded_is_not_called_unknown_because_the_next_look_up_failed(
    shop, portone
):
    order = paid(shop, portone)

    def down_afterwards(call):
        call.portone.fault = answer(500, {})
        cancellation("SUCCEEDED")(call)

    portone.fault = on_cancel(down_afterwards)
    result = refund(shop, order)
    assert result.exit_code == 0 and "Refunded" in result.output
    portone.records[order["paymentId"]], portone.fault = record(order, "CANCELLED"), None
    assert reconcile(shop).exit_code == 0 and stored(shop, order)[0].status == "CANCELLED"


def test_a_virtual_accounts_refund_says_where_to(shop, portone):
    order = paid(shop, portone, payMethod="VIRTUAL_ACCOUNT")
    portone.fault = on_cancel(cancellation("SUCCEEDED"))
    account = (
        "--refund-bank",
        "SHINHAN",
        "--refund-account",
        "110123",
        "--refund-holder",
        "홍길동",
    )
    assert refund(shop, order, *account).exit_code == 0
    assert cancels(portone)[0][1]["refundAccount"] == {
        "bank": "SHINHAN",
        "number": "110123",
        "holderName": "홍길동",
    }
    portone.calls.clear()
    assert refund(shop, order, *account, "--refund-phone", "01012345678").exit_code == 0
    assert cancels(portone)[0][1]["refundAccount"]["holderPhoneNumber"] == "01012345678"


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
    assert not cancels(portone) and stored(shop, order)[1].refund is None


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
    assert not cancels(portone) and stored(shop, order)[1].refund is None


@contextmanager
def just_before(shop, beginning, happen, moment="before_cursor_execute"):
    """Let something happen just before the first statement that begins so (or at another `moment` of SQLAlchemy's),
    as if another process had been faster."""

    def listen(connection, cursor, statement, *_):
        if statement.startswith(beginning) and not happened:
            happened.append(statement)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(happen).result()

    happened = []
    with shop.app.app_context():
        engine = shop.app.extensions["sqlalchemy"].engine
    event.listen(engine, moment, listen)
    yield
    event.remove(engine, moment, listen)
    assert happened


REFUND_IS_STORED = "UPDATE merchant_payment SET refund="


def news_of(shop, order):
    return lambda: change(shop, Payment, order["paymentId"], version=100)


def test_a_refund_that_meets_other_news_of_the_payment_asks_for_nothing_yet(shop, portone):
    order = paid(shop, portone)
    with just_before(shop, REFUND_IS_STORED, news_of(shop, order)):
        result = refund(shop, order)
    assert result.exit_code == 2 and "repeat" in result.output
    assert not cancels(portone) and stored(shop, order)[1].refund is None


def test_a_refused_refund_is_given_up_whatever_else_is_stored_meanwhile(shop, portone):
    order = paid(shop, portone)

    def refuse(call):
        race.enter_context(just_before(shop, REFUND_IS_STORED, news_of(shop, order)))
        answer(409, {"type": "PAYMENT_NOT_PAID", "message": "m"})(call)

    with ExitStack() as race:
        portone.fault = on_cancel(refuse)
        assert refund(shop, order).exit_code == 1
    assert stored(shop, order)[1].refund is None and shop.trail(order)[-1] == "REFUND_FAILED"


def test_two_runs_at_once_fulfil_an_order_once(shop, portone, monkeypatch):
    def broken(order):
        raise RuntimeError("out of stock")

    monkeypatch.setattr("merchant.fulfilment.fulfil", broken)
    order, fulfilled = paid(shop, portone), []
    monkeypatch.setattr("merchant.fulfilment.fulfil", lambda order: fulfilled.append(order.id))
    read = "SELECT merchant_payment.id"  # which orders are not fulfilled
    with just_before(shop, read, lambda: reconcile(shop), "after_cursor_execute"):
        assert reconcile(shop).exit_code == 0
    assert fulfilled == [order["orderId"]]


# orders, order


def test_orders_lists_the_newest_first(shop, portone):
    first, second = paid(shop, portone), shop.order(productId="wallpaper")
    change(
        shop,
        Order,
        first["orderId"],
        created_at=stored(shop, first)[0].created_at - timedelta(minutes=1),
    )
    lines = run(shop, "orders").output.splitlines()
    assert second["orderId"] in lines[0] and "PENDING" in lines[0] and "3300 KRW" in lines[0]
    assert first["orderId"] in lines[1] and "PAID" in lines[1]
    assert len(run(shop, "orders", "--limit", "1").output.splitlines()) == 1


def test_order_shows_its_payments_and_its_trail_without_the_buyer(shop, portone):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID", orderName="another")
    shop.complete(order)
    shown = run(shop, "order", order["orderId"]).output
    assert order["paymentId"] in shown and "MISMATCH  (ORDER_NAME)" in shown
    assert all(event in shown for event in shop.trail(order))
    assert "홍길동" not in shown and "buyer@example.com" not in shown
    result = run(shop, "order", "nobody")
    assert result.exit_code == 2 and "ORDER_ID" in result.output


def test_each_command_says_in_one_line_what_it_does(shop):
    shown = run(shop, "--help").output
    for command in ("reconcile", "refund", "orders", "order"):
        assert any(
            line.split()[:1] == [command] and line.rstrip().endswith(".")
            for line in shown.splitlines()
        )
