"""A PortOne V2 on your machine: the browser SDK, the payment window, the REST API, and a console.

    portone-sandbox serve
    flask --app portone_sandbox run --port 5001

each run it alone and print the settings for a merchant's .env. SANDBOX_PG=KCP_V2 picks the channel
of another PG, SANDBOX_PG="KCP_V2 KAKAOPAY" several, SANDBOX_MANUAL_APPROVAL=1 the channel with
manual approval, SANDBOX_LIVE=1 the LIVE channel (here no money moves either). `create_app()` is a
WSGI app to mount under any prefix, and pytest_plugin.py has a fixture. No money moves, and nothing
here contacts the real PortOne.
"""

import json
import os
import re
from pathlib import Path

import click
from flask import Flask, Response, jsonify, render_template, request
from flask.json.provider import DefaultJSONProvider
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.serving import is_running_from_reloader

from . import (
    accounts,
    channels,
    checkout,
    console,
    control,
    journal_calls,
    language,
    names,
    rest,
    startup,
)
from .documents import Json
from .errors import Refused
from .http_request import PaymentIdConverter, not_in_sandbox
from .payment_request import is_http_url
from .sandbox import Sandbox
from .store import default_path
from .transport import SandboxAdapter
from .webhook_request import trusted_certificates

__all__ = ["API_BASE", "SandboxAdapter", "create_app", "settings"]

# Where a merchant's server finds a sandbox that is mounted in its own process, once
# `SandboxAdapter` is mounted there.
API_BASE = "http://portone-sandbox.invalid"

MAX_BODY_BYTES = 256 * 1024


class _JsonProvider(DefaultJSONProvider):
    sort_keys = False
    ensure_ascii = False


def settings(url: str) -> dict[str, str]:
    """A merchant's settings for this sandbox, by their names in its environment.

    url: where the merchant's browser finds the sandbox: a path of the merchant's own site
    ("/sandbox") when the sandbox is mounted in it, else an address ("http://localhost:5001").
    SANDBOX_PG, SANDBOX_MANUAL_APPROVAL and SANDBOX_LIVE pick the channel: see channels.settings,
    which names what is wrong with them in a ValueError.
    """
    return {
        "PORTONE_STORE_ID": accounts.STORE_ID,
        **channels.settings(os.environ),
        "PORTONE_API_SECRET": accounts.API_SECRET,
        "PORTONE_WEBHOOK_SECRET": accounts.WEBHOOK_SECRET,
        "PORTONE_API_BASE": API_BASE if url.startswith("/") else url,
        "PORTONE_SDK_URL": f"{url}/v2/browser-sdk.js",
        "PORTONE_CONSOLE_URL": f"{url}/",
    }


def create_app(
    database: str | os.PathLike[str] | None = None, webhook_url: str | None = None
) -> Flask:
    """The sandbox as a Flask app. `app.extensions["sandbox"].close()` ends what it started.

    database: path of its SQLite file, or ":memory:"; by default SANDBOX_DATABASE, else
    store.default_path(). webhook_url: where the webhooks of payments without
    `noticeUrls` go, unless SANDBOX_WEBHOOK_URL names another (empty: nowhere). A path is one of the
    site whose page opened the payment window. ValueError names a setting that is malformed.
    """
    path = str(database or os.environ.get("SANDBOX_DATABASE") or default_path())
    webhook_url = os.environ.get("SANDBOX_WEBHOOK_URL", webhook_url)
    if webhook_url and not (webhook_url.startswith("/") or is_http_url(webhook_url)):
        message = f"SANDBOX_WEBHOOK_URL must be an HTTP(S) URL or a path, not {webhook_url!r}."
        raise ValueError(message)
    channels.settings(os.environ)  # so that a malformed setting is found at the start
    trusted_certificates()
    sandbox = Sandbox(path, webhook_url, _minute_seconds(), _is_server())
    app = build_app(sandbox)
    _print_settings_when_alone(webhook_url)
    sandbox.start()
    return app


def build_app(sandbox: Sandbox) -> Flask:
    """The app around a sandbox, which is not started. No setting of the environment counts."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    # Fresh for a minute. Chromium lets one window wait for another that asks for the same file, and
    # a popup closes while it asks: the next window's script would then come up to 20 s late.
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 60
    app.json = _JsonProvider(app)
    app.url_map.converters["payment_id"] = PaymentIdConverter
    app.url_map.merge_slashes = False  # an id may begin with a slash
    app.extensions["sandbox"] = sandbox
    journal_calls.listen_to(app)
    _register_routes(app)
    _set_up_pages(app)
    return app


def _minute_seconds() -> float:
    """How long a minute between two tries of a webhook is, for those who can't wait for 256."""
    minute = os.environ.get("SANDBOX_WEBHOOK_MINUTE") or "60"
    if not re.fullmatch(r"\d+(\.\d+)?", minute):
        raise ValueError(f"SANDBOX_WEBHOOK_MINUTE must be a number of seconds, not {minute!r}.")
    return float(minute)


def _is_server() -> bool:
    """Whether this process stays: not under a command such as `flask reconcile`."""
    context = click.get_current_context(silent=True)
    return context is None or context.info_name in ("run", "serve")


def _register_routes(app: Flask) -> None:
    for blueprint in (rest.bp, checkout.bp, console.bp, control.bp):
        app.register_blueprint(blueprint)
    app.register_error_handler(Refused, _answer_refusal)
    app.register_error_handler(HTTPException, _answer_http_error)

    @app.get("/v2/browser-sdk.js")
    def browser_sdk() -> Response:
        response = Response(_browser_sdk(), mimetype="text/javascript")
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Access-Control-Allow-Origin"] = "*"  # for <script crossorigin>
        return response


def _browser_sdk() -> str:
    """The SDK. It knows each channel's window beforehand: a popup can't wait for an answer."""
    source = Path(__file__).with_name("static").joinpath("browser-sdk.js").read_text("utf-8")
    known = json.dumps(channels.window_types())
    return source.replace("const WINDOW_TYPES = {};", f"const WINDOW_TYPES = {known};")


def _set_up_pages(app: Flask) -> None:
    app.jinja_env.globals.update(
        _=language.translate,
        language=language.language,
        lang_of=language.lang_of,
        money=language.money,
        settings=settings,
        applied_switches=names.applied_switches,
        bank_name=names.bank_name,
        current_switches=console.current_switches,
        korean_time=names.korean_time,
        method_name=names.method_name,
        outcome_name=names.outcome_name,
        pg_name=names.pg_name,
        problem_text=names.problem_text,
        utc_time=names.utc_time,
    )
    app.after_request(language.save_in_cookie)


def _answer_refusal(error: Refused) -> ResponseReturnValue:
    return _answer_error(error.status, error.answer, error.type)


def _answer_http_error(error: HTTPException) -> ResponseReturnValue:
    if error is request.routing_exception:
        return _answer_refusal(not_in_sandbox())
    status = error.code or 500
    type = "INVALID_REQUEST" if status < 500 else "INTERNAL"
    return _answer_error(status, {"type": type, "message": error.description or error.name})


def _answer_error(status: int, answer: Json, refusal: str | None = None) -> ResponseReturnValue:
    """A page for a browser, PortOne's error for everybody else.

    refusal: the type of the error if the REST API refused.
    """
    accepted = request.accept_mimetypes.best_match(["application/json", "text/html"])
    if accepted == "text/html":
        page = render_template(
            "error.html", status=status, refusal=refusal, message=answer["message"]
        )
        return page, status
    return jsonify(answer), status


def _print_settings_when_alone(webhook_url: str | None) -> None:
    """Under `flask --app portone_sandbox run`: the lines for a merchant's .env."""
    if not startup.is_flask_run(__name__) or is_running_from_reloader():
        return
    url = startup.flask_run_url()
    merchant_settings = settings(url or "http://localhost:0")
    if url is None:
        click.echo("# flask prints the port below. `portone-sandbox serve --port 0` names it here.")
        merchant_settings = {
            name: value for name, value in merchant_settings.items() if ":0" not in value
        }
    for line in startup.lines(merchant_settings, webhook_url):
        click.echo(line)
