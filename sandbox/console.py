"""The console: what PortOne knows of each payment, and what a bank would do next.

`/control/…` are the same switches for scripts.
"""

import json

from flask import Blueprint, abort, jsonify, redirect, render_template, url_for

from . import records, rest, store

bp = Blueprint("console", __name__)


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
    return render_template("payment.html", payment=record, text=text)


@bp.post("/console/payments/<path:payment_id>/deposit")
def deposit(payment_id):
    take_deposit(payment_id)
    return redirect(url_for(".payment", payment_id=payment_id), 303)


@bp.post("/control/payments/<path:payment_id>/deposit")
def control_deposit(payment_id):
    """Pays into a waiting virtual account -> the payment, now PAID. Errors: as the REST API's."""
    record, took = take_deposit(payment_id)
    if record is None:
        return rest.payment_not_found()
    return jsonify(record) if took else rest.not_waiting_for_deposit()


def take_deposit(payment_id):
    """Gives the payment's record, or None, and whether the money was taken."""
    with store.writing() as db:
        record = store.find_payment(db, payment_id)
        if record is None or record["status"] != "VIRTUAL_ACCOUNT_ISSUED":
            return record, False
        record = records.deposited(record)
        store.save_payment(db, record)
    return record, True
