"""What a request shows of the buyer's browser and of the merchant's page in it."""

from flask import request

from .documents import Origin


def merchant_origin() -> str:
    """Where the result may be posted to."""
    origin = request.headers.get("Origin", request.host_url.rstrip("/"))
    # A page opened from a file has the origin "null", to which no message can be addressed.
    return "*" if origin == "null" else origin


def buyer(page: str) -> Origin:
    """page: the address of the merchant's page."""
    agent = request.user_agent.string
    return {
        "platformType": "MOBILE" if "Mobi" in agent or "Android" in agent else "PC",
        "ipAddress": request.remote_addr or "127.0.0.1",
        "userAgent": agent,
        "url": page,
    }
