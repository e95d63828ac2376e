"""The server is killed (SIGKILL) at every step: after a restart and `flask reconcile` every order
is in its true state.

A server is forked for each kill, from an app that is loaded but not connected, as
`gunicorn --preload` does. It counts checkpoints, which are before and after every SQL statement,
every commit and every call to PortOne, and kills itself at the given one.
"""

import gc
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import traceback
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import redirect_stdout, suppress
from functools import partial
from pathlib import Path

import pytest
import requests
from flask.cli import ScriptInfo
from sqlalchemy import event, select, text

import portone_sandbox
from merchant import config, fulfilment
from merchant.backoffice import reconciliation
from merchant.models import Order, Payment, PaymentEvent, session
from portone_sandbox.delivery import WebhookSender
from tests.conftest import Shop
from tests.databases import new_database
from tests.merchant.test_webhook import signed

pytestmark = pytest.mark.database

ROOT = Path(__file__).parents[2]
SHIP = "INSERT INTO shipment (order_id) VALUES (:id)"
QUICK = (
    1000  # look-ups per second of `flask reconcile`, which is slow for PortOne's sake, not for ours
)
# wsgi.py with the copier's own fulfilment: another process can't be given it in any other way.
SHIPPING_WSGI = f"""
from sqlalchemy import text
from merchant import fulfilment
from merchant.backoffice import reconciliation
from merchant.models import session
from wsgi import app

reconciliation.LOOKUPS_PER_SECOND = {QUICK}
fulfilment.fulfil = lambda order: session.execute(text("{SHIP}"), {{"id": order.id}})
"""
RECONCILE = [
    sys.executable,
    "-m",
    "flask",
    "--app",
    "shipping_wsgi",
    "reconcile",
    "--older-than",
    "0",
]


def ship(order):
    """A fulfilment as its docstring asks for: database work on the app's own session.

    Twice would be two rows.
    """
    session.execute(text(SHIP), {"id": order.id})


def ship_in_vain(order):
    ship(order)
    raise RuntimeError("out of stock")


def shipping_shop(folder, **settings):
    """A shop that counts how often each order was fulfilled."""
    shop = Shop(folder, **settings)
    with shop.app.app_context():
        session.execute(text("CREATE TABLE shipment (order_id VARCHAR(32))"))
        session.commit()
    return shop


@pytest.fixture(autouse=True)
def no_thread_of_another_test():
    """Ends the sandboxes that still send webhooks: a lock of SQLite's that one holds would stay
    locked in a fork."""
    # type(), since isinstance() asks some libraries' objects for their class, and so wakes them.
    for sender in [each for each in gc.get_objects() if type(each) is WebhookSender]:
        sender.close()


@pytest.fixture
def shipping(monkeypatch):
    """What the copier of merchant/ would configure, here and so in every server forked from
    here."""
    monkeypatch.setattr(fulfilment, "fulfil", ship)
    monkeypatch.setattr(reconciliation, "LOOKUPS_PER_SECOND", QUICK)


@pytest.fixture
def shop(tmp_path, shipping):
    return shipping_shop(tmp_path)


# Servers that die


def dies(shop, step, serve, fulfil=ship):
    """Run `serve()` in a server forked for it. True if it was killed at its `step`th checkpoint,
    False if it has fewer."""
    engine_of(shop).dispose()  # a connection must not be shared across a fork
    child = os.fork()
    if child == 0:
        try:
            fulfilment.fulfil = fulfil
            run_until(shop, step, serve)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the server failed, see stderr"
    return False


def run_until(shop, step, serve):
    steps = itertools.count(1)

    def checkpoint(*_):
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def between_checkpoints(thing, name):
        function = getattr(thing, name)

        def checked(*args, **kwargs):
            checkpoint()
            result = function(*args, **kwargs)
            checkpoint()
            return result

        setattr(thing, name, checked)

    engine = engine_of(shop)
    event.listen(engine, "before_cursor_execute", checkpoint)
    event.listen(engine, "after_cursor_execute", checkpoint)
    between_checkpoints(engine.dialect, "do_commit")
    between_checkpoints(
        shop.app.extensions["merchant"].portone.session.get_adapter(portone_sandbox.API_BASE),
        "send",
    )
    checkpoint()
    serve()
    checkpoint()


def engine_of(shop):
    with shop.app.app_context():
        return session.get_bind()


def kill_at_every_step(shop, begin, serve, every=1, **options):
    """A new server and a new `begin(shop)` for every kill, until a server reaches its end. Gives
    all that was begun, of which the last was not killed."""
    begun = []
    for step in itertools.count(1, every):
        begun.append(begin(shop))
        if not dies(shop, step, lambda: serve(shop, begun[-1]), **options):
            return begun


# How a paid order begins, and how its result arrives


def approved(shop):
    order = shop.order()
    shop.pay(order["request"])
    return order


def account_issued(shop):
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    shop.pay(order["request"], "issue")
    assert shop.complete(order).json["status"] == "VIRTUAL_ACCOUNT_ISSUED"
    return order


def deposited(shop):
    order = account_issued(shop)
    assert shop.window.post(f"/control/payments/{order['paymentId']}/deposit").status_code == 200
    return order


def complete(shop, order):
    assert shop.complete(order).json["status"] == "PAID"


def redirect(shop, order):
    answer = shop.client.get("/payment-redirect", query_string={"paymentId": order["paymentId"]})
    assert answer.status_code == 303


def webhook(shop, order):
    body = json.dumps({"type": "Transaction.Paid", "data": {"paymentId": order["paymentId"]}})
    answer = shop.client.post(
        "/payment/webhook", data=body, headers=signed(body), content_type="application/json"
    )
    assert answer.status_code == 200


def result_page(shop, order):
    assert 'data-order-status="PAID"' in shop.page(order)


def run_reconcile(shop):
    return shop.app.test_cli_runner().invoke(
        args=["reconcile", "--older-than", "0"], catch_exceptions=False
    )


ARRIVALS = {
    "complete": (approved, complete),
    "redirect": (approved, redirect),
    "webhook": (approved, webhook),
    "result page": (approved, result_page),
    "deposit": (deposited, webhook),
}


# A restart, and what must be true then


def environment(folder, **settings):
    """What a shop in a process of its own starts with, whatever a developer's own .env says."""
    names = ("PORTONE_", "DATABASE_", "FLASK_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    (folder / "shipping_wsgi.py").write_text(SHIPPING_WSGI)
    return env | {
        **dict.fromkeys(config.ACCOUNT, ""),
        "PORTONE_SANDBOX": "1",
        "DATABASE_URL": new_database(folder),
        "SANDBOX_DATABASE": str(folder / "sandbox.db"),
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        **settings,
    }


class Site:
    """The shop on a real server: gunicorn with several processes of four threads each.

    Ends with its `with` block.
    """

    def __init__(self, folder, workers, **settings):
        # The socket is ours: nobody else can take the port, and who connects early waits until a
        # worker is there.
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.log = folder / "gunicorn.log"
        options = [f"--bind=fd://{self.socket.fileno()}", f"--workers={workers}", "--threads=4"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "shipping_wsgi:app", *options],
                cwd=ROOT,
                stderr=log,
                env=environment(folder, **settings),
                pass_fds=[self.socket.fileno()],
                start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        self.socket.close()
        assert failure or "Traceback" not in self.log.read_text(), self.log.read_text()

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)
        self.socket.close()  # cuts off who is still waiting

    def post(self, path, **what):
        return requests.post(self.url + path, timeout=60, **what)

    def complete(self, order):
        return self.post(
            "/payment/complete", json={name: order[name] for name in ("orderId", "paymentId")}
        )

    def redirect(self, order):
        query = {"payment_id": order["paymentId"]}
        return requests.get(
            f"{self.url}/payment-redirect", query, timeout=60, allow_redirects=False
        )

    def webhook(self, order, type="Transaction.Paid"):
        body = json.dumps({"type": type, "data": {"paymentId": order["paymentId"]}})
        headers = {**signed(body), "Content-Type": "application/json"}
        return self.post("/payment/webhook", data=body, headers=headers)


def flask_reconcile(folder):
    result = subprocess.run(
        RECONCILE, cwd=ROOT, env=environment(folder), capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def shipments(shop):
    with shop.app.app_context():
        return session.scalars(text("SELECT order_id FROM shipment")).all()


def assert_paid_means_fulfilled(shop):
    """Whenever a server was killed: PAID and the fulfilment are stored together or not at all."""
    with shop.app.app_context():
        paid = session.scalars(select(Order.id).where(Order.paid_at.is_not(None))).all()
    assert sorted(shipments(shop)) == sorted(paid)


def assert_paid_once(shop, orders):
    shipped = shipments(shop)
    for order in orders:
        with shop.app.app_context():
            stored = session.get(Order, order["orderId"])
            payment = session.get(Payment, order["paymentId"])
        assert (stored.status, stored.payment_id, payment.status) == ("PAID", payment.id, "PAID")
        assert stored.paid_at and stored.fulfilled_at
        assert shop.trail(order).count("ORDER_PAID") == 1
        assert shipped.count(stored.id) == 1
        assert 'data-order-status="PAID"' in shop.page(order)


def test_kills_on_the_way_from_approval_to_stored_result_lose_and_double_nothing(shop, tmp_path):
    orders = kill_at_every_step(shop, approved, complete, every=3)
    assert len(orders) - 1 >= 8
    assert_paid_means_fulfilled(shop)
    flask_reconcile(tmp_path)
    assert_paid_once(shop, orders)


@pytest.mark.long
def test_kills_at_every_step_from_approval_to_stored_result_lose_and_double_nothing(shop, tmp_path):
    orders, kills = [], {}
    for name, (begin, arrive) in ARRIVALS.items():
        begun = kill_at_every_step(shop, begin, arrive)
        orders += begun
        kills[name] = len(begun) - 1
    print("kills:", kills)
    assert sum(kills.values()) >= 100 and min(kills.values()) >= 15
    assert_paid_means_fulfilled(shop)
    flask_reconcile(tmp_path)
    assert_paid_once(shop, orders)


@pytest.mark.long
def test_kills_at_every_step_of_a_fulfilment_that_fails_leave_it_to_reconcile(shop, tmp_path):
    orders = kill_at_every_step(shop, approved, complete, fulfil=ship_in_vain)
    print("kills:", len(orders) - 1)
    assert len(orders) - 1 >= 15 and shipments(shop) == []
    assert "FULFILMENT_FAILED" in shop.trail(orders[-1])
    flask_reconcile(tmp_path)
    assert_paid_once(shop, orders)


@pytest.mark.parametrize(
    ("fulfil", "first", "every"),
    [
        pytest.param(ship, 1, 8, marks=pytest.mark.long),
        pytest.param(ship, 1, 2, marks=pytest.mark.exhaustive),
        pytest.param(ship_in_vain, 2, 2, marks=pytest.mark.exhaustive),
    ],
)
def test_reconcile_killed_at_one_step_after_another_is_run_again(
    tmp_path, shipping, monkeypatch, fulfil, first, every
):
    for step in itertools.count(first, every):
        (
            folder := tmp_path / str(step)
        ).mkdir()  # a database of its own: reconcile asks about all that is there
        shop = shipping_shop(folder)
        unknown, unfulfilled = approved(shop), approved(shop)
        with monkeypatch.context() as patch:
            patch.setattr(fulfilment, "fulfil", ship_in_vain)
            complete(shop, unfulfilled)
        was_killed = dies(shop, step, partial(run_reconcile, shop), fulfil)
        result = run_reconcile(shop)
        assert result.exit_code == 0, result.output
        assert_paid_once(shop, [unknown, unfulfilled])
        if not was_killed:
            break
    print("kills:", step // every)
    assert step // every >= 50 // every


@pytest.mark.long
def test_kills_at_every_step_of_an_order_leave_no_order_without_its_attempt(shop, tmp_path):
    answers = kill_at_every_step(shop, lambda shop: None, lambda shop, _: shop.order())
    assert len(answers) - 1 >= 8
    with shop.app.app_context():
        orders = session.scalars(select(Order)).all()
        attempts = session.scalars(select(Payment)).all()
        events = session.scalars(select(PaymentEvent).order_by(PaymentEvent.id)).all()
    assert 1 < len(orders) < len(answers)
    assert {(order.id, order.payment_id) for order in orders} == {
        (one.order_id, one.id) for one in attempts
    }
    for order in orders:
        assert shop.trail({"orderId": order.id}) == ["ORDER_CREATED", "ATTEMPT_OPENED"]
    assert len(events) == 2 * len(orders)


@pytest.mark.long
def test_kills_on_the_way_to_another_attempt_leave_an_order_that_can_be_paid(shop, tmp_path):
    def retry(shop, order):
        answer = shop.client.post(
            f"/orders/{order['orderId']}/payments", json={"payMethod": "CARD"}
        )
        assert answer.status_code == 201
        return answer.json

    orders = kill_at_every_step(shop, account_issued, retry, every=2)
    print("kills:", len(orders) - 1)
    assert len(orders) - 1 >= 15
    for order in orders:
        with shop.app.app_context():
            followed = session.get(Payment, session.get(Order, order["orderId"]).payment_id)
        assert followed.order_id == order["orderId"]
    flask_reconcile(tmp_path)
    orders = [retry(shop, order) for order in orders]
    for order in orders:
        shop.pay(order["request"])
        complete(shop, order)
    assert_paid_once(shop, orders)


@pytest.mark.parametrize(
    "before_repeat",
    [
        pytest.param("nothing", marks=pytest.mark.exhaustive),
        pytest.param("webhook", marks=pytest.mark.long),
    ],
)
def test_a_refund_killed_on_its_way_and_repeated_gives_the_money_back_once(
    shop, tmp_path, before_repeat
):
    def begin(shop):
        order = approved(shop)
        complete(shop, order)
        output_of(order).touch()
        return order

    def refund(shop, order):
        args = ["refund", order["paymentId"], "--reason", "size", "--amount", "300"]
        info = ScriptInfo(create_app=lambda: shop.app)
        with output_of(order).open("a") as output, redirect_stdout(output):
            shop.app.cli.main(args, prog_name="flask", standalone_mode=False, obj=info)

    def output_of(order):
        return tmp_path / order["paymentId"]

    orders = kill_at_every_step(shop, begin, refund, every=2)
    print("kills:", len(orders) - 1)
    assert len(orders) - 1 >= 20
    for order in orders:
        if (
            before_repeat == "webhook"
        ):  # PortOne may report the refund before the command is repeated
            webhook(shop, order)
        if not output_of(order).read_text():  # whoever saw the result does not repeat it
            refund(shop, order)
        with shop.app.app_context():
            payment = session.get(Payment, order["paymentId"])
        assert (payment.status, payment.cancelled_amount) == ("PARTIAL_CANCELLED", 300)
        assert shop.trail(order).count("ORDER_PARTIAL_CANCELLED") == 1
    flask_reconcile(tmp_path)


@pytest.mark.long
def test_a_real_server_killed_at_any_moment_loses_and_doubles_nothing(shop, tmp_path):
    def unless_killed(ask, order):
        with suppress(requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            assert ask(order).status_code in {200, 303}

    orders = []
    for _ in range(4):
        opened = [approved(shop) for _ in range(8)]
        orders += opened
        with Site(tmp_path, workers=2) as site, ThreadPoolExecutor(16) as pool:
            asks = itertools.product((site.complete, site.redirect, site.webhook), opened)
            answers = [pool.submit(unless_killed, *ask) for ask in asks]
            wait(answers, return_when=FIRST_COMPLETED)
            time.sleep(random.uniform(0, 0.1))  # nothing to wait for: any moment will do
            site.kill()
        for answer in answers:
            answer.result()
    assert_paid_means_fulfilled(shop)
    flask_reconcile(tmp_path)
    assert_paid_once(shop, orders)
