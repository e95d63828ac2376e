"""The sandbox's channels: one per PG, one with manual approval, and one LIVE.

channels.json has what each PG's documentation says of it. PGs without a V2 page have no channel:
HYPHEN (its page was removed on 2025-11-18), TOSS_BRANDPAY, MOBILIANS_V2 and INNOPAY. The sandbox
could demand nothing there, so what passes would prove nothing.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from .documents import Channel, ListedChannel


class _Check(TypedDict):
    path: str
    rule: str
    effect: str


class Check(_Check, total=False):
    """One demand of a PG on a payment request; demands.py has the rules.

    when: all of its conditions must hold. says: what the page says besides. source: one of the
    file's "pages"; without it, the PG's own page. encoding: what bytes are counted in.
    """

    value: Any
    when: dict[str, Any]
    says: str
    source: str
    encoding: str


class Refund(TypedDict, total=False):
    """wholeOnly: payMethods without partial cancellation. partsAtMost: how many there may be.

    accountFields, fields: what `refundAccount` and the body need besides. Each name has its source:
    "page" for the PG's own, or one of the file's "pages".
    """

    wholeOnly: dict[str, str]
    partsAtMost: int
    accountFields: dict[str, str]
    fields: dict[str, str]


class _Pg(TypedDict):
    number: int
    name: dict[str, str]
    page: str
    call: str
    payMethods: list[str]
    payMethodRequired: bool
    easyPayProviders: list[str] | None
    windowTypes: dict[str, list[str]] | None
    refund: Refund
    checks: list[Check]


class Pg(_Pg, total=False):
    """A PG. call: the SDK's function. payMethods: empty if the page says to leave it out.

    windowTypes: by device, None if the page does not say. wallet: the one that the PG is.
    """

    wallet: str


_FACTS = json.loads(Path(__file__).with_name("channels.json").read_text("utf-8"))
PGS: dict[str, Pg] = _FACTS["pgs"]
PAGES: dict[str, str] = _FACTS["pages"]

DEFAULT_PG = "TOSSPAYMENTS"
NUMBERS = {"default": 1, "manual": 2, "live": 3}


def _channel(number: int, pg_provider: str, name: str, type: str = "TEST") -> Channel:
    id = f"5a4db0c5-0000-4000-8000-{number:012d}"
    return {
        "type": type,
        "id": f"channel-id-{id}",
        "key": f"channel-key-{id}",
        "name": name,
        "pgProvider": pg_provider,
        "pgMerchantId": "sandbox",
    }


_DEFAULT = _channel(NUMBERS["default"], DEFAULT_PG, "샌드박스")
_MANUAL = _channel(NUMBERS["manual"], DEFAULT_PG, "샌드박스 수동 승인")
# For a shop that accepts no test payments. No money moves here either.
_LIVE = _channel(NUMBERS["live"], DEFAULT_PG, "샌드박스 실연동", "LIVE")
_OTHERS = [
    _channel(pg["number"], name, f"샌드박스 {pg['name']['ko']}")
    for name, pg in PGS.items()
    if name != DEFAULT_PG
]

DEFAULT_CHANNEL, MANUAL_CHANNEL, LIVE_CHANNEL = (each["key"] for each in (_DEFAULT, _MANUAL, _LIVE))
CHANNELS: dict[str, Channel] = {each["key"]: each for each in (_DEFAULT, _MANUAL, _LIVE, *_OTHERS)}
KEYS_BY_PG = {each["pgProvider"]: each["key"] for each in (_DEFAULT, *_OTHERS)}

# The channels whose setting "manual approval" (수동 승인) is on. A record does not show it:
# https://developers.portone.io/opi/ko/extra/manual-confirm/readme-v2
MANUAL_APPROVAL = frozenset({MANUAL_CHANNEL})


def pg_of(channel: Channel) -> Pg:
    return PGS[channel["pgProvider"]]


def page_of(pg: Pg, check: Check) -> str:
    """The address of the page that says so."""
    return PAGES[check["source"]] if "source" in check else pg["page"]


def list_channels() -> list[ListedChannel]:
    """The channels as `GET /control/channels` and the console show them."""
    return [
        {
            "key": key,
            "pgProvider": channel["pgProvider"],
            "type": channel["type"],
            "name": channel["name"],
            "manualApproval": key in MANUAL_APPROVAL,
        }
        for key, channel in CHANNELS.items()
    ]


def window_types() -> dict[str, dict[str, str]]:
    """By channel key: the window's form on a device where the request leaves it out.

    A channel whose PG does not say is not in it. For the SDK, which has to open a popup during the
    click, before it can ask.
    """
    return {
        key: {device: forms[0] for device, forms in known.items()}
        for key, channel in CHANNELS.items()
        if (known := pg_of(channel)["windowTypes"])
    }


def settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The merchant's settings of the channel, or the channels, that the environment picks.

    SANDBOX_PG: one PG, or several separated by spaces or commas. SANDBOX_MANUAL_APPROVAL=1: the
    channel with manual approval. SANDBOX_LIVE=1: the LIVE channel, and test payments are refused.
    ValueError names a setting that is malformed, or that does not go with another.
    """
    names = environ.get("SANDBOX_PG", "").replace(",", " ").upper().split()
    if unknown := [name for name in names if name not in PGS]:
        raise ValueError(
            f"SANDBOX_PG must be one or several of {', '.join(PGS)}, not {' '.join(unknown)!r}."
        )
    special = {
        "SANDBOX_MANUAL_APPROVAL": MANUAL_CHANNEL,
        "SANDBOX_LIVE": LIVE_CHANNEL,
    }
    chosen = [name for name in special if _flag(environ, name)]
    if len(chosen) > 1 or (chosen and set(names) - {DEFAULT_PG}):
        others = " and ".join([*chosen[1:], *(["SANDBOX_PG"] if names else [])])
        raise ValueError(f"{chosen[0]} is of {DEFAULT_PG} alone: leave {others} out.")
    allow_test = {"PORTONE_ALLOW_TEST": "0" if "SANDBOX_LIVE" in chosen else "1"}
    if len(names) > 1:
        pairs = " ".join(f"{name}={KEYS_BY_PG[name]}" for name in dict.fromkeys(names))
        return {"PORTONE_CHANNELS": pairs, **allow_test}
    name = names[0] if names else DEFAULT_PG
    key = special[chosen[0]] if chosen else KEYS_BY_PG[name]
    return {"PORTONE_CHANNEL_KEY": key, "PORTONE_PG": name, **allow_test}


def _flag(environ: Mapping[str, str], name: str) -> bool:
    choice = environ.get(name, "").strip() or "0"
    if choice not in ("0", "1"):
        raise ValueError(f"{name} must be 1 or 0, not {choice!r}.")
    return choice == "1"
