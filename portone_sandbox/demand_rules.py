"""The rules of channels.json: whether a value breaks a check.

A rule gets one value of the check's path, None where it is left out, and the whole request.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from .channels import Check
from .clock import KOREA, deadline
from .documents import Json

# The SDK's spelling -> that of the pages.
ALIASES = {
    "mobile.availableCarriers": ("mobile.avaliableCarriers", "mobile.availableCarriers"),
    "orderDescription": ("orderDetail", "orderDescription"),
}


def given_values(params: Json, path: str) -> list[Any]:
    """The values of the path, one for each element where it has "[]"; None is left out."""
    if path in ("customer.name", "customer.fullName"):
        return [full_name(params.get("customer", {}))]
    for alias in ALIASES.get(path, (path,)):
        values = _walk(params, alias.split("."))
        if any(value is not None for value in values):
            return values
    return values


def full_name(customer: Json) -> str | None:
    """fullName, or the two names in its place, which PortOne puts together so.

    Source: https://developers.portone.io/sdk/ko/v2-sdk/payment-request
    """
    names = [customer.get("lastName"), customer.get("firstName")]
    return customer.get("fullName") or (" ".join(map(str, names)) if all(names) else None)


def _walk(value: Any, names: list[str]) -> list[Any]:
    if not names:
        return [value]
    name, rest = names[0], names[1:]
    inside = value.get(name.removesuffix("[]")) if isinstance(value, dict) else None
    if not name.endswith("[]"):
        return _walk(inside, rest)
    elements = inside if isinstance(inside, list) else []
    return [each for element in elements for each in _walk(element, rest)]


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or value == []


def _required(value: Any, check: Check, params: Json) -> bool:
    return value != check["value"] if "value" in check else _is_missing(value)


def _present(value: Any, check: Check, params: Json) -> bool:
    return not _is_missing(value)


def _given(value: Any, check: Check, params: Json) -> bool:
    """Not for what is off, such as a tax-free part of 0."""
    return bool(value)


def _elements(value: Any) -> list[Any]:
    if _is_missing(value):
        return []
    return value if isinstance(value, list) else [value]


def _enum(value: Any, check: Check, params: Json) -> bool:
    return any(each not in check["value"] for each in _elements(value))


def _not_in(value: Any, check: Check, params: Json) -> bool:
    return any(each in check["value"] for each in _elements(value))


def _equals(value: Any, check: Check, params: Json) -> bool:
    """value of the check: a value, or the path of another parameter, as "a.b[0].c"."""
    wanted = check["value"]
    if isinstance(wanted, str) and "." in wanted:
        others = given_values(params, wanted.replace("[0]", "[]"))
        return bool(others and others[0] is not None and value != others[0])
    return bool(value is not None and value != wanted)


def _pattern(value: Any, check: Check, params: Json) -> bool:
    return value is not None and not re.search(check["value"].replace("$", r"\Z"), str(value))


def _max_chars(value: Any, check: Check, params: Json) -> bool:
    return bool(len(value or "") > check["value"])


def _max_bytes(value: Any, check: Check, params: Json) -> bool:
    """In UTF-8, the longer of the two encodings in use, where the page names none."""
    encoded = (value or "").encode(check.get("encoding", "utf-8"), "replace")
    return bool(len(encoded) > check["value"])


def _has_characters(value: Any, check: Check, params: Json) -> bool:
    return any(each in (value or "") for each in check["value"])


def _other_special(value: Any, check: Check, params: Json) -> bool:
    return any(not each.isalnum() and each not in check["value"] for each in value or "")


def _not_digits(value: Any, check: Check, params: Json) -> bool:
    return value is not None and not re.fullmatch(r"[0-9]+", str(value))


def _blank(value: Any, check: Check, params: Json) -> bool:
    return not (value or "").strip()


def _below(value: Any, check: Check, params: Json) -> bool:
    return bool(value is not None and value < check["value"])


def _above(value: Any, check: Check, params: Json) -> bool:
    return bool(value is not None and value > check["value"])


def _too_far(value: Any, check: Check, params: Json) -> bool:
    """value: of accountExpiry."""
    now = datetime.now(timezone.utc)
    return bool(value and deadline(value, now) - now > timedelta(hours=check["value"]))


def _past(value: Any, check: Check, params: Json) -> bool:
    """value: of accountExpiry."""
    now = datetime.now(timezone.utc)
    return bool(value and deadline(value, now) <= now)


def _outside_days(value: Any, check: Check, params: Json) -> bool:
    """value: of paymentDeadline. A deadline within the first day is of that day."""
    if not value:
        return False
    now, (first, last) = datetime.now(timezone.utc), check["value"]
    left = deadline(value, now) - now
    return left <= timedelta(days=first - 1) or left > timedelta(days=last)


def _too_many_minutes(value: Any, check: Check, params: Json) -> bool:
    """value: a time as the PG takes it, without a zone in Korea's."""
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return False
    time = time if time.tzinfo else time.replace(tzinfo=KOREA)
    return time - datetime.now(timezone.utc) > timedelta(minutes=check["value"])


def _too_many(value: Any, check: Check, params: Json) -> bool:
    return isinstance(value, list) and len(value) > check["value"]


def _not_a_number(value: Any, check: Check, params: Json) -> bool:
    return value is not None and type(value) not in (int, float)


def _half_a_name(value: Any, check: Check, params: Json) -> bool:
    customer = params.get("customer", {})
    return ("firstName" in customer) != ("lastName" in customer)


def _half_a_period(value: Any, check: Check, params: Json) -> bool:
    period = (value or {}).get("range")
    return period is not None and not {"from", "to"} <= period.keys()


def _other_sum(value: Any, check: Check, params: Json) -> bool:
    if not value:
        return False
    return bool(sum(each["amount"] * each["quantity"] for each in value) != params["totalAmount"])


def _other_receipt(value: Any, check: Check, params: Json) -> bool:
    section = check["path"].partition(".")[0]
    type = params.get(section, {}).get("cashReceiptType")
    return type is not None and (type == "ANONYMOUS") != (value is None)


def _other_method(value: Any, check: Check, params: Json) -> bool:
    return value is True and params.get("payMethod") not in check["value"]


def _never(value: Any, check: Check, params: Json) -> bool:
    """What no list of the documents says, such as the currencies that PayPal supports."""
    return False


RULES: dict[str, Callable[[Any, Check, Json], bool]] = {
    "required": _required,
    "forbidden": _present,
    "enum": _enum,
    "notIn": _not_in,
    "equals": _equals,
    "pattern": _pattern,
    "maxChars": _max_chars,
    "maxBytes": _max_bytes,
    "forbiddenChars": _has_characters,
    "discouragedChars": _has_characters,
    "allowedSpecialChars": _other_special,
    "digitsOnly": _not_digits,
    "notBlank": _blank,
    "min": _below,
    "max": _above,
    "maxHours": _too_far,
    "future": _past,
    "rangeDays": _outside_days,
    "maxMinutes": _too_many_minutes,
    "maxItems": _too_many,
    "type": _not_a_number,
    "withLastName": _half_a_name,
    "bothEnds": _half_a_period,
    "sumEqualsTotal": _other_sum,
    "matchesMid": _present,
    "matchesCashReceiptType": _other_receipt,
    "onlyPayMethods": _other_method,
    "contract": _given,
    "ignored": _given,
    "supported": _never,
}
