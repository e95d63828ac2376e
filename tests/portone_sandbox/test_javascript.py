"""PortOne's official JavaScript server SDK. PORTONE_SERVER_SDK is the folder of the unpacked npm
package @portone/server-sdk; without it, or without Node.js, these tests are skipped."""

import json
import os
import shutil
import subprocess

import pytest

from tests.portone_sandbox.client import (
    ROOT,
    SECRET,
    SETTINGS,
    control,
    make_payment,
    open_window,
    post_cancel,
)

FOLDER = os.environ.get("PORTONE_SERVER_SDK")
pytestmark = [
    pytest.mark.skipif(not FOLDER, reason="PORTONE_SERVER_SDK is not set"),
    pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed"),
]


def ask(base, *calls, webhooks=()):
    """What the SDK answers to each `[method, argument]`, and makes of each webhook."""
    orders = {
        "base": base,
        "secret": SECRET,
        "webhookSecret": SETTINGS["PORTONE_WEBHOOK_SECRET"],
        "calls": calls,
        "webhooks": [
            {"body": body.decode(), "headers": headers} for _, _, headers, body in webhooks
        ],
    }
    command = ["node", ROOT / "tests/portone_sandbox/official.mjs", FOLDER, json.dumps(orders)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_it_reads_every_status_and_verifies_every_webhook(base, merchant):
    open_window(base, paymentId="id_READY")
    make_payment(base, "decline", paymentId="id_FAILED")
    make_payment(base, "pend", paymentId="id_PAY_PENDING")
    make_payment(base, "issue", paymentId="id_VIRTUAL_ACCOUNT_ISSUED", payMethod="VIRTUAL_ACCOUNT")
    make_payment(base, "issue", paymentId="id_PAID", payMethod="VIRTUAL_ACCOUNT")
    control(base, "deposit", payment_id="id_PAID")
    for status, body in (
        ("PARTIAL_CANCELLED", {"reason": "x", "amount": 1}),
        ("CANCELLED", {"reason": "x"}),
    ):
        make_payment(base, paymentId=f"id_{status}")
        post_cancel(base, body, payment_id=f"id_{status}")
    merchant.wait_for_calls(16)
    ids = [
        "READY",
        "FAILED",
        "PAY_PENDING",
        "VIRTUAL_ACCOUNT_ISSUED",
        "PAID",
        "PARTIAL_CANCELLED",
        "CANCELLED",
    ]
    said = ask(
        base,
        *(["getPayment", {"paymentId": f"id_{each}"}] for each in ids),
        webhooks=merchant.calls,
    )
    assert [(payment["id"], payment["status"]) for payment in said["answers"]] == [
        (f"id_{each}", each) for each in ids
    ]
    kinds = [
        "Cancelled",
        "Failed",
        "PartialCancelled",
        "PayPending",
        "VirtualAccountIssued",
        "VirtualAccountIssued",
    ]
    kinds = sorted([*kinds, *["Paid"] * 3, *["Ready"] * 7])
    assert sorted(said["verified"]) == [f"Transaction.{kind}" for kind in kinds]


def test_it_sees_a_forged_webhook(base, merchant):
    open_window(base)
    merchant.wait_for_calls(1)
    ((method, path, headers, body),) = merchant.calls
    forged = (method, path, headers, body.replace(b"payment1", b"payment2"))
    assert ask(base, webhooks=[forged])["verified"] == ["NO_MATCHING_SIGNATURE"]


def test_it_cancels_closes_registers_resends_and_lists(base, merchant):
    make_payment(base, paymentId="paid-card")
    make_payment(base, "issue", paymentId="account", payMethod="VIRTUAL_ACCOUNT")
    merchant.wait_for_calls(4)
    cancelled, again, closed, registered, resent, listed, unknown = ask(
        base,
        ["cancelPayment", {"paymentId": "paid-card", "reason": "x"}],
        ["cancelPayment", {"paymentId": "paid-card", "reason": "x"}],
        ["closeVirtualAccount", {"paymentId": "account"}],
        [
            "preRegisterPayment",
            {"paymentId": "next-payment", "totalAmount": 500, "currency": "KRW"},
        ],
        ["resendWebhook", {"paymentId": "paid-card"}],
        ["getPayments", {"page": {"number": 0, "size": 1}, "filter": {"status": ["CANCELLED"]}}],
        ["getPayment", {"paymentId": "unknown"}],
    )["answers"]
    assert cancelled["cancellation"]["status"] == "SUCCEEDED"
    assert again == {"error": "PAYMENT_ALREADY_CANCELLED"}
    assert closed["closedAt"] and registered == {}
    assert resent["webhook"]["status"] == "SUCCEEDED"
    assert (len(listed["items"]), listed["page"]["totalCount"]) == (1, 1)
    assert unknown == {"error": "PAYMENT_NOT_FOUND"}
