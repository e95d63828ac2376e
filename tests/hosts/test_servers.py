"""The servers that people run Flask with, several apps in one process, and the reloader."""

import importlib.util
import json
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.hosts.apps import plain
from tests.hosts.conftest import Buyer, Http
from tests.hosts.servers import ROOT, run
from tests.stand_in import PortOne, hang

pytestmark = pytest.mark.database

APP = "tests.hosts.apps.plain:create_app()"
GUNICORN = ("gunicorn", APP, "--bind=fd://{fd}", "--no-control-socket")
SERVERS = {
    "waitress": (
        "waitress-serve",
        "--listen=127.0.0.1:{port}",
        "--call",
        "tests.hosts.apps.plain:create_app",
    ),
    "gunicorn sync": (*GUNICORN, "--workers=2"),
    "gunicorn sync preloaded": (*GUNICORN, "--workers=2", "--preload"),
    "gunicorn gthread": (*GUNICORN, "--workers=2", "--threads=4"),
    "gunicorn gevent": (*GUNICORN, "--workers=2", "--worker-class=gevent"),
    "uwsgi": (
        *("uwsgi", "--http-socket=127.0.0.1:{port}", "--master", "--processes=2", "--threads=2"),
        *("--module=tests.hosts.apps.plain:create_app()", "--need-app"),
    ),
    "flask run": ("flask", "--app=tests.hosts.apps.plain", "run", "--port={port}"),
}
QUICK = "gunicorn gthread"


def environment(config):
    names = {name: name if name.startswith("PORTONE_") else f"HOST_{name}" for name in config}
    env = {names[name]: str(value) for name, value in config.items()}
    return env | {
        name: ""
        for name in os.environ
        if name.startswith(("PORTONE_", "FLASK_")) and name not in env
    }


@pytest.mark.parametrize(
    "server",
    [pytest.param(name, marks=[] if name == QUICK else pytest.mark.long) for name in SERVERS],
)
def test_buyers_pay_at_once_in_a_host_on_this_server(config, portone, tmp_path, server):
    if server == "uwsgi" and importlib.util.find_spec("pyuwsgi") is None:
        pytest.skip("pyuwsgi is not installed")
    log = tmp_path / "log"
    with run(*SERVERS[server], env=environment(config), path="/shop/", log=log) as base:
        with ThreadPoolExecutor(6) as pool:
            orders = list(pool.map(lambda _: Buyer(Http(base), portone, "/shop").pay(), range(12)))
        assert len({order["orderId"] for order in orders}) == 12
        webhooks = [order for order in orders for _ in range(2)]
        host = Buyer(Http(base), portone, "/shop")
        with ThreadPoolExecutor(6) as pool:
            assert {answer.status_code for answer in pool.map(host.webhook, webhooks)} == {200}
        assert requests.get(base, timeout=30).text == "1 /shop/"
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.mark.long
def test_a_server_that_says_under_which_path_it_is(config, portone, tmp_path):
    """SCRIPT_NAME, as gunicorn takes it from the environment."""
    env = {**environment(config), "SCRIPT_NAME": "/site"}
    with run(*GUNICORN, env=env, path="/site/shop/", log=tmp_path / "log") as base:
        order = Buyer(Http(base), portone, "/site/shop").pay()
        assert order["request"]["redirectUrl"] == f"{base}/site/shop/payment-redirect"


@pytest.mark.long
def test_the_reloader_starts_the_host_again_with_its_payments(config, portone, tmp_path):
    module = tmp_path / "reloaded.py"
    source = "from tests.hosts.apps.plain import create_app\napp = create_app()\nversion = {}\n"
    source += "app.add_url_rule('/version', 'version', lambda: str(version))\n"
    module.write_text(source.format(1))
    command = ("flask", "--app=reloaded", "run", "--debug", "--port={port}")
    env = {**environment(config), "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    with run(*command, env=env, cwd=tmp_path, path="/version", log=tmp_path / "log") as base:
        host = Buyer(Http(base), portone, "/shop")
        order = host.pay()
        module.write_text(source.format(2))
        while version(base) != "2":
            threading.Event().wait(0.05)
        assert 'data-order-status="PAID"' in host.get(f"/shop/orders/{order['orderId']}").text
        host.pay()


def version(base):
    try:
        return requests.get(f"{base}/version", timeout=30).text
    except requests.ConnectionError:  # just between the two
        return None


def test_two_hosts_in_one_process_ask_each_its_own_portone(config, buyer, portone, tmp_path):
    with PortOne() as other:
        apps = [
            plain.create_app(config),
            plain.create_app(
                {
                    **config,
                    "PORTONE_API_BASE": other.url,
                    "PORTONE_API_SECRET": "the other's",
                    "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/other.db",
                }
            ),
        ]
        hosts = [buyer(app) for app in apps]
        hosts[1].portone = other
        orders = [host.pay() for host in hosts]
        secrets = [{call[2]["Authorization"] for call in each.calls} for each in (portone, other)]
    assert secrets == [{"PortOne secret-of-the-host"}, {"PortOne the other's"}]
    paths = [f"/shop/orders/{order['orderId']}" for order in orders]
    assert [[host.get(path).status_code for path in paths] for host in hosts] == [
        [200, 404],
        [404, 200],
    ]


def test_a_host_whose_factory_is_called_twice_is_the_same_shop(config, buyer):
    first, second = (buyer(plain.create_app(config)) for _ in range(2))
    order = first.order()
    second.approve(order)
    assert json.loads(second.complete(order).text)["status"] == "PAID"
    shown = first.get(f"/shop/orders/{order['orderId']}").text
    assert re.search('data-order-status="PAID"', shown)
    commands = second.client.application.cli.commands["merchant"].commands
    assert {"reconcile", "refund"} <= set(commands)


def test_mounting_the_merchant_twice_in_one_app_is_refused(config):
    app = plain.create_app(config)
    from merchant import init_app

    with pytest.raises(ValueError, match="'merchant' is already registered"):
        init_app(app, "/again")


def test_a_host_whose_portone_hangs_answers_its_own_pages(config, buyer, portone):
    """One client of the host waits for PortOne; another one's page needs a connection of the same
    small pool.
    """
    options = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 1}
    app = plain.create_app({**config, "SQLALCHEMY_ENGINE_OPTIONS": options})
    host = buyer(app)
    order = host.order()
    host.approve(order)
    portone.fault = hang
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(host.complete(order)))
    waiting.start()
    portone.wait_for_calls(1)
    other = buyer(app)
    assert other.order()["orderId"]
    portone.released.set()
    waiting.join(30)
    assert answers[0].json["status"] == "PAID"
