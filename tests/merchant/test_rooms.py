"""The shop takes payments without its backoffice, and without its panel."""

import os
import re
import shutil
import subprocess
import sys

import pytest
import requests

from tests.conftest import BUYER
from tests.visitor import ROOT, run_site

SITE = ["merchant", "portone_sandbox", "static", "templates", "wsgi.py", ".flaskenv"]


@pytest.fixture
def copy(tmp_path):
    """A copy of the site in a folder of its own."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in SITE:
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def leave_out(copy, room):
    """What the comment at ROOMS says: delete the folder and its line."""
    shutil.rmtree(copy / "merchant" / room)
    file = copy / "merchant" / "__init__.py"
    lines = file.read_text().splitlines(keepends=True)
    others = [line for line in lines if not re.match(rf'\s*"\.{room}\.', line)]
    assert len(lines) - len(others) == 1
    file.write_text("".join(others))


def pay(url):
    """Pay an order as checkout.js does. Returns what the merchant answered, and the result page."""
    visitor = requests.Session()
    page = visitor.get(f"{url}/")
    assert page.status_code == 200 and "order-form" in page.text
    body = {"productId": "waffle-trainer", "payMethod": "CARD", "windowType": "", "buyer": BUYER}
    order = visitor.post(f"{url}/orders", json=body).json()
    opened = {"request": order["request"], "windowType": "IFRAME", "page": f"{url}/"}
    window = f"{url}/sandbox/checkout"
    tx_id = visitor.post(f"{window}/", json=opened, headers={"Origin": url}).json()["txId"]
    ended = visitor.post(f"{window}/{tx_id}/outcome", data={"outcome": "approve"})
    assert ended.status_code == 200, ended.text
    ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
    answer = visitor.post(f"{url}/payment/complete", json=ids).json()
    result = visitor.get(f"{url}{answer['orderUrl']}")
    assert result.status_code == 200 and 'data-order-status="PAID"' in result.text
    assert visitor.get(f"{url}/orders/{'0' * 32}").status_code == 404
    return answer, result.text


def commands(copy):
    """Returns what `flask --help` prints in the copy."""
    names = ("PORTONE_", "FLASK_", "DATABASE_", "SANDBOX_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "--help"]
    env["PORTONE_SANDBOX"] = "1"
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


def test_without_the_backoffice_a_payment_is_made_and_the_pages_answer(copy, tmp_path):
    assert "reconcile" in commands(copy)
    leave_out(copy, "backoffice")
    assert "reconcile" not in commands(copy)
    with run_site(tmp_path, copy) as site:
        answer, page = pay(site.url)
    assert answer["status"] == "PAID" and 'id="trail"' in page


@pytest.mark.long
def test_without_the_panel_a_payment_is_made_and_the_pages_answer(copy, tmp_path):
    leave_out(copy, "panel")
    with run_site(tmp_path, copy) as site:
        answer, page = pay(site.url)
    assert answer["status"] == "PAID" and 'id="trail"' not in page
    assert "reconcile" in commands(copy)
