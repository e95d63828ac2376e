"""Applications of the structure of real ones, written by others: after paying, all of theirs works
as before.
"""

import shutil
import sys
from importlib import import_module

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from tests.databases import ON_SQLITE, new_database
from tests.hosts.apps import flaskshop, microblog, tutorial
from tests.hosts.servers import ROOT

HTML = {"headers": {"Accept": "text/html"}}


@pytest.mark.skipif(not ON_SQLITE, reason="about SQLite")
def test_the_tutorials_blog_and_the_merchant_share_one_sqlite_file(config, buyer, tmp_path):
    del config["SQLALCHEMY_DATABASE_URI"]
    app = tutorial.create_app({**config, "DATABASE": str(tmp_path / "flaskr.sqlite")})
    run = app.test_cli_runner().invoke
    assert run(args=["init-db"]).output == "Initialized the database.\n"
    host = buyer(app)
    account = {"username": "kim", "password": "secret"}
    assert host.client.post("/create", data={"title": "x"}).headers["Location"] == "/auth/login"
    for action in ("register", "login"):
        assert host.client.post(f"/auth/{action}", data=account).status_code == 302
    first = host.pay()  # the user is read, on a connection of the host's own, before each request
    assert host.client.post("/create", data={"title": "bought"}).status_code == 302
    host.pay()
    assert host.get("/").text == "kim: bought"
    assert run(args=["init-db"]).exit_code == 0
    assert 'data-order-status="PAID"' in host.get(f"/shop/orders/{first['orderId']}").text


@pytest.mark.database
def test_a_blog_with_the_usual_five_extensions(config, buyer):
    app = microblog.create_app({**config, "WTF_CSRF_ENABLED": False})
    with app.app_context():
        microblog.db.create_all()
        microblog.db.session.add(microblog.User(username="susan"))
        microblog.db.session.commit()
    host = buyer(app)
    host.pay()  # nobody is logged in
    host.client.post("/auth/login", data={"username": "susan"})
    microblog.Searchable.changes.clear()
    host.client.post("/", data={"post": "hello"})
    host.pay()
    host.client.post("/", data={"post": "bought"})
    assert host.get("/").text == "susan: hello, bought"
    assert microblog.Searchable.changes == ["hello", "bought"]
    assert host.get("/api/users/1").json == {"username": "susan"}
    assert host.get("/api/users/2").json == {"error": "Not Found"}
    assert host.client.get("/nowhere", **HTML).text == "File Not Found"
    assert "/shop/static/merchant/style.css" in host.client.get("/shop/orders/nothing", **HTML).text
    run = app.test_cli_runner().invoke
    assert run(args=["translate", "update"]).output == "updated\n"
    assert run(args=["merchant", "orders"]).output.count("PAID") == 2
    with app.app_context():
        microblog.db.drop_all()
        assert run(args=["merchant", "orders"]).output.count("PAID") == 2


@pytest.mark.database
def test_a_shop_that_has_orders_payments_and_staff_of_its_own(config, buyer):
    app = flaskshop.create_app(config)
    flaskshop.inserted.clear()
    with app.app_context():
        flaskshop.db.create_all()
        flaskshop.User.create(username="kim", is_admin=True)
    host = buyer(app, "/pay")
    order = host.pay()
    assert host.client.post("/account/login", data={"username": "kim"}).status_code == 400  # CSRF
    with host.client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = "1", True
    assert host.get("/?lang=bg").text == "kim bg"
    host.pay()
    assert host.get("/").text == "kim bg"  # a page of the merchant has not changed the session
    app.config["WTF_CSRF_ENABLED"] = False
    assert host.client.post("/orders/").status_code == 302
    assert host.get("/dashboard/orders").json == {"orders": 1}
    assert host.get("/nowhere").text == "the shop's page of error 404"
    assert "the shop's" not in host.get("/pay/orders/nothing").text
    assert flaskshop.inserted == ["User", "Order", "OrderPayment"]
    shown = host.get(f"/pay/orders/{order['orderId']}")
    assert int(shown.headers["X-Queries"]) > 0


@pytest.mark.parametrize("package", ["yourshop", "yourshop.payments"])
def test_copied_into_a_package_of_the_host_it_takes_payments(
    config, buyer, tmp_path, monkeypatch, package
):
    """merchant/, static/merchant/ and templates/merchant/ in the host's own package."""
    root = tmp_path.joinpath("copy", *package.split("."))
    root.mkdir(parents=True)
    for folder in ("merchant", "static/merchant", "templates/merchant"):
        shutil.copytree(ROOT / folder, root / folder)
    monkeypatch.syspath_prepend(tmp_path / "copy")
    before = set(sys.modules)
    try:
        copied = import_module(f"{package}.merchant")
        app = Flask(__name__)
        app.config.from_mapping(config, SQLALCHEMY_DATABASE_URI=new_database(tmp_path / "copy"))
        SQLAlchemy(app)
        copied.init_app(app, "/shop")
        host = buyer(app)
        host.pay()
        assert host.get("/shop/static/merchant/checkout.js").status_code == 200
    finally:
        for name in set(sys.modules) - before:
            if name.startswith("yourshop"):
                del sys.modules[name]
