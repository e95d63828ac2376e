"""The payment window: what the SDK opens, what the buyer sees in it, and how it ends.

The SDK posts the merchant's request to `/checkout/` and opens the page whose address it gets. There
the buyer chooses an outcome. Then the page `done` gives the result to the SDK, or the browser goes
to the merchant's redirectUrl.
"""

import json
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from . import buyer_form, declines, enums, payment_request, switches
from .documents import Checkout, Json, SdkResult
from .errors import Refused, RequestError
from .http_request import buyer_browser, merchant_origin
from .json_text import read_json
from .language import prefer_language
from .outcomes import TAMPERING, is_manual, possible_outcomes
from .sandbox import current_sandbox

bp = Blueprint("checkout", __name__, url_prefix="/checkout")


@bp.after_request
def allow_other_origins(response: Response) -> Response:
    """The SDK runs in the merchant's page, which may be on any site."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type"
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.errorhandler(RequestError)
def refuse(error: RequestError) -> ResponseReturnValue:
    return jsonify(code=error.code, message=error.message), error.status


@bp.post("/")
def open_checkout() -> ResponseReturnValue:
    """`{request, windowType, page}` from the SDK -> `{txId, url}` of the window.

    windowType: IFRAME, POPUP or REDIRECTION. page: the address of the merchant's page. The payment
    is then READY.
    """
    try:
        body = read_json(request.get_data())
    except ValueError as error:
        raise RequestError("BadRequest", f"The body must be JSON. {error}") from None
    if not isinstance(body, dict):
        raise RequestError("BadRequest", "The body must be a JSON object.")
    params = payment_request.check(body.get("request"))
    window_type = body.get("windowType")
    if window_type not in enums.WINDOW_TYPE.values:
        raise RequestError("BadRequest", "windowType is required.")
    if window_type == "REDIRECTION" and "redirectUrl" not in params:
        raise RequestError("BadRequest", "redirectUrl is required for a REDIRECTION window.")
    sandbox, buyer = current_sandbox(), buyer_browser(str(body.get("page", "")))
    with sandbox.store.writing() as db:
        checkout = sandbox.attempts.open(db, params, window_type, merchant_origin(), buyer)
    return jsonify(txId=checkout["txId"], url=url_for(".window", tx_id=checkout["txId"]))


@bp.get("/<tx_id>")
def window(tx_id: str) -> ResponseReturnValue:
    """The window's first screen: how is the payment to end?"""
    checkout = _find(tx_id)
    if checkout["result"]:
        return _finish(checkout)
    outcomes = possible_outcomes(checkout["request"])
    with current_sandbox().store.reading() as db:
        outcome = switches.window_outcome(db)
    if outcome in outcomes:
        return _finish(current_sandbox().end_checkout(tx_id, str(outcome)))
    return _page(
        "window.html",
        checkout,
        outcomes=outcomes,
        tampering=TAMPERING,
        with_screens=buyer_form.METHODS,
        is_manual=is_manual(checkout["request"]),
    )


@bp.post("/<tx_id>/outcome")
def choose_outcome(tx_id: str) -> ResponseReturnValue:
    """Form: `outcome`; `code` of a decline, one of declines.MESSAGES."""
    checkout = _find(tx_id)
    outcome, code = request.form.get("outcome", ""), request.form.get("code") or None
    if outcome not in possible_outcomes(checkout["request"]):
        abort(400)
    try:
        return _finish(current_sandbox().end_checkout(tx_id, outcome, code=code))
    except Refused as error:
        abort(400, error.message)


@bp.get("/<tx_id>/decline")
def choose_reason(tx_id: str) -> ResponseReturnValue:
    """The screen of a decline's reasons, by kind."""
    checkout = _find(tx_id)
    if checkout["result"]:
        return _finish(checkout)
    return _page("decline.html", checkout, kinds=declines.KINDS)


@bp.route("/<tx_id>/buyer", methods=["GET", "POST"])
def pay_as_buyer(tx_id: str) -> ResponseReturnValue:
    """The screens of a real window: the terms and a selection, then the authentication.

    The form of the second screen carries the entries of the first. Only what the payment's record
    shows is stored. Form: `back` shows the selection once more.
    """
    checkout, form = _find(tx_id), request.form
    params = checkout["request"]
    if checkout["result"]:
        return _finish(checkout)
    if params["payMethod"] not in buyer_form.METHODS:
        abort(404)
    wrong = buyer_form.wrong_entry(params, form) if request.method == "POST" else None
    if request.method == "GET" or "back" in form or wrong:
        wrong = None if "back" in form else wrong
        values = buyer_form.selection_values(params, form)
        return _page("choice.html", checkout, wrong=wrong, **values)
    authentication = buyer_form.authentication(params, form)
    if authentication is None:
        return _finish(current_sandbox().end_checkout(tx_id, "issue", form))
    if authentication.accepts(form.get("secret", "")):
        return _finish(current_sandbox().end_checkout(tx_id, "approve", form))
    values = buyer_form.authentication_values(params, form, authentication)
    return _page("authentication.html", checkout, **values)


@bp.get("/<tx_id>/done")
def done(tx_id: str) -> ResponseReturnValue:
    """Gives the result to the SDK, unless the buyer never comes back."""
    checkout = _find(tx_id)
    if not checkout["result"]:
        return redirect(url_for(".window", tx_id=tx_id))
    message = json.dumps(_sdk_answer(checkout)) if _returns(checkout) else None
    return _page("done.html", checkout, message=message)


@bp.post("/<tx_id>/close")
def close(tx_id: str) -> ResponseReturnValue:
    """The buyer closed the window -> `{txId, result, redirectUrl?}`.

    When the window had already ended, the result is that of its end.
    """
    _find(tx_id)
    return jsonify(_sdk_answer(current_sandbox().end_checkout(tx_id, "cancel")))


def _returns(checkout: Checkout) -> bool:
    """Whether the browser comes back to the merchant."""
    return checkout["outcome"] != "abandon" and checkout["webhookOrder"] != "without"


def _find(tx_id: str) -> Checkout:
    with current_sandbox().store.reading() as db:
        return db.find_checkout(tx_id) or abort(404)


def _finish(checkout: Checkout) -> ResponseReturnValue:
    """Leave the window: to the merchant's site, or to the page that gives the SDK its result."""
    if checkout["windowType"] == "REDIRECTION" and _returns(checkout):
        return redirect(_sdk_answer(checkout)["redirectUrl"], 303)
    return redirect(url_for(".done", tx_id=checkout["txId"]), 303)


def _sdk_answer(checkout: Checkout) -> Json:
    """What the SDK gets. redirectUrl: where `forceRedirect` sends the merchant's page."""
    answer: Json = {"txId": checkout["txId"], "result": checkout["result"]}
    url = checkout["request"].get("redirectUrl")
    if url and checkout["result"]:
        answer["redirectUrl"] = with_query(url, checkout["result"])
    return answer


def with_query(url: str, result: SdkResult) -> str:
    """Where the browser goes with the result. PortOne has sent the paymentId under both names."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    query += [(name, str(value)) for name, value in result.items()]
    query.append(("payment_id", result["paymentId"]))
    return urlunsplit(parts._replace(query=urlencode(query)))


def _page(template: str, checkout: Checkout, **values: object) -> str:
    params = checkout["request"]
    prefer_language({"KO_KR": "ko", None: None}.get(params.get("locale"), "en"))
    return render_template(template, checkout=checkout, params=params, **values)
