"""PortOne's REST API: https://developers.portone.io/api/rest-v2 — every error is `{type, message}`."""

import hashlib
import hmac
import json
import re
import time
from functools import wraps

from flask import Blueprint, jsonify, request

from . import accounts, outages, records, store, webhooks
from .errors import Refused
from .payment_request import BANK, CURRENCY, read
from .search import SEARCH, search

bp = Blueprint("rest", __name__)
bp.before_request(outages.begin)
bp.after_request(outages.end)

# Bodies, as payment_request.read takes them.
CANCEL = {
    "reason! storeId refundEmail": str,
    "amount taxFreeAmount vatAmount currentCancellableAmount": int,
    "skipWebhook": bool,
    "requester": ("", "CUSTOMER ADMIN"),
    "promotionDiscountRetainOption": ("", "RETAIN RELEASE"),
    "refundAccount": {"bank! number! holderName! holderPhoneNumber": str},
}
PRE_REGISTER = {"storeId": str, "totalAmount taxFreeAmount": int, "currency": CURRENCY}
RESEND = {"storeId webhookId": str}

ANSWER_KEPT_SECONDS = 3 * 60 * 60
RUNNING_SECONDS = 60  # a request not answered by then died with its process


@bp.before_request
def authenticate():
    secret = request.headers.get("Authorization", "").removeprefix("PortOne ")
    if not hmac.compare_digest(secret.encode(), accounts.API_SECRET.encode()):
        raise Refused("UNAUTHORIZED")
    if request.args.get("storeId", accounts.STORE_ID) != accounts.STORE_ID:
        raise Refused("FORBIDDEN")


def json_body():
    """Whatever its Content-Type: npm's @portone/server-sdk sends its JSON as text/plain."""
    return request.get_json(force=True, silent=True)


def once(act):
    """A route of `act(db, payment_id) -> JSON`: one transaction, and done once for an Idempotency-Key.

    https://developers.portone.io/api/rest-v2 (멱등 키): 16 to 256 letters, digits, `-` and `_`; what was answered is
    answered again for three hours. The example there has no quotes, the IETF draft it refers to asks for them: both
    are taken. Of another request with the same key it only says that there must be none; 422 is the draft's.
    """

    @wraps(act)
    def route(payment_id):
        key = request.headers.get("Idempotency-Key")
        if key is None:
            with store.writing() as db:
                return act(db, payment_id)
        if not re.fullmatch(r'("?)[A-Za-z0-9_-]{16,256}\1', key):
            raise Refused(
                "INVALID_REQUEST", "Idempotency-Key must be 16 to 256 letters, digits, - and _."
            )
        key, made = (
            key.strip('"'),
            hashlib.sha256(request.full_path.encode() + request.get_data()).hexdigest(),
        )
        with store.reading() as db:  # without waiting for the one who is writing
            earlier = _earlier(db, key)
        if not earlier:
            with store.writing() as db:
                earlier = _earlier(db, key) or _keep(db, key, RUNNING_SECONDS, request=made)
        if earlier and earlier["request"] != made:
            raise Refused(
                "INVALID_REQUEST", "This Idempotency-Key belongs to another request.", code=422
            )
        if earlier:
            return tuple(earlier.get("answer") or Refused("IDEMPOTENCY_OUTSTANDING_REQUEST").answer)
        with store.writing() as db:
            # In the transaction that acts: wherever the process dies, there are both or neither.
            try:
                answer = act(db, payment_id), 200
            except Refused as refused:
                answer = refused.answer
            _keep(db, key, ANSWER_KEPT_SECONDS, request=made, answer=answer)
        return answer

    return route


def _earlier(db, key):
    kept = store.find_document(db, "answer", key)
    return kept if kept and time.time() < kept["until"] else None


def _keep(db, key, seconds, **document):
    store.save_document(db, "answer", key, {**document, "until": time.time() + seconds})


@bp.get("/payments/<path:payment_id>")
def get_payment(payment_id):
    with store.reading() as db:
        return jsonify(show(db, find(db, payment_id)))


@bp.get("/payments")
def get_payments():
    """The filter is the query's `requestBody`, as most clients cannot send a body with GET, or the body."""
    try:
        body = json.loads(request.args.get("requestBody") or request.get_data() or "{}")
    except ValueError:
        raise Refused("INVALID_REQUEST", "requestBody must be JSON.") from None
    with store.reading() as db:
        items, page = search(db, _check(body, SEARCH))
        return jsonify(items=[show(db, record) for record in items], page=page)


def show(db, record):
    """The record, with the webhooks that told of it."""
    told = webhooks.told(db, record["id"])
    return {**record, "webhooks": told} if told else record


@bp.post("/payments/<path:payment_id>/pre-register")
@once
def pre_register_payment(db, payment_id):
    terms = _check(json_body(), PRE_REGISTER)
    record = store.find_payment(db, payment_id)
    if record and "paidAt" in record:
        raise Refused("ALREADY_PAID")
    store.save_document(
        db, "terms", payment_id, {name: terms[name] for name in terms if name != "storeId"}
    )
    return {}


@bp.post("/payments/<path:payment_id>/cancel")
@once
def cancel_payment(db, payment_id):
    record = cancel(db, payment_id, json_body(), "API")
    return {"cancellation": record["cancellations"][-1]}


@bp.post("/payments/<path:payment_id>/virtual-account/close")
@once
def close_virtual_account(db, payment_id):
    return {"closedAt": change(db, payment_id, records.closed)["cancelledAt"]}


@bp.post("/payments/<path:payment_id>/resend-webhook")
def resend_webhook(payment_id):
    """Sends it at once, and answers with what came of it."""
    body = _check(json_body(), RESEND)
    with store.writing() as db:
        find(db, payment_id)
        webhook = webhooks.resend(db, payment_id, body.get("webhookId"))
    webhooks.wait_until_sent(payment_id)
    with store.reading() as db:
        return {
            "webhook": next(
                each for each in webhooks.told(db, payment_id) if each["id"] == webhook["id"]
            )
        }


def cancel(db, payment_id, body, trigger):
    """Gives the payment, cancelled. body: as `POST …/cancel` takes it. trigger: "API" or "CONSOLE"."""
    body = _check(body, CANCEL)
    bank = body.get("refundAccount", {}).get("bank")
    if bank in BANK[1].split() and records.rest_name(bank) != bank:
        name = records.rest_name(bank)
        raise Refused(
            "INVALID_REQUEST", f"refundAccount.bank must be {name}: {bank} is the SDK's code."
        )
    is_quiet = body.get("skipWebhook", False)
    return change(
        db, payment_id, lambda record: records.cancelled(record, body, trigger), is_quiet=is_quiet
    )


def _check(body, shape):
    """The body without its nulls; Refused when it is not as PortOne's schema has it."""
    try:
        body = read(body, shape)
    except ValueError as mistake:
        raise Refused("INVALID_REQUEST", str(mistake)) from None
    for name, value in body.items():
        if type(value) is int and value < (1 if name in ("amount", "totalAmount") else 0):
            raise Refused("INVALID_REQUEST", f"{name} is too small.")
    if body.get("storeId", accounts.STORE_ID) != accounts.STORE_ID:
        raise Refused("FORBIDDEN")
    return body


def change(db, payment_id, change_record, **told):
    """The payment, changed and saved. told: as `webhooks.save_payment` takes it."""
    earlier = find(db, payment_id)
    record = change_record(earlier)
    is_news = record["statusChangedAt"] != earlier["statusChangedAt"]
    (webhooks.save_payment(db, record, **told) if is_news else store.save_payment(db, record))
    return record


def find(db, payment_id):
    record = store.find_payment(db, payment_id, visible_at=records.now())
    if record is None:
        raise Refused("PAYMENT_NOT_FOUND")
    return record
