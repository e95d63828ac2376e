"""What an HTTP request to the sandbox holds: its JSON, the buyer's browser, the merchant's page."""

from urllib.parse import quote

from flask import request
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import BaseConverter

from .documents import Origin
from .errors import Refused
from .json_text import read_json


class PaymentIdConverter(BaseConverter):
    """A paymentId in an address: any text, with slashes too."""

    part_isolating = False
    regex = ".+?"
    weight = 200

    def to_url(self, value: str) -> str:
        return quote(value, safe="")


def json_body() -> object:
    """The body, whatever its Content-Type: npm's @portone/server-sdk sends JSON as text/plain.

    None without a body. Refused when it is not JSON.
    """
    return checked_json(request.get_data())


def checked_json(text: str | bytes, name: str = "The request") -> object:
    """None for an empty text. Refused when it is not JSON. name: what the message calls it."""
    try:
        return read_json(text) if text else None
    except ValueError as error:
        raise Refused("INVALID_REQUEST", f"{name} must be JSON. {error}") from None


def not_in_sandbox() -> Refused:
    """For a route of PortOne's that is not in the sandbox, or of nobody.

    The status is 405 where only the method is wrong. `/payments/a/b` is no payment's route.
    """
    is_other_method = isinstance(request.routing_exception, MethodNotAllowed)
    status = 405 if is_other_method and (literal_slashes() or 0) < 2 else 404
    message = f"{request.method} {request.path} is not in this sandbox."
    return Refused("NOT_IN_SANDBOX", message, status)


def literal_slashes() -> int | None:
    """How many slashes are in the address from `/payments` on, without those written `%2F`.

    None when the server does not tell.
    """
    address = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or ""
    _, found, rest = address.partition("?")[0].partition("/payments")
    return rest.count("/") if found else None


def merchant_origin() -> str:
    """Where the result may be posted to."""
    origin = request.headers.get("Origin", request.host_url.rstrip("/"))
    # A page opened from a file has the origin "null", to which no message can be addressed.
    return "*" if origin == "null" else origin


def buyer_browser(page: str) -> Origin:
    """page: the address of the merchant's page."""
    agent = request.user_agent.string
    return {
        "platformType": "MOBILE" if "Mobi" in agent or "Android" in agent else "PC",
        "ipAddress": request.remote_addr or "127.0.0.1",
        "userAgent": agent,
        "url": page,
    }
