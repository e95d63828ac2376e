"""What many payments cost: which queries read an index, what is deleted, what is sent again."""

import pytest

from portone_sandbox import idempotency, search
from tests.portone_sandbox.client import KEY, SECRET, payment_request, post_cancel

HEADERS = {"Authorization": f"PortOne {SECRET}"}
LONG_TEXT = "x" * 4000


def order(client, payment_id="payment1", outcome="approve", **changes):
    body = {"request": payment_request(paymentId=payment_id, **changes), "outcome": outcome}
    assert client.post("/control/payments", json=body).status_code == 200


def store_of(room):
    return room.extensions["sandbox"].store


def plans(room, body):
    """How SQLite answers the queries of a search, as it says itself."""
    found = []
    with store_of(room).reading() as db:

        def explain(method):
            def run(query, values=()):
                explained = db.connection.execute(f"EXPLAIN QUERY PLAN {query}", values)
                found.append([row["detail"] for row in explained])
                return method(query, values)

            return run

        db.row, db.rows = explain(db.row), explain(db.rows)
        search.search(db, body)
    return [plan for plan in found if plan]


FROM_THE_BEGINNING = {"from": "2000-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    "filter", [FROM_THE_BEGINNING, {}, {"status": ["PAID"]}, {"timestampType": "CREATED_AT"}]
)
def test_a_page_is_found_without_reading_a_record(room, filter):
    order(room.test_client())
    count, page, *_ = plans(room, {"filter": filter})
    for plan in (count, page):
        assert all("COVERING INDEX" in step for step in plan if " payments " in step), plan


def test_a_text_is_looked_for_in_the_texts_alone(room):
    order(room.test_client())
    text = [{"field": "ALL", "value": "x"}]
    count, page, *_ = plans(room, {"filter": {"textSearch": text}})
    for plan in (count, page):
        assert [step for step in plan if "SCAN" in step] == ["SCAN payment_texts"], plan


# The texts


def found(client, value, field="ALL"):
    text = {"filter": {"textSearch": [{"field": field, "value": value}]}}
    answer = client.get("/payments", json=text, headers=HEADERS).json
    return [item["id"] for item in answer["items"]]


def test_a_text_is_found_whatever_its_case(room):
    client = room.test_client()
    order(client, orderName="Café ÉCOLE 나이키")
    for text in ("café", "école", "ÉCOLE", "나이", "PAYMENT1", "홍길동"):
        assert found(client, text) == ["payment1"], text
    assert found(client, "ÉCOLE", "ORDER_NAME") == ["payment1"]
    assert found(client, "cAFé", "ORDER_NAME") == ["payment1"]
    assert found(client, "payment1", "ORDER_NAME") == []
    assert found(client, "다른") == []


def test_a_text_follows_the_payment(room):
    client = room.test_client()
    order(client, outcome="decline", orderName="first name")
    order(client, orderName="second name")
    assert (found(client, "first name"), found(client, "second name")) == ([], ["payment1"])
    client.post("/control/payments/payment1/cancel", json={"reason": "Wrong size"})
    assert found(client, "wrong SIZE") == found(client, "wrong size", "CANCEL_REASON")
    assert found(client, "wrong size") == ["payment1"]
    client.post("/control/reset")
    assert found(client, "payment1") == []


def test_what_is_hidden_is_found_by_what_it_was(room):
    client = room.test_client()
    order(client, "another", orderName="École")
    order(client, outcome="slow")
    with store_of(room).reading() as db:
        number = db.find_payment("payment1")["method"]["approvalNumber"]
    for field in ("ALL", "CARD_APPROVAL_NUMBER"):
        assert found(client, number, field) == []
    assert found(client, "payment1") == found(client, "payment1", "PAYMENT_ID") == ["payment1"]
    assert found(client, "other") == found(client, "éCOLE") == ["another"]
    with store_of(room).writing() as db:  # the time passes
        db.connection.execute("UPDATE payments SET visibleAt = '2001-01-01' WHERE visibleAt <> ''")
    assert found(client, number) == found(client, number, "CARD_APPROVAL_NUMBER") == ["payment1"]


# The console asks whether something is new


@pytest.mark.parametrize("path", ["/", "/?q=pay", "/console/payments/payment1"])
def test_a_page_is_sent_again_only_after_a_change(room, path):
    client = room.test_client()
    order(client)
    page = client.get(path)
    tag = page.headers["ETag"]
    same = client.get(path, headers={"If-None-Match": tag})
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", tag)
    other_language = client.get(path, headers={"If-None-Match": tag, "Accept-Language": "en"})
    assert other_language.status_code == 200
    client.post("/control/payments/payment1/cancel", json={"amount": 100})
    changed = client.get(path, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["ETag"] == tag) == (200, False)


def test_a_switch_and_a_reset_are_changes_too(room):
    client = room.test_client()
    for change in ("switches/window", "reset"):
        tag = client.get("/").headers["ETag"]
        client.post(f"/control/{change}", json={"outcome": "decline"})
        assert client.get("/", headers={"If-None-Match": tag}).status_code == 200


def test_another_database_never_has_the_same_pages(make_room):
    tags = set()
    for name in ("one.db", "other.db"):
        tags.add(make_room(name=name).test_client().get("/").headers["ETag"])
    assert len(tags) == 2


def test_a_new_process_sends_its_pages_again(make_room):
    """They may have another look, and other settings."""
    tag = make_room().test_client().get("/").headers["ETag"]
    again = make_room().test_client().get("/", headers={"If-None-Match": tag})
    assert again.status_code == 200


def test_a_hidden_change_is_one_once_it_shows(room):
    client = room.test_client()
    order(client, outcome="slow")
    page = client.get("/")
    assert 'class="status READY"' in page.text
    with store_of(room).reading() as db:  # the time passes, and nothing counts it
        db.connection.execute("UPDATE payments SET visibleAt = '2001-01-01'")
    page = client.get("/", headers={"If-None-Match": page.headers["ETag"]})
    assert page.status_code == 200 and 'class="status PAID"' in page.text


def test_a_deadline_that_passes_changes_the_payments_page(room):
    client = room.test_client()
    order(client, outcome="issue", payMethod="VIRTUAL_ACCOUNT")
    page = client.get("/console/payments/payment1")
    with store_of(room).reading() as db:
        set_deadline = "json_set(record, '$.method.expiredAt', '2001-01-01T00:00:00.000000Z')"
        db.connection.execute(f"UPDATE payments SET record = {set_deadline}")
    page = client.get("/console/payments/payment1", headers={"If-None-Match": page.headers["ETag"]})
    assert page.status_code == 200 and 'data-action="expire"' not in page.text


# What is deleted


def test_a_reset_gives_the_disk_space_back(room, tmp_path):
    client = room.test_client()
    empty = sum(file.stat().st_size for file in tmp_path.glob("sandbox.db*"))
    with store_of(room).writing() as db:
        for number in range(500):
            db.save_terms(f"payment{number}", {"currency": LONG_TEXT})
    client.post("/control/reset")
    assert sum(file.stat().st_size for file in tmp_path.glob("sandbox.db*")) < empty + 500_000
    order(client)


def test_a_reset_while_somebody_reads_is_one_all_the_same(room, tmp_path, monkeypatch):
    monkeypatch.setattr("portone_sandbox.store.SHRINK_MILLISECONDS", 1)
    store = store_of(room)
    with store.writing() as db:
        for number in range(500):
            db.save_terms(f"payment{number}", {"currency": LONG_TEXT})
    with store.reading() as reader:
        reader.connection.execute("BEGIN")
        assert reader.find_terms("payment1")
        assert room.test_client().post("/control/reset").json == {}
        assert reader.find_terms("payment1"), "who reads sees one state of the database"
        reader.connection.execute("COMMIT")
    with store.reading() as db:
        assert db.find_terms("payment1") is None


def test_answers_go_after_their_time(room, base, monkeypatch):
    client = room.test_client()
    order(client)
    with monkeypatch.context() as short:
        short.setattr(idempotency, "ANSWER_SECONDS", 0)
        post_cancel(base, {"reason": "x", "amount": 1}, KEY)
    for number in (2, 3):
        post_cancel(base, {"reason": "x", "amount": 1}, f"refund-0000000000{number}")
    with store_of(room).reading() as db:
        keys = [row["key"] for row in db.rows("SELECT key FROM idempotent_answers", ())]
    assert keys == ["refund-00000000002", "refund-00000000003"]
