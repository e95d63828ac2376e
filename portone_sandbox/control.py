"""`/control/…`: what the console does, for scripts. JSON in, JSON out, errors as the REST API's.

README.md and control_openapi.py describe the calls.
"""

import re

from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from . import (
    actions,
    channels,
    control_openapi,
    declines,
    guard,
    journal,
    payment_request,
    qa_sheet,
    switches,
)
from .documents import Json
from .errors import Refused, RequestError
from .http_request import buyer_browser, json_body, merchant_origin
from .outcomes import possible_outcomes
from .sandbox import current_sandbox

bp = Blueprint("control", __name__, url_prefix="/control")
guard.protect(bp)


@bp.get("/openapi.json")
def get_openapi() -> ResponseReturnValue:
    """The description of these routes, for clients that are made from one."""
    return jsonify(control_openapi.document(request.root_url.rstrip("/")))


@bp.get("/channels")
def get_channels() -> ResponseReturnValue:
    """`[{key, pgProvider, type, name, manualApproval}]`."""
    return jsonify(channels.list_channels())


@bp.get("/switches")
def get_switches() -> ResponseReturnValue:
    with current_sandbox().store.reading() as db:
        return jsonify(switches.list_settings(db))


@bp.post("/switches/<name>")
def set_switch(name: str) -> ResponseReturnValue:
    """`outage`: `{fault, calls?}`, for that many calls, else for all. `webhooks`: `{order,
    seconds?}`. `chaos`: `{seed?}`. Another one of switches.SWITCHES: an object with its field. A
    null restores the default.
    """
    if name not in switches.NAMES:
        abort(404)
    with current_sandbox().store.writing() as db:
        switches.save_setting(db, name, json_body())
        return jsonify(switches.list_settings(db))


@bp.get("/journal")
def get_journal() -> ResponseReturnValue:
    """Calls of the REST API and webhooks, oldest first: `{entries, next}`.

    Query: `paymentId`; `kind`, API or WEBHOOK; `since`, the `next` of an earlier answer; `limit`.
    """
    query = request.args
    kind, since, limit = query.get("kind"), query.get("since", "0"), query.get("limit", "100")
    if kind not in (None, *journal.KINDS):
        raise Refused("INVALID_REQUEST", f"kind must be one of {', '.join(journal.KINDS)}.")
    if not re.fullmatch(r"[0-9]{1,15}", since):
        raise Refused("INVALID_REQUEST", "since must be the number of an entry.")
    if not re.fullmatch(r"[0-9]{1,5}", limit) or not 1 <= int(limit) <= journal.MAX_LISTED:
        raise Refused("INVALID_REQUEST", f"limit must be a number from 1 to {journal.MAX_LISTED}.")
    with current_sandbox().store.reading() as db:
        found = journal.entries(db, query.get("paymentId"), int(since), kind, int(limit))
    return jsonify(entries=found, next=found[-1]["number"] if found else int(since))


@bp.get("/qa.md")
def get_qa_sheet() -> ResponseReturnValue:
    """The QA run sheet as Markdown. Query: `paymentId`, for one payment; `lang`, ko or en."""
    with current_sandbox().store.reading() as db:
        return Response(qa_sheet.sheet(db, request.args.get("paymentId")), mimetype="text/markdown")


@bp.post("/reset")
def reset() -> ResponseReturnValue:
    """Delete all payments and restore the default of every switch."""
    current_sandbox().store.reset()
    return {}


@bp.post("/payments")
def pay() -> ResponseReturnValue:
    """`{request, outcome, code?}` -> the payment, as if a buyer had ended a window for that request
    so. code: of a decline, one of declines.MESSAGES.

    With manual approval it has the paymentToken besides, unless the window failed.
    """
    body = _json_object(json_body())
    sandbox = current_sandbox()
    try:
        params = payment_request.check(body.get("request"))
        outcome, outcomes = body.get("outcome"), possible_outcomes(params)
        if outcome not in outcomes:
            raise Refused("INVALID_REQUEST", f"outcome must be one of {', '.join(outcomes)}.")
        code = declines.check_code(params, body.get("code"))
        page = params.get("redirectUrl", request.host_url)
        buyer, origin = buyer_browser(page), merchant_origin()
        with sandbox.store.writing() as db:
            opened = sandbox.attempts.open(db, params, "IFRAME", origin, buyer)
    except RequestError as error:
        raise Refused("INVALID_REQUEST", error.message, error.status) from None
    ended = sandbox.end_checkout(opened["txId"], outcome, code=code)
    with sandbox.store.reading() as db:
        record = db.find_payment(opened["paymentId"])
        shown: Json = {**sandbox.payments.show(db, record)} if record else {}
    if ended["paymentToken"]:
        shown["paymentToken"] = ended["paymentToken"]
    return jsonify(shown)


@bp.get("/payments/<payment_id:payment_id>/warnings")
def get_warnings(payment_id: str) -> ResponseReturnValue:
    """`[{txId, parameter, message, korean, page}]`: what the channel's PG cuts, ignores, advises or
    allows by contract only, of each attempt's request.
    """
    with current_sandbox().store.reading() as db:
        current_sandbox().payments.find(db, payment_id)
        attempts = db.list_checkouts(payment_id)
    return jsonify(
        [{"txId": each["txId"], **warning} for each in attempts for warning in each["warnings"]]
    )


@bp.post("/payments/<payment_id:payment_id>/<action>")
def act(payment_id: str, action: str) -> ResponseReturnValue:
    """One of actions.ACTIONS -> the payment after it."""
    body = _json_object(json_body() if request.get_data() else {})
    return jsonify(actions.run(payment_id, action, body))


def _json_object(body: object) -> Json:
    if not isinstance(body, dict):
        raise Refused("INVALID_REQUEST", "The body must be a JSON object.")
    return body
