"""Reads JSON that anybody may have sent, so that whatever it holds can be stored and sent again."""

import json
import math
from typing import NoReturn

MAX_DEPTH = 100  # SQLite reads JSON up to a depth of 1000
MAX_DIGITS = 600  # Python's own limit is 640 or more
MAX_INTEGER = 2**53 - 1  # the largest whole number that JavaScript counts exactly


def read_json(text: str | bytes) -> object:
    """ValueError says why the text is not acceptable."""
    try:
        value: object = json.loads(text, parse_constant=_refuse, parse_float=_float, parse_int=_int)
        # A text with half of a surrogate pair (an emoji cut in two) can't be encoded. This raises a
        # UnicodeEncodeError, which is a ValueError.
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError(f"JSON must not be nested deeper than {MAX_DEPTH}.") from None
    if _depth(value) > MAX_DEPTH:
        raise ValueError(f"JSON must not be nested deeper than {MAX_DEPTH}.")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON.")


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"The number {text[:20]} is too large.")
    return number


def _int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"The number {text[:20]}… is too large.")
    return int(text)


def _depth(value: object) -> int:
    """How many lists and objects are in each other."""
    level, depth = [value], -1
    while level:
        depth += 1
        level = [child for each in level for child in _children(each)]
    return depth


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
