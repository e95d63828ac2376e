"""Discounts, tax-free parts, cancellations that end later, and how quickly changes are listed."""

import json
from datetime import datetime, timedelta, timezone

import pytest
import requests
from portone_server_sdk import payment as shapes
from portone_server_sdk.errors import (
    CancelAmountExceedsCancellableAmountError,
    CancellableAmountConsistencyBrokenError,
    InvalidRequestError,
)

from portone_sandbox import records
from portone_sandbox.clock import timestamp
from portone_sandbox.search import search
from tests.portone_sandbox.client import (
    SECRET,
    control,
    make_payment,
    open_window,
    pay,
    payment_request,
    post_cancel,
    switch,
)


def read(portone):
    return portone.get_payment(payment_id="payment1")


# A PG's discount


def test_a_discount_leaves_the_total_and_lowers_what_is_paid(base, portone):
    pay(base, "discount")
    amount = read(portone).amount
    assert (amount.total, amount.discount, amount.paid) == (1000, 100, 900)


def test_a_price_of_a_few_won_has_a_discount_too(base, portone):
    pay(base, "discount", totalAmount=9)
    amount = read(portone).amount
    assert (amount.total, amount.discount, amount.paid) == (9, 1, 8)


@pytest.mark.parametrize(("balance", "left"), [("total", 1000), ("paid", 900)])
def test_what_is_left_is_reckoned_from_the_total_or_from_what_was_paid(
    base, portone, balance, left
):
    switch(base, "balance", balance=balance)
    pay(base, "discount")
    with pytest.raises(CancellableAmountConsistencyBrokenError):
        portone.cancel_payment(
            payment_id="payment1", reason="x", current_cancellable_amount=1900 - left
        )
    portone.cancel_payment(
        payment_id="payment1", reason="x", amount=300, current_cancellable_amount=left
    )
    console = requests.get(f"{base}/console/payments/payment1?lang=en", timeout=10).text
    assert f'max="{left - 300}"' in console
    portone.cancel_payment(payment_id="payment1", reason="x", current_cancellable_amount=left - 300)
    cancelled = read(portone)
    assert isinstance(cancelled, shapes.CancelledPayment)
    assert cancelled.amount.cancelled == left


def test_total_is_what_is_set_without_the_switch(base):
    switch(base, "balance", balance="paid")
    switch(base, "balance", balance="total")
    assert requests.get(f"{base}/control/switches", timeout=10).json()["balance"] is None


@pytest.mark.parametrize("balance", ["total", "paid"])
def test_a_discount_on_tax_free_goods_can_be_cancelled(base, portone, balance):
    switch(base, "balance", balance=balance)
    pay(base, "discount", taxFreeAmount=1000)
    cancellation = portone.cancel_payment(payment_id="payment1", reason="x").cancellation
    assert cancellation.tax_free_amount == cancellation.total_amount
    assert isinstance(read(portone), shapes.CancelledPayment)


# The tax-free part


def test_the_tax_free_part_goes_through_to_the_cancellation(base, portone):
    portone.pre_register_payment(
        payment_id="payment1", total_amount=1000, tax_free_amount=300, currency="KRW"
    )
    assert pay(base, "approve", taxFreeAmount=300).get("code") is None
    portone.cancel_payment(payment_id="payment1", reason="x", amount=400, tax_free_amount=200)
    amount = read(portone).amount
    assert (amount.tax_free, amount.cancelled, amount.cancelled_tax_free) == (300, 400, 200)


def test_a_tax_free_part_is_a_part(base, portone):
    assert open_window(base, taxFreeAmount=1001).status_code == 400
    with pytest.raises(InvalidRequestError):
        portone.pre_register_payment(payment_id="payment1", total_amount=1000, tax_free_amount=1001)


def test_another_tax_free_part_than_was_registered_opens_no_window(base, portone):
    portone.pre_register_payment(payment_id="payment1", tax_free_amount=300)
    for changes in ({}, {"taxFreeAmount": 299}):
        refused = open_window(base, **changes)
        assert refused.json()["code"] == "AmountNotEqualToPredefined"
    assert open_window(base, taxFreeAmount=300).status_code == 200


def test_a_buyer_can_change_the_tax_free_part(base, portone):
    assert make_payment(base, "tamper-tax-free")["amount"]["taxFree"] == 1000
    other = make_payment(base, "tamper-tax-free", paymentId="payment2", taxFreeAmount=300)
    assert (other["amount"]["taxFree"], other["amount"]["paid"]) == (0, 1000)
    portone.pre_register_payment(payment_id="payment3", tax_free_amount=300)
    found_out = pay(base, "tamper-tax-free", paymentId="payment3", taxFreeAmount=300)
    assert found_out["code"] == "AmountNotEqualToPredefined"


# Cancellations that end later


def test_a_cancellation_that_is_requested_moves_nothing_until_it_ends(base, portone):
    pay(base, "approve")
    switch(base, "refund", result="REQUESTED")
    asked = portone.cancel_payment(payment_id="payment1", reason="x", amount=300).cancellation
    assert isinstance(asked, shapes.RequestedPaymentCancellation)
    waiting = read(portone)
    assert isinstance(waiting, shapes.PaidPayment) and waiting.amount.cancelled == 0
    assert waiting.cancellations == [asked]
    assert control(base, "approve-refund").json()["amount"]["cancelled"] == 300
    ended = read(portone)
    assert isinstance(ended, shapes.PartialCancelledPayment)
    (cancellation,) = ended.cancellations
    assert isinstance(cancellation, shapes.SucceededPaymentCancellation)
    assert cancellation.id == asked.id and cancellation.cancelled_at == ended.cancelled_at
    assert control(base, "approve-refund").status_code == 409


def test_a_cancellation_that_is_requested_can_fail(base, portone):
    pay(base, "approve")
    switch(base, "refund", result="REQUESTED")
    portone.cancel_payment(payment_id="payment1", reason="x")
    control(base, "decline-refund")
    kept = read(portone)
    assert isinstance(kept, shapes.PaidPayment) and kept.amount.cancelled == 0
    assert isinstance(kept.cancellations[0], shapes.FailedPaymentCancellation)
    switch(base, "refund", result=None)
    portone.cancel_payment(payment_id="payment1", reason="x")
    assert isinstance(read(portone), shapes.CancelledPayment)


def test_a_cancellation_can_fail_at_once(base, portone):
    pay(base, "approve")
    switch(base, "refund", result="FAILED")
    failed = portone.cancel_payment(payment_id="payment1", reason="x").cancellation
    assert isinstance(failed, shapes.FailedPaymentCancellation)
    assert isinstance(read(portone), shapes.PaidPayment)


def test_of_two_requested_cancellations_the_named_one_ends(base, portone):
    pay(base, "approve")
    switch(base, "refund", result="REQUESTED")
    first, second = (
        portone.cancel_payment(payment_id="payment1", reason="x", amount=amount).cancellation
        for amount in (600, 500)
    )
    control(base, "approve-refund", {"cancellationId": second.id})
    assert read(portone).amount.cancelled == 500
    refused = control(base, "approve-refund")
    assert refused.json()["type"] == "CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT"
    control(base, "decline-refund")
    assert [type(each) for each in read(portone).cancellations] == [
        shapes.FailedPaymentCancellation,
        shapes.SucceededPaymentCancellation,
    ]
    with pytest.raises(CancelAmountExceedsCancellableAmountError):
        portone.cancel_payment(payment_id="payment1", reason="x", amount=first.total_amount)


def test_the_console_ends_a_cancellation(base, portone):
    pay(base, "approve")
    switch(base, "refund", result="REQUESTED")
    asked = post_cancel(base, {"reason": "x"}).json()["cancellation"]
    page = requests.get(f"{base}/console/payments/payment1", timeout=10).text
    assert f'data-cancellation="{asked["id"]}"' in page
    assert 'data-action="approve-refund"' in page and 'data-action="decline-refund"' in page
    url = f"{base}/console/payments/payment1/approve-refund"
    requests.post(url, data={"cancellationId": asked["id"]}, timeout=10)
    assert isinstance(read(portone), shapes.CancelledPayment)


# Listing changes


def test_a_page_of_changes_reads_few_of_many_payments(room, base):
    store, now = room.extensions["sandbox"].store, datetime.now(timezone.utc)
    ready = records.ready(payment_request(), "tx", make_payment(base)["origin"])
    with store.writing() as db:
        for number in range(20_000):
            changed_at = timestamp(now - timedelta(minutes=number))
            times = {"requestedAt": changed_at, "statusChangedAt": changed_at}
            db.save_payment({**ready, "id": f"stored{number}", **times})
    filter = {"from": timestamp(now - timedelta(minutes=1500)), "sortBy": "STATUS_CHANGED_AT"}
    queries = []
    with store.reading() as db:
        db.connection.set_trace_callback(queries.append)
        search(db, {"filter": filter})
        db.connection.set_trace_callback(None)
        count, page, *_ = queries
        for query in (count, page):
            plan = [row["detail"] for row in db.rows(f"EXPLAIN QUERY PLAN {query}", ())]
            assert any("payments_by_change" in step for step in plan), plan
    body = {"filter": filter, "page": {"number": 0, "size": 1000}}
    answer = requests.get(
        f"{base}/payments",
        params={"requestBody": json.dumps(body)},
        headers={"Authorization": f"PortOne {SECRET}"},
        timeout=20,
    ).json()
    assert len(answer["items"]) == 1000 and answer["page"]["totalCount"] in (1501, 1502)
    changes = [item["statusChangedAt"] for item in answer["items"]]
    assert changes == sorted(changes, reverse=True)
