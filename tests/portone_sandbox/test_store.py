"""The sandbox's database: in memory, of older and newer versions; and what `close()` ends."""

import logging
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import requests

import portone_sandbox
from portone_sandbox import switches
from portone_sandbox.store import APPLICATION_ID, MEMORY, SCHEMA_VERSION, Store
from tests.portone_sandbox.client import ROOT, SECRET, pay, payment_request
from tests.portone_sandbox.test_webhooks import sandbox_process
from tests.stand_in import PortOne as Server
from tests.stand_in import hang

HEADERS = {"Authorization": f"PortOne {SECRET}"}

# The tables of the sandbox before its database had a version.
OLDER_SCHEMA = """
    CREATE TABLE payments (id TEXT PRIMARY KEY, status TEXT NOT NULL, record TEXT NOT NULL);
    CREATE TABLE documents (kind TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL);
    CREATE TABLE webhooks (number INTEGER PRIMARY KEY, id TEXT NOT NULL, webhook TEXT NOT NULL);
    INSERT INTO payments VALUES ('older', 'PAID', '{}');
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


def write(file, script):
    with closing(sqlite3.connect(file)) as db:
        db.executescript(script)


def tables(file):
    with closing(sqlite3.connect(file)) as db:
        return {name for (name,) in db.execute("SELECT name FROM sqlite_master")}


@pytest.fixture
def memory():
    app = portone_sandbox.create_app(MEMORY)
    yield app
    app.extensions["sandbox"].close()


@pytest.fixture
def memory_session(memory):
    session = requests.Session()
    session.mount(portone_sandbox.API_BASE, portone_sandbox.SandboxAdapter(memory))
    return session


def test_a_sandbox_in_memory_pays_from_many_threads(memory, memory_session):
    def pay_one(number):
        base, payment_id = portone_sandbox.API_BASE, f"payment{number}"
        return pay(base, "approve", http=memory_session, paymentId=payment_id)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(pay_one, range(40)))
    assert [result.get("code") for result in results] == [None] * 40
    found = memory.test_client().get("/payments", headers=HEADERS).json
    assert found["page"]["totalCount"] == 40


def test_two_sandboxes_in_memory_share_nothing(memory):
    other = portone_sandbox.create_app(MEMORY)
    body = {"request": payment_request(), "outcome": "approve"}
    assert memory.test_client().post("/control/payments", json=body).status_code == 200
    answer = other.test_client().get("/payments/payment1", headers=HEADERS)
    assert answer.status_code == 404
    other.extensions["sandbox"].close()


def test_an_exception_rolls_back_and_leaves_the_memory_usable(memory):
    store = memory.extensions["sandbox"].store
    with pytest.raises(RuntimeError), store.writing() as db:
        switches.save_setting(db, "outage", {"fault": "500"})
        raise RuntimeError
    with store.writing() as db:
        assert switches.list_settings(db)["outage"] is None


def test_functions_after_the_commit_see_what_was_committed(file):
    store, seen = Store(str(file)), []

    def read():
        with store.reading() as db:
            seen.append(db.find_switch("window"))

    with store.writing() as db:
        db.after_commit.append(read)
        switches.save_setting(db, "window", {"outcome": "decline"})
        read()
    assert seen == [None, {"outcome": "decline"}]


def test_an_older_file_is_emptied_with_a_warning(file, caplog):
    write(file, OLDER_SCHEMA)
    with caplog.at_level(logging.WARNING):
        client = portone_sandbox.create_app(file).test_client()
    assert f"{file} was made by an older version of the sandbox" in caplog.text
    assert client.get("/payments", headers=HEADERS).json["page"]["totalCount"] == 0
    assert "documents" not in tables(file)
    caplog.clear()
    portone_sandbox.create_app(file)
    assert caplog.text == ""


def test_a_newer_file_is_left_alone(file):
    portone_sandbox.create_app(file)
    write(file, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = tables(file)
    with pytest.raises(ValueError, match="newer version of the sandbox"):
        portone_sandbox.create_app(file)
    assert tables(file) == before


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE payments (id); CREATE TABLE orders (id);",
        "CREATE TABLE payments (id);",
        f"CREATE TABLE payments (id); PRAGMA user_version = {SCHEMA_VERSION};",
        "CREATE TABLE documents (id); CREATE TABLE folders (id);",
    ],
)
def test_another_programs_file_is_left_alone(file, script):
    write(file, script)
    before = file.read_bytes()
    with pytest.raises(ValueError, match="is not a database of the sandbox"):
        portone_sandbox.create_app(file)
    assert file.read_bytes() == before


def test_a_file_is_marked_as_the_sandboxs(file):
    portone_sandbox.create_app(file)
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


# What close() ends


def test_a_sandbox_without_webhooks_starts_no_thread():
    before = set(threading.enumerate())
    app = portone_sandbox.create_app(MEMORY)
    body = {"request": payment_request(), "outcome": "approve"}
    assert app.test_client().post("/control/payments", json=body).status_code == 200
    assert set(threading.enumerate()) == before
    app.extensions["sandbox"].close()


@pytest.mark.parametrize("fault", [None, hang], ids=["idle", "while a webhook hangs"])
def test_close_ends_every_thread(fault):
    before = set(threading.enumerate())
    with Server() as merchant:
        of_merchant = set(threading.enumerate()) - before
        merchant.fault = fault
        app = portone_sandbox.create_app(MEMORY, merchant.url)
        body = {"request": payment_request(), "outcome": "approve"}
        assert app.test_client().post("/control/payments", json=body).status_code == 200
        merchant.wait_for_calls(2)
        sandbox_threads = {
            thread
            for thread in set(threading.enumerate()) - before - of_merchant
            if thread.name.startswith("portone-sandbox")
        }
        assert sandbox_threads
        app.extensions["sandbox"].close()
        assert not [thread for thread in sandbox_threads if thread.is_alive()]


def test_what_was_being_sent_at_the_end_is_sent_by_the_next_process(file):
    with Server() as merchant:
        merchant.fault = hang
        app = portone_sandbox.create_app(file, merchant.url)
        body = {"request": payment_request(), "windowType": "IFRAME", "page": ""}
        assert app.test_client().post("/checkout/", json=body).status_code == 200
        merchant.wait_for_calls(1)
        app.extensions["sandbox"].close()
        merchant.fault = None
        following = portone_sandbox.create_app(file, merchant.url)
        merchant.wait_for_calls(2)
        following.extensions["sandbox"].close()
        assert merchant.calls[0][2]["webhook-id"] == merchant.calls[1][2]["webhook-id"]


def test_close_ends_a_call_that_hangs(file):
    app = portone_sandbox.create_app(file)
    client = app.test_client()
    client.post("/control/switches/outage", json={"fault": "hang", "calls": 1})
    errors = []

    def call():
        try:
            app.test_client().get("/payments/payment1", headers=HEADERS)
        except ConnectionResetError as error:
            errors.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    app.extensions["sandbox"].close()
    caller.join(10)
    assert not caller.is_alive() and len(errors) == 1


def test_a_closed_sandbox_starts_nothing_again(file):
    with Server() as merchant:
        app = portone_sandbox.create_app(file, merchant.url)
        app.extensions["sandbox"].close()
        before = set(threading.enumerate())
        app.extensions["sandbox"].sender.notify()
        assert set(threading.enumerate()) <= before


# Where it is


WHERE = """
import os, sys
sys.path.insert(0, sys.argv[1])
import portone_sandbox
assert portone_sandbox.__file__.startswith(sys.argv[1])
app = portone_sandbox.create_app()
print(app.extensions["sandbox"].store.path)
app.extensions["sandbox"].close()
"""


def start(folder, **variables):
    """Starts a copy of the package, and gives the path of its database."""
    environment = {**os.environ, **variables}
    return subprocess.check_output(
        [sys.executable, "-c", WHERE, folder], env=environment, cwd="/", text=True
    ).strip()


def copy_package(folder):
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "portone_sandbox", folder / "portone_sandbox", ignore=ignored)


@pytest.mark.parametrize("folder", ["site-packages", "dist-packages", "target"])
@pytest.mark.parametrize("data_home", ["data", "", "relative"])
def test_installed_it_is_in_the_users_data_folder(tmp_path, folder, data_home):
    """By pip, also with its option --target, which leaves a dist-info as everywhere."""
    packages, home = tmp_path / folder, tmp_path / "home"
    copy_package(packages)
    if folder == "target":
        (packages / "sandbox-1.dist-info").mkdir()
    before = sorted(packages.rglob("*.db"))
    value = str(tmp_path / "data") if data_home == "data" else data_home
    folder = tmp_path / "data" if data_home == "data" else home / ".local" / "share"
    path = start(packages, HOME=str(home), XDG_DATA_HOME=value, SANDBOX_DATABASE="")
    assert path == str(folder / "portone-sandbox" / "sandbox.db")
    assert (folder / "portone-sandbox" / "sandbox.db").exists()
    assert sorted(packages.rglob("*.db")) == before == []


def test_in_a_checkout_it_is_in_instance(tmp_path):
    copy_package(tmp_path)
    path = start(tmp_path, HOME=str(tmp_path / "home"), SANDBOX_DATABASE="")
    assert path == str(tmp_path / "instance" / "sandbox.db")
    assert not (tmp_path / "home").exists()


def test_a_setting_has_it_in_memory(tmp_path):
    copy_package(tmp_path / "site-packages")
    path = start(tmp_path / "site-packages", HOME=str(tmp_path), SANDBOX_DATABASE=MEMORY)
    assert path == MEMORY
    assert [
        file for file in tmp_path.rglob("*") if "memory" in file.name or file.suffix == ".db"
    ] == []


def test_a_server_runs_on_a_database_in_memory(tmp_path, merchant):
    with sandbox_process(tmp_path, merchant.url, SANDBOX_DATABASE=MEMORY) as base:
        pay(base, "approve")
        merchant.wait_for_calls(2)
        answer = requests.get(f"{base}/payments/payment1", headers=HEADERS, timeout=10)
        assert answer.json()["status"] == "PAID"
        assert requests.post(f"{base}/control/reset", timeout=10).status_code == 200
        assert requests.get(f"{base}/payments", headers=HEADERS, timeout=10).json()["items"] == []
    assert list(tmp_path.iterdir()) == []
