"""Where the merchant's page is, what it shows, and what a browser is to do with it."""

from collections.abc import Callable
from typing import NamedTuple

from .portone import Json


class Shop(NamedTuple):
    """Where the merchant's page is, and the selectors of what is on it."""

    url: str
    pay: str
    paid: str
    failed: str | None = None
    patience: float = 1.2  # seconds without a request after which a page is at rest


class Shown(NamedTuple):
    """state: "paid", "failed", or "neither". text: what the page shows, cut."""

    state: str
    url: str
    text: str

    def __str__(self) -> str:
        said = {"paid": "paid", "failed": "failed"}.get(self.state, "neither paid nor failed")
        return f"the page showed {said} ({self.text!r})"


class Reply(NamedTuple):
    status: int
    text: str


class Plan(NamedTuple):
    """What the browser does when the page calls requestPayment.

    changes: to the request. before(request): `{"action": "return", "result": …}` gives the page a
    result without a window, `{"action": "never"}` none at all; None opens the window. after(result,
    request): the same, for the page that waits for the window's result; None gives it that one.
    """

    changes: Json = {}
    before: Callable[[Json], Json | None] | None = None
    after: Callable[[Json, Json], Json | None] | None = None
