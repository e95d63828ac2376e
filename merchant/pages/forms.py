"""Reads the JSON that a browser sends. Each error names the field and what was expected."""

import json
import re
from collections.abc import Collection
from typing import Any
from unicodedata import category

from flask import request

from ..checkout import Buyer
from ..errors import Refused
from .languages import translate

MAX_BODY_BYTES = 16 * 1024
WINDOW_TYPES = ("", "IFRAME", "POPUP", "REDIRECTION")
# Vowel signs and tone marks, such as those of Thai, which \w leaves out.
MARKS = "".join(chr(code) for code in range(0x300, 0x3100) if category(chr(code))[0] == "M")
BUYER = {  # field: (pattern, bytes at most, what was expected)
    # Letters with the marks of their script, digits, and the signs of O’Brien and (주)홍길동.
    "name": (
        rf"(?:[^\W_]|[ .,'’·&()\-{MARKS}])+",
        30,
        "Letters and spaces only, at most 30 bytes.",
    ),
    "email": (
        r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+",
        100,
        "Expected an e-mail address such as name@example.com.",
    ),
    "phone": (
        r"\+?[0-9](-?[0-9]){8,14}",
        100,
        "Expected a phone number such as 010-1234-5678.",
    ),
}
REQUIRED = "This field is required."


def invalid(field: str | None, message: str) -> Refused:
    return Refused("INVALID_REQUEST", field, message=message)


def json_body() -> dict[str, Any]:
    body = None
    if request.is_json:
        try:
            body = json.loads(request.get_data())
        except (ValueError, RecursionError):
            body = None
    if not isinstance(body, dict):
        raise invalid(None, "Expected JSON (Content-Type: application/json).")
    return body


def text_field(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(name, REQUIRED)
    return value


def one_of(
    body: dict[str, Any], name: str, choices: Collection[str], default: str | None = None
) -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or value not in choices:
        expected = ", ".join(choice or '""' for choice in choices)
        raise invalid(name, translate("Choose one of %s.") % expected)
    return value


def buyer_fields(body: dict[str, Any]) -> Buyer:
    buyer = body.get("buyer")
    values = buyer if isinstance(buyer, dict) else {}
    return Buyer(**{name: _buyer_field(name, values.get(name)) for name in BUYER})


def _buyer_field(name: str, value: object) -> str:
    pattern, max_bytes, expected = BUYER[name]
    if not isinstance(value, str) or not value.strip():
        raise invalid(f"buyer.{name}", REQUIRED)
    if not re.fullmatch(pattern, value) or len(value.encode()) > max_bytes:
        raise invalid(f"buyer.{name}", expected)
    return value
