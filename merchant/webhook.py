"""PortOne's webhook: its signature, and which payment it is about.

Source: https://developers.portone.io/opi/ko/integration/webhook/readme-v2,
https://www.standardwebhooks.com
"""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from werkzeug.datastructures import Headers

TOLERANCE_SECONDS = 5 * 60


def is_signed(secrets: Iterable[bytes], headers: Headers, body: bytes) -> bool:
    """Returns whether one of our webhook secrets signed this body, within five minutes of now.

    The signature is HMAC-SHA256 over `id.timestamp.body`. The header `webhook-signature` has one or
    more of them, as `v1,<base64>` separated by spaces.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not message_id or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return False
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signatures = headers.get("webhook-signature", "").split(" ")
    given = [each[3:].encode() for each in signatures if each.startswith("v1,")]
    expected = [signature(key, message_id, timestamp, body) for key in secrets]
    return any(hmac.compare_digest(one, other) for one in given for other in expected)


def signature(secret: bytes, message_id: str, timestamp: str, body: bytes) -> bytes:
    """Returns the base64 of a webhook's signature. timestamp: seconds since 1970."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(secret, signed, hashlib.sha256))


def payment_id_of(body: Mapping[str, Any]) -> str | None:
    """Returns the paymentId that a webhook is about.

    Version 2024-04-25 has it in `data`, version 2024-01-01 at the top.
    """
    data = body["data"] if isinstance(body.get("data"), dict) else body
    payment_id = data.get("paymentId") or data.get("payment_id")
    return payment_id if isinstance(payment_id, str) else None
