"""The README's commands are typed here, as they stand there."""

import pytest
import requests

from merchant.config import ACCOUNT
from tests.databases import new_database
from tests.docs.conftest import running, typed
from tests.docs.pages import COPY, RUN
from tests.visitor import free_port

REAL = dict(zip(ACCOUNT, ("store-1", "channel-key-1", "secret"), strict=True))


def test_the_copied_settings_lack_the_account_and_nothing_else(clone):
    assert typed(COPY, clone).returncode == 0
    empty = dict.fromkeys(ACCOUNT, "")
    refused = typed(".venv/bin/python wsgi.py", clone, **empty)
    assert refused.returncode != 0 and all(name in refused.stderr for name in ACCOUNT)
    ready = typed(".venv/bin/python wsgi.py", clone, **REAL, DATABASE_URL=new_database(clone))
    assert ready.returncode == 0, ready.stderr


@pytest.mark.long
def test_the_first_payment_is_two_steps_away(clone):
    """The command as it stands, in a folder where nothing is installed."""
    (clone / ".venv").unlink()
    port = free_port()
    with running(f"sh -c '{RUN}'", clone, port, FLASK_RUN_PORT=str(port)) as page:
        assert page.status_code == 200
        base = f"http://127.0.0.1:{port}"
        buyer = {"name": "Kim", "email": "kim@example.com", "phone": "01012345678"}
        body = {"productId": "waffle-trainer", "payMethod": "CARD", "buyer": buyer}
        order = requests.post(f"{base}/orders", json=body, timeout=10).json()
        opened = {"request": order["request"], "windowType": "IFRAME", "page": base}
        tx_id = requests.post(f"{base}/sandbox/checkout/", json=opened, timeout=10).json()["txId"]
        requests.post(
            f"{base}/sandbox/checkout/{tx_id}/outcome", data={"outcome": "approve"}, timeout=10
        )
        ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
        assert (
            requests.post(f"{base}/payment/complete", json=ids, timeout=10).json()["status"]
            == "PAID"
        )
