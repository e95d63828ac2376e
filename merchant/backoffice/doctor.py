"""Finds out whether the shop is set up right, and says what to do: for `flask doctor`."""

from collections.abc import Iterator

from flask import current_app, url_for

from ..config import Settings, flag
from ..current import merchant
from ..views import bp
from .database_checks import database_faults, database_name
from .findings import Finding, ok, wrong
from .pg_tasks import PGS, tasks_of
from .portone_checks import ChannelState, ask_portone
from .webhook_checks import delivery_fault

# Both: https://developers.portone.io/opi/ko/integration/webhook/readme-v2
PORTONE_IP = "52.78.5.241"
MODES = (
    "PortOne's console has one webhook address with up to two secrets for test mode, and"
    " another for live mode: the secret has to be of the channel's mode"
)


def examine() -> Iterator[Finding]:
    """Yields what is well and what is wrong.

    Nothing is changed. No connection of the database is held while PortOne or our own site is
    asked; what the session has pending is rolled back. A setting that config.py refuses is not
    found here: the app does not start with it, and the SettingsError names it.
    """
    settings = merchant().settings
    keys = ", ".join(each.key for each in settings.channels)
    yield ok(f"The settings load: store {settings.store_id}, channel {keys}")
    yield from _database()
    findings, channels = ask_portone(settings)
    yield from findings
    is_live = not settings.allow_test or any(each.type == "LIVE" for each in channels)
    for channel in channels:
        yield from _mode(settings, channel)
    yield from _leftovers(settings, is_live)
    yield from _public_url(settings, is_live)
    yield from _webhook(settings)
    for channel in channels:
        yield from _pg(settings, channel)


def _database() -> list[Finding]:
    name = f"The database ({database_name()})"
    faults = [wrong(f"{name}: {fault}") for fault in database_faults()]
    return faults or [ok(f"{name} can be written, is durable, and has the tables of models.py")]


def _mode(settings: Settings, channel: ChannelState) -> Iterator[Finding]:
    allowed = f"PORTONE_ALLOW_TEST is {'on' if settings.allow_test else 'off'}"
    which = f"channel {channel.key}" if len(settings.channels) > 1 else "channel"
    if channel.type is None:
        yield ok(f"{allowed}; whether the {which} is TEST or LIVE shows after its first payment")
    elif channel.type == "LIVE" and settings.allow_test:
        yield wrong(f"{allowed} and the {which} is LIVE, so a test payment gets goods: remove it")
    elif channel.type == "TEST" and not settings.allow_test:
        yield wrong(
            f"{allowed} and the {which} is TEST, so every payment is refused:"
            " set PORTONE_ALLOW_TEST=1, or for a real shop the key of a live channel"
        )
    else:
        yield ok(f"{allowed} and the {which} is {channel.type}")


def _leftovers(settings: Settings, is_live: bool) -> Iterator[Finding]:
    """What is right in the sandbox only."""
    if not is_live:
        return
    left = ["PORTONE_SANDBOX"] if flag(current_app.config, "PORTONE_SANDBOX") else []
    left += ["PAYMENT_PANEL"] if settings.panel else []
    left += ["PORTONE_SDK_URL"] if settings.sdk_url.startswith("/") else []
    left += ["PORTONE_CONSOLE_URL"] if settings.console_url.startswith("/") else []
    advice = {"PORTONE_SANDBOX": " (set it to 0: .flaskenv sets 1 for flask)"}
    for name in left:
        yield wrong(f"{name} is left from the sandbox: remove it{advice.get(name, '')}")
    if not left:
        yield ok("No setting is left from the sandbox")


def _public_url(settings: Settings, is_live: bool) -> Iterator[Finding]:
    url = settings.public_url
    if not url and is_live:
        yield wrong("PUBLIC_URL is not set: set it to the address that buyers see, https://…")
    elif not url:
        yield ok("PUBLIC_URL is not set, and not needed on your own machine")
    elif is_live and not url.startswith("https://"):
        yield wrong(f"PUBLIC_URL {url} is not https: buyers' data would be open to read")
    else:
        yield ok(f"PUBLIC_URL is {url}")


def _webhook(settings: Settings) -> Iterator[Finding]:
    secrets = settings.webhook_secrets
    if not secrets:
        yield wrong(f"PORTONE_WEBHOOK_SECRET is not set, so anybody can send webhooks. {MODES}")
    else:
        rotation = " (take the old one out after the rotation)" if len(secrets) > 1 else ""
        yield ok(f"PORTONE_WEBHOOK_SECRET has {len(secrets)} secret(s){rotation}. {MODES}")
    with current_app.test_request_context():
        own = settings.public_url and settings.public_url + url_for(f"{bp.name}.webhook")
    address = settings.notice_url or own
    if not address:
        yield ok("The webhook was not tried: without PUBLIC_URL its address is not known")
    elif fault := delivery_fault(address, settings):
        yield wrong(f"The webhook at {address} {fault}")
    else:
        way = f"tried from here; PortOne sends from {PORTONE_IP}"
        yield ok(f"The webhook at {address} answers as PortOne expects ({way})")


def _pg(settings: Settings, channel: ChannelState) -> Iterator[Finding]:
    name = channel.name or channel.pg
    if not channel.name:
        yield ok(f"PORTONE_PG is not set, so it is not known what the PG of {channel.key} wants")
    elif channel.pg and channel.pg != channel.name:
        own = f"The settings say that {channel.key} is of {channel.name}"
        yield wrong(f"{own}, but the channel's PG is {channel.pg}")
    if name in PGS:
        has_accounts = "VIRTUAL_ACCOUNT" in settings.pay_methods
        for task in tasks_of(
            name, has_accounts and "VIRTUAL_ACCOUNT" in settings.pg_of(channel.key).methods
        ):
            yield ok(f"{name}, to be done by hand and not checked here: {task}")
