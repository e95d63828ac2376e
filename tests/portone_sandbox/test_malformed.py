"""What a hostile or mistaken client sends: it is refused in PortOne's shape, and breaks nothing."""

import json

import pytest
import requests

import portone_sandbox
from portone_sandbox.channels import KEYS_BY_PG
from portone_sandbox.json_text import MAX_DEPTH, MAX_INTEGER, read_json
from portone_sandbox.methods import LONGEST_INSTALLMENT, installment_months
from tests.portone_sandbox.client import SECRET, pay, payment_request, post_cancel

HEADERS = {"Authorization": f"PortOne {SECRET}"}
HUGE = "1" + "0" * 400
DEEP = "[" * 100_000 + "]" * 100_000
NO_JSON = {
    "deep": DEEP,
    "a little too deep": "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "a float that is infinite": "1e999",
    "more digits than Python reads": "1" + "0" * 10_000,
    "half of an emoji": r'"\ud83d"',
    "half": '{"a":',
}


@pytest.fixture
def client(room):
    room.config["PROPAGATE_EXCEPTIONS"] = False  # as a server: an exception is a 500
    return room.test_client()


def order(client, payment_id="payment1", outcome="approve", **changes):
    body = {"request": payment_request(paymentId=payment_id, **changes), "outcome": outcome}
    return client.post("/control/payments", json=body)


def refused(answer, status=400, type="INVALID_REQUEST"):
    assert (answer.status_code, answer.json["type"]) == (status, type), answer.text
    return answer.json["message"]


# Authorization


@pytest.mark.parametrize(
    "header", [SECRET, f"Bearer {SECRET}", f"portone {SECRET}", f"PortOne  {SECRET}", "PortOne", ""]
)
def test_the_scheme_is_a_part_of_the_header(client, header):
    answer = client.get("/payments/payment1", headers={"Authorization": header})
    refused(answer, 401, "UNAUTHORIZED")


# JSON


@pytest.mark.parametrize("value", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_is_refused_wherever_it_comes(client, value):
    assert order(client).status_code == 200
    for body in (value, f'{{"reason": "x", "more": {value}}}'):
        refused(client.post("/payments/payment1/cancel", data=body, headers=HEADERS))
        refused(client.get("/payments", data=body, headers=HEADERS))
        refused(client.post("/control/switches/outage", data=body))
        refused(client.post("/control/payments/payment1/cancel", data=body))
        window = client.post("/checkout/", data=body, content_type="application/json")
        assert (window.status_code, window.json["code"]) == (400, "BadRequest")
    query = client.get("/payments", query_string={"requestBody": value[:2000]}, headers=HEADERS)
    refused(query)
    assert client.get("/payments/payment1", headers=HEADERS).json["status"] == "PAID"


@pytest.mark.parametrize("value", NO_JSON.values(), ids=NO_JSON)
@pytest.mark.parametrize("place", ["customData", "page", "windowType"])
def test_what_is_no_json_opens_no_window(client, value, place):
    body = {"request": payment_request(customData={}), "windowType": "IFRAME", "page": "", "x": 1}
    if place == "customData":
        body["request"]["customData"] = {"a": "HERE"}
    else:
        body[place] = "HERE"
    text = json.dumps(body).replace('"HERE"', value)
    answer = client.post("/checkout/", data=text, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (400, "BadRequest")
    assert client.get("/payments", headers=HEADERS).json["items"] == []


def test_what_is_json_is_read():
    deepest = json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    for value in ({"a": [1, -2.5, "길🙂", None, True]}, MAX_INTEGER * 1000, "", deepest):
        assert read_json(json.dumps(value)) == value


# Numbers and times


@pytest.mark.parametrize("name", ["amount", "taxFreeAmount", "vatAmount"])
@pytest.mark.parametrize("value", [HUGE, "-" + HUGE, "9007199254740992", "1.5", '"1"'])
def test_a_number_that_is_no_amount_cancels_nothing(client, name, value):
    order(client)
    body = f'{{"reason": "x", "{name}": {value}}}'
    assert name in refused(client.post("/payments/payment1/cancel", data=body, headers=HEADERS))
    assert client.get("/payments/payment1", headers=HEADERS).json["status"] == "PAID"


@pytest.mark.parametrize(
    "changes",
    [
        {"totalAmount": int(HUGE)},
        {"vatAmount": int(HUGE)},
        {"products": [{"id": "1", "name": "1", "amount": int(HUGE), "quantity": 1}]},
        {"virtualAccount": {"accountExpiry": {"validHours": int(HUGE)}}},
        {"virtualAccount": {"accountExpiry": {"validHours": 80_000_000}}},
    ],
)
def test_a_number_that_is_too_large_opens_no_window(client, changes):
    refused(order(client, outcome="issue", payMethod="VIRTUAL_ACCOUNT", **changes))


@pytest.mark.parametrize(
    "due_date",
    ["0001-01-01", "00010101", "9999-12-31T23:59:59-09:00", "99991231235959", "9999-01-01T00:00Z"],
)
def test_a_deadline_at_the_end_of_time_is_refused(client, due_date):
    for payment_id, changes in {
        "account": {
            "payMethod": "VIRTUAL_ACCOUNT",
            "virtualAccount": {"accountExpiry": {"dueDate": due_date}},
        },
        "store": {
            "payMethod": "CONVENIENCE_STORE",
            "convenienceStore": {"paymentDeadline": {"dueDate": due_date}},
        },
    }.items():
        outcome = "issue" if payment_id == "account" else "approve"
        assert "dueDate" in refused(order(client, payment_id, outcome, **changes))


def test_an_early_year_is_written_with_four_digits(client):
    expiry = {"accountExpiry": {"dueDate": "0999-01-01T12:00:00Z"}}
    paid = order(client, outcome="issue", payMethod="VIRTUAL_ACCOUNT", virtualAccount=expiry)
    assert paid.json["method"]["expiredAt"] == "0999-01-01T12:00:00.000000Z"
    for since, count in (("0999-01-01T00:00:00Z", 1), ("2999-01-01T00:00:00Z", 0)):
        found = client.get("/payments", json={"filter": {"from": since}}, headers=HEADERS).json
        assert found["page"]["totalCount"] == count


@pytest.mark.parametrize(
    "filter",
    [
        {"until": "0001-01-01T00:00:00Z"},
        {"until": "0001-03-01T00:00:00Z"},
        {"until": "9999-12-31T23:59:59-09:00"},
        {"from": "0001-01-01T00:00:00+09:00"},
        {"textSearch": [{"field": "ALL", "value": "a"}] * 1200},
        {"textSearch": [{"field": "ORDER_NAME", "value": "a"}] * 1200},
        {"methods": ["CARD"] * 5000},
        {"pgProvider": ["KCP"] * 5000},
        {"status": ["PAID"] * 5000},
    ],
    ids=lambda filter: next(iter(filter)),
)
def test_a_filter_without_measure_is_refused(client, filter):
    message = refused(client.get("/payments", json={"filter": filter}, headers=HEADERS))
    assert f"filter.{next(iter(filter))}" in message


def test_a_list_of_months_does_not_fill_the_memory(client):
    option = {"installment": {"monthOption": {"availableMonthList": [50_000_000]}}}
    params = payment_request(totalAmount=60_000, card=option)
    assert installment_months(params) == [0, *range(2, LONGEST_INSTALLMENT + 1)]
    window = client.post("/checkout/", json={"request": params, "windowType": "IFRAME"}).json
    assert len(client.get(window["url"] + "/buyer").data) < 100_000


@pytest.mark.parametrize("digits", [17, 400, 10_000])
def test_a_number_in_the_console_is_one_of_the_apis(client, digits):
    order(client)
    number = "9" * digits
    refused(client.post("/console/payments/payment1/cancel", data={"amount": number}))
    refused(client.post("/console/switches/outage", data={"fault": "500", "calls": number}))


# Addresses


@pytest.mark.parametrize(
    "url", ["http://a:b/", "http://a:99999/", "http://[", "http://" + "a" * 64]
)
def test_a_redirect_to_nowhere_is_refused_at_the_start(client, url):
    assert "redirectUrl" in refused(order(client, redirectUrl=url))


@pytest.mark.parametrize("page", ["http://[", "about:blank", "", "http://]/"])
def test_a_page_without_an_address_pays_all_the_same(client, page):
    """Its relative `noticeUrls` lead nowhere."""
    params = payment_request(noticeUrls=["/hook"])
    body = {"request": params, "windowType": "IFRAME", "page": page}
    window = client.post("/checkout/", json=body)
    assert window.status_code == 200
    ended = client.post(f"{window.json['url']}/outcome", data={"outcome": "approve"})
    assert ended.status_code == 303
    paid = client.get("/payments/payment1", headers=HEADERS).json
    assert (paid["status"], "webhooks" in paid) == ("PAID", False)


@pytest.mark.parametrize("payment_id", ["/x", "x/", "a//b", "//", "a/cancel", "ㄱ/1 ?&#%2F", "?"])
def test_an_id_is_any_text(base, portone, session, payment_id):
    pay(base, "approve", paymentId=payment_id, channelKey=KEYS_BY_PG["NICE_V2"])
    assert portone.get_payment(payment_id=payment_id).id == payment_id
    portone.cancel_payment(payment_id=payment_id, reason="x", amount=1)
    assert portone.get_payment(payment_id=payment_id).amount.cancelled == 1
    page = requests.get(f"{base}/", params={"q": payment_id}, timeout=10)
    assert 'data-payment-status="PARTIAL_CANCELLED"' in page.text
    address = requests.utils.quote(payment_id, safe="")
    url = f"{portone_sandbox.API_BASE}/payments/{address}"
    answer = session.get(url, headers=HEADERS, allow_redirects=False)
    assert (answer.status_code, answer.json()["id"]) == (200, payment_id)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/payments/payment1/instant"),
        ("POST", "/payments/payment1/escrow/logistics"),
        ("GET", "/payments/payment1/transactions"),
        ("GET", "/payments/payment1/"),
        ("GET", "/payments/payment1/cancel"),
        ("POST", "/payments/payment1/more/cancel"),
        ("GET", "/payments-by-cursor"),
        ("POST", "/billing-keys"),
        ("POST", "/login/api-secret"),
        ("GET", "/identity-verifications/1"),
        ("GET", "/control/nothing"),
    ],
)
def test_a_route_that_is_not_in_it_says_so(base, method, path):
    pay(base, "approve")
    answer = requests.request(method, base + path, json={}, headers=HEADERS, timeout=10)
    assert (answer.status_code, answer.json()) == (
        404,
        {"type": "NOT_IN_SANDBOX", "message": f"{method} {path} is not in this sandbox."},
    )


def test_another_method_of_a_route_says_so_too(client):
    answer = client.delete("/payments/payment1", headers=HEADERS)
    message = refused(answer, 405, "NOT_IN_SANDBOX")
    assert message == "DELETE /payments/payment1 is not in this sandbox."
    page = client.get("/nothing", headers={"Accept": "text/html"})
    assert page.status_code == 404 and "GET /nothing is not in this sandbox." in page.text


# The parts of a cancellation


@pytest.mark.parametrize(
    ("earlier", "asked", "status"),
    [
        ([], {"amount": 500, "vatAmount": 92}, 409),
        ([], {"amount": 500, "vatAmount": 91}, 200),
        ([], {"vatAmount": 92}, 409),
        ([{"amount": 300}, {"amount": 300}], {"amount": 100, "vatAmount": 38}, 409),
        ([{"amount": 300}, {"amount": 300}], {"amount": 100, "vatAmount": 37}, 200),
    ],
)
def test_no_more_vat_is_cancelled_than_was_paid(base, earlier, asked, status):
    """Of 1,000 KRW 91 are VAT, of 300 KRW 27."""
    pay(base, "approve")
    for part in earlier:
        assert post_cancel(base, {"reason": "x", **part}).status_code == 200
    answer = post_cancel(base, {"reason": "x", **asked})
    assert answer.status_code == status
    if status == 409:
        assert answer.json()["type"] == "CANCEL_TAX_AMOUNT_EXCEEDS_CANCELLABLE_TAX_AMOUNT"


def test_the_last_part_has_the_vat_that_is_left(base, portone):
    pay(base, "approve")
    for amount in (300, 200, None):
        portone.cancel_payment(payment_id="payment1", reason="x", amount=amount)
    payment = portone.get_payment(payment_id="payment1")
    assert [each.vat_amount for each in payment.cancellations] == [27, 18, 46]


def test_a_payment_without_vat_gives_none_back(base, portone):
    pay(base, "approve", vatAmount=0)
    part = portone.cancel_payment(payment_id="payment1", reason="x", amount=500)
    assert part.cancellation.vat_amount == 0


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ({"taxFreeAmount": 600, "vatAmount": 401}, 400),
        ({"taxFreeAmount": 600, "vatAmount": 400}, 200),
        ({"taxFreeAmount": 1001}, 400),
    ],
)
def test_the_parts_of_an_amount_are_not_more_than_it(client, parts, status):
    answer = order(client, **parts)
    assert answer.status_code == status
    if status == 400:
        assert "parts of totalAmount" in refused(answer)


@pytest.mark.parametrize(
    ("part", "refusal"),
    [
        ({"amount": 400, "vatAmount": 60}, "CANCEL_TAX_AMOUNT_EXCEEDS_CANCELLABLE_TAX_AMOUNT"),
        (
            {"amount": 400, "taxFreeAmount": 200, "vatAmount": 0},
            "CANCEL_TAX_FREE_AMOUNT_EXCEEDS_CANCELLABLE_TAX_FREE_AMOUNT",
        ),
    ],
)
def test_refunds_that_wait_together_give_back_no_more_than_there_is(client, part, refusal):
    """Each fits when it is asked for, but not both."""
    order(client, taxFreeAmount=300)
    client.post("/control/switches/refund", json={"result": "REQUESTED"})
    for _ in range(2):
        body = {"reason": "x", **part}
        asked = client.post("/payments/payment1/cancel", json=body, headers=HEADERS)
        assert asked.json["cancellation"]["status"] == "REQUESTED"
    assert client.post("/control/payments/payment1/approve-refund").status_code == 200
    refused(client.post("/control/payments/payment1/approve-refund"), 409, refusal)
    assert client.get("/payments/payment1", headers=HEADERS).json["amount"]["cancelled"] == 400


def test_a_refund_that_failed_gave_no_vat_back(client):
    order(client)
    for result, amount in (("FAILED", 500), (None, None)):
        client.post("/control/switches/refund", json={"result": result})
        body = {"reason": "x", "amount": amount}
        answer = client.post("/payments/payment1/cancel", json=body, headers=HEADERS)
    assert answer.json["cancellation"]["vatAmount"] == 91
