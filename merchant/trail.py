"""What settle() writes into the order's trail (its list of events) and into the log."""

import logging

from .database import TransactionEnded
from .records import Record, printable
from .rows import NewEvent, OrderRow, PaymentRow
from .storage import LastEvents
from .verification import Verdict

ARRIVALS = {"sdk": "SDK_RETURNED", "redirect": "REDIRECTED", "webhook": "WEBHOOK_RECEIVED"}

logger = logging.getLogger(__name__)


def arrival(payment: PaymentRow, source: str) -> list[NewEvent]:
    """Returns the event of this source, such as SDK_RETURNED; a page and a command have none."""
    if source not in ARRIVALS:
        return []
    return [NewEvent(payment.order_id, payment.id, ARRIVALS[source], source)]


def look_up_event(
    payment: PaymentRow, source: str, record: Record, verdict: Verdict, duration_ms: int
) -> NewEvent:
    """Returns the event LOOKED_UP with both values of each check."""
    checks = [[check.name, check.expected, _short(check.actual)] for check in verdict.checks]
    return NewEvent(
        payment.order_id,
        payment.id,
        "LOOKED_UP",
        source,
        portone_status=printable(record["status"])[:40],
        duration_ms=duration_ms,
        checks=checks or None,
    )


def new_events(events: list[NewEvent], last_events: LastEvents) -> list[NewEvent]:
    """Returns the events without those that repeat the last one of their kind.

    So a repeated look-up with the same result adds no row.
    """
    return [
        each for each in events if last_events.get(each.event) != (each.portone_status, each.checks)
    ]


def _short(value: object) -> object:
    """Shorten a value of PortOne's record, and escape its invisible characters."""
    if value is None or type(value) in {int, bool}:
        return value
    text = str(value)[:200]
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def fulfilment_failed(order: OrderRow, source: str, error: Exception) -> NewEvent:
    """Logs an error of fulfil(), and returns its event.

    The error's text may hold personal data, so the trail gets only its type.
    """
    text = "order %s payment %s: paid, but not fulfilled"
    logger.error(text, order.id, order.payment_id, exc_info=error)
    detail = str(error) if isinstance(error, TransactionEnded) else type(error).__name__
    return NewEvent(order.id, order.payment_id, "FULFILMENT_FAILED", source, detail=detail)


def log_change(before: PaymentRow, after: PaymentRow, source: str) -> None:
    """Logs a new status, and what is left to do."""
    if after.status != before.status:
        level = logging.ERROR if after.status == "MISMATCH" else logging.INFO
        reasons = "".join(f" {reason}" for reason in after.reasons)
        text = "order %s payment %s: %s%s (%s)"
        logger.log(level, text, after.order_id, after.id, after.status, reasons, source)
    if after.follow_up and after.follow_up != before.follow_up:
        text = "order %s payment %s: left to do: %s, at PortOne: %s"
        logger.warning(text, after.order_id, after.id, after.follow_up, after.portone_status)
