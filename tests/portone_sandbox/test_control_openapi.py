"""The description of /control: the same routes as the app's, and answers that keep to it."""

import re

import pytest
import requests
from jsonschema import Draft202012Validator

from portone_sandbox import actions, control_openapi, switches
from tests.portone_sandbox.client import SECRET, payment_request

NAMES = {"<name>": switches.NAMES, "<action>": actions.ACTIONS}


def spelled_out(rule):
    """The paths of one Flask rule, as the document has them."""
    for placeholder, names in NAMES.items():
        if placeholder in rule:
            return [rule.replace(placeholder, name) for name in names]
    return [rule]


def test_it_has_every_route_and_no_other(room):
    routes = {
        (method, re.sub(r"<\w+:payment_id>", "{paymentId}", path))
        for rule in room.url_map.iter_rules()
        if rule.rule.startswith("/control")
        for path in spelled_out(rule.rule)
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    described = {
        (method.upper(), path)
        for path, methods in control_openapi.document("http://x")["paths"].items()
        for method in methods
        if method != "parameters"
    }
    assert described == routes


@pytest.fixture
def ask(base):
    """Makes a call; its answer must be as the document says. Gives the status and the JSON."""
    document = requests.get(f"{base}/control/openapi.json", timeout=10).json()
    assert document["servers"] == [{"url": base}]

    def ask(method, path, body=None, described_path=None, **query):
        operation = document["paths"][described_path or path][method.lower()]
        answer = requests.request(method, f"{base}{path}", json=body, params=query, timeout=20)
        responses = operation["responses"]
        response = responses.get(str(answer.status_code)) or responses["default"]
        check(response["content"]["application/json"]["schema"], answer.json())
        if answer.status_code == 200 and body is not None:
            check(operation["requestBody"]["content"]["application/json"]["schema"], body)
        return answer.status_code, answer.json()

    def check(schema, value):
        Draft202012Validator.check_schema(schema)
        Draft202012Validator({**schema, "components": document["components"]}).validate(value)

    def act(action, body=None, payment_id="payment1"):
        path = f"/control/payments/{payment_id}/{action}"
        return ask("POST", path, body, "/control/payments/{paymentId}/" + action)

    ask.act = act
    return ask


def test_answers_are_as_it_says(ask, base):
    assert ask("GET", "/control/channels")[0] == 200
    assert ask("GET", "/control/switches")[0] == 200
    body = {"request": payment_request(), "outcome": "approve"}
    assert ask("POST", "/control/payments", body)[1]["status"] == "PAID"
    described = "/control/payments/{paymentId}/warnings"
    assert ask("GET", "/control/payments/payment1/warnings", None, described)[0] == 200
    assert ask("GET", "/control/payments/unknown/warnings", None, described)[0] == 404
    assert ask.act("cancel", {"amount": 100})[1]["status"] == "PARTIAL_CANCELLED"
    headers = {"Authorization": f"PortOne {SECRET}"}
    requests.get(f"{base}/payments/payment1", headers=headers, timeout=10)
    requests.get(f"{base}/payments/payment1", timeout=10)
    journal = ask("GET", "/control/journal", kind="API")[1]
    assert [each["status"] for each in journal["entries"]] == [200, 401]
    assert ask("POST", "/control/reset") == (200, {})


def test_switches_are_as_it_says(ask):
    for name, switch in switches.SWITCHES.items():
        for choice in (*switch.choices, None):
            path = f"/control/switches/{name}"
            assert ask("POST", path, {switch.field: choice})[0] == 200, choice
        assert ask("POST", f"/control/switches/{name}", {switch.field: "no such choice"})[0] == 400
    calls = {"fault": "500", "calls": 2}
    assert ask("POST", "/control/switches/outage", calls)[1]["outage"] == calls
    later = {"order": "after", "seconds": 20}
    assert ask("POST", "/control/switches/webhooks", later)[1]["webhooks"] == later
    assert ask("POST", "/control/switches/webhooks", {**later, "seconds": -1})[0] == 400
    chaos = ask("POST", "/control/switches/chaos", {"seed": 7})[1]["chaos"]
    assert chaos == {"seed": 7, "calls": 0, "windows": 0}
    assert ask("POST", "/control/switches/chaos", {})[1]["chaos"]["seed"] > 0
    assert ask("POST", "/control/switches/chaos", {"seed": "x"})[0] == 400
    assert ask("POST", "/control/switches/chaos", {"seed": None})[1]["chaos"] is None


def test_refusals_are_as_it_says(ask):
    for action in actions.ACTIONS:
        status, error = ask.act(action, {}, "unknown")
        assert (status, error["type"]) == (404, "PAYMENT_NOT_FOUND"), action
    declined = {"request": payment_request(), "outcome": "decline", "code": "REJECT_CARD_COMPANY"}
    status, payment = ask("POST", "/control/payments", declined)
    assert payment["failure"]["pgCode"] == "REJECT_CARD_COMPANY"
    status, error = ask("POST", "/control/payments", {**declined, "code": "NO_SUCH_CODE"})
    assert status == 400 and "REJECT_CARD_COMPANY" in error["message"]
    for action in actions.ACTIONS.keys() - {"resend-webhook"}:
        assert ask.act(action, {})[0] == 409, action
    assert ask.act("resend-webhook", {})[1]["type"] == "WEBHOOK_NOT_FOUND"
    paid = {"request": payment_request(), "outcome": "approve"}
    assert ask("POST", "/control/payments", paid)[0] == 200
    assert ask("POST", "/control/payments", paid)[0] == 409
    assert (
        ask.act("cancel", {"amount": 9999})[1]["type"] == "CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT"
    )
    assert ask.act("cancel", {"amount": "x"})[0] == 400
    for body in (
        {},
        {"request": payment_request(paymentId="payment2"), "outcome": "no such outcome"},
        {"request": payment_request(paymentId="payment2"), "outcome": "decline", "code": "<b>"},
        {"request": payment_request(paymentId="payment2", storeId="store-x"), "outcome": "approve"},
    ):
        assert ask("POST", "/control/payments", body)[0] in (400, 404), body
    assert ask("GET", "/control/journal", limit="0")[0] == 400
