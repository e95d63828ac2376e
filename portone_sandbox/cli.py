"""The command `portone-sandbox`."""

import json
import os
import signal
import socket
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import click
from werkzeug.serving import make_server

from . import create_app, settings, startup


@click.group()
@click.version_option(package_name="portone-sandbox")
def main() -> None:
    """A PortOne V2 on your machine."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=5001,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0: a free one.",
)
@click.option("--database", help="An SQLite file, or :memory:. Default: SANDBOX_DATABASE.")
@click.option("--webhook-url", help="Where webhooks go. Default: SANDBOX_WEBHOOK_URL.")
@click.option("--cert", type=click.Path(exists=True, dir_okay=False), help="For HTTPS, with --key.")
@click.option("--key", type=click.Path(exists=True, dir_okay=False), help="The certificate's key.")
@click.option("--print-json", is_flag=True, help="Print the settings as one JSON object.")
def serve(
    host: str,
    port: int,
    database: str | None,
    webhook_url: str | None,
    cert: str | None,
    key: str | None,
    print_json: bool,
) -> None:
    """Run the sandbox, and print the settings for a merchant once it listens.

    SIGTERM and SIGINT end it. With --print-json nothing else goes to the standard output.
    """
    if bool(cert) != bool(key):
        raise click.UsageError("--cert and --key need each other.")
    if webhook_url is not None:
        os.environ["SANDBOX_WEBHOOK_URL"] = webhook_url  # create_app reads it
    tls = (cert, key) if cert and key else None
    # From here on a signal ends the command in order, whatever it is doing.
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    try:
        # Once the server runs it takes the interrupt itself.
        with suppress(KeyboardInterrupt), _listen(host, port) as listener:
            _run(listener, host, database, tls, print_json)
    except ValueError as error:  # a setting that is malformed
        raise click.ClickException(str(error)) from None


def _run(
    listener: socket.socket,
    host: str,
    database: str | None,
    tls: tuple[str, str] | None,
    print_json: bool,
) -> None:
    port: int = listener.getsockname()[1]
    url = startup.public_url("https" if tls else "http", host, port)
    merchant_settings = settings(url)
    app = create_app(database)
    sandbox = app.extensions["sandbox"]
    try:
        server = make_server(
            host,
            port,
            startup.at_path(app, url),
            threaded=True,
            ssl_context=tls,
            fd=listener.fileno(),
        )
        if print_json:
            click.echo(json.dumps(merchant_settings))
        else:
            for line in startup.lines(merchant_settings, sandbox.webhook_url):
                click.echo(line)
        sys.stdout.flush()
        click.echo(f"The console is at {url}/. Press CTRL+C to end it.", err=True)
        try:
            server.serve_forever()
        finally:
            server.server_close()
    finally:
        sandbox.close()


def _listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections. ClickException when it can't be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        reason = error.strerror or error
        message = f"{host}:{port} can't be listened on: {reason}. Another --port may be free."
        raise click.ClickException(message) from None


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@main.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def conformance(arguments: tuple[str, ...]) -> None:
    """Judge a merchant's own page in Chromium. See docs/conformance.md."""
    from .conformance import main as judge

    sys.exit(judge(arguments))
