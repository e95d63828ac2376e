"""What the sandbox prints when it starts by itself: the settings for a merchant."""

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from . import channels
from .payment_request import is_http_url

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def public_url(scheme: str, host: str, port: int) -> str:
    """The sandbox's address without a slash at its end: SANDBOX_URL, else that of the socket.

    host: what the server listens on. ValueError when SANDBOX_URL is no HTTP(S) URL.
    """
    url = os.environ.get("SANDBOX_URL", "").strip().rstrip("/")
    if url:
        if not is_http_url(url):
            raise ValueError(f"SANDBOX_URL must be an HTTP(S) URL, not {url!r}.")
        return url
    # "Every address of this machine" is none that a client can connect to.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def at_path(app: "WSGIApplication", url: str) -> "WSGIApplication":
    """The app as a proxy passes calls to it whose address has a path (https://shop.test/sandbox).

    The proxy may leave the path in what it passes on, or take it away.
    """
    path = urlsplit(url).path
    if not path:
        return app

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["SCRIPT_NAME"] = path
        environ["PATH_INFO"] = environ.get("PATH_INFO", "").removeprefix(path)
        return app(environ, start_response)

    return answer


def lines(settings: dict[str, str], webhook_url: str | None) -> Iterator[str]:
    """The settings as a .env file has them, between comments."""
    yield "# Settings for a merchant's .env:"
    for name, value in settings.items():
        yield f"{name}={value}"
    yield "# Every channel (the console shows what each demands):"
    for channel in channels.list_channels():
        kind = " manual approval" if channel["manualApproval"] else ""
        yield f"# {channel['key']} {channel['pgProvider']} {channel['type']}{kind}"
    yield f"# Webhooks go to {webhook_url or 'nowhere: set SANDBOX_WEBHOOK_URL'}."


def is_flask_run(import_name: str) -> bool:
    """Whether this is `flask --app <import_name> run`, and not a shop that mounts the sandbox."""
    context = click.get_current_context(silent=True)
    if context is None or context.info_name != "run":
        return False
    return (getattr(context.obj, "app_import_path", None) or "").split(":")[0] == import_name


def flask_run_url() -> str | None:
    """The address under `flask run`. None with `--port 0`: the port is not known yet."""
    params = click.get_current_context().params
    scheme = "https" if params.get("cert") else "http"
    if not params["port"] and not os.environ.get("SANDBOX_URL"):
        return None
    return public_url(scheme, str(params["host"]), int(params["port"]))
