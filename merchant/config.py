"""Reads and checks the settings, once at start. .env.example explains each of them."""

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from .pg import ANY, METHODS, NOT_SERVED, OFFERED_BY_ANY, PG, PGS, Channel

Values = Mapping[str, Any]

ACCOUNT = {
    "PORTONE_STORE_ID": "the store's id (store-…)",
    "PORTONE_CHANNEL_KEY": "the key of a payment channel (channel-key-…)",
    "PORTONE_API_SECRET": "the V2 API secret",
}
CHANNELS = "PORTONE_CHANNELS"  # several channels, instead of PORTONE_CHANNEL_KEY and PORTONE_PG


class SettingsError(Exception):
    """A setting is missing or wrong. The message names it and what was expected."""


@dataclass(frozen=True)
class Settings:
    """The checked settings. Secrets are left out of the repr, and so out of logs."""

    store_id: str
    channels: tuple[Channel, ...]
    api_secret: str = field(repr=False)
    webhook_secrets: tuple[bytes, ...] = field(repr=False)
    allow_test: bool
    pre_register: bool
    notice_url: str
    api_base: str
    sdk_url: str
    console_url: str
    pay_methods: tuple[str, ...]
    providers: tuple[str, ...]  # of EASY_PAY; () leaves the choice to the PG's window
    max_lookups: int | None
    proxy: str
    panel: bool
    public_url: str

    def channel_for(self, pay_method: str, provider: str) -> Channel:
        """Returns the first channel whose PG takes a payment this way."""
        return next(each for each in self.channels if each.pg.has(pay_method, provider))

    def pg_of(self, channel_key: str) -> PG:
        """Returns the PG of a payment's channel; ANY for a channel of earlier settings."""
        return next((each.pg for each in self.channels if each.key == channel_key), ANY)


def load(values: Values) -> Settings:
    """Check the settings and return them. Raises SettingsError if one is missing or wrong.

    values: os.environ, a Flask app.config, or any mapping with the same names.
    """
    instead = {"PORTONE_CHANNEL_KEY": CHANNELS}
    missing = [
        f"{name}: {what}"
        for name, what in ACCOUNT.items()
        if not _text(values, name) and not _text(values, instead.get(name, name))
    ]
    if missing:
        raise SettingsError(
            "PortOne needs these settings too (see .env.example):\n  " + "\n  ".join(missing)
        )
    channels = _channels(values)
    pay_methods = _pay_methods(values, channels)
    return Settings(
        store_id=_text(values, "PORTONE_STORE_ID"),
        channels=channels,
        api_secret=_text(values, "PORTONE_API_SECRET"),
        webhook_secrets=_webhook_secrets(values),
        allow_test=flag(values, "PORTONE_ALLOW_TEST"),
        pre_register=flag(values, "PORTONE_PRE_REGISTER"),
        notice_url=_text(values, "PORTONE_NOTICE_URL"),
        api_base=_url(values, "PORTONE_API_BASE", "https://api.portone.io"),
        sdk_url=_text(values, "PORTONE_SDK_URL", "https://cdn.portone.io/v2/browser-sdk.js"),
        console_url=_text(values, "PORTONE_CONSOLE_URL"),
        pay_methods=pay_methods,
        providers=_providers(values, channels) if "EASY_PAY" in pay_methods else (),
        max_lookups=_max_lookups(values),
        proxy=_url(values, "PORTONE_PROXY", ""),
        panel=flag(values, "PAYMENT_PANEL"),
        public_url=_public_url(values),
    )


def flag(values: Values, name: str) -> bool:
    """Returns True for 1 or true, False for 0, false or nothing. Else raises SettingsError."""
    text = _text(values, name, "0").lower()
    if text not in {"0", "1", "false", "true"}:
        raise SettingsError(f"{name} must be 1 or 0, not {text!r}")
    return text in {"1", "true"}


def _text(values: Values, name: str, default: str = "") -> str:
    value = values.get(name)
    return default if value is None else str(value).strip() or default


def _url(values: Values, name: str, default: str) -> str:
    url = _text(values, name, default).rstrip("/")
    if url and not url.startswith(("https://", "http://")):
        raise SettingsError(f"{name} must start with https:// or http://, not {url!r}")
    return url


def _public_url(values: Values) -> str:
    url = _url(values, "PUBLIC_URL", "")
    if url.count("/") > 2 or "?" in url or "#" in url:
        raise SettingsError(
            f"PUBLIC_URL must be scheme and host without a path, not {url!r}: the path comes from "
            "url_prefix, and from your server (SCRIPT_NAME, or X-Forwarded-Prefix with ProxyFix)"
        )
    return url


def _channels(values: Values) -> tuple[Channel, ...]:
    several = _text(values, CHANNELS).split()
    if not several:
        return (Channel(_text(values, "PORTONE_CHANNEL_KEY"), _pg_name(values, "PORTONE_PG")),)
    for name in ("PORTONE_CHANNEL_KEY", "PORTONE_PG"):
        if _text(values, name):
            raise SettingsError(f"{CHANNELS} stands instead of {name}: set only one of the two")
    channels = []
    for each in several:
        name, _, key = each.partition("=")
        if not (name and key):
            raise SettingsError(f"{CHANNELS} must be PG=channel-key-… with spaces, not {each!r}")
        channels.append(Channel(key, _pg_name({CHANNELS: name}, CHANNELS)))
    return tuple(channels)


def _pg_name(values: Values, setting: str) -> str:
    name = _text(values, setting)
    if name in NOT_SERVED:
        raise SettingsError(f"{setting}: this shop does not serve {name}: {NOT_SERVED[name]}")
    if name and name not in PGS:
        raise SettingsError(f"{setting} must be one of {', '.join(PGS)}, not {name!r}")
    return name


def _pay_methods(values: Values, channels: tuple[Channel, ...]) -> tuple[str, ...]:
    possible = [each for each in METHODS if any(each in channel.pg.methods for channel in channels)]
    is_known = any(channel.name for channel in channels)
    default = possible if is_known else OFFERED_BY_ANY
    return _some_of(values, "PORTONE_PAY_METHODS", possible, default)


def _providers(values: Values, channels: tuple[Channel, ...]) -> tuple[str, ...]:
    possible = dict.fromkeys(each for channel in channels for each in channel.pg.providers)
    default = possible if any(channel.name for channel in channels) else ()
    return _some_of(values, "PORTONE_EASY_PAY_PROVIDERS", possible, default)


def _some_of(
    values: Values, setting: str, possible: Collection[str], default: Collection[str]
) -> tuple[str, ...]:
    text = _text(values, setting).replace(" ", "")
    chosen = tuple(text.split(",") if text else default)
    if unknown := set(chosen) - set(possible):
        expected = ",".join(possible)
        raise SettingsError(
            f"{setting} must be some of {expected}, not {', '.join(sorted(unknown))!r}"
        )
    return chosen


def _max_lookups(values: Values) -> int | None:
    text = _text(values, "PORTONE_MAX_LOOKUPS")
    if text and not (text.isascii() and text.isdigit() and int(text) > 0):
        raise SettingsError(
            f"PORTONE_MAX_LOOKUPS must be a whole number above 0, or empty, not {text!r}"
        )
    return int(text) if text else None


def _webhook_secrets(values: Values) -> tuple[bytes, ...]:
    try:
        secrets = _text(values, "PORTONE_WEBHOOK_SECRET").split()
        keys = tuple(
            base64.b64decode(secret.removeprefix("whsec_"), validate=True) for secret in secrets
        )
    except binascii.Error:
        keys = (b"",)
    if len(keys) > 2 or b"" in keys:
        raise SettingsError(
            "PORTONE_WEBHOOK_SECRET must be one or two whsec_… secrets, separated by a space"
        )
    return keys
