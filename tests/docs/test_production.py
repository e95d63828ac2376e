"""docs/production: its commands are typed here, and do what the page says."""

import getpass
import os
import re
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import requests

from merchant.config import ACCOUNT
from tests.databases import new_database
from tests.docs.conftest import configure, running, typed
from tests.docs.pages import CHECK, CRON, INSTALL, NGINX, PAGES, SERVE, blocks
from tests.stand_in import PortOne
from tests.visitor import free_port

NAMES = ("docs/production.md", "docs/production.ko.md")
REAL = dict(zip(ACCOUNT, ("store-1", "channel-key-1", "secret"), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_its_commands_are_those_tested_here(name):
    assert blocks(PAGES[name], "sh") == [INSTALL, SERVE]
    assert blocks(PAGES[name], "nginx") == [NGINX]
    assert CRON in PAGES[name].splitlines()
    assert f"`{CHECK}`" in PAGES[name]


@pytest.mark.long
def test_production_starts_with_an_account_and_only_then(clone):
    assert typed(INSTALL, clone).returncode == 0
    port = free_port()
    command = SERVE.replace(":8000", f":{port}")
    refused = typed(f"{command} --no-control-socket", clone, **dict.fromkeys(ACCOUNT, ""))
    assert refused.returncode != 0 and "PORTONE_STORE_ID" in refused.stderr
    with running(
        f"{command} --no-control-socket", clone, port, **REAL, DATABASE_URL=new_database(clone)
    ) as page:
        assert page.status_code == 200 and "cdn.portone.io" in page.text
        assert requests.get(f"http://127.0.0.1:{port}/sandbox/", timeout=10).status_code == 404


def cron(clone, option=""):
    """Runs the line as cron does, with next to no environment. Returns what would be mailed."""
    command = CRON.removeprefix("*/10 * * * * ").replace("/srv/shop", str(clone))
    run = subprocess.run(
        ["sh", "-c", command.replace("reconcile >>", f"reconcile {option} >>")],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "HOME": "/"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return run.stdout + run.stderr


@pytest.mark.long
def test_cron_mails_only_what_is_wrong(clone):
    with PortOne() as portone:
        configure(clone, **REAL, PORTONE_API_BASE=portone.url, DATABASE_URL=new_database(clone))
        assert cron(clone) == ""
        assert portone.calls, "PortOne was asked what has changed"
    assert "PortOne refused or did not send" in cron(clone)  # nobody listens there any more
    (clone / ".env").unlink()
    assert all(name in cron(clone) for name in ACCOUNT)


class Shop:
    """A buyer at the shop at `url`, where the sandbox at `portone` plays PortOne."""

    def __init__(self, url, portone):
        self.url, self.portone = url, portone

    def order(self):
        buyer = {"name": "Kim", "email": "kim@example.com", "phone": "01012345678"}
        body = {"productId": "waffle-trainer", "payMethod": "CARD", "buyer": buyer}
        return requests.post(f"{self.url}/orders", json=body, timeout=30).json()

    def pay(self, order):
        body = {"outcome": "approve", "request": order["request"]}
        assert (
            requests.post(f"{self.portone}/control/payments", json=body, timeout=30).json()[
                "status"
            ]
            == "PAID"
        )

    def complete(self, order):
        ids = {name: order[name] for name in ("orderId", "paymentId")}
        return (
            requests.post(f"{self.url}/payment/complete", json=ids, timeout=30).json().get("status")
        )

    def switch(self, name, **value):
        requests.post(
            f"{self.portone}/control/switches/{name}", json=value, timeout=30
        ).raise_for_status()


def nginx(clone, port, shop_port):
    """The command that starts an nginx with the page's location."""
    names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{name}_temp_path {clone}/nginx.{name};\n" for name in names)
    location = NGINX.replace(":8000", f":{shop_port}")
    (clone / "nginx.conf").write_text(
        f"user {getpass.getuser()};\npid {clone}/nginx.pid;\nevents {{}}\nhttp {{\naccess_log off;\n{paths}"
        f"server {{\nlisten 127.0.0.1:{port};\n{location}\n}}\n}}\n"
    )
    return f"nginx -c {clone}/nginx.conf -e stderr -g 'daemon off;'"


def logged(order, clone):
    """What the logs say of an order and its payment."""
    found = typed(f"grep -h {order['orderId']} shop.log reconcile.log", clone).stdout
    return re.findall(rf"\border {order['orderId']} payment {order['paymentId']}: (.*)", found)


def until(answers):
    deadline = time.monotonic() + 30
    while not answers():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.parametrize(
    "front",
    [
        pytest.param("gunicorn", marks=pytest.mark.exhaustive),
        pytest.param(
            "nginx",
            marks=[
                pytest.mark.long,
                pytest.mark.skipif(not shutil.which("nginx"), reason="no nginx"),
            ],
        ),
    ],
)
def test_production_does_what_its_section_says(clone, front):
    assert typed(INSTALL, clone).returncode == 0
    portone_port, shop_port, port = free_port(), free_port(), free_port()
    if front == "gunicorn":
        port = shop_port
    shop = Shop(f"http://127.0.0.1:{port}", f"http://localhost:{portone_port}")
    with ExitStack() as stack:
        sandbox = f".venv/bin/flask --app portone_sandbox run --port {portone_port}"
        webhook = f"{shop.url}/payment/webhook"
        stack.enter_context(
            running(sandbox, clone, portone_port, "sandbox.log", SANDBOX_WEBHOOK_URL=webhook)
        )
        printed = dict(
            re.findall(r"^(PORTONE_\w+)=(.*)$", (clone / "sandbox.log").read_text(), re.MULTILINE)
        )
        settings = {
            **printed,
            "DATABASE_URL": new_database(clone),
            "PUBLIC_URL": "https://your.site",
        }
        configure(clone, **settings)
        checked = typed(CHECK, clone)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
        gunicorn = (
            SERVE.replace(":8000", f":{shop_port}") + " --no-control-socket --pid gunicorn.pid"
        )
        stack.enter_context(running(f"{gunicorn} 2>>shop.log", clone, shop_port))
        if front == "nginx":
            stack.enter_context(running(nginx(clone, port, shop_port), clone, port, "nginx.log"))

        shop.switch("webhooks", order="off")
        order = shop.order()
        assert order["request"]["redirectUrl"] == "https://your.site/payment-redirect"
        shop.pay(order)
        assert shop.complete(order) == "PAID"
        opened, fulfilled, paid = logged(order, clone)
        assert (opened, fulfilled.partition(":")[0], paid) == (
            "PENDING (shop)",
            "fulfilled",
            "PAID (sdk)",
        )

        shop.switch("webhooks", order=None)
        left = shop.order()  # its buyer never comes back: the webhook pays it, signed
        shop.pay(left)
        show = f".venv/bin/flask order {left['orderId']}"
        until(lambda: re.search("ORDER_PAID +webhook", typed(show, clone).stdout))

        shop.switch("webhooks", order="off")
        lost = shop.order()  # and the webhook is lost as well
        shop.pay(lost)
        assert cron(clone, "--older-than 0") == ""
        assert "now PAID, before PENDING" in (clone / "reconcile.log").read_text()
        assert logged(lost, clone)[-1] == "PAID (cli)"

        waiting = shop.order()
        shop.pay(waiting)
        shop.switch("outage", fault="slow", calls=1)
        with ThreadPoolExecutor(1) as pool:
            completed = pool.submit(shop.complete, waiting)
            time.sleep(1)
            configure(clone, **{**settings, "PUBLIC_URL": "https://other.site"})
            os.kill(int((clone / "gunicorn.pid").read_text()), signal.SIGHUP)
            assert completed.result() == "PAID"
        until(
            lambda: shop.order()["request"]["redirectUrl"] == "https://other.site/payment-redirect"
        )

        shop.switch("outage", fault="500")
        assert shop.complete(unanswered := shop.order()) is None
        assert any("could not be asked" in line for line in logged(unanswered, clone))
        assert "could not be asked" in cron(clone, "--older-than 0")
        configure(clone, **{**settings, "PUBLIC_URL": "your.site"})
        wrong = typed(CHECK, clone)
        assert wrong.returncode != 0 and "PUBLIC_URL must start with" in wrong.stderr


def test_every_command_has_its_line_of_help(clone):
    listed = typed(
        ".venv/bin/flask --help", clone, PORTONE_SANDBOX="1", DATABASE_URL=new_database(clone)
    ).stdout
    for name in ("reconcile", "orders", "order", "refund"):
        assert re.search(rf"^  {name} +[A-Z][^\n]{{10,}}\.$", listed, re.MULTILINE), listed
        assert all(f"`flask {name}" in page for page in map(PAGES.get, NAMES))
