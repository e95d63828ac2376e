"""Settings for future payments: faults of the REST API, the order of webhooks, how windows end.

Each is a row of its own, so that every process of the sandbox sees it.
"""

from collections.abc import Mapping
from typing import NamedTuple

from .cancellations import Balance
from .database import Database
from .documents import Json
from .errors import Refused
from .outcomes import ALL_OUTCOMES

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
    "after": "The browser first, the webhook 3 seconds later.",
    "without": "The webhook only: the browser does not return.",
    "off": "The browser only: no webhook.",
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


def list_settings(db: Database) -> dict[str, Json | None]:
    """Each switch's setting by name; None is the default behaviour."""
    return {name: db.find_switch(name) for name in SWITCHES}


def save_setting(db: Database, name: str, body: object) -> None:
    """body: the switch's field, for "outage" also `calls`; a null restores the default behaviour.

    Refused when it is anything else. KeyError when there is no such switch.
    """
    switch = SWITCHES[name]
    value = body.get(switch.field) if isinstance(body, dict) else None
    if not isinstance(body, dict) or value not in (None, *switch.choices):
        choices = ", ".join(switch.choices)
        raise Refused("INVALID_REQUEST", f"{switch.field} must be one of {choices}, or null.")
    setting = {switch.field: value}
    if name == "outage":
        setting["calls"] = _read_calls(body.get("calls"))
    db.save_switch(name, setting if value and value != switch.default else None)


def _read_calls(calls: object) -> int | None:
    if calls is None or (type(calls) is int and calls >= 1):
        return calls
    raise Refused("INVALID_REQUEST", "calls must be how many calls are to fail, or null for all.")


def webhook_order(db: Database) -> str | None:
    """One of WEBHOOK_ORDERS, or None."""
    return _choice(db, "webhooks")


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
    return db.find_switch("outage") is not None


def take_fault(db: Database) -> str | None:
    """The fault of this call, one of FAULTS, or None. It counts against the outage's `calls`."""
    outage = db.find_switch("outage")
    if outage is None:
        return None
    if outage["calls"] is not None:
        left = outage["calls"] - 1
        db.save_switch("outage", {**outage, "calls": left} if left else None)
    fault: str = outage["fault"]
    return fault
