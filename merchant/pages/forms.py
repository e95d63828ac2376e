"""Reads the JSON that a browser sends. Each error names the field and what was expected."""

import json
import re
from collections.abc import Callable, Collection
from typing import Any
from unicodedata import category

from flask import request

from ..checkout import Buyer, Choice
from ..current import merchant
from ..errors import Refused
from ..pg import WINDOWS
from ..rows import PaymentRow
from .languages import translate

MAX_BODY_BYTES = 16 * 1024
WINDOW_TYPES = ("", *WINDOWS)


def is_name(text: str) -> bool:
    """Returns whether it has only letters of any script, digits, and the signs of names.

    O’Brien, (주)홍길동, สมชาย ก้อง and Kim, Jr. are names.
    """
    kinds = [category(char)[0] for char in text]
    others = {char for char, kind in zip(text, kinds, strict=True) if kind not in "LMN"}
    return "L" in kinds and kinds[0] != "M" and others <= set(" .,'‘’·-()")


# field: (check, bytes at most, what was expected)
BUYER: dict[str, tuple[Callable[[str], object], int, str]] = {
    "name": (
        is_name,
        30,
        "Enter a name of at most 30 Latin or 10 Korean letters, without special characters.",
    ),
    "email": (
        re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+").fullmatch,
        100,
        "Enter an e-mail address such as name@example.com.",
    ),
    "phone": (
        re.compile(r"\+?[0-9](-?[0-9]){8,14}").fullmatch,
        100,
        "Enter a phone number such as 010-1234-5678.",
    ),
}
REQUIRED = "This field is required."
PLAIN_EMAIL = "This payment company takes only letters, digits and dots in an e-mail address."


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


def choice_fields(body: dict[str, Any], last: PaymentRow | None = None) -> Choice:
    """Read how the buyer pays. last: the order's last attempt, whose choice is kept by default."""
    settings = merchant().settings
    methods, providers = settings.pay_methods, settings.providers
    same_method = last.pay_method if last and last.pay_method in methods else None
    pay_method = one_of(body, "payMethod", methods, same_method or (methods[0] if last else None))
    provider = ""
    if pay_method == "EASY_PAY" and providers:
        same = last.easy_pay_provider if last and last.easy_pay_provider in providers else None
        provider = one_of(body, "easyPayProvider", providers, same or providers[0])
    window_type = one_of(body, "windowType", WINDOW_TYPES, last.window_type if last else "")
    return Choice(pay_method, provider, window_type)


def buyer_fields(body: dict[str, Any], choice: Choice) -> Buyer:
    """Read the buyer. choice: how the buyer pays, since PGs differ in what they take."""
    buyer = body.get("buyer")
    values = buyer if isinstance(buyer, dict) else {}
    fields = {name: _buyer_field(name, values.get(name)) for name in BUYER}
    pg = merchant().settings.channel_for(choice.pay_method, choice.easy_pay_provider).pg
    if pg.plain_email and not re.fullmatch("[A-Za-z0-9.@]*", fields["email"]):
        raise invalid("buyer.email", PLAIN_EMAIL)
    return Buyer(**fields)


def _buyer_field(name: str, value: object) -> str:
    is_valid, max_bytes, expected = BUYER[name]
    if not isinstance(value, str) or not value.strip():
        raise invalid(f"buyer.{name}", REQUIRED)
    if not is_valid(value) or len(value.encode()) > max_bytes:
        raise invalid(f"buyer.{name}", expected)
    return value
