"""Settings for future payments: faults of the REST API, the order of webhooks, how windows end.

Each is a row of its own, so that every process of the sandbox sees it.
"""

import logging
from collections.abc import Mapping
from typing import NamedTuple

from . import chaos
from .cancellations import Balance
from .database import Database
from .documents import Json
from .errors import Refused
from .outcomes import ALL_OUTCOMES

log = logging.getLogger(__name__)

FAULTS = {
    "drop": "The connection breaks, and nothing was done.",
    "lost": "It is done, and the connection breaks before the answer.",
    "hang": "No answer for two minutes.",
    "slow": "The answer comes after five seconds.",
    "500": "An internal error.",
    "429": "Too many requests.",
    "garbled": "Half of the answer's JSON.",
}

# When the webhook is sent and when the browser returns. By default both at once, as at PortOne.
WEBHOOK_ORDERS = {
    "before": "The webhook first.",
    "after": "The browser first, the webhook 3 seconds later, or as many as are set.",
    "without": "The webhook only: the browser does not return.",
    "off": "The browser only: no webhook.",
    "twice": "Each webhook twice, with the same webhook-id.",
    "reversed": "The newest status first: earlier ones wait for it.",
    "concurrent": "The webhook is on its way when the browser returns.",
}

BALANCES = {
    "total": "Of the price before the discount.",
    "paid": "Of what was paid.",
}
# Without the switch a cancellation has SUCCEEDED at once.
REFUND_RESULTS = {
    "REQUESTED": "REQUESTED until the PG ends it, in the console.",
    "FAILED": "The cancellation is FAILED.",
}
CLOSE_RESULTS = {
    "FAILED": "The payment is FAILED.",
    "CANCELLED": "The payment is CANCELLED.",
    "refuse": "The PG refuses to close it.",
}


class Switch(NamedTuple):
    """field: the key of its setting. choices: the values of that key and their meaning.

    default: the choice that is the same as no setting, or "".
    """

    title: str
    field: str
    choices: Mapping[str, str]
    default: str = ""


SWITCHES = {
    "outage": Switch("Calls of the REST API", "fault", FAULTS),
    "webhooks": Switch("Webhook and browser", "order", WEBHOOK_ORDERS),
    "window": Switch("How payment windows end", "outcome", dict.fromkeys(ALL_OUTCOMES, "")),
    "refund": Switch("How cancellations end", "result", REFUND_RESULTS),
    "balance": Switch("What can be cancelled after a discount", "balance", BALANCES, "total"),
    "close": Switch("Closing a virtual account", "result", CLOSE_RESULTS, "FAILED"),
}
# Of faults and webhooks by a seed; see chaos.py. Its setting is {seed, calls, windows}.
CHAOS = "chaos"
NAMES = (*SWITCHES, CHAOS)
AFTER_SECONDS = 3
MAX_AFTER_SECONDS = 3600


def list_settings(db: Database) -> dict[str, Json | None]:
    """Each switch's setting by name; None is the default behaviour."""
    return {name: db.find_switch(name) for name in NAMES}


def save_setting(db: Database, name: str, body: object) -> None:
    """body: the switch's field; a null restores the default behaviour. For "outage" also `calls`,
    for "webhooks" also `seconds`, for "chaos" `{seed?}`.

    Refused when it is anything else. KeyError when there is no such switch.
    """
    if name == CHAOS:
        _save_chaos(db, body)
        return
    switch = SWITCHES[name]
    value = body.get(switch.field) if isinstance(body, dict) else None
    if not isinstance(body, dict) or value not in (None, *switch.choices):
        choices = ", ".join(switch.choices)
        raise Refused("INVALID_REQUEST", f"{switch.field} must be one of {choices}, or null.")
    setting = {switch.field: value}
    if name == "outage":
        setting["calls"] = _read_calls(body.get("calls"))
    if name == "webhooks" and value == "after":
        setting["seconds"] = _read_seconds(body.get("seconds"))
    db.save_switch(name, setting if value and value != switch.default else None)


def _read_calls(calls: object) -> int | None:
    if calls is None or (type(calls) is int and calls >= 1):
        return calls
    raise Refused("INVALID_REQUEST", "calls must be how many calls are to fail, or null for all.")


def _read_seconds(seconds: object) -> int:
    if seconds is None:
        return AFTER_SECONDS
    if type(seconds) is int and 0 <= seconds <= MAX_AFTER_SECONDS:
        return seconds
    message = f"seconds must be a whole number from 0 to {MAX_AFTER_SECONDS}, or null."
    raise Refused("INVALID_REQUEST", message)


def _save_chaos(db: Database, body: object) -> None:
    """body: `{seed}`; `{}` makes a seed; `{"seed": null}` ends it. The plan begins anew."""
    if not isinstance(body, dict):
        raise Refused("INVALID_REQUEST", "The body must be a JSON object.")
    seed = body["seed"] if "seed" in body else chaos.new_seed()
    if seed is None:
        db.save_switch(CHAOS, None)
        return
    if type(seed) is not int or not 0 <= seed <= chaos.MAX_SEED:
        message = f"seed must be a whole number from 0 to {chaos.MAX_SEED}, or null."
        raise Refused("INVALID_REQUEST", message)
    log.warning("Chaos: the seed is %s. The same seed gives the same faults again.", seed)
    db.save_switch(CHAOS, {"seed": seed, "calls": 0, "windows": 0})


def webhook_order(db: Database) -> str | None:
    """One of WEBHOOK_ORDERS, or None."""
    return _choice(db, "webhooks")


def webhook_seconds(db: Database) -> int:
    """How much later than the browser a webhook of the order "after" is sent."""
    seconds: int = (db.find_switch("webhooks") or {}).get("seconds", AFTER_SECONDS)
    return seconds


def take_webhook_order(db: Database) -> str | None:
    """What the chaos plans for a window that opens: one of WEBHOOK_ORDERS, or None."""
    number = _take_number(db, "windows")
    return chaos.webhook_order(*number) if number else None


def _take_number(db: Database, name: str) -> tuple[int, int] | None:
    """The seed, and how often `name` was asked of its plan before. None without chaos."""
    setting = db.find_switch(CHAOS)
    if setting is None:
        return None
    db.save_switch(CHAOS, {**setting, name: setting[name] + 1})
    return setting["seed"], setting[name]


def window_outcome(db: Database) -> str | None:
    """The outcome that every payment window has without a click, or None."""
    return _choice(db, "window")


def refund_result(db: Database) -> str:
    """SUCCEEDED, REQUESTED or FAILED."""
    return _choice(db, "refund") or "SUCCEEDED"


def balance(db: Database) -> Balance:
    return "paid" if _choice(db, "balance") == "paid" else "total"


def close_result(db: Database) -> str:
    """One of CLOSE_RESULTS."""
    return _choice(db, "close") or SWITCHES["close"].default


def _choice(db: Database, name: str) -> str | None:
    return (db.find_switch(name) or {}).get(SWITCHES[name].field)


def has_outage(db: Database) -> bool:
    return any(db.find_switch(name) is not None for name in ("outage", CHAOS))


def take_fault(db: Database) -> str | None:
    """The fault of this call, one of FAULTS, or None. It counts against the outage's `calls`."""
    outage = db.find_switch("outage")
    if outage is None:
        number = _take_number(db, "calls")
        return chaos.fault(*number) if number else None
    if outage["calls"] is not None:
        left = outage["calls"] - 1
        db.save_switch("outage", {**outage, "calls": left} if left else None)
    fault: str = outage["fault"]
    return fault
