"""Starting: our own site, a host's app, several processes at once."""

import multiprocessing
import os
import re
import runpy
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import requests
from flask import Flask, session
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

import merchant
import portone_sandbox
from merchant import config
from merchant.catalog import PRODUCTS
from merchant.models import Order
from tests.databases import new_database, sqlite_only
from tests.merchant.test_config import ACCOUNT
from tests.visitor import run_site

pytestmark = pytest.mark.database

ROOT = Path(__file__).parents[2]


@pytest.fixture
def start(tmp_path, monkeypatch):
    """start(**environment): what wsgi.py makes of it, without a developer's own .env."""
    shutil.copy(ROOT / "wsgi.py", tmp_path)
    for name in [name for name in os.environ if name.startswith("PORTONE_")]:
        monkeypatch.delenv(name)

    def start(**environment):
        environment |= {
            "DATABASE_URL": new_database(tmp_path),
            "SANDBOX_DATABASE": str(tmp_path / "sandbox.db"),
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(tmp_path / "wsgi.py")["app"].test_client()

    return start


def test_flask_run_prints_where_to_go_above_its_own_line_and_no_other_server_does(
    tmp_path, start, capfd
):
    with run_site(tmp_path) as site:
        shop, console, flask, *_ = (tmp_path / "log").read_text().splitlines()
    assert shop.split() == ["*", "Shop:", f"{site.url}/"]
    assert console.split() == ["*", "Console:", f"{site.url}/sandbox/"]
    assert flask.startswith(" * Serving Flask app")
    start(PORTONE_SANDBOX="1")
    assert "Shop:" not in capfd.readouterr().out


def test_a_real_account_has_no_sandbox_and_loads_the_sdk_from_portone(start):
    client = start(PORTONE_SANDBOX="1", **ACCOUNT)
    assert client.get("/sandbox/").status_code == 404
    assert "https://cdn.portone.io/v2/browser-sdk.js" in client.get("/").text


def test_no_account_and_the_sandbox_switched_on_is_the_sandbox(start):
    client = start(PORTONE_SANDBOX="1")
    assert client.get("/sandbox/").status_code == 200
    assert 'src="/sandbox/v2/browser-sdk.js"' in client.get("/").text


@pytest.mark.parametrize("settings", [{}, {"PORTONE_SANDBOX": "1", "PORTONE_STORE_ID": "store-1"}])
def test_an_account_that_is_missing_or_half_there_refuses_to_start(start, settings):
    with pytest.raises(config.SettingsError, match="PORTONE_API_SECRET"):
        start(**settings)


def test_without_a_database_of_its_own_the_shop_has_a_file_in_instance(tmp_path):
    for name in ("merchant", "portone_sandbox"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "wsgi.py", tmp_path)  # a link would lead to our own .env
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PORTONE_", "SANDBOX_"))
    }
    environment |= {"PORTONE_SANDBOX": "1", "PYTHONPATH": str(tmp_path)}
    subprocess.run(
        [sys.executable, "wsgi.py"], cwd=tmp_path, env=environment, check=True, timeout=60
    )
    assert {"merchant.db", "sandbox.db"} <= {
        file.name for file in (tmp_path / "instance").iterdir()
    }


def test_the_blueprint_lives_in_a_host_app_without_touching_it(tmp_path):
    host = Flask("host", root_path=str(tmp_path), instance_path=str(tmp_path))
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "style.css").write_text("host css")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "order.html").write_text(
        "the host's order page {{ _('x') is defined }}"
    )
    host.config.update(
        portone_sandbox.settings("/sandbox"),
        SECRET_KEY="k",
        SQLALCHEMY_DATABASE_URI=new_database(tmp_path),
    )
    database = SQLAlchemy(host)
    host.jinja_env.globals["_"] = lambda text: "host's own"
    host.register_error_handler(404, lambda error: ("host's 404", 404))

    @host.get("/")
    def index():
        session["visits"] = session.get("visits", 0) + 1
        return str(session["visits"])

    merchant.init_app(host, url_prefix="/shop")
    room = portone_sandbox.create_app(tmp_path / "sandbox.db")
    host.extensions["merchant"].portone.session.mount(
        portone_sandbox.API_BASE, portone_sandbox.SandboxAdapter(room)
    )
    client, window = host.test_client(), room.test_client()

    page = client.get("/shop/").text
    assert "/shop/static/merchant/checkout.js" in page
    assert client.get("/shop/static/merchant/checkout.js").status_code == 200
    buyer = {"name": "Kim", "email": "kim@example.com", "phone": "01012345678"}
    order = client.post(
        "/shop/orders", json={"productId": "drip-coffee", "payMethod": "CARD", "buyer": buyer}
    ).json
    assert order["request"]["redirectUrl"] == "http://localhost/shop/payment-redirect"
    opened = {"request": order["request"], "windowType": "IFRAME", "page": "http://localhost/shop/"}
    tx_id = window.post("/checkout/", json=opened).json["txId"]
    window.post(f"/checkout/{tx_id}/outcome", data={"outcome": "approve"})
    ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
    answer = client.post("/shop/payment/complete", json=ids).json
    assert (answer["status"], answer["orderUrl"]) == ("PAID", f"/shop/orders/{order['orderId']}")
    assert 'data-order-status="PAID"' in client.get(answer["orderUrl"]).text

    assert host.extensions["sqlalchemy"] is database
    assert client.get("/static/style.css").text == "host css"
    assert client.get("/nowhere").text == "host's 404"
    assert [client.get("/").text for _ in range(2)] == ["1", "2"]
    assert host.config["MAX_CONTENT_LENGTH"] is None


def test_product_names_are_what_every_pg_accepts():
    for product in PRODUCTS.values():
        assert len(product.name.encode()) <= 40 and not set(product.name) & set("%&|$-+=[]")
        assert product.price >= 1000 and product.type in {"REAL", "DIGITAL"}
    assert (
        PRODUCTS["waffle-trainer"].name == "나이키 와플 트레이너 2 SD"
        and PRODUCTS["waffle-trainer"].price == 1000
    )


def start_with_others(barrier, settings):
    barrier.wait(30)
    merchant.create_app(settings)


@pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=pytest.mark.long)])
def test_processes_start_at_once_on_an_empty_database(tmp_path, rounds):
    # Not forked from here: a thread of another test may hold a lock of SQLite's just then, which a
    # fork would keep.
    multi = multiprocessing.get_context("forkserver")
    multi.set_forkserver_preload([__name__])
    for number in range(rounds):
        folder = tmp_path / str(number)
        folder.mkdir()
        arguments = (
            multi.Barrier(6),
            {**portone_sandbox.settings("/sandbox"), "DATABASE_URL": new_database(folder)},
        )
        processes = [
            multi.Process(target=start_with_others, args=arguments, daemon=True) for _ in range(6)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(60)
        assert [process.exitcode for process in processes] == [0] * 6


def test_a_table_that_another_worker_created_meanwhile_is_taken(tmp_path):
    """The first statement of a worker that is just too late: the table was not there when it
    looked."""
    url = new_database(tmp_path)

    def be_faster(table, *_, **__):
        table.create(create_engine(url))

    event.listen(Order.__table__, "before_create", be_faster, once=True)
    merchant.create_app({**portone_sandbox.settings("/sandbox"), "DATABASE_URL": url})
    assert inspect(create_engine(url)).has_table("merchant_payment_event")


def test_a_table_that_can_not_be_created_stops_the_start(tmp_path):
    def fail(table, connection, **_):
        connection.execute(text("SELECT * FROM nowhere"))

    event.listen(Order.__table__, "before_create", fail, once=True)
    with pytest.raises(DBAPIError, match="nowhere"):
        merchant.create_app(
            {**portone_sandbox.settings("/sandbox"), "DATABASE_URL": new_database(tmp_path)}
        )


@sqlite_only
def test_a_start_while_another_worker_holds_the_database_succeeds(tmp_path):
    settings = {**portone_sandbox.settings("/sandbox"), "DATABASE_URL": new_database(tmp_path)}
    merchant.create_app(settings)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as other:
        other.execute("PRAGMA journal_mode=DELETE")  # as before the first start
        other.execute("BEGIN IMMEDIATE")
        merchant.create_app(settings)


@pytest.mark.parametrize(
    "options",
    [
        ["--workers=4"],
        pytest.param(["--workers=4", "--preload"], marks=pytest.mark.long),
        pytest.param(["--workers=1"], marks=pytest.mark.long),
    ],
)
def test_gunicorn_workers_start_at_once_on_an_empty_database_and_take_payments(tmp_path, options):
    listener = socket.create_server(
        ("127.0.0.1", 0)
    )  # handed over, so that the first request waits for a worker
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    env = {name: value for name, value in os.environ.items() if not name.startswith("PORTONE_")}
    env |= dict.fromkeys(ACCOUNT, "")  # whatever a developer's own .env says
    env |= {
        "PORTONE_SANDBOX": "1",
        "DATABASE_URL": new_database(tmp_path),
        "SANDBOX_DATABASE": str(tmp_path / "sandbox.db"),
    }
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "wsgi:app",
        f"--bind=fd://{listener.fileno()}",
        "--no-control-socket",
    ]
    server = subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        env=env,
        stderr=subprocess.PIPE,
        pass_fds=[listener.fileno()],
        start_new_session=True,
    )
    listener.close()
    try:
        assert requests.get(base, timeout=30).status_code == 200

        def pay(_):
            buyer = {"name": "Kim", "email": "kim@example.com", "phone": "01012345678"}
            body = {"productId": "waffle-trainer", "payMethod": "CARD", "buyer": buyer}
            order = requests.post(f"{base}/orders", json=body).json()
            opened = {"request": order["request"], "windowType": "IFRAME", "page": base}
            tx_id = requests.post(f"{base}/sandbox/checkout/", json=opened).json()["txId"]
            requests.post(f"{base}/sandbox/checkout/{tx_id}/outcome", data={"outcome": "approve"})
            ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
            return requests.post(f"{base}/payment/complete", json=ids).json()["status"]

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(pay, range(16))) == {"PAID"}
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # its own way to stop takes seconds
        errors = server.communicate(timeout=30)[1].decode()
    assert "Traceback" not in errors, errors


@pytest.mark.parametrize(
    ("allow_test", "panel", "has_example"),
    [("1", "0", True), ("0", "1", True), ("0", "0", False)],
)
def test_only_a_shop_that_is_tried_out_fills_an_example_buyer_in(
    make_shop, allow_test, panel, has_example
):
    """A real buyer could pay as the example, above all on a phone, where the fields are folded."""
    shop = make_shop(PORTONE_ALLOW_TEST=allow_test, PAYMENT_PANEL=panel)
    page = shop.client.get("/").text
    values = re.findall(r'name="buyer\w+" value="([^"]*)"', page)
    assert len(values) == 3 and all(bool(each) == has_example for each in values)
    assert ("buyer@example.com" in page) == has_example
    assert ('class="buyer folded"' in page) == has_example
