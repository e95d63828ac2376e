"""The command without a browser: its arguments, the report, and what the checks compute."""

import json

import portone_server_sdk as portone
import pytest
from click.testing import CliRunner
from flask import Flask, request

from portone_sandbox import accounts, cli
from portone_sandbox.conformance import forging, main, paying, report, situations
from portone_sandbox.conformance.findings import Result, failed, passed, score, unknown
from portone_sandbox.conformance.portone import PortOne, Webhooks
from portone_sandbox.conformance.traffic import Exchange
from tests.conformance.conftest import serve
from tests.conformance.merchant import MISTAKES

ARGUMENTS = ["http://localhost:1/", "--pay", "#pay", "--paid", "#paid"]
SITUATIONS = situations.load()


@pytest.mark.parametrize("arguments", [[], ["http://localhost:1/", "--pay", "#pay"], ["--what"]])
def test_wrong_use_is_status_2_and_says_how_it_is_used(arguments, capsys):
    assert main(arguments) == 2
    assert "usage: portone-sandbox conformance" in capsys.readouterr().err


def test_an_unknown_check_is_wrong_use_and_the_names_are_listed(capsys):
    assert main([*ARGUMENTS, "--only", "nothing"]) == 2
    assert "amount-changed" in capsys.readouterr().err


def test_without_playwright_the_command_says_how_to_get_it(no_browser, capsys):
    assert main(ARGUMENTS) == 2
    assert "pip install playwright" in capsys.readouterr().err


def test_every_mistake_of_the_broken_merchant_is_about_checks_that_exist():
    names = [each.name for each in SITUATIONS]
    assert len(set(names)) == len(names) >= 45
    assert len(MISTAKES) >= 12
    assert {name for found in MISTAKES.values() for name in found} <= set(names)


def test_the_score_counts_what_was_judged(tmp_path, capsys):
    one, two, three = SITUATIONS[:3]
    results = [Result(one, passed("a")), Result(two, failed("b")), Result(three, unknown("c"))]
    report.save(results, str(tmp_path / "report.json"))
    assert json.loads((tmp_path / "report.json").read_text()) == {
        "score": "1/2",
        "checks": [
            {"name": one.name, "passed": True, "seen": "a", "advice": ""},
            {"name": two.name, "passed": False, "seen": "b", "advice": two.advice},
            {"name": three.name, "passed": None, "seen": "c", "advice": three.advice},
        ],
    }
    assert score(results) in report.summary(results)
    assert two.advice[:20] in report.line(results[1])


@pytest.mark.parametrize(
    "ids, parts",
    [
        (["order-1", "order-2"], ["1", "2"]),
        (["a-7f-z", "a-80-z"], ["7f", "80"]),
        (["same", "same"], ["", ""]),
    ],
)
def test_only_what_varies_between_ids_counts(ids, parts):
    assert paying._varying(ids) == parts


def test_a_field_that_names_the_order_is_found_between_two_requests():
    def sent(order, payment_id):
        body = json.dumps({"order": order, "paymentId": payment_id, "kind": "x"})
        return Exchange("POST", "http://shop/complete", {}, body)

    found = forging._identifiers([sent("1", "a")], [sent("2", "b")], {"a", "b"})
    assert found == ["order"]
    assert forging._identifiers([sent("1", "a")], [sent("1", "b")], {"a", "b"}) == []


def test_the_judges_webhooks_are_as_portones_own_library_wants_them():
    app, found = Flask(__name__), []

    @app.post("/hook")
    def hook():
        secret = accounts.WEBHOOK_SECRET
        try:
            event = portone.webhook.verify(secret, request.get_data(as_text=True), request.headers)
        except portone.webhook.WebhookVerificationError as error:
            found.append(type(error).__name__)
            return {}, 401
        found.append(event.data.payment_id)
        return {}

    with serve(app) as url:
        webhooks = Webhooks(f"{url}/hook")
        assert webhooks.send("one", "tx").status == 200
        for how in ({"signature": None}, {"signature": "wrong"}, {"age": 3600}):
            assert webhooks.send("one", "tx", **how).status == 401
        assert webhooks.send("one", "tx", signature="of another body").status == 401
        assert [each.status for each in webhooks.send_at_once("one", "tx", 3)] == [200] * 3
    assert Webhooks(f"{url}/hook").send("one", "tx").status is None
    assert found.count("one") == 4


def test_the_sandboxs_addresses_are_not_the_merchants():
    portone_address = PortOne("http://localhost:5001/sandbox/")
    assert portone_address.is_own("http://127.0.0.1:5001/sandbox/checkout/1")
    assert not portone_address.is_own("http://localhost:5001/complete")
    assert not portone_address.is_own("http://localhost:5002/sandbox/checkout/1")


def test_the_command_is_one_of_portone_sandboxs():
    result = CliRunner().invoke(cli.main, ["conformance", "--help"])
    assert result.exit_code == 0
    assert "--paid SELECTOR" in result.output
    assert CliRunner().invoke(cli.main, ["conformance", "http://localhost:1/"]).exit_code == 2
