"""Faults of the REST API, on a switch."""

import threading

import pytest
import requests

import portone_sandbox
from portone_sandbox import outages
from tests.portone_sandbox.client import SECRET, control, open_window, pay, post_cancel, switch

HEADERS = {"Authorization": f"PortOne {SECRET}"}


def get(base, http=requests, timeout=10):
    return http.get(f"{base}/payments/payment1", headers=HEADERS, timeout=timeout)


@pytest.fixture
def paid(base):
    pay(base, "approve")


@pytest.mark.parametrize("fault", ["drop", "lost"])
def test_a_connection_is_dropped(base, paid, fault):
    switch(base, "outage", fault=fault, calls=1)
    with requests.Session() as http:  # which keeps its connections
        with pytest.raises(requests.ConnectionError):
            get(base, http)
        assert get(base, http).status_code == 200


@pytest.mark.parametrize("fault", ["drop", "lost", "hang"])
def test_a_connection_is_dropped_without_a_server_too(session, fault, monkeypatch):
    monkeypatch.setattr(outages, "HANG_SECONDS", 0.1)
    session.post(
        f"{portone_sandbox.API_BASE}/control/switches/outage", json={"fault": fault, "calls": 1}
    )
    with pytest.raises(requests.ConnectionError):
        get(portone_sandbox.API_BASE, session)
    assert get(portone_sandbox.API_BASE, session).status_code == 404


def test_what_was_lost_was_done_and_what_was_dropped_was_not(base, paid):
    for fault, cancelled in (("drop", 0), ("lost", 100)):
        switch(base, "outage", fault=fault, calls=1)
        with pytest.raises(requests.ConnectionError):
            post_cancel(base, {"reason": "x", "amount": 100})
        assert get(base).json()["amount"]["cancelled"] == cancelled


@pytest.mark.parametrize("fault", ["500", "429"])
def test_an_error_is_answered_in_portones_shape(base, paid, fault):
    switch(base, "outage", fault=fault, calls=1)
    answer = get(base)
    assert answer.status_code == int(fault)
    assert set(answer.json()) == {"type", "message"}
    assert get(base).status_code == 200


def test_an_answer_is_garbled(base, paid):
    switch(base, "outage", fault="garbled", calls=1)
    answer = get(base)
    assert answer.status_code == 200
    assert answer.text.startswith('{"status":"PAID"')
    with pytest.raises(ValueError):
        answer.json()
    assert get(base).json()["status"] == "PAID"


def test_a_call_hangs(base, room, paid, monkeypatch):
    going_on = threading.Event()
    monkeypatch.setattr(room.extensions["sandbox"], "pause", going_on.wait)
    switch(base, "outage", fault="hang", calls=1)
    with pytest.raises(requests.ReadTimeout):
        get(base, timeout=0.2)
    going_on.set()
    assert get(base).status_code == 200


def test_an_answer_is_slow(base, room, paid, monkeypatch):
    slept = []
    monkeypatch.setattr(room.extensions["sandbox"], "pause", slept.append)
    switch(base, "outage", fault="slow", calls=1)
    assert get(base).json()["status"] == "PAID"
    assert slept == [outages.SLOW_SECONDS]


def test_it_lasts_for_as_many_calls_as_were_said(base, paid):
    switch(base, "outage", fault="500", calls=3)
    assert [get(base).status_code for _ in range(5)] == [500, 500, 500, 200, 200]


def test_it_lasts_until_it_is_switched_off(base, paid):
    switch(base, "outage", fault="500")
    assert {get(base).status_code for _ in range(5)} == {500}
    switch(base, "outage", fault=None)
    assert get(base).status_code == 200


def test_only_the_api_fails(base):
    switch(base, "outage", fault="drop")
    assert open_window(base).status_code == 200
    assert requests.get(f"{base}/", timeout=10).status_code == 200
    assert control(base, "approve").status_code == 409


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("outage", {"fault": "fire"}, 400),
        ("outage", {"fault": "drop", "calls": 0}, 400),
        ("outage", {"fault": "drop", "calls": "3"}, 400),
        ("outage", {"fault": "drop", "calls": True}, 400),
        ("outage", {"fault": ["drop"]}, 400),
        ("outage", [], 400),
        ("outage", None, 400),
        ("webhooks", {"order": "never"}, 400),
        ("window", {"outcome": "steal"}, 400),
        ("weather", {}, 404),
    ],
)
def test_a_switch_knows_its_positions(base, name, body, status):
    answer = requests.post(f"{base}/control/switches/{name}", json=body, timeout=10)
    assert answer.status_code == status
    assert set(answer.json()) == {"type", "message"}
    assert set(requests.get(f"{base}/control/switches", timeout=10).json().values()) == {None}


def test_the_console_has_the_switches(base, paid):
    url = f"{base}/console/switches/outage"
    page = requests.post(url, data={"fault": "500", "calls": "2"}, timeout=10).text
    assert 'data-switch="outage" data-value="500"' in page and 'value="2"' in page
    assert get(base).status_code == 500
    page = requests.post(url, data={"fault": "", "calls": ""}, timeout=10).text
    assert 'data-switch="outage" data-value=""' in page
    assert get(base).status_code == 200
