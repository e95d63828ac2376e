"""The routes of PortOne's REST API: https://developers.portone.io/api/rest-v2

Every error is `{type, message}`.
"""

import hmac

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from . import accounts, outages
from .bodies import check_body, check_resend_webhook
from .database import Database
from .documents import Json
from .errors import Refused
from .events import list_shown
from .http_request import checked_json, json_body, literal_slashes, not_in_sandbox
from .idempotency import idempotent
from .sandbox import current_sandbox
from .search import SEARCH, search

bp = Blueprint("rest", __name__)
bp.before_request(outages.before_call)
bp.after_request(outages.after_call)


@bp.before_request
def authenticate() -> None:
    """The header is `PortOne <API secret>`: https://developers.portone.io/api/rest-v2"""
    given, expected = request.headers.get("Authorization", ""), f"PortOne {accounts.API_SECRET}"
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise Refused("UNAUTHORIZED")
    if request.args.get("storeId", accounts.STORE_ID) != accounts.STORE_ID:
        raise Refused("FORBIDDEN")


@bp.before_request
def refuse_other_routes() -> None:
    """`GET /payments/a/transactions` is not the payment a/transactions, whose slash is `%2F`."""
    rule = request.url_rule.rule if request.url_rule else ""
    if literal_slashes() not in (None, rule.count("/") - 1):
        raise not_in_sandbox()


@bp.get("/payments/<payment_id:payment_id>")
def get_payment(payment_id: str) -> ResponseReturnValue:
    sandbox = current_sandbox()
    with sandbox.store.reading() as db:
        record = sandbox.payments.find(db, payment_id)
        return jsonify(sandbox.payments.show(db, record))


@bp.get("/payments")
def get_payments() -> ResponseReturnValue:
    """The filter is in the query's `requestBody`, as most clients can't send a body with GET, or
    in the body.
    """
    text = request.args.get("requestBody") or request.get_data() or "{}"
    body = checked_json(text, "requestBody")
    sandbox = current_sandbox()
    with sandbox.store.reading() as db:
        records, page = search(db, check_body(body, SEARCH))
        items = [sandbox.payments.show(db, record) for record in records]
        return jsonify(items=items, page=page)


@bp.post("/payments/<payment_id:payment_id>/pre-register")
@idempotent
def pre_register_payment(db: Database, payment_id: str) -> Json:
    current_sandbox().payments.pre_register(db, payment_id, json_body())
    return {}


@bp.post("/payments/<payment_id:payment_id>/confirm")
@idempotent
def confirm_payment(db: Database, payment_id: str) -> Json:
    """ConfirmedPaymentSummary of portone-server-sdk requires paidAt. Where a virtual account was
    issued the time is that of the issue; PortOne documents none.
    """
    record = current_sandbox().attempts.confirm(db, payment_id, json_body())
    return {"pgTxId": record["pgTxId"], "paidAt": record["statusChangedAt"]}


@bp.post("/payments/<payment_id:payment_id>/cancel")
@idempotent
def cancel_payment(db: Database, payment_id: str) -> Json:
    record = current_sandbox().payments.cancel(db, payment_id, json_body(), "API")
    return {"cancellation": record["cancellations"][-1]}


@bp.post("/payments/<payment_id:payment_id>/virtual-account/close")
@idempotent
def close_virtual_account(db: Database, payment_id: str) -> Json:
    record = current_sandbox().payments.close_virtual_account(db, payment_id)
    return {"closedAt": record["statusChangedAt"]}


@bp.post("/payments/<payment_id:payment_id>/resend-webhook")
def resend_webhook(payment_id: str) -> ResponseReturnValue:
    """Sends the webhook at once and answers what came of it."""
    sandbox, asked_id = current_sandbox(), check_resend_webhook(json_body())
    with sandbox.store.writing() as db:
        webhook_id = sandbox.payments.resend_webhook(db, payment_id, asked_id)
    sandbox.sender.wait_until_sent(payment_id)
    with sandbox.store.reading() as db:
        webhooks = list_shown(db, payment_id)
    return jsonify(webhook=next(each for each in webhooks if each["id"] == webhook_id))
