"""Webhooks: who may send them, what they may say, and what they do.

What they say is only a reason to ask PortOne.
"""

import base64
import json
import time
from contextlib import suppress
from datetime import datetime, timezone

import portone_server_sdk.webhook
import pytest
import standardwebhooks
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from merchant.models import Order, Payment, PaymentEvent, session
from merchant.webhook import is_signed
from portone_sandbox import accounts
from tests.stand_in import answer, record

pytestmark = pytest.mark.database

TOLERANCE = 5 * 60
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret of the same store").decode()
PAID = "Transaction.Paid"


def signed(body, secret=accounts.WEBHOOK_SECRET, at=None, id="msg_1"):
    """The headers of a webhook with this body (text), sent at a time in seconds, by the published
    library."""
    at = int(at or time.time())
    signature = standardwebhooks.Webhook(secret).sign(
        id, datetime.fromtimestamp(at, timezone.utc), body
    )
    return {"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": signature}


def body_of(order, type=PAID, **data):
    """A webhook's body as of version 2024-04-25, about the order's payment."""
    data = {
        "storeId": order["request"]["storeId"],
        "paymentId": order["paymentId"],
        "transactionId": "tx",
        **data,
    }
    return json.dumps({"type": type, "timestamp": "2026-01-01T00:00:00Z", "data": data})


def send(shop, body, headers=None, content_type="application/json"):
    """Send a webhook, signed unless other headers are given."""
    headers = signed(body) if headers is None else headers
    return shop.client.post(
        "/payment/webhook", data=body, headers=headers, content_type=content_type
    )


def row(shop, model, id):
    with shop.app.app_context():
        return session.get(model, id)


def status(shop, order):
    return row(shop, Order, order["orderId"]).status


def count_events(shop):
    with shop.app.app_context():
        return session.query(PaymentEvent).count()


def lookups(portone):
    return [path for method, path, _, _ in portone.calls if method == "GET"]


@pytest.fixture
def shop(asking_shop):
    return asking_shop


# Who may send one


def accepts(shop, portone, headers, order):
    """Is a webhook about the order accepted with these headers?

    Then PortOne is asked, else nothing happens at all.
    """
    asked, events = len(portone.calls), count_events(shop)
    response = send(shop, body_of(order), headers)
    if response.status_code == 200:
        assert response.json == {"received": True} and len(portone.calls) == asked + 1
        return True
    assert (response.status_code, response.json["error"]["code"]) == (401, "SIGNATURE_INVALID")
    assert len(portone.calls) == asked and count_events(shop) == events, (
        "nobody is asked, nothing is written"
    )
    return False


def test_only_a_signed_webhook_is_accepted(shop, portone):
    order = shop.order()
    body = body_of(order)
    good = signed(body)
    assert accepts(shop, portone, good, order)
    assert not accepts(shop, portone, {}, order)
    assert not accepts(shop, portone, signed(body, OTHER_SECRET), order)
    assert not accepts(shop, portone, signed(body + " "), order)
    assert not accepts(shop, portone, {**good, "webhook-id": "msg_2"}, order)
    assert not accepts(
        shop, portone, {**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) - 1)}, order
    )


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_missing_or_strange_is_refused(shop, portone, name):
    order = shop.order()
    headers = signed(body_of(order))
    headers.pop(name)
    assert not accepts(shop, portone, headers, order)
    for value in [
        "",
        "웹훅".encode().decode("latin-1"),
        "\xff\xfe",
        "v1,",
        "0",
        "-1",
        "1e9",
        "x" * 5_000,
    ]:
        assert (value, accepts(shop, portone, {**headers, name: value}, order)) == (value, False)


@pytest.mark.parametrize(
    ("seconds", "accepted"),
    [(0, True), (30 - TOLERANCE, True), (TOLERANCE - 30, True)]
    + [(-TOLERANCE - 2, False), (TOLERANCE + 30, False), (-86_400, False), (86_400, False)],
)
def test_a_webhook_may_be_replayed_within_the_tolerance_only(shop, portone, seconds, accepted):
    order = shop.order()
    headers = signed(body_of(order), at=time.time() + seconds)
    assert [accepts(shop, portone, headers, order) for _ in range(2)] == [accepted] * 2


def test_both_secrets_are_accepted_during_a_rotation_and_the_removed_one_no_longer_after(
    make_shop, portone
):
    old, new = accounts.WEBHOOK_SECRET, OTHER_SECRET
    for secrets, accepted in [
        (old, [old]),
        (f"{new} {old}", [new, old]),
        (f"{old} {new}", [old, new]),
        (new, [new]),
    ]:
        shop = make_shop(PORTONE_API_BASE=portone.url, PORTONE_WEBHOOK_SECRET=secrets)
        order = shop.order()
        body = body_of(order)
        assert [
            secret for secret in accepted if accepts(shop, portone, signed(body, secret), order)
        ] == accepted
        assert accepts(shop, portone, signed(body, old), order) == (old in accepted)


def test_one_good_signature_of_several_is_enough(shop, portone):
    order = shop.order()
    good = signed(body_of(order))
    bad = signed(body_of(order), OTHER_SECRET)["webhook-signature"]
    for several in ["{bad} {good}", "{good} {bad}", "v2,AAAA {good}", "v1a,AAAA {bad} {good}"]:
        headers = {
            **good,
            "webhook-signature": several.format(bad=bad, good=good["webhook-signature"]),
        }
        assert accepts(shop, portone, headers, order)
    for none in [
        f"{bad} {bad}",
        good["webhook-signature"].replace("v1,", "v2,"),
        good["webhook-signature"][3:],
    ]:
        assert not accepts(shop, portone, {**good, "webhook-signature": none}, order)


def test_a_body_changed_by_one_byte_is_refused(shop, portone):
    order = shop.order()
    body = body_of(order)
    headers = signed(body)
    for at in range(0, len(body), 7):
        changed = body[:at] + chr(ord(body[at]) ^ 1) + body[at + 1 :]
        assert send(shop, changed, headers).status_code == 401
    assert send(shop, body[:-1], headers).status_code == 401
    assert not portone.calls


def test_without_a_secret_anybody_may_send_one_and_it_is_still_only_a_reason_to_ask(
    make_shop, portone
):
    shop = make_shop(PORTONE_API_BASE=portone.url, PORTONE_WEBHOOK_SECRET="")
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "READY")
    assert send(shop, body_of(order), {}).status_code == 200
    assert status(shop, order) == "PENDING"
    portone.records[order["paymentId"]] = record(order, "PAID")
    assert send(shop, body_of(order, "Transaction.Failed"), {}).status_code == 200
    assert status(shop, order) == "PAID"
    assert send(shop, b"\xff", {}).status_code == 400


# The signature, as two published libraries check it


def verdicts(secrets, headers, body):
    """What is_signed, standardwebhooks and portone_server_sdk say of a webhook, given our secrets
    as bytes."""

    def standard(secret):
        with suppress(
            Exception
        ):  # it raises ValueError for some signatures that it can't take apart
            standardwebhooks.Webhook(secret).verify(body, headers, json_parse=False)
            return True

    def portone(secret):
        with suppress(portone_server_sdk.webhook.WebhookVerificationError):
            portone_server_sdk.webhook.verify(secret, body, headers)
            return True

    theirs = [any(check(secret) for secret in secrets) for check in (standard, portone)]
    return [is_signed(secrets, headers, body.encode()), *theirs]


SECRET = b"a secret of the usual length, 32"
AGED = b"an older secret of the same store"


def table():
    """(name, our secrets, headers, body, is it to be accepted?)"""
    now = int(time.time())
    body = '{"type": "Transaction.Paid", "data": {"paymentId": "0", "storeId": "가게"}}'
    good = signed(body, SECRET)
    aged = signed(body, AGED)
    both = f"{aged['webhook-signature']} {good['webhook-signature']}"
    yield "good", [SECRET], good, body, True
    yield "an empty object", [SECRET], signed("{}", SECRET), "{}", True
    yield "a secret of one byte", [b"k"], signed(body, b"k"), body, True
    yield "a long secret", [SECRET * 9], signed(body, SECRET * 9), body, True
    yield "an id of any form", [SECRET], signed(body, SECRET, id="evt.1-가 나"), body, True
    yield "unsigned", [SECRET], {}, body, False
    yield (
        "no id",
        [SECRET],
        {name: good[name] for name in good if name != "webhook-id"},
        body,
        False,
    )
    yield (
        "no timestamp",
        [SECRET],
        {name: good[name] for name in good if name != "webhook-timestamp"},
        body,
        False,
    )
    yield (
        "no signature",
        [SECRET],
        {name: good[name] for name in good if name != "webhook-signature"},
        body,
        False,
    )
    yield "another body", [SECRET], good, body.replace("Paid", "paid"), False
    yield "another id", [SECRET], {**good, "webhook-id": "msg_2"}, body, False
    yield "another time", [SECRET], {**good, "webhook-timestamp": str(now - 10)}, body, False
    yield "another secret", [SECRET], aged, body, False
    yield "rotation, old", [SECRET, AGED], aged, body, True
    yield "rotation, new", [SECRET, AGED], good, body, True
    yield "rotation, after", [SECRET], aged, body, False
    yield "two signatures", [SECRET], {**good, "webhook-signature": both}, body, True
    yield (
        "other version",
        [SECRET],
        {**good, "webhook-signature": "v2," + good["webhook-signature"][3:]},
        body,
        False,
    )
    yield (
        "no version",
        [SECRET],
        {**good, "webhook-signature": good["webhook-signature"][3:]},
        body,
        False,
    )
    yield "empty signature", [SECRET], {**good, "webhook-signature": "v1,"}, body, False
    yield (
        "half a signature",
        [SECRET],
        {**good, "webhook-signature": good["webhook-signature"][:23]},
        body,
        False,
    )
    yield "just in time", [SECRET], signed(body, SECRET, at=now - TOLERANCE + 5), body, True
    yield "just not too early", [SECRET], signed(body, SECRET, at=now + TOLERANCE - 5), body, True
    yield "too old", [SECRET], signed(body, SECRET, at=now - TOLERANCE - 2), body, False
    yield "too new", [SECRET], signed(body, SECRET, at=now + TOLERANCE + 5), body, False
    yield "before all time", [SECRET], {**good, "webhook-timestamp": "-1"}, body, False
    yield "no time", [SECRET], {**good, "webhook-timestamp": "now"}, body, False
    yield "not a number", [SECRET], {**good, "webhook-timestamp": "nan"}, body, False


def test_the_signature_check_agrees_with_the_published_libraries():
    for name, secrets, headers, body, expected in table():
        assert (name, verdicts(secrets, headers, body)) == (name, [expected] * 3)


def test_a_webhook_signed_without_an_id_is_refused_as_the_libraries_do():
    headers = signed("{}", SECRET, id="")
    del headers["webhook-id"]
    assert verdicts([SECRET], headers, "{}") == [False] * 3


@settings(max_examples=40, deadline=None, database=None)
@given(
    place=st.sampled_from(
        ["body", "webhook-id", "webhook-timestamp", "webhook-signature", "secret"]
    ),
    at=st.integers(0, 1000),
    char=st.characters(min_codepoint=32, max_codepoint=126),
)
def test_one_changed_character_anywhere_is_refused(place, at, char):
    body = '{"type": "Transaction.Paid", "data": {"paymentId": "0123456789abcdef"}}'
    original = {"body": body, "secret": SECRET.decode(), **signed(body, SECRET)}
    at %= len(original[place])
    changed = {**original, place: original[place][:at] + char + original[place][at + 1 :]}
    assume(changed != original)
    headers = {name: changed[name] for name in changed if name.startswith("webhook-")}
    ours, *theirs = verdicts([changed["secret"].encode()], headers, changed["body"])
    assert ours is False
    # The libraries read base64 leniently: the signature's last bits, and characters that are not
    # base64, don't count.
    assert theirs == [False, False] or place == "webhook-signature"


@settings(max_examples=40, deadline=None, database=None)
@given(
    body=st.text(),
    id=st.text(min_size=1).filter(str.isprintable),
    secret=st.binary(min_size=1, max_size=80),
)
def test_whatever_is_signed_well_is_accepted(body, id, secret):
    body = json.dumps({"x": body}, ensure_ascii=False)  # portone_server_sdk wants an object
    assert verdicts([secret], signed(body, secret, id=id), body) == [True] * 3


# What one may say


TYPES = [
    PAID,
    "Transaction.Failed",
    "Transaction.Cancelled",
    "Transaction.TakenByAliens",
    "BillingKey.Issued",
    7,
    None,
]


def test_its_type_does_not_matter_and_is_not_believed(shop, portone):
    for type in TYPES:
        order = shop.order()
        for state, expected in [("READY", "PENDING"), ("PAID", "PAID")]:
            portone.records[order["paymentId"]] = record(order, state)
            assert send(shop, body_of(order, type)).status_code == 200
            assert (type, status(shop, order)) == (type, expected)


def test_the_older_version_of_a_body_is_a_notice_too(shop, portone):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID")
    body = json.dumps({"payment_id": order["paymentId"], "tx_id": "tx", "status": "Failed"})
    assert send(shop, body).status_code == 200
    assert status(shop, order) == "PAID"


def test_the_store_that_is_asked_about_is_the_payments_own_whatever_the_body_names(shop, portone):
    order = shop.order()
    assert send(shop, body_of(order, storeId="store-of-somebody-else")).status_code == 200
    assert lookups(portone) == [
        f"/payments/{order['paymentId']}?storeId={order['request']['storeId']}"
    ]


UNKNOWN_IDS = ["0" * 32, "somebody-elses", "../payments", "결제", "a\0b", "\ud800", "x" * 5_000]


def test_an_unknown_payment_is_accepted_and_nobody_is_asked(shop, portone):
    order, events = shop.order(), count_events(shop)
    for id in UNKNOWN_IDS:
        portone.records[id] = record(order, "PAID")
        assert (id, send(shop, body_of(order, paymentId=id)).status_code) == (id, 200)
    assert not portone.calls and count_events(shop) == events


NO_NOTICES = ["{}", '{"data": null}', '{"data": []}', '{"data": "x"}', '{"type": "New.Kind"}']
NO_IDS = [None, 7, True, "", [], ["x"], {}, {"paymentId": "x"}]


def test_an_object_that_names_no_payment_is_no_notice(shop, portone):
    later = [json.dumps({"type": PAID, "data": {"paymentId": id}}) for id in NO_IDS]
    earlier = [json.dumps({"payment_id": id, "status": "Paid"}) for id in NO_IDS]
    for body in [*NO_NOTICES, *later, *earlier]:
        assert (body, send(shop, body).status_code) == (body, 200)
    assert not portone.calls


def test_a_body_that_is_no_json_object_is_explained(shop, portone):
    for body in ["", "null", "[]", '"paymentId"', "7", "{", "{}{}", "[" * 10_000, "{'a': 1}"]:
        response = send(shop, body)
        assert (body, response.status_code) == (body, 400) and response.json["error"][
            "code"
        ] == "INVALID_REQUEST"
    assert not portone.calls


def test_a_form_is_explained_even_when_it_is_signed(shop, portone):
    order = shop.order()
    for body in [body_of(order), f"payment_id={order['paymentId']}&status=paid"]:
        response = send(shop, body, content_type="application/x-www-form-urlencoded")
        assert (response.status_code, response.json["error"]["code"]) == (400, "INVALID_REQUEST")
    assert not portone.calls and status(shop, order) == "PENDING"


def test_a_body_that_is_too_large_is_refused_before_it_is_read(shop, portone):
    order = shop.order()
    response = send(shop, body_of(order) + " " * 20_000)
    assert (response.status_code, response.json["error"]["code"]) == (413, "INVALID_REQUEST")
    assert not portone.calls


# What one does


def test_it_settles_without_the_browsers_return(shop, portone):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID")
    assert send(shop, body_of(order)).status_code == 200
    assert shop.trail(order) == [
        "ORDER_CREATED",
        "ATTEMPT_OPENED",
        "WEBHOOK_RECEIVED",
        "LOOKED_UP",
        "ORDER_PAID",
    ]


def test_it_may_come_before_the_browsers_return(shop, portone):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID")
    send(shop, body_of(order))
    assert shop.complete(order).json["status"] == "PAID"
    assert shop.trail(order)[-2:] == ["ORDER_PAID", "SDK_RETURNED"]


def test_it_may_come_after_the_browsers_return_and_again(shop, portone):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID")
    assert shop.complete(order).json["status"] == "PAID"
    for _ in range(3):
        assert send(shop, body_of(order)).status_code == 200
    assert shop.trail(order)[-2:] == ["ORDER_PAID", "WEBHOOK_RECEIVED"]


def test_it_may_come_before_portones_record_shows_it(shop, portone):
    order = shop.order()
    assert send(shop, body_of(order)).status_code == 200  # a 404 there: no window was opened yet
    portone.records[order["paymentId"]] = record(order, "READY")
    assert send(shop, body_of(order)).status_code == 200
    assert status(shop, order) == "PENDING"
    portone.records[order["paymentId"]] = record(order, "PAID")
    assert send(shop, body_of(order)).status_code == 200
    assert status(shop, order) == "PAID"


def test_a_mismatch_is_received_too_and_kept(shop, portone):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID", currency="USD")
    assert send(shop, body_of(order)).status_code == 200
    assert status(shop, order) == "MISMATCH"
    assert row(shop, Payment, order["paymentId"]).reasons == ["CURRENCY"]


def test_a_deposit_into_a_virtual_account_is_told_by_webhook(shop, portone):
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    portone.records[order["paymentId"]] = record(order, "VIRTUAL_ACCOUNT_ISSUED")
    send(shop, body_of(order, "Transaction.VirtualAccountIssued"))
    assert status(shop, order) == "VIRTUAL_ACCOUNT_ISSUED"
    portone.records[order["paymentId"]] = record(order, "PAID")
    send(shop, body_of(order))
    assert status(shop, order) == "PAID"
    assert shop.trail(order)[-3:] == ["DEPOSIT_AWAITED", "LOOKED_UP", "ORDER_PAID"]


def test_a_payment_that_failed_first_may_be_approved_later(shop, portone):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "FAILED")
    send(shop, body_of(order, "Transaction.Failed"))
    assert status(shop, order) == "FAILED"
    portone.records[order["paymentId"]] = record(order, "PAID")
    send(shop, body_of(order))
    assert status(shop, order) == "PAID"


def test_what_is_cancelled_at_the_pg_later_is_followed_by_the_order(shop, portone):
    order = shop.order()
    for state in ["PAID", "PARTIAL_CANCELLED", "CANCELLED"]:
        portone.records[order["paymentId"]] = record(order, state)
        assert send(shop, body_of(order, "Transaction.Cancelled")).status_code == 200
        assert status(shop, order) == row(shop, Payment, order["paymentId"]).status == state
    assert (
        row(shop, Payment, order["paymentId"]).cancelled_amount == order["request"]["totalAmount"]
    )
    assert [event for event in shop.trail(order) if event.startswith("ORDER_")] == [
        "ORDER_CREATED",
        "ORDER_PAID",
        "ORDER_PARTIAL_CANCELLED",
        "ORDER_CANCELLED",
    ]
    stored = row(shop, Order, order["orderId"])
    assert stored.paid_at and stored.fulfilled_at, "that it was paid and fulfilled stays on record"


def test_no_state_is_left_for_an_earlier_one_even_when_portone_gives_no_time(shop, portone):
    order = shop.order(payMethod="VIRTUAL_ACCOUNT")
    told = ["READY"]
    for state in ["VIRTUAL_ACCOUNT_ISSUED", "PAID", "PARTIAL_CANCELLED", "CANCELLED"]:
        told.append(state)
        for late in [state, *told]:
            portone.records[order["paymentId"]] = record(order, late, updatedAt=None)
            assert send(shop, body_of(order)).status_code == 200
            assert (late, status(shop, order)) == (late, state)
        told.append("FAILED")
    assert shop.trail(order).count("ORDER_PAID") == 1


def test_portone_is_asked_by_every_webhook_even_about_a_paid_payment(shop, portone):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID")
    for _ in range(3):
        send(shop, body_of(order))
        assert shop.complete(order).json["status"] == "PAID"  # answered from the database
    assert len(lookups(portone)) == 3


def duplicate(shop, portone):
    """An order paid by its first attempt, whose second attempt was paid as well."""
    first = shop.order()
    second = shop.client.post(f"/orders/{first['orderId']}/payments", json={}).json
    for attempt in (first, second):
        portone.records[attempt["paymentId"]] = record(attempt, "PAID")
        assert send(shop, body_of(attempt)).status_code == 200
    assert row(shop, Payment, second["paymentId"]).reasons == ["DUPLICATE"]
    return first, second


@pytest.mark.parametrize("state", ["PARTIAL_CANCELLED", "CANCELLED"])
def test_a_refund_of_the_second_payment_leaves_the_order_paid(shop, portone, state):
    first, second = duplicate(shop, portone)
    portone.records[second["paymentId"]] = record(second, state)
    assert send(shop, body_of(second, "Transaction.Cancelled")).status_code == 200
    assert status(shop, first) == "PAID"
    assert row(shop, Payment, second["paymentId"]).status == (
        "CANCELLED" if state == "CANCELLED" else "MISMATCH"
    )
    assert not {"ORDER_CANCELLED", "ORDER_PARTIAL_CANCELLED"} & set(shop.trail(first))


def test_a_refund_of_the_first_payment_is_the_orders_whatever_becomes_of_the_second(shop, portone):
    first, second = duplicate(shop, portone)
    portone.records[first["paymentId"]] = record(first, "CANCELLED")
    send(shop, body_of(first, "Transaction.Cancelled"))
    send(shop, body_of(second))
    assert status(shop, first) == "CANCELLED"
    assert row(shop, Payment, second["paymentId"]).status == "MISMATCH", (
        "it is still to be refunded"
    )
    assert row(shop, Order, first["orderId"]).payment_id == first["paymentId"]
    assert shop.trail(first).count("ORDER_PAID") == 1


# When PortOne can't be asked, it is to be sent again


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"PORTONE_API_BASE": "http://127.0.0.1:9"},
            (503, "PORTONE_UNAVAILABLE"),
        ),  # nobody listens there
        ({"PORTONE_API_SECRET": "wrong"}, (502, "PORTONE_REJECTED")),
    ],
)
def test_a_webhook_that_could_not_be_checked_is_to_be_sent_again(make_shop, settings, expected):
    shop = make_shop(**settings)
    order = shop.order()
    response = send(shop, body_of(order))
    assert (response.status_code, response.json["error"]["code"]) == expected
    assert status(shop, order) == "PENDING"
    assert shop.trail(order)[-2:] == ["WEBHOOK_RECEIVED", "LOOK_UP_FAILED"]


def test_a_webhook_that_is_sent_again_settles(shop, portone):
    order = shop.order()
    portone.records[order["paymentId"]] = record(order, "PAID")
    portone.fault = answer(500, {"type": "INTERNAL", "message": ""})
    response = send(shop, body_of(order))
    assert (response.status_code, response.json["error"]["retryable"]) == (503, True)
    assert response.headers["Retry-After"]
    portone.fault = None
    assert send(shop, body_of(order)).status_code == 200
    assert status(shop, order) == "PAID"
