"""`GET /payments`, asked by PortOne's official SDK and by hand."""

import json
from datetime import datetime, timedelta, timezone

import pytest
import requests
import time_machine
from portone_server_sdk import common
from portone_server_sdk import payment as shapes
from portone_server_sdk.errors import ForbiddenError, InvalidRequestError, UnauthorizedError

from portone_sandbox.channels import KEYS_BY_PG
from tests.portone_sandbox.client import (
    SECRET,
    control,
    make_payment,
    open_window,
    pay,
    post_cancel,
)
from tests.portone_sandbox.conftest import new_room

CUSTOMER = {"fullName": "김구매", "email": "kim@example.com", "phoneNumber": "01099998888"}


PAYMENTS = ["ready", "failed", "issued", "pending", "paid", "part", "cancelled"]


def make_payments(base):
    """One of each status, from the oldest request to the newest."""
    short = {"channelKey": KEYS_BY_PG["KPN"]}  # Toss Payments takes no paymentId under 6 characters
    open_window(base, paymentId="ready", **short)
    make_payment(base, "decline", paymentId="failed", orderName="빨간 신발", customer=CUSTOMER)
    make_payment(base, "issue", paymentId="issued", payMethod="VIRTUAL_ACCOUNT")
    make_payment(base, "pend", paymentId="pending")
    make_payment(base, "approve", paymentId="paid", card={"cardCompany": "BC_CARD"}, **short)
    make_payment(base, "approve", paymentId="part", payMethod="EASY_PAY", currency="USD")
    make_payment(base, "approve", paymentId="cancelled", payMethod="MOBILE")
    post_cancel(base, {"reason": "one of two", "amount": 1}, payment_id="part")
    post_cancel(base, {"reason": "all of it"}, payment_id="cancelled")


@pytest.fixture(scope="module")
def stocked(tmp_path_factory, address):
    with new_room(tmp_path_factory.mktemp("stocked") / "sandbox.db") as address.room:
        make_payments(address.url)
        yield address.room


@pytest.fixture
def payments(stocked, base, address):
    """The payments of a sandbox that no test of this module changes."""
    address.room = stocked
    return PAYMENTS


def ids(answer):
    return [payment.id for payment in answer.items]


def find(portone, **wanted):
    return sorted(ids(portone.get_payments(filter=shapes.PaymentFilterInput(**wanted))))


def get(base, **query):
    return requests.get(
        f"{base}/payments", params=query, headers={"Authorization": f"PortOne {SECRET}"}, timeout=10
    )


def test_without_a_filter_it_is_everything_newest_first(portone, payments):
    answer = portone.get_payments()
    assert ids(answer) == payments[::-1]
    assert (answer.page.number, answer.page.size, answer.page.total_count) == (0, 10, 7)
    kinds = {payment.id: type(payment) for payment in answer.items}
    assert kinds == {
        "ready": shapes.ReadyPayment,
        "failed": shapes.FailedPayment,
        "issued": shapes.VirtualAccountIssuedPayment,
        "pending": shapes.PayPendingPayment,
        "paid": shapes.PaidPayment,
        "part": shapes.PartialCancelledPayment,
        "cancelled": shapes.CancelledPayment,
    }


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"status": ["PAID"]}, "paid"),
        ({"status": ["READY", "PENDING", "VIRTUAL_ACCOUNT_ISSUED"]}, "issued pending ready"),
        ({"status": ["CANCELLED", "PARTIAL_CANCELLED", "FAILED"]}, "cancelled failed part"),
        ({"methods": ["VIRTUAL_ACCOUNT", "MOBILE"]}, "cancelled issued"),
        ({"methods": ["CRYPTO"]}, ""),
        ({"currency": "USD"}, "part"),
        ({"pg_provider": ["KCP_V2"]}, ""),
        ({"pg_provider": ["KPN"], "status": ["PAID"]}, "paid"),
        ({"is_test": False}, ""),
        ({"is_test": True, "status": ["PAID"]}, "paid"),
        ({"is_scheduled": True}, ""),
        ({"is_escrow": False, "is_scheduled": False, "status": ["PAID"]}, "paid"),
        ({"version": "V1"}, ""),
        ({"platform_type": "API"}, ""),
        ({"platform_type": "SDK_PC", "version": "V2", "status": ["PAID"]}, "paid"),
        ({"card_brand": "LOCAL", "card_type": "CREDIT", "status": ["PAID"]}, "paid"),
        ({"card_owner_type": "CORPORATE"}, ""),
        ({"webhook_status": "SUCCEEDED"}, ""),
        ({"text_search": [shapes.PaymentTextSearch("ORDER_NAME", "빨간")]}, "failed"),
        ({"text_search": [shapes.PaymentTextSearch("CUSTOMER_EMAIL", "KIM@")]}, "failed"),
        ({"text_search": [shapes.PaymentTextSearch("PAYMENT_ID", "paid")]}, "paid"),
        ({"text_search": [shapes.PaymentTextSearch("CANCEL_REASON", "one of two")]}, "part"),
        ({"text_search": [shapes.PaymentTextSearch("CARD_ISSUER", "bc_card")]}, "paid"),
        ({"text_search": [shapes.PaymentTextSearch("ALL", "김구매")]}, "failed"),
        (
            {
                "text_search": [
                    shapes.PaymentTextSearch(field, "%' OR 1=1 --") for field in ("ALL", "TX_ID")
                ]
            },
            "",
        ),
    ],
)
def test_each_filter_finds_what_it_asks_for(portone, payments, wanted, found):
    assert find(portone, **wanted) == found.split()


def test_the_time_is_that_of_the_request_or_of_the_status(base, portone):
    make_payments(base)
    between = portone.get_payment(payment_id="paid").requested_at
    assert find(portone, timestamp_type="CREATED_AT", from_=between) == [
        "cancelled",
        "paid",
        "part",
    ]
    assert find(portone, timestamp_type="CREATED_AT", until=between) == [
        "failed",
        "issued",
        "paid",
        "pending",
        "ready",
    ]
    control(base, "deposit", payment_id="issued")
    assert find(portone, timestamp_type="CREATED_AT", from_=between) == [
        "cancelled",
        "paid",
        "part",
    ]
    assert find(portone, timestamp_type="STATUS_CHANGED_AT", from_=between) == [
        "cancelled",
        "issued",
        "paid",
        "part",
    ]
    assert find(portone, from_=between) == ["cancelled", "issued", "paid", "part"]
    seoul = datetime.now(timezone(timedelta(hours=9)))
    assert len(find(portone, until=seoul.isoformat())) == 7
    assert find(portone, from_=(seoul + timedelta(minutes=1)).isoformat()) == []
    assert find(portone, until=(seoul - timedelta(days=100)).isoformat()) == []


def test_without_a_beginning_it_is_the_90_days_before_the_end(base, portone):
    now = datetime.now(timezone.utc)
    with time_machine.travel(now - timedelta(days=120)):
        make_payment(base)
    assert find(portone) == []
    assert find(portone, until=(now - timedelta(days=100)).isoformat()) == ["payment1"]
    assert find(portone, until=(now - timedelta(days=20)).isoformat()) == []


def test_it_sorts_by_request_or_status_either_way(portone, payments):
    def sort(**wanted):
        return ids(portone.get_payments(filter=shapes.PaymentFilterInput(**wanted)))

    assert sort(sort_by="REQUESTED_AT", sort_order="ASC") == payments
    assert sort(sort_by="STATUS_CHANGED_AT", sort_order="DESC")[:2] == ["cancelled", "part"]


def test_pages_hold_everything_once(portone, payments):
    found = []
    for number in range(4):
        answer = portone.get_payments(page=common.PageInput(number=number, size=3))
        assert (answer.page.number, answer.page.size, answer.page.total_count) == (number, 3, 7)
        found += ids(answer)
    assert found == payments[::-1]


def test_what_the_api_does_not_show_yet_is_not_found(base, portone):
    pay(base, "slow")
    assert find(portone, status=["READY"]) == ["payment1"]
    assert find(portone, status=["PAID"]) == []


def test_the_last_webhook_can_be_asked_for(base, portone, merchant):
    pay(base, "approve")
    merchant.wait_for_calls(2)
    portone.resend_webhook(payment_id="payment1")
    assert find(portone, webhook_status="SUCCEEDED") == ["payment1"]
    assert find(portone, webhook_status="FAILED_UNEXPECTED_ERROR") == []


def test_the_filter_may_be_the_body(base, payments):
    headers = {"Authorization": f"PortOne {SECRET}"}
    body = {"filter": {"status": ["PAID"]}, "page": None}
    answer = requests.get(f"{base}/payments", json=body, headers=headers, timeout=10)
    assert [payment["id"] for payment in answer.json()["items"]] == ["paid"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("{", "requestBody"),
        ("[]", "request"),
        ({"page": {"number": -1}}, "page.number"),
        ({"page": {"number": 2**63}}, "page.number"),
        ({"page": {"size": 0}}, "page.size"),
        ({"filter": {"textSearch": [{"field": "ALL", "value": "\ud83d"}]}}, "utf-8"),
        ({"page": {"size": 1001}}, "page.size"),
        ({"page": {"size": "3"}}, "page.size"),
        ({"filter": []}, "filter"),
        ({"filter": {"status": "PAID"}}, "filter.status"),
        ({"filter": {"status": ["DONE"]}}, "filter.status"),
        ({"filter": {"from": "yesterday"}}, "filter.from"),
        ({"filter": {"until": "9999-99-99"}}, "filter.until"),
        ({"filter": {"isTest": "true"}}, "filter.isTest"),
        ({"filter": {"sortBy": "AMOUNT"}}, "filter.sortBy"),
        ({"filter": {"textSearch": [{"field": "SHOE_SIZE", "value": "7"}]}}, "filter.textSearch"),
        ({"filter": {"textSearch": ["x"]}}, "filter.textSearch"),
    ],
)
def test_a_malformed_filter_names_what_is_wrong(base, body, named):
    answer = get(base, requestBody=body if isinstance(body, str) else json.dumps(body))
    assert (answer.status_code, answer.json()["type"]) == (400, "INVALID_REQUEST")
    assert named in answer.json()["message"]


def test_a_filter_is_asked_for_by_its_merchant(base, portone, payments):
    with pytest.raises(ForbiddenError):
        find(portone, store_id="store-other")
    with pytest.raises(InvalidRequestError):
        find(portone, sort_order="SIDEWAYS")
    portone._secret = "wrong"
    with pytest.raises(UnauthorizedError):
        portone.get_payments()


# The console's


def test_the_console_searches(base, payments):
    def shown(**query):
        page = requests.get(f"{base}/", params=query, timeout=10).text
        return [payment_id for payment_id in payments if f'data-payment-id="{payment_id}"' in page]

    assert shown() == payments
    assert shown(q="빨간") == shown(status="FAILED") == ["failed"]
    assert shown(q="빨간", status="PAID") == shown(q="<script>") == []
    assert shown(page=1) == []


@pytest.mark.parametrize(
    ("number", "size", "status"),
    [(59, 1000, 200), (60, 1000, 400), (59_999, 1, 200), (60_000, 1, 400), (0, 1001, 400)],
)
def test_pages_reach_so_far(base, payments, number, size, status):
    page = {"page": {"number": number, "size": size}}
    assert get(base, requestBody=json.dumps(page)).status_code == status
