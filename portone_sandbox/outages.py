"""Faults of the REST API on a switch: for the next call, for some calls, or until it is switched off."""

import errno
import socket
from time import sleep

from flask import Response, g, jsonify

from . import store

HANG_SECONDS = 120  # longer than any client waits
SLOW_SECONDS = 5

FAULTS = {
    "drop": "The connection breaks, and nothing was done.",
    "lost": "It is done, and the connection breaks before the answer.",
    "hang": "No answer for two minutes.",
    "slow": "The answer comes after five seconds.",
    "500": "An internal error.",
    "429": "Too many requests.",
    "garbled": "Half of the answer's JSON.",
}
ANSWERS = {"500": "INTERNAL", "429": "TOO_MANY_REQUESTS"}


class Dropped(Response):
    """The connection ends without an answer."""

    def __call__(self, environ, start_response):
        # gunicorn hangs up on this error, SandboxAdapter has it raised; werkzeug's server would wait for more requests.
        if "werkzeug.socket" in environ:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError(errno.ECONNRESET, "The sandbox dropped the connection.")


def begin():
    """Before a call: gives the answer when there is none to come from the API."""
    g.fault = fault = _take()
    if fault in ("hang", "slow"):
        sleep(HANG_SECONDS if fault == "hang" else SLOW_SECONDS)
    if fault in ANSWERS:
        return jsonify(type=ANSWERS[fault], message=FAULTS[fault]), int(fault)
    return Dropped() if fault in ("drop", "hang") else None


def end(response):
    """After a call: what becomes of its answer."""
    fault = g.get("fault")
    if fault == "garbled":
        response.set_data(response.get_data()[: response.content_length // 2])
    return Dropped() if fault == "lost" else response


def _take():
    """The fault of this call, or None."""
    with store.reading() as db:  # without waiting for a writer: mostly there is none
        if not store.find_document(db, "switch", "outage"):
            return None
    with store.writing() as db:
        outage = store.find_document(db, "switch", "outage")
        if outage and outage["calls"] is not None:
            left = outage["calls"] - 1
            store.save_document(db, "switch", "outage", {**outage, "calls": left} if left else None)
        return outage and outage["fault"]
