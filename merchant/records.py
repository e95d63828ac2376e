"""Reads PortOne's record of a payment: the JSON of GET /payments/{paymentId}.

Source: https://developers.portone.io/api/rest-v2/payment
"""

import json
import re
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

Record = Mapping[str, Any]

NO_RECORD: Record = {"status": "PAYMENT_NOT_FOUND"}  # the payment window never opened
# Amount and terms are final only in these. Before, the buyer may still change the payment.
MONEY_STATUSES = {"VIRTUAL_ACCOUNT_ISSUED", "PAID", "PARTIAL_CANCELLED", "CANCELLED"}
MAX_AMOUNT = 2**31
GZIP = zlib.MAX_WBITS | 32  # lets zlib take both gzip and deflate
# Amounts are whole numbers. A decimal or NaN becomes text, and so fails every check.
JSON = json.JSONDecoder(parse_float=str, parse_constant=str)


def decode(body: bytes, is_compressed: bool, max_bytes: int) -> object:
    """Returns the JSON of an answer; None if it is not JSON, or too long."""
    try:
        if is_compressed:
            body = zlib.decompressobj(GZIP).decompress(body, max_bytes)
        return JSON.decode(body.decode())
    except (ValueError, RecursionError, zlib.error):
        return None


def is_payment(record: Record) -> bool:
    """Returns whether the record has, in the documented types, what verification reads."""
    status, amount = record.get("status"), record.get("amount")
    if not isinstance(status, str):
        return False
    if status not in MONEY_STATUSES:
        return True
    if not isinstance(amount, dict):
        return False
    amounts = (amount.get("total"), amount.get("cancelled", 0))
    return (
        all(
            isinstance(record.get(name), str) for name in ("id", "storeId", "orderName", "currency")
        )
        and isinstance(record.get("channel") or {}, dict)
        and all(type(each) is int and abs(each) < MAX_AMOUNT for each in amounts)
    )


def cancellations_of(record: Record) -> list[list[Any]]:
    """Returns the cancellations as [[id, status, amount], …]."""
    listed = record.get("cancellations")
    return [
        [str(each.get("id")), str(each.get("status")), each.get("totalAmount")]
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, dict)
    ]


def part_of(record: Record, name: str) -> Mapping[str, Any]:
    """Returns an object within a record, an empty one if there is none."""
    part = record.get(name)
    return part if isinstance(part, dict) else {}


def amount_of(value: object) -> int:
    """Returns an optional amount of a record, 0 without it."""
    return value if type(value) is int and abs(value) < MAX_AMOUNT else 0


def parse_time(text: object) -> datetime | None:
    """Returns PortOne's RFC 3339 time as UTC without a zone, or None.

    Python 3.10's fromisoformat takes neither Z nor nanoseconds.
    """
    pattern = r"(2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)"
    match = re.fullmatch(pattern, str(text))
    if not match:
        return None
    seconds, fraction, zone = match.groups()
    try:
        time = datetime.fromisoformat(seconds + ("+00:00" if zone == "Z" else zone))
    except ValueError:
        return None
    micros = timedelta(microseconds=int((fraction or "0")[:6].ljust(6, "0")))
    return (time + micros).astimezone(timezone.utc).replace(tzinfo=None)


def printable(text: object) -> str:
    """Returns a text from outside without unprintable characters, cut to 200."""
    return "".join(char for char in str(text or "")[:200] if char.isprintable())


def web_address(text: object) -> str | None:
    """Returns an address from outside if a page may link to it: an http(s) URL, not too long."""
    match = re.fullmatch(r"https?://[!-~]{1,480}", str(text or ""))
    return match[0] if match else None


def failure_message(failure: Mapping[str, Any]) -> str:
    """Returns `[code] message`, which is PortOne's format for the failure of a PG.

    failure: {pgCode?, pgMessage?, reason?} of a record, {code?, message?, pgCode?, pgMessage?} of a
    redirect.
    """
    message = failure.get("pgMessage") or failure.get("reason") or failure.get("message")
    text = str(message or "")
    code = failure.get("pgCode") or failure.get("code")
    return printable(f"[{code}] {text}" if code and not text.startswith("[") else text)


def failure_parts(text: str) -> tuple[str, str]:
    """Returns code and message of `[code] message`. The code is "" if there is none."""
    match = re.fullmatch(r"\[([^\]]*)\] ?(.*)", text)
    return (match[1], match[2]) if match else ("", text)
