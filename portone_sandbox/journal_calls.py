"""The hooks that put each call of the REST API into the journal. The REST API does not know them.

They are the Flask app's, not a blueprint's: the first runs before every other hook, the last after.
"""

import logging
import re
import sqlite3
import time

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from . import clock, journal
from .journal_problems import problem_of_call
from .outages import Dropped
from .sandbox import current_sandbox

# What is not PortOne's REST API.
OTHER_PATHS = re.compile(r"/$|/favicon\.ico$|/(checkout|console|control|static|v2)(/|$)")

log = logging.getLogger(__name__)


def listen_to(app: Flask) -> None:
    app.before_request(_before_call)
    app.after_request(_after_call)


def _before_call() -> None:
    g.journal_started, g.journal_began_at = time.perf_counter(), clock.now()


def _after_call(response: Response) -> Response:
    # A browser's preflight asks for no payment.
    if OTHER_PATHS.match(request.path) or request.method == "OPTIONS":
        return response
    entry = _entry(response)
    try:
        with current_sandbox().store.writing() as db:
            journal.add(db, entry)
    except sqlite3.Error:  # the call itself is done, and its answer must arrive
        log.exception("A call is missing in the sandbox's journal: %s", entry["url"])
    return response


def _entry(response: Response) -> journal.NewEntry:
    status = None if isinstance(response, Dropped) else response.status_code
    has_answer = status is not None
    entry: journal.NewEntry = {
        "kind": "API",
        "at": g.journal_began_at,
        "paymentId": (request.view_args or {}).get("payment_id"),
        "method": request.method,
        "url": request.full_path.rstrip("?"),
        "requestHeaders": journal.shown_headers(dict(request.headers)),
        "requestBody": journal.shown_body(_request_body()),
        "status": status,
        "responseHeaders": journal.shown_headers(dict(response.headers)) if has_answer else {},
        # The fault "garbled" can cut a character in two.
        "responseBody": journal.shown_body(response.get_data().decode(errors="replace"))
        if has_answer
        else "",
        "milliseconds": round((time.perf_counter() - g.journal_started) * 1000, 1),
        "fault": g.get("fault"),
        "problem": None,
    }
    if status in (401, 403):
        given = request.headers.get("Authorization")
        shown = journal.masked_authorization(given or "")
        entry["problem"] = problem_of_call(given, shown, request.args.get("storeId"))
    return entry


def _request_body() -> str:
    try:
        return request.get_data().decode(errors="replace")
    except HTTPException as error:  # it is too large, or the client hung up
        return f"({error.name})"
