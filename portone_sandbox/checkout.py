"""The payment window: what the SDK opens, what the buyer sees in it, and how it ends.

The SDK posts the merchant's request to `/checkout/` and opens the page it is answered with. There the buyer
picks an outcome; the page `done` then tells the SDK, or the browser goes to the merchant's redirectUrl.
"""

import json
import re
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, abort, jsonify, redirect, render_template, request, url_for

from . import payment_request, records, store, webhooks
from .language import prefer_language
from .payment_request import RequestError

bp = Blueprint("checkout", __name__, url_prefix="/checkout")

OUTCOMES = ("approve", "decline", "cancel", "tamper", "abandon", "slow", "pend")
ACCOUNT_OUTCOMES = ("issue", "decline", "cancel", "tamper")
SLOW_SECONDS = 3

# How the buyer is known. A card company asks for the password of the ISP service, for one of its own 3-D Secure page
# (MPI), or, the others, for the PIN of its app; a virtual account's bank asks for nothing.
AUTHENTICATION = {
    "CARD": "app",
    "VIRTUAL_ACCOUNT": None,
    "TRANSFER": "bank",
    "MOBILE": "sms",
    "EASY_PAY": "pay",
}
COMPANY_AUTHENTICATION = {
    **dict.fromkeys(("BC_CARD", "KOOKMIN_CARD", "WOORI_CARD"), "isp"),
    **dict.fromkeys(("LOTTE_CARD", "HANA_CARD", "NH_CARD"), "mpi"),
}
DIGITS = {"app": 6, "bank": 4, "sms": 6, "pay": 6}  # any will do, and any password

# What else the buyer types.
ENTRIES = {
    "VIRTUAL_ACCOUNT": {"remitterName": r".*\S.*"},
    "MOBILE": {"phoneNumber": "01[0-9]-?[0-9]{3,4}-?[0-9]{4}", "birthDate": "[0-9]{6}-?[0-9]"},
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
    checkout = begin(wanted, body["windowType"], str(body.get("page", "")))
    return jsonify(txId=checkout["txId"], url=url_for(".window", tx_id=checkout["txId"]))


def begin(wanted, window_type, page):
    """A new window for the checked request, its payment being READY. RequestError when there must be none."""
    payment_id = wanted["paymentId"]
    with store.writing() as db:
        record = store.find_payment(db, payment_id)
        _refuse_second_payment(record)
        _refuse_other_terms(store.find_document(db, "terms", payment_id), wanted)
        tx_id = records.made_up(payment_id, "attempt", len(store.list_checkouts(db, payment_id)))
        checkout = {
            "txId": tx_id,
            "paymentId": payment_id,
            "request": wanted,
            "windowType": window_type,
            "origin": _merchant_origin(),
            "outcome": None,
            "result": None,
        }
        store.save_document(db, "checkout", tx_id, checkout)
        webhooks.save_payment(db, records.ready(wanted, tx_id, _origin(page), earlier=record))
    return checkout


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
    raise RequestError("InvalidEntityState", "이미 결제가 진행 중인 paymentId입니다.", 409)


def _refuse_other_terms(terms, wanted):
    given = {"taxFreeAmount": 0, **wanted}
    if any(given[name] != value for name, value in (terms or {}).items()):
        raise RequestError(**records.OTHER_AMOUNT, status=409)


def _origin(page):
    agent = request.user_agent.string
    return {
        "platformType": "MOBILE" if "Mobi" in agent or "Android" in agent else "PC",
        "ipAddress": request.remote_addr or "127.0.0.1",
        "userAgent": agent,
        "url": page,
    }


@bp.get("/<tx_id>")
def window(tx_id):
    """The window's first screen: how is the payment to end?"""
    checkout = _find(tx_id)
    if checkout["result"]:
        return _finish(checkout)
    with store.reading() as db:
        switch = store.find_document(db, "switch", "window")
    if switch and switch["outcome"] in outcomes(checkout["request"]):
        return _finish(end(tx_id, switch["outcome"]))
    return _page(
        "window.html", checkout, outcomes=outcomes(checkout["request"]), with_screens=AUTHENTICATION
    )


@bp.post("/<tx_id>/outcome")
def choose_outcome(tx_id):
    """Form `outcome`."""
    checkout = _find(tx_id)
    outcome = request.form.get("outcome")
    if outcome not in outcomes(checkout["request"]):
        abort(400)
    return _finish(end(tx_id, outcome))


@bp.route("/<tx_id>/buyer", methods=["GET", "POST"])
def pay_as_buyer(tx_id):
    """As a buyer would: the terms and a choice, then the authentication, whose form carries what the first one held.

    Nothing of it is stored but what the payment's record shows. Form `back`: the choice once more.
    """
    checkout, form = _find(tx_id), request.form
    wanted = checkout["request"]
    if checkout["result"]:
        return _finish(checkout)
    if wanted["payMethod"] not in AUTHENTICATION:
        abort(404)
    _, name, offered = records.CHOICES[wanted["payMethod"]]
    wants_choice = request.method == "GET" or "back" in form
    wrong = None if wants_choice else _wrong_entry(wanted, form)
    if wants_choice or wrong:
        values = {
            "name": name,
            "offered": offered,
            "chosen": records.chosen(wanted, form),
            "wrong": wrong,
        }
        values.update(
            entries=ENTRIES.get(wanted["payMethod"]), months=records.installment_months(wanted)
        )
        return _page("choice.html", checkout, **values)
    kind = COMPANY_AUTHENTICATION.get(form[name], AUTHENTICATION[wanted["payMethod"]])
    if kind is None:
        return _finish(end(tx_id, "issue", form))
    secret, digits = form.get("secret", ""), DIGITS.get(kind)
    if secret.isdecimal() and len(secret) == digits if digits else secret:
        return _finish(end(tx_id, "approve", form))
    values = {"name": offered[form[name]], "brand": form[name], "kind": kind, "digits": digits}
    return _page("authentication.html", checkout, **values)


def _wrong_entry(wanted, form):
    """The name of what is missing or wrong in the form of the choice, or None."""
    _, name, offered = records.CHOICES[wanted["payMethod"]]
    allowed = {"agree": "on", name: "|".join(offered), **ENTRIES.get(wanted["payMethod"], {})}
    if wanted["payMethod"] == "CARD":
        allowed["installment"] = "|".join(map(str, records.installment_months(wanted)))
    return next(
        (
            each
            for each, pattern in allowed.items()
            if not re.fullmatch(pattern, form.get(each, ""))
        ),
        None,
    )


@bp.get("/<tx_id>/done")
def done(tx_id):
    """Tells the SDK, unless the buyer never comes back."""
    checkout = _find(tx_id)
    if not checkout["result"]:
        return redirect(url_for(".window", tx_id=tx_id))
    message = _answer(checkout) if _returns(checkout) else None
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
            failure = {"decline": records.DECLINED, "cancel": records.CANCELLED_BY_BUYER}.get(
                outcome, {}
            )
            terms = store.find_document(db, "terms", checkout["paymentId"]) or {}
            if outcome == "tamper" and "totalAmount" in terms:
                failure = records.OTHER_AMOUNT
            _change_payment(db, record, checkout, outcome, choice, failure)
        result = {
            "transactionType": "PAYMENT",
            "txId": tx_id,
            "paymentId": checkout["paymentId"],
            **failure,
        }
        checkout.update(outcome=outcome, result=result, order=webhooks.find_order(db))
        store.save_document(db, "checkout", tx_id, checkout)
    if checkout["order"] == "before":
        webhooks.wait_until_sent(checkout["paymentId"])
    return checkout


def _returns(checkout):
    """Whether the browser comes back to the merchant."""
    return checkout["outcome"] != "abandon" and checkout.get("order") != "without"


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
    elif _is_account(wanted):
        record = records.virtual_account_issued(
            record, wanted, choice, tampered=outcome == "tamper"
        )
    elif outcome == "pend":
        record = records.pay_pending(record, wanted, choice)
    else:
        record = records.paid(record, wanted, choice, tampered=outcome == "tamper")
    if outcome == "slow":
        visible_at = records.timestamp(datetime.now(timezone.utc) + timedelta(seconds=SLOW_SECONDS))
    webhooks.save_payment(db, record, visible_at)


def _find(tx_id):
    with store.reading() as db:
        return store.find_document(db, "checkout", tx_id) or abort(404)


def _is_account(wanted):
    return wanted["payMethod"] == "VIRTUAL_ACCOUNT"


def outcomes(wanted):
    """How a window for this request may end."""
    return ACCOUNT_OUTCOMES if _is_account(wanted) else OUTCOMES


def _finish(checkout):
    """Leave the window: to the merchant's site, or to the page which tells the SDK."""
    if checkout["windowType"] == "REDIRECTION" and _returns(checkout):
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
