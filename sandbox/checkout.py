"""The payment window: what the SDK opens, what the buyer sees in it, and how it ends.

The SDK posts the merchant's request to `/checkout/` and opens the page it is answered with. There the buyer
picks an outcome; the page `done` then tells the SDK, or the browser goes to the merchant's redirectUrl.
"""

import json
import uuid
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, abort, jsonify, redirect, render_template, request, url_for

from . import payment_request, records, store
from .language import prefer_language
from .payment_request import RequestError

bp = Blueprint("checkout", __name__, url_prefix="/checkout")

OUTCOMES = ("approve", "decline", "cancel", "tamper", "abandon", "slow")
ACCOUNT_OUTCOMES = ("issue", "decline", "cancel", "tamper")
SLOW_SECONDS = 3

# How a card company knows its customer: a password of the ISP service, one of its own 3-D Secure page (MPI),
# or, the others, its app on the phone.
AUTHENTICATION = {
    **dict.fromkeys(("BC_CARD", "KOOKMIN_CARD", "WOORI_CARD"), "isp"),
    **dict.fromkeys(("LOTTE_CARD", "HANA_CARD", "NH_CARD"), "mpi"),
}


@bp.after_request
def allow_other_origins(response):
    """The SDK runs in the merchant's page, which may be anywhere."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type"
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.errorhandler(RequestError)
def refuse(error):
    return jsonify(code=error.code, message=error.message), error.status


@bp.post("/")
def open_checkout():
    """`{request, windowType, page}` from the SDK -> `{txId, url}` of the window, the payment being READY.

    windowType: IFRAME, POPUP or REDIRECTION. page: the address of the merchant's page.
    """
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise RequestError("BadRequest", "The body must be a JSON object.")
    wanted = payment_request.check(body.get("request"))
    if body.get("windowType") not in payment_request.WINDOW_TYPES:
        raise RequestError("BadRequest", "windowType is required.")
    if body["windowType"] == "REDIRECTION" and "redirectUrl" not in wanted:
        raise RequestError("BadRequest", "redirectUrl is required for a REDIRECTION window.")
    tx_id = str(uuid.uuid4())
    checkout = {
        "txId": tx_id,
        "paymentId": wanted["paymentId"],
        "request": wanted,
        "windowType": body["windowType"],
        "origin": _merchant_origin(),
        "outcome": None,
        "result": None,
    }
    with store.writing() as db:
        record = store.find_payment(db, wanted["paymentId"])
        _refuse_second_payment(record)
        _refuse_other_terms(store.find_document(db, "terms", wanted["paymentId"]), wanted)
        store.save_payment(db, records.ready(wanted, tx_id, _origin(body), earlier=record))
        store.save_document(db, "checkout", tx_id, checkout)
    return jsonify(txId=tx_id, url=url_for(".window", tx_id=tx_id))


def _merchant_origin():
    """Where the result may be posted to."""
    origin = request.headers.get("Origin", request.host_url.rstrip("/"))
    # A page opened from a file has the origin "null", which a message cannot be addressed to.
    return "*" if origin == "null" else origin


def _refuse_second_payment(record):
    if record is None or record["status"] in ("READY", "FAILED"):
        return
    if "paidAt" in record:
        raise RequestError("PaymentAlreadyPaid", "이미 결제된 paymentId입니다.", 409)
    raise RequestError("InvalidEntityState", "이미 가상계좌가 발급된 paymentId입니다.", 409)


def _refuse_other_terms(terms, wanted):
    given = {"taxFreeAmount": 0, **wanted}
    if any(given[name] != value for name, value in (terms or {}).items()):
        raise RequestError(**records.OTHER_AMOUNT, status=409)


def _origin(body):
    agent = request.user_agent.string
    return {
        "platformType": "MOBILE" if "Mobi" in agent else "PC",
        "ipAddress": request.remote_addr or "127.0.0.1",
        "userAgent": agent,
        "url": str(body.get("page", "")),
    }


@bp.get("/<tx_id>")
def window(tx_id):
    """The window's screens: the outcomes, or as a buyer would: `?as=buyer`, then `?cardCompany=…`."""
    checkout = _find(tx_id)
    if checkout["result"]:
        return _finish(checkout)
    company = request.args.get("cardCompany")
    if company in records.CARD_COMPANIES:
        kind, name = AUTHENTICATION.get(company, "app"), records.CARD_COMPANIES[company]
        return _page("authentication.html", checkout, company=company, name=name, kind=kind)
    if request.args.get("as") == "buyer":
        return _page("card.html", checkout, companies=records.CARD_COMPANIES)
    return _page("window.html", checkout, outcomes=_outcomes(checkout))


@bp.post("/<tx_id>/outcome")
def choose_outcome(tx_id):
    """Form `outcome` and, for a card, `cardCompany`."""
    checkout = _find(tx_id)
    outcome = request.form.get("outcome")
    if outcome not in _outcomes(checkout):
        abort(400)
    return _finish(end(tx_id, outcome, {"cardCompany": request.form.get("cardCompany")}))


@bp.get("/<tx_id>/done")
def done(tx_id):
    """Tells the SDK, unless the buyer never comes back."""
    checkout = _find(tx_id)
    if not checkout["result"]:
        return redirect(url_for(".window", tx_id=tx_id))
    message = None if checkout["outcome"] == "abandon" else _answer(checkout)
    return _page("done.html", checkout, message=message and json.dumps(message))


@bp.post("/<tx_id>/close")
def close(tx_id):
    """The buyer closed the window -> `{txId, result, redirectUrl?}`, the truth when it had already ended."""
    _find(tx_id)
    return jsonify(_answer(end(tx_id, "cancel")))


def end(tx_id, outcome, choice=None):
    """End a checkout, once: the first outcome stands, and whoever asks again gets that."""
    with store.writing() as db:
        checkout = store.find_document(db, "checkout", tx_id)
        if checkout["result"]:
            return checkout
        record = store.find_payment(db, checkout["paymentId"])
        if record["status"] not in ("READY", "FAILED"):
            # Another attempt at this paymentId was faster, and one payment is all it can have.
            failure = records.PAID_ALREADY
        else:
            failure = {"decline": records.DECLINED, "cancel": records.CANCELLED_BY_BUYER}.get(outcome, {})
            terms = store.find_document(db, "terms", checkout["paymentId"]) or {}
            if outcome == "tamper" and "totalAmount" in terms:
                failure = records.OTHER_AMOUNT
            _change_payment(db, record, checkout, outcome, choice, failure)
        result = {"transactionType": "PAYMENT", "txId": tx_id, "paymentId": checkout["paymentId"], **failure}
        checkout.update(outcome=outcome, result=result)
        store.save_document(db, "checkout", tx_id, checkout)
    return checkout


def _change_payment(db, record, checkout, outcome, choice, failure):
    wanted = checkout["request"]
    newest = record["transactionId"] == checkout["txId"]
    if failure and not newest:
        return  # the end of an old window says nothing of the attempt that is open now
    visible_at = None
    if not newest:
        record = records.ready(wanted, checkout["txId"], record["origin"], earlier=record)
    if failure:
        record = records.failed(record, failure)
    elif _is_account(checkout):
        record = records.virtual_account_issued(record, wanted, tampered=outcome == "tamper")
    else:
        record = records.paid(record, wanted, choice, tampered=outcome == "tamper")
    if outcome == "slow":
        visible_at = records.timestamp(datetime.now(timezone.utc) + timedelta(seconds=SLOW_SECONDS))
    store.save_payment(db, record, visible_at)


def _find(tx_id):
    with store.reading() as db:
        return store.find_document(db, "checkout", tx_id) or abort(404)


def _is_account(checkout):
    return checkout["request"]["payMethod"] == "VIRTUAL_ACCOUNT"


def _outcomes(checkout):
    return ACCOUNT_OUTCOMES if _is_account(checkout) else OUTCOMES


def _finish(checkout):
    """Leave the window: to the merchant's site, or to the page which tells the SDK."""
    if checkout["windowType"] == "REDIRECTION" and checkout["outcome"] != "abandon":
        return redirect(_answer(checkout)["redirectUrl"], 303)
    return redirect(url_for(".done", tx_id=checkout["txId"]), 303)


def _answer(checkout):
    """What the SDK is told. redirectUrl: where `forceRedirect` sends the merchant's page."""
    answer = {"txId": checkout["txId"], "result": checkout["result"]}
    url = checkout["request"].get("redirectUrl")
    return {**answer, "redirectUrl": _with_query(url, checkout["result"])} if url else answer


def _with_query(url, result):
    # PortOne has sent the paymentId under either name.
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    query += [*result.items(), ("payment_id", result["paymentId"])]
    return urlunsplit(parts._replace(query=urlencode(query)))


def _page(template, checkout, **values):
    wanted = checkout["request"]
    prefer_language({"KO_KR": "ko", None: None}.get(wanted.get("locale"), "en"))
    return render_template(template, checkout=checkout, wanted=wanted, **values)
