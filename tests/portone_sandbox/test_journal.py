"""The journal: what the merchant's server asked, what it was sent, and why something was refused."""

import base64
import hashlib
import hmac
import json
import re
import sqlite3
import time

import pytest
import requests

from portone_sandbox import journal, journal_problems
from portone_sandbox.journal_problems import problem_of_call, problem_of_webhook
from portone_sandbox.korean_problems import in_korean
from tests.portone_sandbox.client import (
    SECRET,
    SETTINGS,
    STORE_ID,
    make_payment,
    post_cancel,
    switch,
)
from tests.stand_in import answer


def entries(base, **query):
    found = requests.get(f"{base}/control/journal", params=query, timeout=10)
    assert found.status_code == 200, found.text
    return found.json()["entries"]


def get(base, path="/payments/payment1", authorization=f"PortOne {SECRET}", **options):
    headers = {"Authorization": authorization} if authorization is not None else {}
    return requests.get(f"{base}{path}", headers=headers, timeout=10, **options)


def test_a_call_is_there_with_its_answer(base):
    make_payment(base)
    record = get(base, params={"storeId": STORE_ID}).json()
    post_cancel(base, {"reason": "손님 요청", "amount": 100}, key='"refund-00000000001"')
    look_up, cancel = entries(base)
    assert (look_up["kind"], look_up["method"], look_up["status"]) == ("API", "GET", 200)
    assert look_up["url"] == f"/payments/payment1?storeId={STORE_ID}"
    assert json.loads(look_up["responseBody"]) == record
    assert look_up["requestHeaders"]["Authorization"] == f"PortOne {SECRET}"  # it is public
    assert cancel["paymentId"] == "payment1"
    assert json.loads(cancel["requestBody"]) == {"reason": "손님 요청", "amount": 100}
    assert cancel["requestHeaders"]["Idempotency-Key"] == '"refund-00000000001"'
    assert json.loads(cancel["responseBody"])["cancellation"]["totalAmount"] == 100
    assert cancel["milliseconds"] > 0 and cancel["at"] >= look_up["at"]
    assert look_up["problem"] is cancel["problem"] is None


def test_it_is_filtered_and_read_from_where_one_was(base):
    for name in ("a", "b", "c"):
        get(base, f"/payments/{name}")
    first = requests.get(f"{base}/control/journal", params={"limit": 2}, timeout=10).json()
    assert [each["paymentId"] for each in first["entries"]] == ["a", "b"]
    rest = requests.get(f"{base}/control/journal", params={"since": first["next"]}, timeout=10)
    assert [each["paymentId"] for each in rest.json()["entries"]] == ["c"]
    empty = requests.get(
        f"{base}/control/journal", params={"since": rest.json()["next"]}, timeout=10
    ).json()
    assert empty == {"entries": [], "next": rest.json()["next"]}
    assert [each["paymentId"] for each in entries(base, paymentId="b")] == ["b"]
    assert entries(base, kind="WEBHOOK") == []
    for query in ({"since": "x"}, {"limit": "0"}, {"limit": "9999"}, {"kind": "OTHER"}):
        wrong = requests.get(f"{base}/control/journal", params=query, timeout=10)
        assert (wrong.status_code, wrong.json()["type"]) == (400, "INVALID_REQUEST")


def test_it_lists_500_entries_at_once_and_no_more(base):
    def status(limit):
        found = requests.get(f"{base}/control/journal", params={"limit": limit}, timeout=10)
        return found.status_code

    assert [status(limit) for limit in (1, 500, 0, 501)] == [200, 200, 400, 400]


@pytest.mark.parametrize(
    "authorization, message",
    [
        (None, "is missing"),
        (f"Bearer {SECRET}", "the scheme is 'Bearer'"),
        (f'PortOne "{SECRET}"', "quotation marks"),
        (f"PortOne {SETTINGS['PORTONE_WEBHOOK_SECRET']}", "webhook secret"),
        ("PortOne " + SECRET[:20] + "x", "The first 20 characters"),
        ("PortOne something-of-another-store", "already its first character differs"),
    ],
)
def test_a_refused_authorization_is_explained(base, authorization, message):
    assert get(base, authorization=authorization).status_code == 401
    (entry,) = entries(base)
    assert message in entry["problem"]["message"]
    assert entry["problem"]["expected"] == f"Authorization: PortOne {SECRET}"


def test_a_secret_without_its_scheme_is_explained():
    problem = journal_problems.problem_of_call(SECRET, SECRET, None)
    assert "the scheme 'PortOne ' before it is missing" in problem["message"]
    assert problem["given"] == f"Authorization: {SECRET}"


def test_a_foreign_store_is_explained(base):
    assert get(base, params={"storeId": "store-other"}).status_code == 403
    (entry,) = entries(base)
    assert (entry["problem"]["expected"], entry["problem"]["given"]) == (STORE_ID, "store-other")


def test_a_real_secret_that_was_sent_by_mistake_is_not_kept(base):
    secret = "LiveSecretOfSomebody" * 4
    get(base, authorization=f"PortOne {secret}", cookies={"session": secret})
    requests.post(f"{base}/login/api-secret", json={"apiSecret": secret}, timeout=10)
    page = requests.get(f"{base}/console/journal", timeout=10).text
    assert len(entries(base)) == 2
    assert secret[:5] not in json.dumps(entries(base)) + page
    assert "Live… (80 characters)" in json.dumps(entries(base), ensure_ascii=False)


def test_what_is_not_the_rest_api_is_not_in_it(base):
    make_payment(base)
    requests.get(f"{base}/", timeout=10)
    requests.get(f"{base}/v2/browser-sdk.js", timeout=10)
    requests.options(f"{base}/payments/payment1", timeout=10)
    assert entries(base) == []
    get(base, "/payment-schedules")  # a merchant that asks for what the sandbox has not
    assert [each["url"] for each in entries(base)] == ["/payment-schedules"]


@pytest.mark.parametrize("fault", ["lost", "drop"])
def test_a_call_without_an_answer_is_in_it(base, fault):
    make_payment(base)
    switch(base, "outage", fault=fault, calls=1)
    with pytest.raises(requests.ConnectionError):
        get(base)
    (entry,) = entries(base)
    assert (entry["status"], entry["fault"], entry["responseBody"]) == (None, fault, "")


def test_a_garbled_answer_is_in_it_as_it_was_sent(base):
    make_payment(base)
    switch(base, "outage", fault="garbled", calls=1)
    sent = get(base).text
    (entry,) = entries(base)
    assert (entry["fault"], entry["responseBody"]) == ("garbled", sent)


def test_a_long_body_is_cut(base):
    post_cancel(base, {"reason": "x" * 30_000})
    requests.post(f"{base}/payments/payment1/cancel", data=b"x" * 300_000, timeout=10)
    small, large = entries(base)
    assert len(small["requestBody"]) < journal.KEPT_BODY_CHARACTERS + 100
    assert "more characters" in small["requestBody"]
    assert len(large["requestBody"]) < journal.KEPT_BODY_CHARACTERS + 100


def test_the_oldest_entries_go(base, monkeypatch):
    monkeypatch.setattr(journal, "KEPT_ENTRIES", 5)
    for number in range(8):
        get(base, f"/payments/p{number}")
    assert [each["paymentId"] for each in entries(base)] == ["p3", "p4", "p5", "p6", "p7"]
    requests.post(f"{base}/control/reset", timeout=10)
    assert entries(base) == []
    get(base, "/payments/next")
    assert entries(base)[0]["number"] == 9  # whoever asks with `since` misses none


def test_a_webhook_is_in_it(base, merchant):
    make_payment(base)
    merchant.wait_for_calls(2)
    wait_for_entries(base, 2)
    # They are sent at once, so either can be first.
    types = {json.loads(each["requestBody"])["type"]: each for each in entries(base)}
    assert types.keys() == {"Transaction.Ready", "Transaction.Paid"}
    paid = types["Transaction.Paid"]
    assert (paid["status"], paid["paymentId"], paid["problem"]) == (200, "payment1", None)
    assert paid["url"] == f"{merchant.url}/hook"
    assert paid["requestHeaders"]["webhook-signature"].startswith("v1,")


def test_a_webhook_that_was_refused_can_be_checked_by_hand(base, merchant):
    merchant.fault = answer(401, {"error": "SIGNATURE_INVALID"})
    make_payment(base)
    wait_for_entries(base, 2)
    for entry in entries(base, kind="WEBHOOK", paymentId="payment1"):
        assert entry["status"] == 401 and "SIGNATURE_INVALID" in entry["responseBody"]
        headers = entry["requestHeaders"]
        key = base64.b64decode(SETTINGS["PORTONE_WEBHOOK_SECRET"].removeprefix("whsec_"))
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{entry['requestBody']}"
        digest = base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode()
        problem = entry["problem"]
        assert problem["expected"] == problem["given"] == f"v1,{digest}"
        assert problem["how"].endswith(text) and key.hex() in problem["how"]


def test_a_cookie_that_the_merchant_answers_a_webhook_with_is_not_kept(base, merchant):
    merchant.fault = answer(headers={"Set-Cookie": "session=of-a-merchant"})
    make_payment(base)
    wait_for_entries(base, 2)
    page = requests.get(f"{base}/console/journal", timeout=10).text
    assert "of-a-merchant" not in json.dumps(entries(base)) + page


def test_a_webhook_without_an_answer_is_in_it(base):
    make_payment(base, noticeUrls=["http://127.0.0.1:1/nobody-listens"])
    wait_for_entries(base, 2)
    entry = entries(base, kind="WEBHOOK")[0]
    assert entry["status"] is None and entry["fault"]


def wait_for_entries(base, number):
    """Return once so many webhooks are in the journal. A webhook is stored after its answer."""
    deadline = time.monotonic() + 10
    while len(entries(base, kind="WEBHOOK")) < number:
        assert time.monotonic() < deadline, entries(base)
        time.sleep(0.01)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_console_shows_it(base, language):
    make_payment(base)
    get(base)
    get(base, "/payments/other", authorization="PortOne wrong<b>")
    page = requests.get(f"{base}/console/journal?lang={language}", timeout=10).text
    assert page.index("/payments/other") < page.index("/payments/payment1")
    assert "wron… (8 characters)" in page and "wrong<b>" not in page
    assert page.count('data-entry="API"') == 2
    filtered = requests.get(f"{base}/console/journal?paymentId=payment1", timeout=10).text
    assert filtered.count('data-entry="API"') == 1 and "/payments/other" not in filtered
    assert "/console/journal" in requests.get(f"{base}/", timeout=10).text
    payment = requests.get(f"{base}/console/payments/payment1", timeout=10).text
    assert "/console/journal?paymentId=payment1" in payment


@pytest.mark.parametrize(
    ("authorization", "query"),
    [
        (None, ""),
        (SECRET, ""),
        (f"Bearer {SECRET}", ""),
        (f'PortOne "{SECRET}"', ""),
        (f"PortOne {SETTINGS['PORTONE_WEBHOOK_SECRET']}", ""),
        ("PortOne wrong", ""),
        (f"PortOne {SECRET[:9]}x", ""),
        (f"PortOne {SECRET}", "?storeId=store-of-somebody-else"),
    ],
)
def test_a_problem_has_its_korean(authorization, query):
    store_id = query.partition("=")[2] or None
    problem = problem_of_call(authorization, "PortOne masked", store_id)
    for text in (problem["message"], problem["how"]):
        korean = in_korean(text)
        assert re.search("[가-힣]", korean) and "{" not in korean
        assert all(number in korean for number in re.findall(r"[0-9]+", text))
    assert in_korean(problem["given"]) == problem["given"] or authorization is None


def test_a_refused_webhook_has_its_korean():
    problem = problem_of_webhook({"webhook-id": "1", "webhook-timestamp": "2"}, '{"a":\n"b"}')
    assert re.search("[가-힣]", in_korean(problem["message"]))
    korean = in_korean(problem["how"])
    assert korean.startswith("서명은") and korean.endswith('\n1.2.{"a":\n"b"}')


def test_a_call_is_answered_although_the_journal_can_not_be_written(
    room, session, monkeypatch, caplog
):
    def fail(db, entry):
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(journal, "add", fail)
    client = room.test_client()
    answer = client.get("/payments/x", headers={"Authorization": f"PortOne {SECRET}"})
    assert answer.json["type"] == "PAYMENT_NOT_FOUND"
    assert "/payments/x" in caplog.text


def test_an_answer_that_is_cut_in_the_middle_of_a_character_is_an_entry(base):
    for length in range(6):  # one of them cuts a character of three bytes in two
        payment_id = f"payment{length}"
        make_payment(base, paymentId=payment_id, customData={"x": "x" * length + "가" * 500})
        switch(base, "outage", fault="garbled", calls=1)
        assert get(base, f"/payments/{payment_id}").status_code == 200
        assert entries(base)[-1]["fault"] == "garbled"


@pytest.mark.long
@pytest.mark.browser
def test_the_console_shows_new_entries_by_itself(base, page):
    page.goto(f"{base}/console/journal?lang=en")
    page.get_by_text("No call and no webhook yet.").wait_for()
    get(base, authorization=None)
    entry = page.locator("[data-entry=API][data-status='401']")
    entry.wait_for()
    entry.locator("summary").click()
    assert "The header Authorization is missing." in entry.inner_text()
    get(base, "/payments/payment2")
    page.locator("[data-status='404']").wait_for()
    assert (
        entry.locator("details").get_attribute("open") is not None
    )  # it stays as the reader has it
