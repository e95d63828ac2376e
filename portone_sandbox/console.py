"""The console: what PortOne knows of each payment, what a bank or the merchant's staff do next, and what goes wrong.

`/control/…` are the same switches for scripts: JSON in, JSON out, errors as the REST API's. README.md has them all.
"""

import json
from datetime import datetime, timezone
from functools import partial

from flask import Blueprint, abort, jsonify, redirect, render_template, request, url_for

from . import checkout, outages, payment_request, records, rest, store, webhooks
from .errors import Refused
from .search import search

bp = Blueprint("console", __name__)

# Whom the merchant's staff give a virtual account's money back to.
REFUND_ACCOUNT = {"bank": "SHINHAN", "number": "56000000000000", "holderName": "홍길동"}
ACTIONS = "deposit, expire, cancel, approve, decline, resend-webhook"
PAGE_SIZE = 50

# What is set for payments to come, by name: the field of its document, and what that may be.
SWITCHES = {
    "outage": ("fault", outages.FAULTS),
    "webhooks": ("order", webhooks.ORDERS),
    "window": ("outcome", dict.fromkeys(checkout.OUTCOMES + checkout.ACCOUNT_OUTCOMES, "")),
}

TITLES = {
    "outage": "Calls of the REST API",
    "webhooks": "Webhook and browser",
    "window": "How payment windows end",
}


@bp.get("/")
def index():
    """Query: `q`, to search for, or a paymentId, to go to; `status`; `page`, from 0."""
    text, status, number = (
        request.args.get("q"),
        request.args.get("status"),
        request.args.get("page", 0, int),
    )
    wanted = {"from": "2000-01-01T00:00:00Z"}
    if text:
        wanted["textSearch"] = [{"field": "ALL", "value": text}]
    if status:
        wanted["status"] = [status]
    with store.reading() as db:
        if text and store.find_payment(db, text):
            return redirect(url_for(".payment", payment_id=text))
        payments, page = search(
            db, {"filter": wanted, "page": {"number": number, "size": PAGE_SIZE}}
        )
        switches = _switches(db)
    return render_template(
        "payments.html",
        payments=payments,
        page=page,
        statuses=webhooks.TYPES,
        switches=switches,
        choices=SWITCHES,
        titles=TITLES,
    )


@bp.get("/console/payments/<path:payment_id>")
def payment(payment_id):
    with store.reading() as db:
        record = store.find_payment(db, payment_id) or abort(404)
        return render_template(
            "payment.html",
            payment=record,
            shown=rest.show(db, record),
            is_waiting=records.awaits_deposit(record),
            attempts=store.list_checkouts(db, payment_id),
            webhooks=[
                (webhook, _clock(due_at)) for webhook, due_at in store.list_webhooks(db, payment_id)
            ],
            types=webhooks.TYPES,
            pretty=partial(json.dumps, ensure_ascii=False, indent=2),
        )


def _clock(seconds):
    return seconds and records.timestamp(datetime.fromtimestamp(seconds, timezone.utc))


@bp.post("/console/payments/<path:payment_id>/<action>")
def act(payment_id, action):
    """A button. Form: `amount`, for a deposit and a cancel; `webhookId`."""
    form = {name: value for name, value in request.form.items() if value}
    if form.get("amount", "").isdecimal():
        form["amount"] = int(form["amount"])
    _act(payment_id, action, form)
    return redirect(url_for(".payment", payment_id=payment_id), 303)


@bp.post("/console/switches/<name>")
def set_switch(name):
    """A button. Form: as `control_switch` takes it."""
    form = {key: value or None for key, value in request.form.items()}
    if (form.get("calls") or "").isdecimal():
        form["calls"] = int(form["calls"])
    _set_switch(name, form)
    return redirect(url_for(".index"), 303)


@bp.get("/control/switches")
def control_switches():
    with store.reading() as db:
        return _switches(db)


@bp.post("/control/switches/<name>")
def control_switch(name):
    """`outage`: `{fault, calls?}`, for that many calls, else for all. `webhooks`: `{order}`. `window`: `{outcome}`, as
    every window then ends by itself. A null switches it off.
    """
    _set_switch(name, rest.json_body())
    return control_switches()


@bp.post("/control/reset")
def reset():
    """Forget everything, and switch everything off."""
    with store.writing() as db:
        store.forget_everything(db)
    return {}


@bp.post("/control/payments")
def control_pay():
    """`{request, outcome}` -> the payment: what a buyer would have done in the window which that request opens."""
    body = rest.json_body()
    if not isinstance(body, dict):
        raise Refused("INVALID_REQUEST", "The body must be a JSON object.")
    try:
        wanted = payment_request.check(body.get("request"))
        if body.get("outcome") not in checkout.outcomes(wanted):
            raise Refused(
                "INVALID_REQUEST", f"outcome must be one of {', '.join(checkout.outcomes(wanted))}."
            )
        opened = checkout.begin(wanted, "IFRAME", wanted.get("redirectUrl", request.host_url))
    except payment_request.RequestError as error:
        raise Refused("INVALID_REQUEST", error.message, error.status) from None
    checkout.end(opened["txId"], body["outcome"])
    with store.reading() as db:
        return rest.show(db, store.find_payment(db, opened["paymentId"]))


@bp.post("/control/payments/<path:payment_id>/<action>")
def control(payment_id, action):
    """-> the payment as it is then.

    deposit: pays into a waiting virtual account, `{amount?}`. expire: ends the time to do so. cancel: as merchant's
    staff would in PortOne's console, wholly or `{amount?, reason?, …}` as in the REST API. approve, decline: what the
    PG says of a pending payment. resend-webhook: the newest, or `{webhookId}`.
    """
    return jsonify(_act(payment_id, action, rest.json_body() if request.get_data() else {}))


def _act(payment_id, action, body):
    if not isinstance(body, dict):
        raise Refused("INVALID_REQUEST", "The body must be a JSON object.")
    with store.writing() as db:
        if action == "deposit":
            deposit = {"trigger": "VIRTUAL_ACCOUNT_DEPOSIT"}
            return rest.change(
                db,
                payment_id,
                lambda record: records.deposited(record, body.get("amount")),
                **deposit,
            )
        if action == "expire":
            return rest.change(db, payment_id, records.expired)
        if action == "cancel":
            body = {"reason": "관리자 콘솔에서 취소", "refundAccount": REFUND_ACCOUNT, **body}
            return rest.cancel(db, payment_id, body, "CONSOLE")
        if action in ("approve", "decline"):
            trigger = "ASYNC_PAY_APPROVED" if action == "approve" else "ASYNC_PAY_FAILED"
            return rest.change(
                db, payment_id, lambda record: _decided(record, action), trigger=trigger
            )
        if action != "resend-webhook":
            raise Refused("INVALID_REQUEST", f"The action must be one of {ACTIONS}.")
        record = rest.find(db, payment_id)
        webhooks.resend(db, payment_id, body.get("webhookId"))
    webhooks.wait_until_sent(payment_id)
    return record


def _decided(record, action):
    if record["status"] != "PAY_PENDING":
        raise Refused(
            "INVALID_REQUEST", "The PG has nothing to decide: the payment is not pending.", code=409
        )
    return records.paid(record) if action == "approve" else records.failed(record, records.DECLINED)


def _switches(db):
    return {name: store.find_document(db, "switch", name) for name in SWITCHES}


def _set_switch(name, body):
    field, choices = SWITCHES.get(name) or abort(404)
    value = body.get(field) if isinstance(body, dict) else body
    if not isinstance(body, dict) or value not in (None, *choices):
        raise Refused("INVALID_REQUEST", f"{field} must be one of {', '.join(choices)}, or null.")
    document = {field: value}
    if name == "outage":
        document["calls"] = calls = body.get("calls")
        if calls is not None and (type(calls) is not int or calls < 1):
            raise Refused(
                "INVALID_REQUEST", "calls must be how many calls are to fail, or null for all."
            )
    with store.writing() as db:
        store.save_document(db, "switch", name, document if value else None)
