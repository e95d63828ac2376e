"""Hosts whose session is not Flask-SQLAlchemy's default: it reads from a replica, begins nothing by
itself, flushes nothing by itself, or is no registry of sessions.
"""

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import Delete, Insert, Update, select
from sqlalchemy.pool import StaticPool

import merchant
from merchant import models
from tests.stand_in import record

pytestmark = pytest.mark.database


class Routing(Session):
    """What does not write goes to a replica, as SQLAlchemy's documentation shows it (custom
    vertical partitioning).
    """

    def get_bind(self, mapper=None, clause=None, bind=None, **kwargs):
        if bind is not None or self._flushing or isinstance(clause, Update | Delete | Insert):
            return super().get_bind(mapper=mapper, clause=clause, bind=bind, **kwargs)
        return self._db.engines["replica"]


class WithoutRegistry:
    """In the manner of Flask-SQLAlchemy-Lite: `session` is the request's session itself."""

    def __init__(self, db):
        self._db = db

    @property
    def session(self):
        return self._db.session()

    def __getattr__(self, name):
        return getattr(self._db, name)


LITE = "has no registry"
OPTIONS = {
    LITE: {},
    "reads from a replica": {"class_": Routing},
    "begins nothing": {"autobegin": False},
    "flushes nothing": {"autoflush": False, "expire_on_commit": False},
}


@pytest.fixture(params=OPTIONS)
def app(request, config):
    app = Flask("host")
    replica = {"url": "sqlite://", "poolclass": StaticPool}
    app.config.from_mapping(config, SQLALCHEMY_BINDS={"replica": replica})
    db = SQLAlchemy(app, session_options=OPTIONS[request.param])
    if request.param == LITE:
        app.extensions["sqlalchemy"] = WithoutRegistry(db)
    merchant.init_app(app, url_prefix="/shop")
    with app.app_context():  # the replica has the tables, and is behind: it has no row yet
        models.Base.metadata.create_all(db.engines["replica"])
    return app


def run(app, *command):
    result = app.test_cli_runner().invoke(args=["merchant", *command])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_one_pays_and_tries_again_and_staff_sees_it(app, buyer, portone):
    visitor = buyer(app)
    order = visitor.pay()
    again = visitor.order()
    portone.records[again["paymentId"]] = record(again, "FAILED")
    assert visitor.complete(again).json["status"] == "FAILED"
    assert visitor.retry(again).status_code == 201
    assert "PAID" in run(app, "order", order["orderId"]).output
    assert order["orderId"] in run(app, "orders").output
    with app.app_context(), app.extensions["sqlalchemy"].engine.connect() as primary:
        ids = set(primary.scalars(select(models.Payment.order_id)))
    assert ids == {order["orderId"], again["orderId"]}


def test_reconcile_finds_what_changed_and_no_order_is_unknown_to_it(app, buyer, portone):
    visitor = buyer(app)
    paid, lost = visitor.pay(), visitor.order()
    visitor.approve(lost)
    stranger = {**record(lost, "PAID"), "id": "of-another-system"}
    portone.records["of-another-system"] = stranger
    assert run(app, "reconcile").exit_code == 1
    listed = run(app, "orders", "--attention").output
    assert "of-another-system" in listed and paid["paymentId"] not in listed
    assert 'data-order-status="PAID"' in visitor.get(f"/shop/orders/{lost['orderId']}").text
    assert run(app, "acknowledge", "of-another-system").exit_code == 0
    portone.records[paid["paymentId"]] = record(paid, "CANCELLED")
    assert run(app, "reconcile").exit_code == 0
    assert "CANCELLED" in run(app, "order", paid["orderId"]).output


def test_the_doctor_looks_at_the_database_that_is_written_to(app, config):
    database = config["SQLALCHEMY_DATABASE_URI"].rpartition("/")[2].partition("?")[0]
    said = run(app, "doctor").output
    assert database in said and "in memory" not in said
