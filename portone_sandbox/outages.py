"""Faults of the REST API, as the switch "outage" sets them: for one call, for some, or for all."""

import errno
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Response, g, jsonify

from . import switches
from .sandbox import current_sandbox

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HANG_SECONDS = 120  # longer than any client waits
SLOW_SECONDS = 5

ERRORS = {"500": "INTERNAL", "429": "TOO_MANY_REQUESTS"}


class Dropped(Response):
    """A connection that ends without an answer."""

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        # gunicorn closes the connection at this error, and SandboxAdapter raises it. Werkzeug's
        # server would keep the connection open for the next request.
        if "werkzeug.socket" in environ:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError(errno.ECONNRESET, "The sandbox dropped the connection.")


def before_call() -> Response | None:
    """Flask's before_request. It answers the call itself when the API is not to answer it."""
    g.fault = fault = _take_fault()
    if fault == "hang":
        current_sandbox().pause(HANG_SECONDS)
    if fault == "slow":
        current_sandbox().pause(SLOW_SECONDS)
    if fault in ERRORS:
        response = jsonify(type=ERRORS[fault], message=switches.FAULTS[fault])
        response.status_code = int(fault)
        return response
    return Dropped() if fault in ("drop", "hang") else None


def after_call(response: Response) -> Response:
    """Flask's after_request."""
    fault = g.get("fault")
    if fault == "garbled":
        body = response.get_data()
        response.set_data(body[: len(body) // 2])
    return Dropped() if fault == "lost" else response


def _take_fault() -> str | None:
    store = current_sandbox().store
    with store.reading() as db:  # does not wait for a writer; mostly there is no outage
        if not switches.has_outage(db):
            return None
    with store.writing() as db:
        return switches.take_fault(db)
