"""The sandbox reached without a server."""

import threading

import pytest
import requests

import portone_sandbox
from tests.portone_sandbox.client import SECRET, STORE_ID, pay

# Without a server


def test_the_adapter_needs_no_server(session):
    pay(portone_sandbox.API_BASE, "approve", http=session)
    headers = {"Authorization": f"PortOne {SECRET}"}
    url = f"{portone_sandbox.API_BASE}/payments/payment1"
    answer = session.get(url, params={"storeId": STORE_ID}, headers=headers, timeout=(3, 10))
    assert (answer.status_code, answer.json()["status"]) == (200, "PAID")
    with session.get(url, headers=headers, stream=True) as streamed:
        assert b"".join(streamed.iter_content(100)) == answer.content
    assert session.get(url, params={"storeId": "store-other"}, headers=headers).status_code == 403


@pytest.mark.parametrize("timeout", [0.1, (60, 0.1)])
def test_the_adapter_times_out(timeout):
    waiting = threading.Event()

    def hangs(environ, start_response):
        waiting.wait(30)
        start_response("200 OK", [])
        return [b""]

    session = requests.Session()
    session.mount(portone_sandbox.API_BASE, portone_sandbox.SandboxAdapter(hangs))
    with pytest.raises(requests.ReadTimeout):
        session.get(portone_sandbox.API_BASE, timeout=timeout)
    waiting.set()


def test_the_adapter_reports_a_broken_app():
    def breaks(environ, start_response):
        raise RuntimeError("broken")

    session = requests.Session()
    session.mount(portone_sandbox.API_BASE, portone_sandbox.SandboxAdapter(breaks))
    with pytest.raises(requests.ConnectionError):
        session.get(portone_sandbox.API_BASE)
