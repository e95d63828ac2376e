"""What can go wrong in the flow.

views.py turns each of these into an answer of the HTTP contract.
"""

from collections.abc import Sequence
from datetime import datetime


class Refused(Exception):
    """We refuse the request: it is wrong, or not possible now.

    code: the error code of the HTTP answer, such as ORDER_ALREADY_PAID.
    field: the name of the field that is wrong, if it is one field.
    reasons: the checks that failed; only for PAYMENT_MISMATCH.
    message: an English sentence that replaces the code's own.
    until: from this time on it is possible (UTC).
    """

    def __init__(
        self,
        code: str,
        field: str | None = None,
        reasons: Sequence[str] = (),
        message: str | None = None,
        until: datetime | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.reasons = list(reasons)
        self.message = message
        self.until = until


class PortOneUnavailable(Exception):
    """PortOne did not answer, or its answer was not understood.

    The result is unknown: neither paid nor failed. Look the payment up again later.
    """

    code = "PORTONE_UNAVAILABLE"


class PortOneRejected(Exception):
    """PortOne refused our credentials or our request. Repeating the request does not help.

    status: the HTTP status. type: PortOne's error type. message: PortOne's or the PG's text.
    """

    code = "PORTONE_REJECTED"

    def __init__(self, status: int, answer: object) -> None:
        error = answer if isinstance(answer, dict) else {}
        self.status = status
        self.type = str(error.get("type"))[:64]
        self.message = str(error.get("pgMessage") or error.get("message") or "")[:200]
        super().__init__(f"{status} {self.type}")
