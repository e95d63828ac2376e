"""PortOne's REST API: https://developers.portone.io/api/rest-v2 — every error is `{type, message}`."""

import hmac

from flask import Blueprint, jsonify, request

from . import accounts, records, store

bp = Blueprint("rest", __name__)


@bp.before_request
def authenticate():
    secret = request.headers.get("Authorization", "").removeprefix("PortOne ")
    if not hmac.compare_digest(secret.encode(), accounts.API_SECRET.encode()):
        return error(401, "UNAUTHORIZED", "인증 정보가 올바르지 않습니다.")
    if request.args.get("storeId", accounts.STORE_ID) != accounts.STORE_ID:
        return error(403, "FORBIDDEN", "접근 권한이 없는 상점 아이디입니다.")


@bp.get("/payments/<path:payment_id>")
def get_payment(payment_id):
    with store.reading() as db:
        record = store.find_visible_payment(db, payment_id, records.now())
    if record is None:
        return payment_not_found()
    return jsonify(record)


@bp.post("/payments/<path:payment_id>/virtual-account/close")
def close_virtual_account(payment_id):
    with store.writing() as db:
        record = store.find_payment(db, payment_id)
        if record is None:
            return payment_not_found()
        if record["status"] != "VIRTUAL_ACCOUNT_ISSUED":
            return not_waiting_for_deposit()
        record = records.closed(record)
        store.save_payment(db, record)
    return jsonify(closedAt=record["cancelledAt"])


def payment_not_found():
    return error(404, "PAYMENT_NOT_FOUND", "결제 건이 존재하지 않습니다.")


def not_waiting_for_deposit():
    return error(409, "PAYMENT_NOT_WAITING_FOR_DEPOSIT", "결제 건이 입금 대기 상태가 아닙니다.")


def error(status, type, message):
    return jsonify(type=type, message=message), status
