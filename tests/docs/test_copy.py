"""docs/copy: its steps, done as they stand there, in a fresh host app."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.conftest import BUYER
from tests.databases import new_database
from tests.hosts.conftest import ACCOUNT, Buyer, Http
from tests.stand_in import PortOne, record
from tests.visitor import free_port, wait_until_up

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / "docs" / name).read_text() for name in ("copy.md", "copy.ko.md")}
APP = """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = {database!r}
db = SQLAlchemy()
db.init_app(app)


@app.get("/")
def index():
    return "the host's own page"

"""


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_both_languages_have_the_same_steps():
    one, other = PAGES.values()
    assert blocks(one, "sh") == blocks(other, "sh") and blocks(one, "python") == blocks(
        other, "python"
    )
    assert len(blocks(one, "sh")) == 2 and len(blocks(one, "python")) == 1


def test_the_page_needs_ten_commands_at_most():
    """Ten minutes: a page that grows gets slower to follow."""
    commands = [line for block in blocks(PAGES["copy.md"], "sh") for line in block.splitlines()]
    assert len(commands) <= 10


@pytest.fixture
def host(tmp_path):
    """A fresh app, with the project beside it, after steps 1 and 3 of the page. Its folder."""
    (tmp_path / "shop-demo").symlink_to(ROOT)
    folder = tmp_path / "host"
    folder.mkdir()
    copying = [
        line
        for line in blocks(PAGES["copy.md"], "sh")[0].splitlines()
        if not line.startswith("pip ")  # these packages are those that run the tests
    ]
    subprocess.run(["sh", "-ec", "\n".join(copying)], cwd=folder, check=True)
    mounting = blocks(PAGES["copy.md"], "python")[0]
    (folder / "app.py").write_text(APP.format(database=new_database(folder)) + mounting)
    return folder


def test_after_its_steps_a_fresh_host_takes_payments_and_its_commands_run(host):
    with PortOne() as portone:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PORTONE_", "FLASK_"))
        }
        environment |= {**ACCOUNT, "PORTONE_API_BASE": portone.url, "PYTHONPATH": ""}
        flask = [sys.executable, "-m", "flask"]
        port = free_port()
        with (host / "log").open("w") as log:
            server = subprocess.Popen(
                [*flask, "run", "--port", str(port)],
                cwd=host,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_up(url, server, host / "log")
            assert requests.get(url, timeout=10).text == "the host's own page"
            order = Buyer(Http(url), portone, "/pay").pay()
            assert Http(url).get("/pay/static/merchant/checkout.js").status_code == 200
            for line in blocks(PAGES["copy.md"], "sh")[1].splitlines():
                command = [*flask, *line.split()[1:]]
                ran = subprocess.run(
                    command, cwd=host, env=environment, capture_output=True, text=True, timeout=60
                )
                assert "Traceback" not in ran.stderr, ran.stderr
                assert ran.stdout, line
            assert order["orderId"]
        finally:
            server.terminate()
            server.wait(10)


def order_page(host, settings):
    """Ask the host for its order page, in a process with these settings. Returns the process."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PORTONE_", "PAYMENT_", "PUBLIC_URL", "FLASK_"))
    }
    program = "from app import app; print(app.test_client().get('/pay/').text)"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=host,
        env=environment | settings | {"PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_after_its_steps_every_setting_of_the_environment_counts(host):
    """Step 2 says to set PORTONE_PG, and the sandbox prints PORTONE_SDK_URL."""
    names = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    line = next(
        line for line in blocks(PAGES["copy.md"], "python")[0].splitlines() if "names = " in line
    )
    starts = tuple(re.findall('"([A-Z_]+)"', line))
    not_ours = {"DATABASE_URL", "PORTONE_SANDBOX"}  # a host has its own; our own site's alone
    for name in set(names) - not_ours:
        assert name.startswith(starts), name
    sdk = "https://sdk.example/browser-sdk.js"
    asked = order_page(host, {**ACCOUNT, "PORTONE_PG": "KAKAOPAY", "PORTONE_SDK_URL": sdk})
    assert asked.returncode == 0, asked.stderr
    assert f'src="{sdk}"' in asked.stdout
    assert 'value="EASY_PAY"' in asked.stdout and 'value="CARD"' not in asked.stdout


def test_after_its_steps_a_start_without_settings_names_those_that_are_missing(host):
    asked = order_page(host, {})
    assert asked.returncode != 0
    for name in ("PORTONE_STORE_ID", "PORTONE_CHANNEL_KEY", "PORTONE_API_SECRET"):
        assert f"  {name}: " in asked.stderr, asked.stderr


def test_the_hosts_own_tests_need_three_settings_with_any_text_as_the_page_says(host):
    for page in PAGES.values():
        row = next(line for line in page.splitlines() if "`conftest.py`" in line)
        names = re.findall(r"`(PORTONE_[A-Z_]+)`", row)
        asked = order_page(host, dict.fromkeys(names, "test"))
        assert asked.returncode == 0, asked.stderr
        assert 'id="order-form"' in asked.stdout


USERS = """
class Purchase(db.Model):
    order_id = db.mapped_column(db.String(32), primary_key=True)
    user = db.mapped_column(db.String(32))
    is_paid = db.mapped_column(db.Boolean, default=False)


with app.app_context():
    db.create_all()


@app.get("/purchases")
def purchases():
    rows = db.session.scalars(db.select(Purchase))
    return [[each.order_id, each.user, each.is_paid] for each in rows]
"""
NOTE = """
    from app import Purchase, db
    db.session.add(Purchase(order_id=order.id, user=request.headers["X-User"]))
    db.session.commit()
"""
FULFIL = """
    from app import Purchase, db
    db.session.get_one(Purchase, order.id).is_paid = True
"""


def test_fulfil_finds_whose_order_it_is_where_the_page_says_to_write_it(host):
    """The webhook alone reports the payment, so nobody is logged in."""
    for path, line, more in (
        (host / "app.py", "import os\n", USERS),
        (host / "merchant" / "views.py", "= open_order(product, ", NOTE),
        (host / "merchant" / "fulfilment.py", "    logger.info(", FULFIL),
    ):
        before, mark, after = path.read_text().partition(line)
        end, newline, after = after.partition("\n") if line != "import os\n" else ("", "", after)
        path.write_text(before + mark + end + newline + more + after)
    program = """
import json, sys
from app import app
client = app.test_client()
for line in sys.stdin:
    path, body = json.loads(line)
    headers = {"X-User": "kim"} if path == "/pay/orders" else {}
    answer = client.post(path, json=body, headers=headers) if body else client.get(path)
    print(answer.get_data(as_text=True).replace("\\n", ""), flush=True)
"""
    with PortOne() as portone:
        settings = {**ACCOUNT, "PORTONE_API_BASE": portone.url, "PYTHONPATH": ""}
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=host,
            env=os.environ | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

        def ask(path, body=None):
            process.stdin.write(json.dumps([path, body]) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        with process:
            body = {"productId": "waffle-trainer", "payMethod": "CARD", "buyer": BUYER}
            order = ask("/pay/orders", body)
            assert ask("/purchases") == [[order["orderId"], "kim", False]]
            portone.records[order["paymentId"]] = record(order, "PAID")
            data = {"paymentId": order["paymentId"], "transactionId": "transaction-1"}
            ask("/pay/payment/webhook", {"type": "Transaction.Paid", "data": data})
            assert ask("/purchases") == [[order["orderId"], "kim", True]]
