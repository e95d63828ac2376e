"""The process. `flask run` and `gunicorn wsgi:app` start here."""

import os
from pathlib import Path

import click
from dotenv import load_dotenv
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import is_running_from_reloader

from merchant import config, create_app


def show_addresses(*pages: tuple[str, str]) -> None:
    """Print where to go above `flask run`'s own line. No other server or command prints it."""
    context = click.get_current_context(silent=True)
    if context is None or context.info_name != "run" or is_running_from_reloader():
        return
    given = context.params
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(given["host"], given["host"])
    scheme = "https" if given.get("cert") else "http"
    for name, path in pages:
        click.echo(f" * {name + ':':<9}{scheme}://{host}:{given['port']}{path}")


load_dotenv(Path(__file__).with_name(".env"))

if config.flag(os.environ, "PORTONE_SANDBOX") and not any(
    os.environ.get(name) for name in (*config.ACCOUNT, config.CHANNELS)
):
    import portone_sandbox

    portone = portone_sandbox.create_app(webhook_url="/payment/webhook")
    panel = os.environ.get("PAYMENT_PANEL") or "1"  # learners see the payment step by step
    settings = portone_sandbox.settings("/sandbox")
    app = create_app({**os.environ, **settings, "PAYMENT_PANEL": panel})
    app.extensions["merchant"].portone.session.mount(
        portone_sandbox.API_BASE, portone_sandbox.SandboxAdapter(portone)
    )
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/sandbox": portone})
    show_addresses(("Shop", "/"), ("Console", "/sandbox/"))
else:
    app = create_app(os.environ)
    show_addresses(("Shop", "/"))
