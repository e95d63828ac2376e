"""The console: what PortOne knows of each payment, and what a bank or the merchant's staff would do next.

`/control/…` are the same switches for scripts.
"""

import json

from flask import Blueprint, abort, jsonify, redirect, render_template, request, url_for

from . import records, rest, store

bp = Blueprint("console", __name__)

# Whom the merchant's staff give a virtual account's money back to.
REFUND_ACCOUNT = {"bank": "SHINHAN", "number": "56000000000000", "holderName": "홍길동"}


@bp.get("/")
def index():
    with store.reading() as db:
        payments = store.list_payments(db)
    return render_template("payments.html", payments=payments)


@bp.get("/console/payments/<path:payment_id>")
def payment(payment_id):
    with store.reading() as db:
        record = store.find_payment(db, payment_id) or abort(404)
    text = json.dumps(record, ensure_ascii=False, indent=2)
    is_waiting = records.awaits_deposit(record)
    return render_template("payment.html", payment=record, text=text, is_waiting=is_waiting)


@bp.post("/console/payments/<path:payment_id>/<any(deposit, expire, cancel):action>")
def act(payment_id, action):
    """A button. Form `amount`, for a cancel."""
    amount = request.form.get("amount", "")
    _act(payment_id, action, {"amount": int(amount) if amount.isdecimal() else amount or None})
    return redirect(url_for(".payment", payment_id=payment_id), 303)


@bp.post("/control/payments/<path:payment_id>/<any(deposit, expire, cancel):action>")
def control(payment_id, action):
    """-> the payment as it is then. Errors: as the REST API's.

    deposit: pays into a waiting virtual account. expire: ends the time to do so. cancel: as merchant's staff would
    in PortOne's console, wholly or `{amount?, reason?, …}` as in the REST API.
    """
    return jsonify(_act(payment_id, action, request.get_json(silent=True) if request.get_data() else {}))


def _act(payment_id, action, body):
    with store.writing() as db:
        if action == "cancel" and isinstance(body, dict):
            body = {"reason": "관리자 콘솔에서 취소", "refundAccount": REFUND_ACCOUNT, **body}
        if action == "cancel":
            return rest.cancel(db, payment_id, body, "CONSOLE")
        return rest.change(db, payment_id, {"deposit": records.deposited, "expire": records.expired}[action])
