"""What `flask doctor` prints, one line each."""

from typing import NamedTuple


class Finding(NamedTuple):
    """text: what was found and, if it is wrong, what to do. It holds no secret."""

    is_ok: bool
    text: str


def ok(text: str) -> Finding:
    return Finding(True, text)


def wrong(text: str) -> Finding:
    return Finding(False, text)
