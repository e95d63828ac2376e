"""The payment pages share the session and the pool of a host app: they hold no connection while
PortOne is asked, lose nothing that the host has pending, and find out when the host's fulfilment
ends their transaction.

Each host is written as the documentation of Flask and Flask-SQLAlchemy writes an app.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask, g, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import merchant
from merchant import storage
from tests.conftest import BUYER
from tests.databases import ON_POSTGRESQL, new_database
from tests.stand_in import answer, hang, record

pytestmark = pytest.mark.database

POOL_OF_ONE = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 2}
POOL_OF_FOUR = {"pool_size": 4, "max_overflow": 0, "pool_timeout": 2}
READY = {"status": "READY"}


class Host:
    """A host app with a table of users, of visits and of shipments; the payment pages are under
    /pay.
    """

    def __init__(self, folder, portone, session_options=None, **engine_options):
        class Base(DeclarativeBase):
            pass

        db = self.db = SQLAlchemy(model_class=Base, session_options=session_options)

        class User(db.Model):
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str] = mapped_column(db.String(100))

        class Visit(db.Model):
            id: Mapped[int] = mapped_column(primary_key=True)
            path: Mapped[str] = mapped_column(db.String(100))

        class Shipment(db.Model):
            id: Mapped[int] = mapped_column(primary_key=True)
            order_id: Mapped[str] = mapped_column(db.String(32))

        self.User, self.Visit, self.Shipment = User, Visit, Shipment
        app = self.app = Flask("host", root_path=str(folder), instance_path=str(folder))
        app.config.update(
            SQLALCHEMY_DATABASE_URI=new_database(folder),
            SQLALCHEMY_ENGINE_OPTIONS=engine_options,
            PORTONE_STORE_ID="store-1",
            PORTONE_CHANNEL_KEY="channel-key-1",
            PORTONE_API_SECRET="secret",
            PORTONE_ALLOW_TEST="1",
            PORTONE_API_BASE=portone.url,
            PORTONE_MAX_LOOKUPS="8",
        )
        db.init_app(app)
        merchant.init_app(app, url_prefix="/pay")

        @app.get("/users")
        def users():
            return " ".join(db.session.scalars(db.select(User.name)))

        with app.app_context():
            db.create_all()
            db.session.add(User(name="Gildong"))
            db.session.commit()

    def post(self, path, body):
        return self.app.test_client().post(f"/pay{path}", json=body)

    def get(self, path):
        return self.app.test_client().get(path)

    def order(self):
        body = {"productId": "waffle-trainer", "payMethod": "CARD", "buyer": BUYER}
        opened = self.post("/orders", body)
        assert opened.status_code == 201, opened.text
        return opened.json

    def complete(self, order):
        ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
        return self.post("/payment/complete", ids)

    def webhook(self, order):
        return self.post("/payment/webhook", {"data": {"paymentId": order["paymentId"]}})

    def run(self, *command):
        return self.app.test_cli_runner().invoke(args=["merchant", *command])

    def values(self, column):
        """What is committed, read in a session of its own."""
        with self.app.app_context():
            return list(self.db.session.scalars(self.db.select(column)))

    def rows(self, order):
        """Returns the order's row, its payment's row, and its trail."""
        with self.app.app_context():
            return (
                storage.read_order(order["orderId"]),
                storage.read_payment(order["paymentId"]),
                storage.read_events(order["orderId"]),
            )


@pytest.fixture
def make_host(tmp_path, portone):
    hosts = []

    def make_host(session_options=None, **engine_options):
        hosts.append(Host(tmp_path, portone, session_options, **engine_options))
        return hosts[-1]

    yield make_host
    for host in hosts:
        with host.app.app_context():
            host.db.engine.dispose()


# A host that uses the session before and after each view


def test_every_route_works_for_a_host_with_one_connection_that_loads_its_user_first(
    make_host, portone
):
    host = make_host(**POOL_OF_ONE)

    @host.app.before_request
    def load_user():
        g.user = host.db.session.get(host.User, 1)

    @host.app.after_request
    def greet(response):
        response.headers["X-User"] = g.user.name
        return response

    def check(response, status):
        assert (response.status_code, response.headers["X-User"]) == (status, "Gildong")
        return response

    check(host.get("/pay/"), 200)
    body = {"productId": "waffle-trainer", "payMethod": "CARD", "buyer": BUYER}
    order = check(host.post("/orders", body), 201).json
    page, redirect = f"/pay/orders/{order['orderId']}", "/pay/payment-redirect?paymentId="
    check(host.complete(order), 200)
    portone.fault = answer(500, {"type": "INTERNAL"})
    check(host.complete(order), 503)
    portone.fault = None
    check(host.get(redirect + order["paymentId"]), 303)
    check(host.get(page), 200)
    again = check(host.post(f"/orders/{order['orderId']}/payments", {}), 201).json
    portone.records[again["paymentId"]] = record(again, "PAID")
    check(host.webhook(again), 200)
    assert check(host.complete(again), 200).json["status"] == "PAID"
    check(host.get(redirect + again["paymentId"]), 303)
    assert 'data-order-status="PAID"' in check(host.get(page), 200).text
    check(host.post(f"/orders/{order['orderId']}/payments", {}), 409)
    check(host.get("/pay/orders/unknown"), 404)
    assert host.get("/users").text == "Gildong"


@pytest.fixture
def pending_host(make_host):
    """A host that notes each visit in its session and leaves the commit to whoever commits."""
    host = make_host()

    @host.app.before_request
    def note():
        host.db.session.add(host.Visit(path=request.path))
        host.db.session.get(host.User, 1).name = f"seen at {request.path}"

    return host


def committed(host):
    return host.values(host.Visit.path), host.values(host.User.name)


def test_what_a_host_has_pending_when_an_order_is_opened_is_committed(pending_host):
    order = pending_host.order()
    path = "/pay/orders"
    assert committed(pending_host) == ([path], [f"seen at {path}"])
    again = f"/pay/orders/{order['orderId']}/payments"
    assert pending_host.post(again.removeprefix("/pay"), {}).status_code == 201
    assert committed(pending_host) == ([path, again], [f"seen at {again}"])


@pytest.mark.parametrize("status", ["PAID", "FAILED", "READY", "VIRTUAL_ACCOUNT_ISSUED"])
def test_what_a_host_has_pending_when_a_payment_settles_is_committed(pending_host, portone, status):
    order = pending_host.order()
    portone.records[order["paymentId"]] = record(order, status)
    assert pending_host.complete(order).status_code == 200
    path = "/pay/payment/complete"
    assert committed(pending_host) == (["/pay/orders", path], [f"seen at {path}"])
    assert pending_host.complete(order).status_code == 200
    assert committed(pending_host)[0] == ["/pay/orders", path, path]


@pytest.mark.parametrize(
    ("fault", "status"),
    [(answer(500, {"type": "INTERNAL"}), 503), (answer(401, {"type": "UNAUTHORIZED"}), 502)],
)
def test_what_a_host_has_pending_is_committed_also_when_portone_fails(
    pending_host, portone, fault, status
):
    order = pending_host.order()
    portone.fault = fault
    assert pending_host.complete(order).status_code == status
    path = "/pay/payment/complete"
    assert committed(pending_host) == (["/pay/orders", path], [f"seen at {path}"])


def test_what_a_host_has_pending_survives_a_fulfilment_that_rolls_back(
    pending_host, portone, monkeypatch
):
    order = pending_host.order()
    portone.records[order["paymentId"]] = record(order, "PAID")
    monkeypatch.setattr(
        "merchant.fulfilment.fulfil", lambda order: pending_host.db.session.rollback()
    )
    assert pending_host.complete(order).json["status"] == "PAID"
    assert committed(pending_host)[0] == ["/pay/orders", "/pay/payment/complete"]


# PortOne does not answer


def test_the_hosts_pages_answer_while_more_threads_wait_for_portone_than_there_are_connections(
    make_host, portone
):
    host = make_host(**POOL_OF_FOUR)
    orders = [host.order() for _ in range(8)]
    portone.fault = hang
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(host.complete, order) for order in orders]
        try:
            portone.wait_for_calls(8)
            for _ in range(5):
                answered = host.get("/users")
                assert (answered.status_code, answered.text) == (200, "Gildong")
            assert host.get("/pay/").status_code == 200
            assert not any(each.done() for each in waiting)
        finally:
            portone.released.set()
        assert [each.result().json["status"] for each in waiting] == ["PENDING"] * 8


# The host's fulfilment. It has its own work in the session: a shipment of the order.


def ships(host, order):
    host.db.session.add(host.Shipment(order_id=order.id))


def rolls_back(host, order):
    ships(host, order)
    host.db.session.rollback()


def saves_and_rolls_back_on_error(host, order):
    """The usual helper."""
    try:
        host.db.session.add(host.Shipment(order_id=None))
        host.db.session.commit()
    except Exception:
        host.db.session.rollback()


def rolls_back_and_starts_anew(host, order):
    host.db.session.rollback()
    ships(host, order)
    host.db.session.commit()


def commits(host, order):
    ships(host, order)
    host.db.session.commit()


def commits_twice(host, order):
    commits(host, order)
    commits(host, order)


def commits_and_ignores_the_error(host, order):
    ships(host, order)
    try:
        host.db.session.commit()
    except Exception as problem:
        host.app.logger.warning("not committed: %s", problem)


def commits_within_its_own_savepoint(host, order):
    with host.db.session.begin_nested():
        ships(host, order)
        host.db.session.commit()


def closes_the_session(host, order):
    ships(host, order)
    host.db.session.remove()


def raises(host, order):
    ships(host, order)
    raise RuntimeError("Gildong's parcel is lost")


def violates_a_constraint(host, order):
    """Nothing fails before the flush, which is after the return."""
    ships(host, order)
    host.db.session.add(host.Shipment(order_id=None))


def violates_a_constraint_in_its_own_flush(host, order):
    violates_a_constraint(host, order)
    host.db.session.flush()


def ignores_a_failed_flush(host, order):
    try:
        violates_a_constraint_in_its_own_flush(host, order)
    except Exception as problem:
        host.app.logger.warning("not shipped: %s", problem)


def ignores_a_failed_statement(host, order):
    """PostgreSQL refuses every further statement of the transaction; the others go on."""
    ships(host, order)
    host.db.session.flush()
    try:
        host.db.session.execute(text("SELECT * FROM no_such_table"))
    except Exception as problem:
        host.app.logger.warning("not asked: %s", problem)


BREAKING = {  # fulfilment: what the trail has to say about it
    rolls_back: "rollback",
    saves_and_rolls_back_on_error: "rollback",
    rolls_back_and_starts_anew: "rollback",
    commits: "commit",
    commits_twice: "commit",
    commits_and_ignores_the_error: "commit",
    commits_within_its_own_savepoint: "commit",
    closes_the_session: "rollback",
    raises: "RuntimeError",
    violates_a_constraint: "IntegrityError",
    violates_a_constraint_in_its_own_flush: "IntegrityError",
    ignores_a_failed_flush: "failed statement",
}
if ON_POSTGRESQL:
    BREAKING[ignores_a_failed_statement] = "failed statement"
SESSIONS = [None, {"expire_on_commit": False}]  # None: Flask-SQLAlchemy's default, which expires


@pytest.fixture(params=SESSIONS, ids=["default", "not expired"])
def host(request, make_host):
    return make_host(request.param)


@pytest.fixture
def fulfil(host, monkeypatch):
    """`fulfil(function)` makes it the host's fulfilment; returns the ids of the orders it ran for."""

    def replace(function):
        ran = []

        def fulfil(order):
            ran.append(order.id)
            function(host, order)

        monkeypatch.setattr("merchant.fulfilment.fulfil", fulfil)
        return ran

    return replace


@pytest.mark.parametrize("breaking", BREAKING)
def test_a_fulfilment_that_breaks_the_transaction_is_found_out_and_mended_once(
    host, portone, fulfil, breaking
):
    ran = fulfil(breaking)
    order = host.order()
    portone.records[order["paymentId"]] = record(order, "PAID")
    answered = host.complete(order)
    stored, payment, events = host.rows(order)
    assert (answered.status_code, answered.json["status"]) == (200, "PAID")
    assert (stored.status, payment.status) == ("PAID", "PAID"), "the answer and the rows agree"
    assert stored.paid_at and stored.payment_id == payment.id and stored.fulfilled_at is None
    [failed] = [event for event in events if event.event == "FULFILMENT_FAILED"]
    assert BREAKING[breaking] in failed.detail and "Gildong" not in failed.detail
    assert [event.event for event in events].count("ORDER_PAID") == 1
    assert host.values(host.Shipment.order_id) == [], "its work is undone"
    assert order["orderId"] in host.run("orders", "--attention").output

    assert host.complete(order).json["status"] == "PAID"
    assert host.webhook(order).status_code == 200
    assert ran == [order["orderId"]], "asking again does not fulfil again"
    reconciled = host.run("reconcile", "--older-than", "0")
    assert reconciled.exit_code == 1, reconciled.output
    assert len(ran) == 2 and host.rows(order)[0].fulfilled_at is None
    assert host.values(host.Shipment.order_id) == []

    ran = fulfil(ships)
    for _ in range(2):
        reconciled = host.run("reconcile", "--older-than", "0")
        assert reconciled.exit_code == 0, reconciled.output
    assert ran == host.values(host.Shipment.order_id) == [order["orderId"]]
    stored, payment, events = host.rows(order)
    assert stored.fulfilled_at and (stored.status, payment.status) == ("PAID", "PAID")
    assert [event.event for event in events].count("ORDER_PAID") == 1
    assert order["orderId"] not in host.run("orders", "--attention").output


def uses_a_savepoint(host, order):
    with host.db.session.begin_nested():
        ships(host, order)


def uses_a_savepoint_for_what_may_fail(host, order):
    try:
        with host.db.session.begin_nested():
            host.db.session.add(host.Shipment(order_id=None))
    except Exception as problem:
        host.app.logger.info("without a gift: %s", problem)
    ships(host, order)


def leaves_its_savepoint_open(host, order):
    host.db.session.begin_nested()
    ships(host, order)
    host.db.session.flush()


def rolls_its_savepoint_back(host, order):
    savepoint = host.db.session.begin_nested()
    host.db.session.add(host.Shipment(order_id="a gift"))
    host.db.session.flush()
    savepoint.rollback()
    ships(host, order)


@pytest.mark.parametrize(
    "keeping",
    [
        ships,
        uses_a_savepoint,
        uses_a_savepoint_for_what_may_fail,
        leaves_its_savepoint_open,
        rolls_its_savepoint_back,
        pytest.param(
            ignores_a_failed_statement,
            marks=pytest.mark.skipif(ON_POSTGRESQL, reason="see BREAKING"),
        ),
    ],
)
def test_a_fulfilment_may_use_savepoints_of_its_own(host, portone, fulfil, keeping):
    ran = fulfil(keeping)
    order = host.order()
    portone.records[order["paymentId"]] = record(order, "PAID")
    assert host.complete(order).json["status"] == "PAID"
    stored, payment, events = host.rows(order)
    assert (stored.status, payment.status) == ("PAID", "PAID") and stored.fulfilled_at
    assert "FULFILMENT_FAILED" not in [event.event for event in events]
    assert ran == host.values(host.Shipment.order_id) == [order["orderId"]]
    assert host.run("orders", "--attention").output == ""
