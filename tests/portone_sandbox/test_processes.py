"""Several processes on one file, and a process that starts again."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

import portone_sandbox
from tests.portone_sandbox.client import (
    KEY,
    SECRET,
    pay,
    post_cancel,
    run_together,
)

# Several processes, one file

PAY_MANY = """
import sys
from concurrent.futures import ThreadPoolExecutor
import requests, portone_sandbox
from tests.portone_sandbox.client import pay

session = requests.Session()
session.mount(portone_sandbox.API_BASE, portone_sandbox.SandboxAdapter(portone_sandbox.create_app(sys.argv[1])))
def pay_one(number):
    pay(portone_sandbox.API_BASE, "approve", http=session, paymentId=f"worker-{sys.argv[2]}x{number}")
with ThreadPoolExecutor(8) as pool:
    list(pool.map(pay_one, range(int(sys.argv[3]))))
"""


CANCEL_ONCE = """
import sys, time
import requests, portone_sandbox
from tests.portone_sandbox.client import KEY, post_cancel

session = requests.Session()
session.mount(portone_sandbox.API_BASE, portone_sandbox.SandboxAdapter(portone_sandbox.create_app(sys.argv[1])))
time.sleep(max(0, float(sys.argv[2]) - time.time()))
answer = post_cancel(portone_sandbox.API_BASE, {"reason": "x", "amount": 100}, KEY, http=session)
assert answer.status_code == 200 or answer.json()["type"] == "IDEMPOTENCY_OUTSTANDING_REQUEST", answer.text
"""


@pytest.mark.long
def test_simultaneous_calls_with_one_key_cancel_once(room, session, tmp_path):
    pay(portone_sandbox.API_BASE, "approve", http=session)
    database = tmp_path / "sandbox.db"
    run_together(CANCEL_ONCE, [[database, time.time() + 3]] * 4)
    # An answer survives a restart as well.
    restarted = requests.Session()
    restarted.mount(
        portone_sandbox.API_BASE,
        portone_sandbox.SandboxAdapter(portone_sandbox.create_app(database)),
    )
    answer = post_cancel(
        portone_sandbox.API_BASE, {"reason": "x", "amount": 100}, KEY, http=restarted
    )
    record = (
        room.test_client()
        .get("/payments/payment1", headers={"Authorization": f"PortOne {SECRET}"})
        .json
    )
    assert record["cancellations"] == [answer.json()["cancellation"]]
    assert record["amount"]["cancelled"] == 100


def test_threads_with_one_key_cancel_once(base, portone):
    pay(base, "approve")
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: post_cancel(base, {"reason": "x", "amount": 100}, KEY), range(16))
        )
    done = [answer.json()["cancellation"]["id"] for answer in answers if answer.status_code == 200]
    assert done and len(set(done)) == 1
    others = {answer.json()["type"] for answer in answers if answer.status_code != 200}
    assert others <= {"IDEMPOTENCY_OUTSTANDING_REQUEST"}
    assert portone.get_payment(payment_id="payment1").amount.cancelled == 100


def test_processes_create_one_database_at_once(tmp_path):
    script = "import sys, portone_sandbox; portone_sandbox.create_app(sys.argv[1])"
    run_together(script, [[tmp_path / "new" / "sandbox.db"]] * 4)


@pytest.mark.long
def test_parallel_payments_are_neither_locked_nor_lost(tmp_path):
    database = tmp_path / "sandbox.db"
    run_together(PAY_MANY, [[database, worker, 40] for worker in range(5)])
    client = portone_sandbox.create_app(database).test_client()
    headers = {"Authorization": f"PortOne {SECRET}"}
    query = {"requestBody": '{"page": {"size": 1000}, "filter": {"status": ["PAID"]}}'}
    found = client.get("/payments", query_string=query, headers=headers).json
    assert {payment["id"] for payment in found["items"]} == {
        f"worker-{n // 40}x{n % 40}" for n in range(200)
    }


def test_payments_survive_a_restart(tmp_path):
    database = tmp_path / "sandbox.db"
    run_together(PAY_MANY, [[database, "before", 1]])
    headers = {"Authorization": f"PortOne {SECRET}"}
    answer = (
        portone_sandbox.create_app(database)
        .test_client()
        .get("/payments/worker-beforex0", headers=headers)
    )
    assert answer.json["status"] == "PAID"
