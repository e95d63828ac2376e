"""The sandbox that runs alone: what it prints is true, and it ends when it is asked to."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest
import requests
from werkzeug.test import Client

from portone_sandbox import startup
from tests.portone_sandbox.client import ROOT, SETTINGS, make_payment, payment_request

SERVE = [sys.executable, "-m", "portone_sandbox", "serve", "--port", "0"]
MEMORY = ["--database", ":memory:"]


def environment(**variables):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")}
    return {**clean, "PYTHONUNBUFFERED": "1", **variables}


@contextmanager
def running(command, **variables):
    """The process, which is killed if it still runs at the end of the block."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=environment(**variables), **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def read_settings(process):
    """The lines that it prints for a .env, as a dict."""
    settings = {}
    for line in process.stdout:
        if line.startswith("# Webhooks go to"):
            return settings
        if not line.startswith("#"):
            name, _, value = line.strip().partition("=")
            settings[name] = value
    raise AssertionError(process.stderr.read())


def run(*arguments, **variables):
    command = [sys.executable, "-m", "portone_sandbox", "serve", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(**variables), capture_output=True, text=True, timeout=30
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_it_prints_one_json_object_with_its_true_port_and_ends_at_a_signal(number):
    with running([*SERVE, *MEMORY, "--print-json"]) as process:
        settings = json.loads(process.stdout.readline())
        assert settings.keys() == SETTINGS.keys()
        base = settings["PORTONE_API_BASE"]
        assert make_payment(base)["status"] == "PAID"
        assert requests.get(settings["PORTONE_SDK_URL"], timeout=10).status_code == 200
        assert requests.get(settings["PORTONE_CONSOLE_URL"], timeout=10).status_code == 200
        process.send_signal(number)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest) == (0, "")
    assert "Traceback" not in errors


def test_it_prints_the_lines_of_a_dotenv_file(tmp_path):
    with running(
        [*SERVE, "--database", str(tmp_path / "x.db"), "--webhook-url", "/hook"]
    ) as process:
        settings = read_settings(process)
        assert make_payment(settings["PORTONE_API_BASE"])["status"] == "PAID"
    assert settings.keys() == SETTINGS.keys()
    assert (tmp_path / "x.db").exists()


def certificate(folder):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def test_with_a_certificate_its_address_is_https(tmp_path):
    cert, key = certificate(tmp_path)
    tls = ["--cert", cert, "--key", key, "--host", "localhost", "--print-json"]
    with running([*SERVE, *MEMORY, *tls]) as process:
        base = json.loads(process.stdout.readline())["PORTONE_API_BASE"]
        assert base.startswith("https://localhost:")
        channels = requests.get(f"{base}/control/channels", verify=cert, timeout=10)
    assert channels.status_code == 200


def test_another_address_can_be_printed():
    with running(
        [*SERVE, *MEMORY, "--print-json"], SANDBOX_URL="https://pay.shop.test/"
    ) as process:
        settings = json.loads(process.stdout.readline())
    assert settings["PORTONE_API_BASE"] == "https://pay.shop.test"
    assert settings["PORTONE_SDK_URL"] == "https://pay.shop.test/v2/browser-sdk.js"


@pytest.mark.parametrize("passed_on", ["/sandbox/checkout/", "/checkout/"])
def test_behind_a_proxy_its_address_may_have_a_path(room, passed_on):
    client = Client(startup.at_path(room, "https://shop.test/sandbox"))
    body = {"request": payment_request(), "windowType": "IFRAME", "page": "https://shop.test/"}
    answer = client.post(passed_on, json=body)
    assert answer.json["url"].startswith("/sandbox/checkout/"), answer.text
    page = client.get(answer.json["url"])
    assert "/sandbox/static/sandbox.css" in page.text
    assert startup.at_path(room, "https://shop.test") is room


def test_what_is_wrong_is_one_clear_message(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        database = tmp_path / "never-created.db"
        in_use = run("--port", port, "--database", str(database))
    assert in_use.returncode == 1 and f"127.0.0.1:{port}" in in_use.stderr
    assert not database.exists()
    malformed = run("--port", "0", "--database", ":memory:", "--webhook-url", "ftp://x")
    assert malformed.returncode == 1 and "SANDBOX_WEBHOOK_URL" in malformed.stderr
    address = run("--port", "0", "--database", ":memory:", SANDBOX_URL="pay.shop.test")
    assert address.returncode == 1 and "SANDBOX_URL" in address.stderr
    half = run("--port", "0", "--cert", __file__)
    assert half.returncode == 2 and "--key" in half.stderr
    for each in (in_use, malformed, address, half):
        assert each.stdout == "" and "Traceback" not in each.stderr


def test_flask_run_prints_a_merchants_settings():
    command = [sys.executable, "-m", "flask", "--app", "portone_sandbox", "run", "--port"]
    with socket.create_server(("127.0.0.1", 0)) as socket_:
        port = str(socket_.getsockname()[1])
    with running([*command, port], SANDBOX_DATABASE=":memory:") as process:
        settings = read_settings(process)
    assert settings.keys() == SETTINGS.keys()
    assert settings["PORTONE_API_BASE"] == f"http://127.0.0.1:{port}"
    with running([*command, "0"], SANDBOX_DATABASE=":memory:") as process:
        settings = read_settings(process)
    assert settings["PORTONE_API_SECRET"] == SETTINGS["PORTONE_API_SECRET"]
    assert not any(":0" in value for value in settings.values())  # flask chooses the port later


def test_flask_run_with_a_certificate_prints_https(tmp_path):
    cert, key = certificate(tmp_path)
    command = [sys.executable, "-m", "flask", "--app", "portone_sandbox", "run", "--port", "5001"]
    command += ["--cert", cert, "--key", key]
    with running(command, SANDBOX_DATABASE=":memory:") as process:
        assert read_settings(process)["PORTONE_API_BASE"] == "https://127.0.0.1:5001"


def test_gunicorn_prints_a_merchants_settings(tmp_path):
    pytest.importorskip("gunicorn")
    command = [sys.executable, "-m", "gunicorn", "--config", "python:portone_sandbox.gunicorn"]
    command += ["--bind", "127.0.0.1:0"]
    with running(command, SANDBOX_DATABASE=str(tmp_path / "sandbox.db")) as process:
        base = read_settings(process)["PORTONE_API_BASE"]
        assert make_payment(base)["status"] == "PAID"
        process.terminate()
        process.communicate(timeout=30)


def test_a_command_that_serves_sends_webhooks(merchant):
    with running([*SERVE, *MEMORY, "--print-json", "--webhook-url", merchant.url]) as process:
        base = json.loads(process.stdout.readline())["PORTONE_API_BASE"]
        make_payment(base)
        merchant.wait_for_calls(2)  # READY, PAID
