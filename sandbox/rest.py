"""PortOne's REST API: https://developers.portone.io/api/rest-v2 — every error is `{type, message}`."""

import hashlib
import hmac
import re
import time
from functools import wraps

from flask import Blueprint, jsonify, request

from . import accounts, records, store
from .errors import Refused
from .payment_request import shape_mistakes, without_nulls

bp = Blueprint("rest", __name__)

CANCEL = {
    dict: "refundAccount",
    str: "storeId reason requester promotionDiscountRetainOption refundAccount.* refundEmail",
    int: "amount taxFreeAmount vatAmount currentCancellableAmount",
    bool: "skipWebhook",
}
CANCEL_REQUIRED = ("reason", "refundAccount.bank", "refundAccount.number", "refundAccount.holderName")
PRE_REGISTER = {str: "storeId currency", int: "totalAmount taxFreeAmount"}

ANSWER_KEPT_SECONDS = 3 * 60 * 60
RUNNING_SECONDS = 60  # a request not answered by then died with its process


@bp.before_request
def authenticate():
    secret = request.headers.get("Authorization", "").removeprefix("PortOne ")
    if not hmac.compare_digest(secret.encode(), accounts.API_SECRET.encode()):
        raise Refused("UNAUTHORIZED")
    if request.args.get("storeId", accounts.STORE_ID) != accounts.STORE_ID:
        raise Refused("FORBIDDEN")


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
            raise Refused("INVALID_REQUEST", "Idempotency-Key must be 16 to 256 letters, digits, - and _.")
        key, made = key.strip('"'), hashlib.sha256(request.full_path.encode() + request.get_data()).hexdigest()
        with store.reading() as db:  # without waiting for the one who is writing
            earlier = _earlier(db, key)
        if not earlier:
            with store.writing() as db:
                earlier = _earlier(db, key) or _keep(db, key, RUNNING_SECONDS, request=made)
        if earlier and earlier["request"] != made:
            raise Refused("INVALID_REQUEST", "This Idempotency-Key belongs to another request.", code=422)
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
        return jsonify(_find(db, payment_id))


@bp.post("/payments/<path:payment_id>/pre-register")
@once
def pre_register_payment(db, payment_id):
    terms = _check(request.get_json(silent=True), PRE_REGISTER)
    record = store.find_payment(db, payment_id)
    if record and "paidAt" in record:
        raise Refused("ALREADY_PAID")
    store.save_document(db, "terms", payment_id, {name: terms[name] for name in terms if name != "storeId"})
    return {}


@bp.post("/payments/<path:payment_id>/cancel")
@once
def cancel_payment(db, payment_id):
    record = cancel(db, payment_id, request.get_json(silent=True), "API")
    return {"cancellation": record["cancellations"][-1]}


@bp.post("/payments/<path:payment_id>/virtual-account/close")
@once
def close_virtual_account(db, payment_id):
    return {"closedAt": change(db, payment_id, records.closed)["cancelledAt"]}


def cancel(db, payment_id, body, trigger):
    """Gives the payment, cancelled. body: as `POST …/cancel` takes it. trigger: "API" or "CONSOLE"."""
    body = _check(body, CANCEL, CANCEL_REQUIRED)
    if body.get("requester", "ADMIN") not in ("CUSTOMER", "ADMIN"):
        raise Refused("INVALID_REQUEST", "requester must be CUSTOMER or ADMIN.")
    bank = body.get("refundAccount", {}).get("bank")
    if records.BANKS.get(bank, bank) != bank:
        raise Refused("INVALID_REQUEST", f"refundAccount.bank must be {records.BANKS[bank]}: {bank} is the SDK's code.")
    return change(db, payment_id, lambda record: records.cancelled(record, body, trigger))


def _check(body, types, required=()):
    """The body without its nulls; Refused when it is not as PortOne's schema has it."""
    body = without_nulls(body)
    for message in shape_mistakes(body, types, required):
        raise Refused("INVALID_REQUEST", message)
    for name in types[int].split():
        if body.get(name, 1) < (1 if name in ("amount", "totalAmount") else 0):
            raise Refused("INVALID_REQUEST", f"{name} is too small.")
    if body.get("storeId", accounts.STORE_ID) != accounts.STORE_ID:
        raise Refused("FORBIDDEN")
    return body


def change(db, payment_id, change_record):
    """The payment, changed and saved."""
    record = change_record(_find(db, payment_id))
    store.save_payment(db, record)
    return record


def _find(db, payment_id):
    record = store.find_payment(db, payment_id, visible_at=records.now())
    if record is None:
        raise Refused("PAYMENT_NOT_FOUND")
    return record
