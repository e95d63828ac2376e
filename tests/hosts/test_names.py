"""A host whose names are the merchant's: nothing of either is replaced."""

import pytest
from flask import Blueprint, Flask
from flask_sqlalchemy import SQLAlchemy
from jinja2 import StrictUndefined

import merchant
from tests.hosts.apps import names


@pytest.fixture
def app(config, tmp_path):
    for file in ("style.css", "checkout.js"):
        (tmp_path / file).write_text(f"own:{file}")
    return names.create_app({**config, "STATIC_FOLDER": str(tmp_path)})


@pytest.mark.database
def test_a_host_with_classes_order_and_payment_keeps_its_rows_and_relationships(app, buyer):
    with app.app_context():
        order = names.Order(name="apple", payments=[names.Payment(events=[names.PaymentEvent()])])
        names.db.session.add(order)
        names.db.session.commit()
        number = order.id
    host = buyer(app)
    host.pay()
    with app.app_context():
        order = names.db.session.get(names.Order, number)
        assert (
            order.payments[0].order is order and order.payments[0].events[0].payment.order is order
        )
        assert names.db.session.query(names.Order).count() == 1
    assert host.get(f"/orders/{number}").json == {"payments": [1]}


def test_a_hosts_pages_files_and_addresses_are_its_own(app, buyer):
    host = buyer(app)
    host.pay()
    assert host.get("/").text == "own:layout own:order own:1000"
    assert host.get("/result").text == "own:layout own:result"
    for file in ("style.css", "checkout.js"):
        assert host.get(f"/static/{file}").text == f"own:{file}"
        assert "own:" not in host.get(f"/shop/static/merchant/{file}").text
    own = ["/?order_id=1&filename=style.css", "/where?order_id=1&filename=style.css"]
    own += ["/payment/webhook?order_id=1&filename=style.css", "/orders/1?filename=style.css"]
    assert host.get("/where").json == [*own, "/static/style.css?order_id=1"]
    assert host.client.post("/payment/webhook").text == "host's webhook"
    assert host.get("/nowhere").text == "own:error 404"


def test_the_merchants_pages_use_nothing_of_a_host_with_the_same_names(app, buyer):
    host = buyer(app, headers={"Accept-Language": "ko"})
    order = host.order()
    pages = ["/shop/", f"/shop/orders/{order['orderId']}", "/shop/orders/nothing"]
    for path in pages:
        page = host.get(path).text
        assert "own:" not in page
        assert 'lang="ko"' in page
    assert all("checkout.js" in host.get(path).text for path in pages[:2])
    assert all("v2/browser-sdk.js" in host.get(path).text for path in pages[:2])


def test_a_hosts_command_is_its_own_and_the_merchants_are_in_a_group(app, buyer):
    order = buyer(app).pay()
    with app.app_context():
        names.db.session.add(names.Order(name="apple"))
        names.db.session.commit()
    run = app.test_cli_runner().invoke
    assert run(args=["orders"]).output == "own:apple 0\n"
    assert order["orderId"] in run(args=["merchant", "orders"]).output
    assert not {"order", "refund", "reconcile"} & set(app.cli.commands)
    assert {"order", "refund", "reconcile"} <= set(app.cli.commands["merchant"].commands)


def test_a_host_whose_templates_may_use_no_unknown_name_can_be_paid_in(config, buyer):
    app = Flask(__name__)
    app.config.from_mapping(config)
    app.jinja_env.undefined = StrictUndefined
    SQLAlchemy(app)
    merchant.init_app(app, "/shop")
    buyer(app).pay()
    assert buyer(app).get("/shop/orders/nothing").status_code == 404


def test_a_host_whose_own_blueprint_is_called_merchant_is_told_at_start(config):
    """Flask tells blueprints apart by their names only: the host's must have another, at its
    registration.
    """
    app = Flask(__name__)
    app.config.from_mapping(config)
    SQLAlchemy(app)
    own = Blueprint("merchant", __name__)
    own.add_url_rule("/sellers", "sellers", lambda: "host's sellers")
    app.register_blueprint(own)
    with pytest.raises(ValueError, match=r"'merchant' is already registered.*'name='"):
        merchant.init_app(app, "/shop")


def test_a_host_that_registers_its_own_merchant_under_another_name_has_both(config, buyer):
    app = Flask(__name__)
    app.config.from_mapping(config)
    SQLAlchemy(app)
    own = Blueprint("merchant", __name__)
    own.add_url_rule("/sellers", "sellers", lambda: "host's sellers")
    app.register_blueprint(own, name="sellers")
    merchant.init_app(app, "/shop")
    buyer(app).pay()
    assert buyer(app).get("/sellers").text == "host's sellers"
