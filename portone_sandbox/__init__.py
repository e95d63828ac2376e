"""A PortOne V2 that runs on your machine: the browser SDK, the payment window, the REST API and a console.

    flask --app portone_sandbox run --port 5001

runs it alone and prints the settings for a merchant's .env; `create_app()` is a WSGI app to mount under any
prefix. No money moves, and nothing here knows the real PortOne.
"""

import os
import re
from pathlib import Path

import click
from flask import Flask, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import is_running_from_reloader

from . import accounts, checkout, console, language, rest, store, webhooks
from .payment_request import is_http_url
from .transport import SandboxAdapter

__all__ = ["API_BASE", "SandboxAdapter", "create_app", "settings"]

# Where a merchant's server finds a sandbox embedded in it, once `SandboxAdapter` is mounted there.
API_BASE = "http://portone-sandbox.invalid"


def settings(url):
    """A merchant's settings for this sandbox, as strings by name.

    url: where its browser finds the sandbox: a path of its own site ("/sandbox") when the sandbox is embedded
    in it, else the sandbox's address ("http://localhost:5001").
    """
    return {
        "PORTONE_STORE_ID": accounts.STORE_ID,
        "PORTONE_CHANNEL_KEY": next(iter(accounts.CHANNELS)),
        "PORTONE_API_SECRET": accounts.API_SECRET,
        "PORTONE_WEBHOOK_SECRET": accounts.WEBHOOK_SECRET,
        "PORTONE_ALLOW_TEST": "1",
        "PORTONE_API_BASE": API_BASE if url.startswith("/") else url,
        "PORTONE_SDK_URL": f"{url}/v2/browser-sdk.js",
        "PORTONE_CONSOLE_URL": f"{url}/",
    }


def create_app(database=None, webhook_url=None):
    """The sandbox as a Flask app.

    database: path of its SQLite file; by default SANDBOX_DATABASE, else instance/sandbox.db by the package.
    webhook_url: where the webhooks of payments without `noticeUrls` go, unless SANDBOX_WEBHOOK_URL says otherwise
    (empty: nowhere). A path is one of the site whose page opened the payment window.
    """
    app = Flask(__name__)
    default = Path(__file__).parent.parent / "instance" / "sandbox.db"
    app.config["DATABASE"] = str(database or os.environ.get("SANDBOX_DATABASE") or default)
    app.config["WEBHOOK_URL"] = webhook_url = os.environ.get("SANDBOX_WEBHOOK_URL", webhook_url)
    if webhook_url and not (webhook_url.startswith("/") or is_http_url(webhook_url)):
        raise ValueError(
            f"SANDBOX_WEBHOOK_URL must be an HTTP(S) URL or a path, not {webhook_url!r}."
        )
    # How long a minute is between two tries of a webhook, in seconds: for those who would not wait for 256 of them.
    minute = os.environ.get("SANDBOX_WEBHOOK_MINUTE") or "60"
    if not re.fullmatch(r"\d+(\.\d+)?", minute):
        raise ValueError(f"SANDBOX_WEBHOOK_MINUTE must be a number of seconds, not {minute!r}.")
    app.config["WEBHOOK_MINUTE"] = float(minute)
    app.config["MAX_CONTENT_LENGTH"] = 256 * 1024
    app.json.sort_keys = False
    app.json.ensure_ascii = False
    store.create(app.config["DATABASE"])
    app.extensions["webhooks"] = webhooks.Sender(app)
    app.register_blueprint(rest.bp)
    app.register_blueprint(checkout.bp)
    app.register_blueprint(console.bp)
    app.jinja_env.globals.update(
        _=language.translate,
        language=language.language,
        lang_of=language.lang_of,
        money=language.money,
        settings=settings,
    )
    app.after_request(language.remember)
    app.register_error_handler(HTTPException, explain)

    @app.get("/v2/browser-sdk.js")
    def browser_sdk():
        response = app.send_static_file("browser-sdk.js")
        response.headers["Access-Control-Allow-Origin"] = "*"  # for <script crossorigin>
        return response

    print_settings_when_alone(app)
    app.extensions["webhooks"].go_on()
    return app


def explain(error):
    """A browser is shown a page; everybody else gets PortOne's error shape."""
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        return render_template("error.html", error=error), error.code
    kind = "INVALID_REQUEST" if error.code < 500 else "INTERNAL"
    answer = {"type": kind, "message": error.description or error.name}, error.code
    return getattr(error, "answer", answer)


def print_settings_when_alone(app):
    """Under `flask --app portone_sandbox run`: the lines for a merchant's .env."""
    context = click.get_current_context(silent=True)
    if context is None or context.info_name != "run" or is_running_from_reloader():
        return
    if (context.obj.app_import_path or "").split(":")[0] == __name__:
        click.echo("# Settings for a merchant's .env:")
        for name, value in settings(f"http://localhost:{context.params['port']}").items():
            click.echo(f"{name}={value}")
        click.echo(
            f"# Webhooks go to {app.config['WEBHOOK_URL'] or 'nowhere: set SANDBOX_WEBHOOK_URL'}."
        )
