"""The stand-in itself: what it must do right for the other tests to mean something."""

import json
from datetime import datetime, timedelta, timezone

import portone_server_sdk
import pytest
import requests

from tests.money.portone import ACCOUNT, PG_REFUSES, first, lose_answer

SECRET = {"Authorization": f"PortOne {ACCOUNT['PORTONE_API_SECRET']}"}


def order_of(payment_id="a" * 32, amount=1000):
    request = {"paymentId": payment_id, "storeId": "store-1", "channelKey": "channel-key-1"}
    request |= {"orderName": "커피", "totalAmount": amount, "currency": "KRW"}
    return {"paymentId": payment_id, "request": request}


def post(portone, path, body, key=None):
    headers = SECRET | ({"Idempotency-Key": key} if key else {})
    return requests.post(f"{portone.url}/payments/{path}", json=body, headers=headers, timeout=10)


def search(portone, filter=None, in_body=False, **page):
    body = {"filter": filter or {}} | ({"page": page} if page else {})
    sent = {"json": body} if in_body else {"params": {"requestBody": json.dumps(body)}}
    return requests.get(f"{portone.url}/payments", headers=SECRET, timeout=10, **sent)


@pytest.mark.parametrize(
    "state", ["READY", "PAY_PENDING", "FAILED", "ACCOUNT", "PAID", "CANCELLED"]
)
def test_its_records_are_what_the_published_client_takes(portone, state):
    order = order_of()
    portone.open(order)
    acts = {"PAY_PENDING": portone.pend, "FAILED": portone.fail, "ACCOUNT": portone.issue_account}
    acts.get(state, portone.open if state == "READY" else portone.pay)(order)
    if state == "CANCELLED":
        portone.cancel(order["paymentId"], 300)
        portone.cancel(order["paymentId"])
    client = portone_server_sdk.PaymentClient(
        secret=ACCOUNT["PORTONE_API_SECRET"], base_url=portone.url, store_id="store-1"
    )
    found = client.get_payment(payment_id=order["paymentId"])
    assert found.id == order["paymentId"] and found.amount.total == 1000
    listed = client.get_payments(page=None, filter=None)
    assert listed.items == [found] and listed.page.total_count == 1


def test_a_lost_answer_was_carried_out_and_its_key_answers_again_for_three_hours(portone, clock):
    order = order_of()
    portone.pay(order)
    portone.faults["cancel"] = first(lose_answer)
    cancel = f"{order['paymentId']}/cancel", {"reason": "변심", "amount": 300}, '"' + "k" * 16 + '"'
    with pytest.raises(requests.ConnectionError):
        post(portone, *cancel)
    assert post(portone, *cancel).json()["cancellation"]["totalAmount"] == 300
    assert portone.given_back(order["paymentId"]) == 300
    clock.move(hours=3)
    assert post(portone, *cancel).status_code == 200
    assert portone.given_back(order["paymentId"]) == 600, "the key is forgotten"


@pytest.mark.parametrize(("balance", "left"), [("total", 1000), ("paid", 900)])
def test_a_balance_is_reckoned_from_the_total_or_from_what_was_paid(portone, balance, left):
    order = order_of()
    portone.balance = balance
    portone.pay(order, discount=100)
    body = {"reason": "변심", "currentCancellableAmount": 1900 - left}
    assert post(portone, f"{order['paymentId']}/cancel", body).status_code == 409
    body["currentCancellableAmount"] = left
    assert post(portone, f"{order['paymentId']}/cancel", body).status_code == 200
    assert portone.given_back(order["paymentId"]) == left
    assert portone.records[order["paymentId"]]["status"] == "CANCELLED"


def test_a_requested_cancellation_moves_nothing_until_it_ends(portone):
    order = order_of()
    portone.pay(order)
    portone.cancel_result = "REQUESTED"
    body = {"reason": "변심"}
    answer = post(portone, f"{order['paymentId']}/cancel", body).json()
    assert answer["cancellation"]["status"] == "REQUESTED"
    made = portone.records[order["paymentId"]]
    assert (made["status"], made["amount"]["cancelled"]) == ("PAID", 0)
    portone.end_cancellation(order["paymentId"])
    assert (made["status"], made["amount"]["cancelled"]) == ("CANCELLED", 1000)


@pytest.mark.parametrize("in_body", [False, True])
def test_its_list_is_of_the_last_ninety_days_in_pages_by_the_time_of_the_status(
    portone, clock, in_body
):
    old, young = order_of("a" * 32), order_of("b" * 32)
    portone.pay(old)
    clock.move(days=91)
    portone.pay(young)
    answer = search(portone, in_body=in_body).json()
    assert [item["id"] for item in answer["items"]] == ["b" * 32]
    since = (datetime.now(timezone.utc) - timedelta(days=100)).isoformat()
    page = search(portone, {"from": since, "sortOrder": "ASC"}, in_body, number=1, size=1).json()
    assert [item["id"] for item in page["items"]] == ["b" * 32]
    assert page["page"] == {"number": 1, "size": 1, "totalCount": 2}
    portone.cancel("a" * 32)
    assert search(portone, in_body=in_body).json()["page"]["totalCount"] == 2


def test_its_list_refuses_what_portone_does_not_take(portone):
    assert search(portone, number=60, size=1000).status_code == 400
    assert search(portone, number=59, size=1000).status_code == 200
    assert search(portone, size=1001).status_code == 400
    assert search(portone, {"colour": "red"}).status_code == 400
    assert search(portone, {"storeId": "store-2"}).status_code == 403
    assert requests.get(f"{portone.url}/payments", timeout=10).status_code == 401


def test_a_token_takes_the_money_once_and_only_on_the_terms_that_are_checked(portone):
    order = order_of()
    token = portone.token(order)
    path = f"{order['paymentId']}/confirm"
    terms = {"paymentToken": token, "totalAmount": 1000, "currency": "KRW", "isTest": True}
    assert post(portone, path, {"paymentToken": "forged"}).json()["type"] == "INVALID_PAYMENT_TOKEN"
    other = post(portone, path, {**terms, "totalAmount": 999})
    assert (other.status_code, other.json()["type"]) == (409, "INFORMATION_MISMATCH")
    assert not portone.approvals
    assert set(post(portone, path, terms).json()) == {"pgTxId", "paidAt"}
    assert post(portone, path, terms).json()["type"] == "ALREADY_PAID"
    assert portone.approvals == {order["paymentId"]: 1}


def test_an_account_is_closed_once_and_not_where_the_pg_refuses(portone):
    order = order_of()
    portone.issue_account(order)
    path = f"{order['paymentId']}/virtual-account/close"
    portone.faults["virtual-account/close"] = first(PG_REFUSES)
    assert post(portone, path, None).status_code == 502
    assert set(post(portone, path, None).json()) == {"closedAt"}
    assert post(portone, path, None).json()["type"] == "PAYMENT_NOT_WAITING_FOR_DEPOSIT"
    assert portone.records[order["paymentId"]]["status"] == "CANCELLED"
    assert portone.count("virtual-account/close") == 3
