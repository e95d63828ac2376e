"""flask doctor: a healthy shop is called healthy, and each fault is named."""

import re
import shutil
import ssl
import subprocess
import sys
import threading
from email.utils import formatdate
from pathlib import Path
from time import time

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup
from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import OperationalError
from werkzeug.serving import make_server

import merchant
import portone_sandbox
from portone_sandbox import SandboxAdapter
from tests.databases import (
    ON_MYSQL,
    ON_POSTGRESQL,
    SERVER,
    new_database,
    on_server,
    read_only_url,
    sqlite_only,
)
from tests.stand_in import Call, PortOne, answer, record

ROOT = Path(__file__).parents[3]
SECOND_SECRET = "whsec_c2Vjb25kLXNlY3JldC1vZi10aGUtc2hvcC0wMDAwMDA="
SECRETS = [
    portone_sandbox.accounts.API_SECRET,
    portone_sandbox.accounts.WEBHOOK_SECRET.removeprefix("whsec_"),
    SECOND_SECRET.removeprefix("whsec_"),
    "password",
]
# The servers that CI starts for the tests forget a crash, and the doctor says so.
NOT_DURABLE = re.compile(r"^!!  .*: (fsync|innodb_flush_log_at_trx_commit) is .*\n", re.MULTILINE)


class Site:
    """A web server on loopback. `app`: the WSGI app that answers there."""

    def __init__(self, ssl_context=None):
        self.app = None
        self.server = make_server(
            "127.0.0.1", 0, self.answer, threaded=True, ssl_context=ssl_context
        )
        scheme = "https" if ssl_context else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def answer(self, environ, start_response):
        return self.app(environ, start_response)

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def serve():
    sites = []

    def serve(app=None, **options):
        sites.append(Site(**options))
        sites[-1].app = app
        return sites[-1]

    yield serve
    for site in sites:
        site.stop()


@pytest.fixture
def site(serve):
    """Where the shop is reached."""
    return serve()


@pytest.fixture
def run_shop(make_shop, serve, site, tmp_path):
    """run_shop(**settings) -> a healthy shop whose PortOne is a sandbox, running at `site`."""
    sandbox = serve(portone_sandbox.create_app(tmp_path / "sandbox.db"))

    def run_shop(**changed):
        settings = {**portone_sandbox.settings(sandbox.url), "PAYMENT_PANEL": "0"}
        shop = make_shop(**{**settings, "PUBLIC_URL": site.url, **changed})
        site.app = shop.app
        return shop

    return run_shop


def examine(app, *command):
    result = app.test_cli_runner().invoke(args=[*command, "doctor"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert not [secret for secret in SECRETS if secret in result.output]
    output = NOT_DURABLE.sub("OK  The database is that of the tests\n", result.output)
    assert all(re.match("(OK|!!)  [A-Z]", line) for line in output.splitlines()), output
    assert result.exit_code == (1 if "!!  " in result.output else 0)
    return output


def faults(shop, *command):
    output = examine(shop.app, *command)
    return [line for line in output.splitlines() if line.startswith("!!")]


def the_fault(shop, *command):
    found = faults(shop, *command)
    assert len(found) == 1, found
    return found[0]


def sql(shop, *statements):
    with shop.app.app_context():
        engine = shop.app.extensions["sqlalchemy"].engine
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def dated(seconds):
    """A fault of the stand-in: its clock is so many seconds ahead of ours."""

    def fault(call):
        headers = {"Date": formatdate(time() + seconds, usegmt=True)}
        call.answer = lambda status, body: Call.answer(call, status, body, headers)
        call.answer_well()

    return fault


def pay(shop, portone, channel_type, **channel):
    """A payment at the stand-in, through the shop's channel."""
    order = shop.order()
    paid = record(order, "PAID")
    paid["channel"] |= {"type": channel_type, **channel}
    portone.records[order["paymentId"]] = paid


# Healthy shops


@pytest.mark.database
def test_a_healthy_shop_is_called_healthy(run_shop):
    output = examine(run_shop().app)
    assert "!!" not in output
    for checked in ("settings", "database", "PortOne", "clock", "PUBLIC_URL", "webhook"):
        assert checked in output


def test_a_healthy_live_shop_in_rotation_is_called_healthy(
    run_shop, serve, portone, tmp_path, monkeypatch
):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run([*command, *name, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    public = serve(ssl_context=context)
    secrets = f"{portone_sandbox.accounts.WEBHOOK_SECRET} {SECOND_SECRET}"
    shop = run_shop(
        PUBLIC_URL=public.url,
        PORTONE_API_BASE=portone.url,
        PORTONE_WEBHOOK_SECRET=secrets,
        PORTONE_ALLOW_TEST="0",
        PORTONE_PG="KCP_V2",
    )
    public.app = shop.app
    portone.fault = dated(0)
    pay(shop, portone, "LIVE", pgProvider="KCP_V2")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    output = examine(shop.app)
    assert "!!" not in output
    assert "the channel is LIVE" in output and "2 secret(s)" in output
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    assert "SSLError" in the_fault(shop)


def test_a_shop_on_a_developers_machine_is_called_healthy(shop):
    output = examine(shop.app)
    assert "!!" not in output and "The webhook was not tried" in output


@pytest.mark.parametrize("url_prefix", [None, "/pay"])
def test_a_host_app_has_it_too_and_its_webhook_is_where_the_host_has_it(
    serve, site, tmp_path, url_prefix
):
    sandbox = serve(portone_sandbox.create_app(tmp_path / "sandbox.db"))
    host = Flask("host")
    host.config.update(portone_sandbox.settings(sandbox.url), PUBLIC_URL=site.url)
    host.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/host.db"
    merchant.init_app(host, url_prefix=url_prefix)
    site.app = host
    output = examine(host, "merchant")
    assert f"{site.url}{url_prefix or ''}/payment/webhook" in output
    wrong = [line for line in output.splitlines() if line.startswith("!!")]
    assert len(wrong) == 1 and "journal_mode" in wrong[0]
    with create_engine(f"sqlite:///{tmp_path}/host.db").connect() as connection:
        connection.execute(text("PRAGMA journal_mode=WAL"))
    assert "!!" not in examine(host, "merchant")


@pytest.mark.database
def test_no_database_connection_is_held_while_portone_and_the_site_are_asked(run_shop, site):
    held = []
    with PortOne() as portone:
        shop = run_shop(PORTONE_API_BASE=portone.url)
        with shop.app.app_context():
            pool = shop.app.extensions["sqlalchemy"].engine.pool

        def look(call):
            held.append(pool.checkedout())
            call.answer_well()

        def look_and_answer(*call):
            held.append(pool.checkedout())
            return shop.app(*call)

        portone.fault, site.app = look, look_and_answer
        assert faults(shop) == []
    assert held == [0] * 5  # three calls at PortOne, two webhooks


# The settings


def test_a_setting_that_is_missing_is_named_before_anything_else(tmp_path):
    shutil.copy(ROOT / "wsgi.py", tmp_path)  # without a developer's own .env
    command = [sys.executable, "-m", "flask", "--app", f"{tmp_path}/wsgi.py", "doctor"]
    environment = {"PYTHONPATH": str(ROOT), "PORTONE_STORE_ID": "store-1", "PORTONE_SANDBOX": "0"}
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1
    named = result.stderr.partition("SettingsError: ")[2]
    assert "PORTONE_API_SECRET" in named and "PORTONE_CHANNEL_KEY" in named


def test_what_is_left_from_the_sandbox_is_named_in_a_live_shop(run_shop, site):
    left = {
        "PORTONE_SANDBOX": "1",
        "PAYMENT_PANEL": "1",
        "PORTONE_SDK_URL": "/sandbox/v2/browser-sdk.js",
        "PORTONE_CONSOLE_URL": "/sandbox/",
    }
    assert faults(run_shop(**left)) == []
    found = faults(run_shop(PORTONE_ALLOW_TEST="0", **left))
    assert found.pop().startswith(f"!!  PUBLIC_URL {site.url} is not https")
    for name, line in zip(left, found, strict=True):
        assert line.startswith(f"!!  {name} is left from the sandbox")


@pytest.mark.parametrize(
    ("url", "named"), [("", "PUBLIC_URL is not set"), ("http://127.0.0.1:9", "not https")]
)
def test_a_live_shop_without_an_https_address_is_named(run_shop, url, named):
    assert named in faults(run_shop(PORTONE_ALLOW_TEST="0", PUBLIC_URL=url))[0]


# PortOne


@pytest.mark.parametrize(
    ("setting", "value", "status"),
    [("PORTONE_API_SECRET", "wrong-one", "401"), ("PORTONE_STORE_ID", "store-of-others", "403")],
)
def test_a_secret_and_a_store_that_portone_refuses_are_told_apart(run_shop, setting, value, status):
    fault = the_fault(run_shop(**{setting: value}))
    assert setting in fault and f"({status} " in fault and "wrong-one" not in fault


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (answer(500, {"type": "INTERNAL"}), "HTTP 500"),
        (answer(200, b"<html>"), "HTTP 200 without the JSON"),
        (answer(400, {"type": "INVALID_REQUEST"}), "400 INVALID_REQUEST"),
        (answer(200, {"status": "READY"}), "a payment that can't exist"),
    ],
)
def test_a_portone_that_is_something_else_is_named(run_shop, portone, fault, named):
    shop = run_shop(PORTONE_API_BASE=portone.url)
    portone.fault = fault
    found = the_fault(shop)
    assert named in found and "PORTONE_API_BASE" in found


def test_a_portone_that_is_not_reached_is_named(run_shop):
    with PortOne() as portone:
        pass
    fault = the_fault(run_shop(PORTONE_API_BASE=portone.url))
    assert "did not answer" in fault and portone.url in fault


@pytest.mark.parametrize(("seconds", "side"), [(-600, "ahead of"), (600, "behind")])
def test_a_clock_that_refuses_webhooks_is_named(run_shop, portone, seconds, side):
    shop = run_shop(PORTONE_API_BASE=portone.url)
    portone.fault = dated(seconds)
    assert re.search(rf"(599|600|601) s {side} PortOne's", the_fault(shop))
    portone.fault = dated(seconds / 10)
    assert "within the webhook's tolerance" in examine(shop.app)


@pytest.mark.parametrize(
    ("allow_test", "channel_type", "named"),
    [("1", "LIVE", "a test payment gets goods"), ("0", "TEST", "every payment is refused")],
)
def test_a_channel_of_the_other_mode_is_named(run_shop, portone, allow_test, channel_type, named):
    shop = run_shop(PORTONE_API_BASE=portone.url, PORTONE_ALLOW_TEST=allow_test)
    pay(shop, portone, channel_type, key="channel-key-of-others")
    mine = [line for line in faults(shop) if "PORTONE_ALLOW_TEST" in line]
    assert mine == [], "another channel's payments tell nothing"
    pay(shop, portone, channel_type)
    found = faults(shop)
    assert named in found[0] and "not https" in found[1] and len(found) == 2


# The webhook


def test_a_shop_without_a_webhook_secret_is_named(run_shop):
    assert "PORTONE_WEBHOOK_SECRET is not set" in the_fault(run_shop(PORTONE_WEBHOOK_SECRET=""))


@pytest.mark.parametrize(
    ("running", "named"),
    [(SECOND_SECRET, "answers 401"), ("", "answers 200 to a request without a signature")],
)
def test_a_running_site_with_another_secret_is_named(run_shop, site, running, named):
    shop = run_shop()
    run_shop(PORTONE_WEBHOOK_SECRET=running)  # the site that runs
    fault = the_fault(shop)
    assert named in fault and "restart" in fault


@pytest.mark.parametrize(
    ("reply", "named"),
    [
        (("", 404), "no shop is there"),
        (("", 308, {"Location": "https://www.example.com/"}), "a redirect as not delivered"),
        (("parked", 200), "another site answers"),
        (("", 502), "not running behind the proxy"),
        (("", 418), "answers 418: see the log"),
    ],
)
def test_an_address_where_the_shop_is_not_is_named(run_shop, site, reply, named):
    shop, other = run_shop(), Flask("other")
    other.add_url_rule("/<path:path>", view_func=lambda path: reply, methods=["POST"])
    site.app = other
    fault = the_fault(shop)
    assert named in fault and f"{site.url}/payment/webhook" in fault


def test_an_address_that_is_not_reached_is_named(run_shop, serve):
    gone = serve()
    shop = run_shop(PUBLIC_URL=gone.url)
    gone.stop()
    assert "can't be reached from here (ConnectionError)" in the_fault(shop)


def test_a_tunnels_address_is_tried_instead_of_the_public_one(run_shop, serve):
    tunnel = serve()
    shop = run_shop(PORTONE_NOTICE_URL=f"{tunnel.url}/payment/webhook", PUBLIC_URL="")
    tunnel.app = shop.app
    assert f"{tunnel.url}/payment/webhook answers as PortOne expects" in examine(shop.app)


# The PG

SEVERAL = {
    "PORTONE_CHANNELS": "KPN=key-1 KAKAOPAY=key-2",
    "PORTONE_CHANNEL_KEY": "",
    "PORTONE_PG": "",
}


@pytest.mark.parametrize(
    ("settings", "listed"),
    [
        ({"PORTONE_PG": "KCP_V2"}, ["iamport.co/kcp-v2", "a contract", "pg/v2/kcp-v2"]),
        ({"PORTONE_PG": "KCP_V2", "PORTONE_PAY_METHODS": "CARD"}, ["a contract"]),
        ({"PORTONE_PG": "TOSSPAY_V2"}, ["nothing that PortOne's page names"]),
        (SEVERAL, ["/kpn/virtual-account", "KAKAOPAY", "channel key-1, key-2"]),
        ({"PORTONE_PG": ""}, ["PORTONE_PG is not set"]),
    ],
)
def test_what_is_to_be_done_at_the_pg_is_listed(run_shop, settings, listed):
    output = examine(run_shop(**settings).app)
    assert "!!" not in output and all(each in output for each in listed)
    assert ("iamport.co" in output) == any("/k" in each for each in listed)


def test_the_pg_of_a_channel_that_was_paid_through_is_known(run_shop, portone):
    shop = run_shop(PORTONE_API_BASE=portone.url, PORTONE_PG="")
    pay(shop, portone, "TEST", pgProvider="NICE_V2")
    assert "/nicepay-v2" in examine(shop.app)
    assert "the channel's PG is NICE_V2" in the_fault(
        run_shop(PORTONE_API_BASE=portone.url, PORTONE_PG="KCP_V2")
    )
    pay(shop, portone, "TEST", pgProvider="NEW_PG")
    del portone.records[next(iter(portone.records))]
    assert faults(shop) == []


def test_each_of_several_channels_is_compared_with_its_own_payments(run_shop, portone):
    shop = run_shop(PORTONE_API_BASE=portone.url, **SEVERAL)
    pay(shop, portone, "TEST", key="key-2", pgProvider="NAVERPAY")
    fault = the_fault(shop)
    assert "key-2 is of KAKAOPAY, but the channel's PG is NAVERPAY" in fault
    assert "the channel key-2 is TEST" in examine(shop.app)


# The database


@pytest.mark.database
@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (
            "ALTER TABLE merchant_unknown_payment DROP COLUMN amount",
            "column merchant_unknown_payment.amount is missing",
        ),
        (
            "ALTER TABLE merchant_unknown_payment RENAME COLUMN amount TO won",
            "column merchant_unknown_payment.won must be filled",
        ),
        pytest.param(
            "ALTER TABLE merchant_unknown_payment ALTER COLUMN payment_id TYPE VARCHAR(32)",
            "merchant_unknown_payment.payment_id is VARCHAR(32): change it to VARCHAR(64)",
            marks=pytest.mark.skipif(not ON_POSTGRESQL, reason="about PostgreSQL"),
        ),
        pytest.param(
            "ALTER TABLE merchant_unknown_payment MODIFY paid_at DATETIME",
            "merchant_unknown_payment.paid_at is DATETIME: change it to DATETIME(6)",
            marks=pytest.mark.skipif(not ON_MYSQL, reason="about MySQL and MariaDB"),
        ),
        pytest.param(
            "ALTER TABLE merchant_unknown_payment ENGINE=MyISAM",
            "merchant_unknown_payment is MyISAM",
            marks=pytest.mark.skipif(not ON_MYSQL, reason="about MySQL and MariaDB"),
        ),
        pytest.param(
            "ALTER TABLE merchant_unknown_payment CONVERT TO CHARACTER SET latin1",
            "merchant_unknown_payment is latin1",
            marks=pytest.mark.skipif(not ON_MYSQL, reason="about MySQL and MariaDB"),
        ),
    ],
)
def test_a_table_that_is_not_as_the_models_have_it_is_named(run_shop, statement, named):
    shop = run_shop()
    sql(shop, "ALTER TABLE merchant_unknown_payment ADD note VARCHAR(9)")
    assert faults(shop) == [], "a host may add a column that can stay empty"
    sql(shop, statement)
    assert any(named in fault for fault in faults(shop))


@pytest.mark.database
def test_tables_that_a_hosts_migrations_have_not_created_are_named(serve, tmp_path):
    sandbox = serve(portone_sandbox.create_app(tmp_path / "sandbox.db"))
    host = Flask("host")
    host.config.update(portone_sandbox.settings(sandbox.url))
    host.config["SQLALCHEMY_DATABASE_URI"] = new_database(tmp_path)
    merchant.init_app(host, create_tables=False)
    assert "table merchant_payment_event is missing" in examine(host, "merchant")


@pytest.mark.database
def test_a_database_that_can_only_be_read_is_named(run_shop, tmp_path):
    run_shop()
    assert "can't be written" in the_fault(run_shop(DATABASE_URL=read_only_url(tmp_path)))


def flask(create_app, command):
    """What `flask <command>` does: it loads the app first."""
    group = FlaskGroup(create_app=create_app, load_dotenv=False, set_debug_flag=False)
    return CliRunner().invoke(group, [command])


@pytest.mark.database
def test_a_database_that_is_not_reached_is_named_and_its_password_is_not(tmp_path):
    if ON_POSTGRESQL or ON_MYSQL:
        url = make_url(SERVER).set(port=9, username="shop", password="password")
    else:
        url = make_url(f"sqlite:///{tmp_path}/nowhere/shop.db")
    sandbox = SandboxAdapter(portone_sandbox.create_app(tmp_path / "sandbox.db"))

    def create_app():
        settings = portone_sandbox.settings("/sandbox")
        settings["DATABASE_URL"] = url.render_as_string(hide_password=False)
        app = merchant.create_app(settings)
        app.extensions["merchant"].portone.session.mount(portone_sandbox.API_BASE, sandbox)
        return app

    result = flask(create_app, "doctor")
    found = [line for line in result.output.splitlines() if line.startswith("!!")]
    assert result.exit_code == 1 and len(found) == 1, result.output
    assert "it can't be used" in found[0] and "DATABASE_URL" in found[0]
    assert "password" not in result.output
    assert isinstance(flask(create_app, "run").exception, OperationalError), "no site without it"


@sqlite_only
def test_an_sqlite_database_that_is_not_durable_is_named(run_shop):
    shop = run_shop()
    sql(shop, "PRAGMA journal_mode=DELETE")
    assert "journal_mode is delete" in the_fault(shop)
    shop = run_shop()  # the start sets the mode again
    with shop.app.app_context():
        engine = shop.app.extensions["sqlalchemy"].engine
    event.listen(engine, "connect", lambda each, _: each.execute("PRAGMA synchronous=OFF"))
    engine.dispose()
    assert "synchronous is 0" in the_fault(shop)


@sqlite_only
def test_a_database_in_memory_is_named(run_shop):
    assert "it is in memory" in the_fault(run_shop(DATABASE_URL="sqlite:///:memory:"))


class OtherDialect(SQLiteDialect_pysqlite):
    """A database that the shop does not know."""

    name = "other"
    supports_statement_cache = True


@sqlite_only
def test_a_database_that_is_not_supported_is_named(run_shop, tmp_path):
    registry.register("other", __name__, "OtherDialect")
    fault = the_fault(run_shop(DATABASE_URL=f"other:///{tmp_path}/shop.db"))
    assert "other is not supported" in fault


@pytest.mark.database
@pytest.mark.skipif(not ON_POSTGRESQL, reason="about PostgreSQL")
def test_a_postgresql_database_that_is_not_durable_or_has_no_korean_is_named(run_shop, tmp_path):
    url = make_url(new_database(tmp_path))
    options = f"{url.query['options']} -csynchronous_commit=off"
    lossy = url.update_query_dict({"options": options}).render_as_string(hide_password=False)
    assert "synchronous_commit is off" in the_fault(run_shop(DATABASE_URL=lossy))
    name = f"{url.query['options'].rpartition('=')[2]}_latin"
    on_server(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        latin = url.set(database=name, query={}).render_as_string(hide_password=False)
        shop = run_shop(DATABASE_URL=latin)
        assert "its encoding is LATIN1" in the_fault(shop)
        with shop.app.app_context():
            shop.app.extensions["sqlalchemy"].engine.dispose()
    finally:
        on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.database
@pytest.mark.skipif(not (ON_POSTGRESQL or ON_MYSQL), reason="about PostgreSQL and MariaDB")
def test_a_server_that_forgets_a_crash_is_named(run_shop):
    shop = run_shop()
    variable = "fsync" if ON_POSTGRESQL else "innodb_flush_log_at_trx_commit"
    with shop.app.app_context(), shop.app.extensions["sqlalchemy"].engine.connect() as connection:
        ask = f"SHOW {variable}" if ON_POSTGRESQL else f"SELECT @@{variable}"
        is_lossy = str(connection.scalar(text(ask))) not in {"on", "1"}
    result = shop.app.test_cli_runner().invoke(args=["doctor"])
    assert (f": {variable} is " in result.output) == is_lossy
    assert result.exit_code == is_lossy
