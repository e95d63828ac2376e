"""Reads and checks the settings, once at start. .env.example explains each of them."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Values = Mapping[str, Any]

ACCOUNT = {
    "PORTONE_STORE_ID": "the store's id (store-…)",
    "PORTONE_CHANNEL_KEY": "the key of a payment channel (channel-key-…)",
    "PORTONE_API_SECRET": "the V2 API secret",
}
PAY_METHODS = ("CARD", "VIRTUAL_ACCOUNT", "TRANSFER", "EASY_PAY", "MOBILE")


class SettingsError(Exception):
    """A setting is missing or wrong. The message names it and what was expected."""


@dataclass(frozen=True)
class Settings:
    """The checked settings. Secrets are left out of the repr, and so out of logs."""

    store_id: str
    channel_key: str
    api_secret: str = field(repr=False)
    webhook_secrets: tuple[bytes, ...] = field(repr=False)
    allow_test: bool
    pre_register: bool
    notice_url: str
    api_base: str
    sdk_url: str
    console_url: str
    pay_methods: tuple[str, ...]
    max_lookups: int | None
    proxy: str
    panel: bool
    public_url: str


def load(values: Values) -> Settings:
    """Check the settings in `values`: os.environ, a Flask app.config, or any mapping of the same
    names.

    Raises SettingsError if one is missing or wrong.
    """
    missing = [f"{name}: {what}" for name, what in ACCOUNT.items() if not _text(values, name)]
    if missing:
        raise SettingsError(
            "PortOne needs these settings too (see .env.example):\n  " + "\n  ".join(missing)
        )
    return Settings(
        store_id=_text(values, "PORTONE_STORE_ID"),
        channel_key=_text(values, "PORTONE_CHANNEL_KEY"),
        api_secret=_text(values, "PORTONE_API_SECRET"),
        webhook_secrets=_webhook_secrets(values),
        allow_test=flag(values, "PORTONE_ALLOW_TEST"),
        pre_register=flag(values, "PORTONE_PRE_REGISTER"),
        notice_url=_text(values, "PORTONE_NOTICE_URL"),
        api_base=_url(values, "PORTONE_API_BASE", "https://api.portone.io"),
        sdk_url=_text(values, "PORTONE_SDK_URL", "https://cdn.portone.io/v2/browser-sdk.js"),
        console_url=_text(values, "PORTONE_CONSOLE_URL"),
        pay_methods=_pay_methods(values),
        max_lookups=_max_lookups(values),
        proxy=_url(values, "PORTONE_PROXY", ""),
        panel=flag(values, "PAYMENT_PANEL"),
        public_url=_public_url(values),
    )


def flag(values: Values, name: str) -> bool:
    """Returns a switch:

    on for 1 or true, off for 0, false or nothing. Raises SettingsError otherwise.
    """
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


def _pay_methods(values: Values) -> tuple[str, ...]:
    methods = tuple(
        _text(values, "PORTONE_PAY_METHODS", ",".join(PAY_METHODS)).replace(" ", "").split(",")
    )
    if unknown := set(methods) - set(PAY_METHODS):
        expected = ",".join(PAY_METHODS)
        raise SettingsError(
            f"PORTONE_PAY_METHODS must be some of {expected}, not {', '.join(sorted(unknown))!r}"
        )
    return methods


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
