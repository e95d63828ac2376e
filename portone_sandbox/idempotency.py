"""Idempotency-Key: a call that is repeated with the same key is done once.

Source: https://developers.portone.io/api/rest-v2 (멱등 키). A key has 16 to 256 letters, digits,
`-` and `_`. The first answer is given again for three hours. PortOne's example has no quotes around
the key, the IETF draft that it refers to requires them: both are accepted here. PortOne only writes
that another request must not have the same key; the status 422 is the draft's.
"""

import hashlib
import re
import time
from collections.abc import Callable
from functools import wraps

from flask import request
from flask.typing import ResponseReturnValue

from .database import Database
from .documents import IdempotentAnswer, Json
from .errors import Refused
from .sandbox import current_sandbox

ANSWER_SECONDS = 3 * 60 * 60
RUNNING_SECONDS = 60  # a call without an answer by then died with its process

Action = Callable[[Database, str], Json]


def idempotent(action: Action) -> Callable[[str], ResponseReturnValue]:
    """Turns `action(db, payment_id) -> JSON` into a Flask route that obeys Idempotency-Key.

    The action runs in one transaction. When it refuses, what it has stored before that stays: a PG
    that does not approve leaves a failed payment.
    """

    @wraps(action)
    def route(payment_id: str) -> ResponseReturnValue:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return _run(action, payment_id)
        return _run_once(_read_key(key), action, payment_id)

    return route


def _run(action: Action, payment_id: str) -> Json:
    with current_sandbox().store.writing() as db:
        try:
            return action(db, payment_id)
        except Refused as refused:
            refusal = refused
    raise refusal


def _read_key(header: str) -> str:
    if not re.fullmatch(r'("?)[A-Za-z0-9_-]{16,256}\1', header):
        message = "Idempotency-Key must be 16 to 256 letters, digits, - and _."
        raise Refused("INVALID_REQUEST", message)
    return header.strip('"')


def _run_once(key: str, action: Action, payment_id: str) -> ResponseReturnValue:
    fingerprint = _fingerprint()
    earlier = _find_or_start(key, fingerprint)
    if earlier is not None:
        return _repeat(earlier, fingerprint)
    # The answer is stored in the transaction of the action: wherever the process dies, there are
    # both or neither.
    with current_sandbox().store.writing() as db:
        try:
            status, answer = 200, action(db, payment_id)
        except Refused as refused:
            status, answer = refused.status, refused.answer
        db.save_answer(key, _entry(fingerprint, ANSWER_SECONDS, status, answer))
    return answer, status


def _fingerprint() -> str:
    return hashlib.sha256(request.full_path.encode() + request.get_data()).hexdigest()


def _find_or_start(key: str, fingerprint: str) -> IdempotentAnswer | None:
    """The earlier call with this key. None: there is none, and this call is stored as running."""
    store = current_sandbox().store
    with store.reading() as db:  # does not wait for a call that is running
        earlier = db.find_answer(key, time.time())
    if earlier is not None:
        return earlier
    with store.writing() as db:
        earlier = db.find_answer(key, time.time())
        if earlier is None:
            db.delete_old_answers(time.time())
            db.save_answer(key, _entry(fingerprint, RUNNING_SECONDS))
        return earlier


def _repeat(earlier: IdempotentAnswer, fingerprint: str) -> ResponseReturnValue:
    if earlier["fingerprint"] != fingerprint:
        message = "This Idempotency-Key belongs to another request."
        raise Refused("INVALID_REQUEST", message, status=422)
    if earlier["answer"] is None or earlier["status"] is None:
        raise Refused("IDEMPOTENCY_OUTSTANDING_REQUEST")
    return earlier["answer"], earlier["status"]


def _entry(
    fingerprint: str, seconds: float, status: int | None = None, answer: Json | None = None
) -> IdempotentAnswer:
    return {
        "fingerprint": fingerprint,
        "expires_at": time.time() + seconds,
        "status": status,
        "answer": answer,
    }
