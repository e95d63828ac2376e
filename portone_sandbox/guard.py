"""Keeps the console and /control for the people of this machine.

Without it any page that a developer has open could reset the sandbox: by a form (the origin is then
another one), in a frame (a click goes to what is not seen), or under a name of its own that leads
to 127.0.0.1 (the host is then another one). A script sends no Origin and is let in.
"""

import os
import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from .errors import Refused

# Names that lead to this machine, wherever they are asked for: RFC 6761. The second one is that of
# portone_sandbox.API_BASE, which leads nowhere.
OWN_NAMES = ("localhost", "portone-sandbox.invalid")


def protect(blueprint: Blueprint) -> None:
    blueprint.before_request(refuse_strangers)
    blueprint.after_request(refuse_frames)


def refuse_strangers() -> None:
    if not _is_own_host(_hostname(f"//{request.host}")):
        message = (
            f"The console and /control do not answer to the host {request.host}."
            " SANDBOX_HOSTS lists the names that they answer to besides."
        )
        raise Refused("FORBIDDEN", message)
    if _is_from_elsewhere():
        raise Refused("FORBIDDEN", "The console and /control take no request from another site.")


def refuse_frames(response: Response) -> Response:
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Content-Security-Policy"] = "frame-ancestors 'none'"
    return response


def _is_own_host(host: str) -> bool:
    """host: a name, or an IP address."""
    try:
        return ip_address(host).is_private  # loopback is
    except ValueError:
        is_own = host in OWN_NAMES or host.endswith(".localhost")
        return is_own or _is_listed(host)


def _is_listed(host: str) -> bool:
    """In SANDBOX_HOSTS: names, separated by spaces or commas. `.example.com` is every name in it,
    `*` is every name.
    """
    for name in re.split(r"[\s,]+", os.environ.get("SANDBOX_HOSTS", "").lower()):
        if name and (name in (host, "*") or (name[0] == "." and host.endswith(name))):
            return True
    return False


def _is_from_elsewhere() -> bool:
    headers = request.headers
    if request.method in ("GET", "HEAD") and headers.get("Sec-Fetch-Mode") == "navigate":
        return False  # a link to the console, on any site
    if "Sec-Fetch-Site" in headers:
        # No page can change it. "none": by the developer, who typed the address.
        return headers["Sec-Fetch-Site"] not in ("same-origin", "none")
    # Browsers do not send the header to a http address of another machine.
    origin = headers.get("Origin")
    if origin in (None, f"http://{request.host}", f"https://{request.host}"):
        return False
    return not _is_listed(_hostname(str(origin)))


def _hostname(address: str) -> str:
    """In lower case, without the dot that a full name may end with. Empty when there is none."""
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""
