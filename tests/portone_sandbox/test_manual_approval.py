"""A channel with manual approval: nothing moves until the merchant's server confirms the token.

Source: https://developers.portone.io/opi/ko/extra/manual-confirm/readme-v2
"""

import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from portone_server_sdk import payment as shapes
from portone_server_sdk.errors import (
    AlreadyPaidError,
    InformationMismatchError,
    InvalidPaymentTokenError,
    InvalidRequestError,
    PaymentNotFoundError,
    PgProviderError,
)

import portone_sandbox
from portone_sandbox import attempts, channels
from tests.portone_sandbox.client import (
    KEY,
    SECRET,
    choose,
    control,
    make_payment,
    open_window,
    pay,
    switch,
)

MANUAL = {"channelKey": channels.MANUAL_CHANNEL}
ACCOUNT = {**MANUAL, "payMethod": "VIRTUAL_ACCOUNT"}


def post_confirm(base, key=None, payment_id="payment1", **body):
    headers = {"Authorization": f"PortOne {SECRET}", **({"Idempotency-Key": key} if key else {})}
    url = f"{base}/payments/{payment_id}/confirm"
    return requests.post(url, json=body, headers=headers, timeout=20)


def read(portone):
    return portone.get_payment(payment_id="payment1")


def test_the_channels_are_listed(base):
    default, manual, live, *others = requests.get(f"{base}/control/channels", timeout=10).json()
    assert default == {
        "key": portone_sandbox.settings(base)["PORTONE_CHANNEL_KEY"],
        "pgProvider": "TOSSPAYMENTS",
        "type": "TEST",
        "name": "샌드박스",
        "manualApproval": False,
    }
    assert (manual["key"], manual["type"], manual["manualApproval"]) == (
        channels.MANUAL_CHANNEL,
        "TEST",
        True,
    )
    assert (live["pgProvider"], live["type"], live["manualApproval"]) == (
        "TOSSPAYMENTS",
        "LIVE",
        False,
    )
    assert {each["type"] for each in others} == {"TEST"}
    assert sorted(each["pgProvider"] for each in others) == sorted(
        channels.PGS.keys() - {"TOSSPAYMENTS"}
    )
    console = requests.get(f"{base}/?lang=en", timeout=10).text
    assert all(channel["key"] in console for channel in (default, manual, live, *others))
    assert console.count("Manual approval") == 1


@pytest.mark.parametrize(
    ("choice", "key"),
    [
        ("1", channels.MANUAL_CHANNEL),
        ("0", channels.DEFAULT_CHANNEL),
        ("", channels.DEFAULT_CHANNEL),
    ],
)
def test_a_setting_gives_a_merchant_that_channel(monkeypatch, choice, key):
    monkeypatch.setenv("SANDBOX_MANUAL_APPROVAL", choice)
    assert portone_sandbox.settings("/sandbox")["PORTONE_CHANNEL_KEY"] == key


def test_another_value_of_the_setting_is_refused_at_the_start(monkeypatch, tmp_path):
    monkeypatch.setenv("SANDBOX_MANUAL_APPROVAL", "yes")
    with pytest.raises(ValueError, match="SANDBOX_MANUAL_APPROVAL"):
        portone_sandbox.create_app(tmp_path / "sandbox.db")


def test_a_token_is_given_and_nothing_is_paid(base, portone):
    result = pay(base, "approve", **MANUAL)
    assert result["paymentToken"] and "code" not in result
    waiting = read(portone)
    assert isinstance(waiting, shapes.ReadyPayment)
    assert waiting.channel.key == channels.MANUAL_CHANNEL
    assert "paymentToken" not in pay(base, "approve", paymentId="payment2")


def test_a_redirect_carries_the_token(base):
    url = open_window(
        base, "REDIRECTION", redirectUrl="http://shop.test/back?order=1", **MANUAL
    ).json()["url"]
    query = parse_qs(urlsplit(choose(base, url, "approve").headers["Location"]).query)
    assert post_confirm(base, paymentToken=query["paymentToken"][0]).status_code == 200


@pytest.mark.parametrize("outcome", ["decline", "cancel"])
def test_a_window_that_fails_gives_no_token(base, portone, outcome):
    result = pay(base, outcome, **MANUAL)
    assert result["code"] and "paymentToken" not in result
    assert isinstance(read(portone), shapes.FailedPayment)


def test_a_confirmation_with_every_check_pays(base, portone):
    result = pay(base, "approve", taxFreeAmount=300, **MANUAL)
    summary = portone.confirm_payment(
        payment_id="payment1",
        payment_token=result["paymentToken"],
        tx_id=result["txId"],
        currency="KRW",
        total_amount=1000,
        tax_free_amount=300,
        is_test=True,
    )
    paid = read(portone)
    assert isinstance(paid, shapes.PaidPayment)
    assert (summary.pg_tx_id, summary.paid_at) == (paid.pg_tx_id, paid.paid_at)
    assert (paid.amount.paid, paid.amount.tax_free) == (1000, 300)


def test_a_confirmation_issues_a_virtual_account(base, portone):
    token = pay(base, "issue", **ACCOUNT)["paymentToken"]
    assert isinstance(read(portone), shapes.ReadyPayment)
    summary = portone.confirm_payment(payment_id="payment1", payment_token=token)
    issued = read(portone)
    assert isinstance(issued, shapes.VirtualAccountIssuedPayment)
    assert summary.pg_tx_id and issued.method.account_number
    with pytest.raises(InvalidPaymentTokenError):
        portone.confirm_payment(payment_id="payment1", payment_token=token)
    assert control(base, "deposit").json()["status"] == "PAID"


def test_what_the_buyer_entered_is_in_the_record(base, portone):
    url = open_window(base, **MANUAL).json()["url"]
    form = {"agree": "on", "cardCompany": "HYUNDAI_CARD", "installment": "0", "secret": "123456"}
    requests.post(f"{base}{url}/buyer", data=form, timeout=10)
    token = requests.post(f"{base}{url}/close", timeout=10).json()["result"]["paymentToken"]
    portone.confirm_payment(payment_id="payment1", payment_token=token)
    assert read(portone).method.card.issuer == "HYUNDAI_CARD"


@pytest.mark.parametrize(
    "check",
    [
        {"tx_id": "another"},
        {"currency": "USD"},
        {"total_amount": 999},
        {"tax_free_amount": 1},
        {"is_test": False},
    ],
)
def test_another_value_is_refused_and_the_token_stays_good(base, portone, check):
    token = pay(base, "approve", **MANUAL)["paymentToken"]
    with pytest.raises(InformationMismatchError):
        portone.confirm_payment(payment_id="payment1", payment_token=token, **check)
    assert isinstance(read(portone), shapes.ReadyPayment)
    portone.confirm_payment(payment_id="payment1", payment_token=token)


@pytest.mark.parametrize(
    ("outcome", "check"),
    [("tamper", {"total_amount": 1000}), ("tamper-tax-free", {"tax_free_amount": 0})],
)
def test_what_the_buyer_changed_is_found_before_money_moves(base, portone, outcome, check):
    token = pay(base, outcome, **MANUAL)["paymentToken"]
    with pytest.raises(InformationMismatchError):
        portone.confirm_payment(payment_id="payment1", payment_token=token, **check)
    portone.confirm_payment(payment_id="payment1", payment_token=token)
    amount = read(portone).amount
    assert (amount.total, amount.tax_free) == ((100, 0) if outcome == "tamper" else (1000, 1000))


@pytest.mark.parametrize("token", ["forged", "payment-token-", "가" * 300])
def test_a_token_that_was_not_given_is_refused(base, portone, token):
    pay(base, "approve", **MANUAL)
    with pytest.raises(InvalidPaymentTokenError):
        portone.confirm_payment(payment_id="payment1", payment_token=token)


def test_a_token_is_of_one_payment(base, portone):
    token = pay(base, "approve", **MANUAL)["paymentToken"]
    pay(base, "approve", paymentId="payment2", **MANUAL)
    with pytest.raises(InvalidPaymentTokenError):
        portone.confirm_payment(payment_id="payment2", payment_token=token)
    with pytest.raises(PaymentNotFoundError):
        portone.confirm_payment(payment_id="payment3", payment_token=token)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"paymentToken": ""},
        {"paymentToken": 1},
        {"paymentToken": "x", "totalAmount": "1000"},
        {"paymentToken": "x", "isTest": "yes"},
    ],
    ids=json.dumps,
)
def test_an_odd_body_is_refused(base, body):
    pay(base, "approve", **MANUAL)
    answer = post_confirm(base, **body)
    assert (answer.status_code, answer.json()["type"]) == (400, "INVALID_REQUEST")


def test_another_store_is_refused(base):
    token = pay(base, "approve", **MANUAL)["paymentToken"]
    answer = post_confirm(base, paymentToken=token, storeId="store-x")
    assert (answer.status_code, answer.json()["type"]) == (403, "FORBIDDEN")


def test_a_payment_is_confirmed_once(base, portone):
    token = pay(base, "approve", **MANUAL)["paymentToken"]

    def confirm(_):
        return post_confirm(base, paymentToken=token).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(confirm, range(8))) == [200] + [409] * 7
    with pytest.raises(AlreadyPaidError):
        portone.confirm_payment(payment_id="payment1", payment_token=token)


def test_a_key_gives_the_first_answer_again(base):
    token = pay(base, "approve", **MANUAL)["paymentToken"]
    first, second = (post_confirm(base, KEY, paymentToken=token) for _ in range(2))
    assert first.status_code == 200 and first.json() == second.json()


@pytest.mark.parametrize("key", [None, KEY])
def test_the_pg_can_refuse_the_confirmation(base, portone, key):
    token = pay(base, "refuse", **MANUAL)["paymentToken"]
    assert isinstance(read(portone), shapes.ReadyPayment)
    answer = post_confirm(base, key, paymentToken=token)
    assert (answer.status_code, answer.json()["type"]) == (502, "PG_PROVIDER")
    assert isinstance(read(portone), shapes.FailedPayment)
    with pytest.raises(InvalidPaymentTokenError):
        portone.confirm_payment(payment_id="payment1", payment_token=token)


def test_an_older_attempt_can_be_confirmed_and_then_no_other(base, portone):
    first = pay(base, "approve", **MANUAL)
    second = pay(base, "decline", **MANUAL)
    third = pay(base, "approve", **MANUAL)
    portone.confirm_payment(payment_id="payment1", payment_token=first["paymentToken"])
    assert read(portone).transaction_id == first["txId"] != second["txId"]
    with pytest.raises(AlreadyPaidError):
        portone.confirm_payment(payment_id="payment1", payment_token=third["paymentToken"])


def test_an_attempt_beside_an_issued_account_is_not_confirmed(base, portone):
    card, account = pay(base, "approve", **MANUAL), pay(base, "issue", **ACCOUNT)
    portone.confirm_payment(payment_id="payment1", payment_token=account["paymentToken"])
    with pytest.raises(PgProviderError):
        portone.confirm_payment(payment_id="payment1", payment_token=card["paymentToken"])
    assert isinstance(read(portone), shapes.VirtualAccountIssuedPayment)


def test_the_other_outcomes_are_those_of_the_approval(base, portone, monkeypatch):
    monkeypatch.setattr(attempts, "SLOW_SECONDS", 600)
    tokens = {
        outcome: pay(base, outcome, paymentId=f"payment-{outcome}", **MANUAL)["paymentToken"]
        for outcome in ("discount", "slow", "abandon")
    }
    for payment_id, token in tokens.items():
        portone.confirm_payment(payment_id=f"payment-{payment_id}", payment_token=token)
    assert portone.get_payment(payment_id="payment-discount").amount.paid == 900
    assert isinstance(portone.get_payment(payment_id="payment-slow"), shapes.ReadyPayment)
    assert isinstance(portone.get_payment(payment_id="payment-abandon"), shapes.PaidPayment)


def test_a_payment_that_is_pending_is_not_offered(base):
    with pytest.raises(AssertionError, match="outcome must be one of"):
        make_payment(base, "pend", **MANUAL)


def test_a_script_is_given_the_token(base, portone):
    made = make_payment(base, **MANUAL)
    assert made["status"] == "READY"
    portone.confirm_payment(payment_id="payment1", payment_token=made["paymentToken"])
    assert "paymentToken" not in make_payment(base, "decline", paymentId="payment2", **MANUAL)


def test_webhooks_come_with_the_confirmation_unless_they_are_skipped(base, portone, merchant):
    switch(base, "webhooks", order="before")
    token = pay(base, "approve", **MANUAL)["paymentToken"]
    portone.confirm_payment(payment_id="payment1", payment_token=token, skip_webhook=True)
    token = pay(base, "approve", paymentId="payment2", **MANUAL)["paymentToken"]
    portone.confirm_payment(payment_id="payment2", payment_token=token)
    merchant.wait_for_calls(3)
    events = [json.loads(body) for *_, body in merchant.calls]
    found = sorted((event["data"]["paymentId"], event["type"]) for event in events)
    assert found == [
        ("payment1", "Transaction.Ready"),
        ("payment2", "Transaction.Paid"),
        ("payment2", "Transaction.Ready"),
    ]


def test_the_window_and_the_console_say_that_it_waits(base):
    url = open_window(base, **MANUAL).json()["url"]
    text = "nothing is paid until the shop's server confirms it"
    text = text.replace("'", "&#39;")
    page = requests.get(f"{base}{url}?lang=en", timeout=10).text
    assert text in page and 'data-outcome="refuse"' in page
    choose(base, url, "approve")
    console = f"{base}/console/payments/payment1?lang=en"
    assert text in requests.get(console, timeout=10).text
    token = requests.post(f"{base}{url}/close", timeout=10).json()["result"]["paymentToken"]
    post_confirm(base, paymentToken=token)
    assert text not in requests.get(console, timeout=10).text


def test_an_invalid_channel_is_refused(base):
    answer = open_window(base, channelKey="channel-key-x")
    assert (answer.status_code, answer.json()["code"]) == (404, "ChannelNotFound")


def test_an_error_of_the_client_is_that_of_the_documents(base, portone):
    with pytest.raises(InvalidRequestError):
        portone.confirm_payment(payment_id="payment1", payment_token="")
