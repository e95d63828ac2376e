"""What an HTTP request to the sandbox holds: its JSON, the buyer's browser, the merchant's page."""

from flask import request

from .documents import Origin


def json_body() -> object:
    """The body, whatever its Content-Type: npm's @portone/server-sdk sends JSON as text/plain."""
    body: object = request.get_json(force=True, silent=True)
    return body


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
