"""What the merchant's page asks the merchant's server, and the answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Request, Response, Route

# Requests that a page at rest may have open.
LASTING = ("eventsource", "websocket", "media", "image", "font", "stylesheet", "ping", "other")
LONGEST_SECONDS = 45  # a request that is open for longer is none to wait for
TEXT = ("text/", "json", "javascript", "xml")


@dataclass
class Exchange:
    """One request of the page. status and answer are None until it is answered."""

    method: str
    url: str
    headers: dict[str, str]
    body: str | None
    status: int | None = None
    answer: str | None = None

    def names(self, payment_id: str) -> bool:
        return bool(payment_id) and (
            payment_id in self.url
            or quote(payment_id) in self.url
            or payment_id in (self.body or "")
        )

    def __str__(self) -> str:
        path = "/" + self.url.split("://", 1)[-1].partition("/")[2].partition("?")[0]
        return f"{self.method} {path} {self.status or 'without an answer'}"


@dataclass
class Swap:
    """In what the page sends, `own` is replaced by `other`."""

    own: str
    other: str
    swapped: list[Exchange] = field(default_factory=list)


class Traffic:
    """is_merchants: whether an address is the merchant's (and not the sandbox's)."""

    def __init__(self, context: "BrowserContext", is_merchants: Callable[[str], bool]) -> None:
        self.exchanges: list[Exchange] = []
        self.secret_use: list[str] = []  # addresses that the browser itself sent an API secret to
        self.last_change = time.monotonic()
        self._context = context
        self.is_merchants = is_merchants
        self._open: dict[Request, tuple[Exchange, float]] = {}
        context.on("request", self._begin)
        context.on("response", self._read)
        context.on("requestfinished", self._end)
        context.on("requestfailed", self._end)

    def is_quiet(self, seconds: float) -> bool:
        """Whether nothing is under way, and nothing was for so long."""
        now = time.monotonic()
        waiting = [began for _, began in self._open.values() if now - began < LONGEST_SECONDS]
        return not waiting and now - self.last_change >= seconds

    def completions(self, payment_id: str, since: int = 0) -> list[Exchange]:
        """The requests that named the payment, from the number `since` on."""
        return [each for each in self.exchanges[since:] if each.names(payment_id)]

    def swap(self, own: str, other: str) -> Swap:
        """From now on, what the page sends to the merchant names another payment."""
        swap = Swap(own, other)

        def change(route: "Route") -> None:
            request = route.request
            body = request.post_data
            sent = Exchange(request.method, request.url, {}, body)
            if not (self.is_merchants(request.url) and sent.names(own)):
                route.continue_()
                return
            swap.swapped.append(sent)
            url = request.url.replace(own, other).replace(quote(own), quote(other))
            changed = body.replace(own, other) if body is not None else None
            route.continue_(url=url, post_data=changed)

        self._context.route("**/*", change)
        return swap

    def _begin(self, request: "Request") -> None:
        if "PortOne " in request.headers.get("authorization", ""):
            self.secret_use.append(request.url)
        if not self.is_merchants(request.url):
            return
        # A body that is no text is not of interest.
        body = (request.post_data_buffer or b"").decode(errors="replace") or None
        exchange = Exchange(request.method, request.url, dict(request.headers), body)
        self.exchanges.append(exchange)
        if request.resource_type not in LASTING:
            self._open[request] = (exchange, time.monotonic())
            self.last_change = time.monotonic()

    def _end(self, request: "Request") -> None:
        if self._open.pop(request, None) is not None:
            self.last_change = time.monotonic()

    def _read(self, response: "Response") -> None:
        from playwright.sync_api import Error

        opened = self._open.get(response.request)
        if opened is None:
            return
        exchange = opened[0]
        exchange.status = response.status
        type = response.headers.get("content-type", "")
        if not any(each in type for each in TEXT) or 300 <= response.status < 400:
            return
        headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
        try:
            exchange.answer = f"{headers}\n\n{response.text()}"
        except Error:  # the page has been left: its answer is gone
            exchange.answer = headers
