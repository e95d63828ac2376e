"""Which state may follow which, and what PortOne's record changes in our rows. Pure: no I/O."""

from dataclasses import dataclass, field
from typing import Any, Literal

from .records import Record, failure_message, parse_time, printable
from .rows import PaymentRow
from .verification import Verdict

TAKEN = frozenset({"PAID", "PARTIAL_CANCELLED"})  # we hold the buyer's money, all or a part of it
FINAL = TAKEN | {"CANCELLED"}

# A payment's status -> what it may become. PENDING and FAILED may alternate: a PG can approve after a failure.
NEXT: dict[str, frozenset[str]] = {
    "PENDING": FINAL | {"FAILED", "VIRTUAL_ACCOUNT_ISSUED", "MISMATCH"},
    "FAILED": FINAL | {"PENDING", "VIRTUAL_ACCOUNT_ISSUED", "MISMATCH"},
    "VIRTUAL_ACCOUNT_ISSUED": FINAL | {"FAILED", "MISMATCH"},
    "MISMATCH": FINAL | {"FAILED", "VIRTUAL_ACCOUNT_ISSUED"},
    "PAID": frozenset({"PARTIAL_CANCELLED", "CANCELLED"}),
    "PARTIAL_CANCELLED": frozenset({"CANCELLED"}),
    "CANCELLED": frozenset(),
}

# A payment's new status -> the event in the trail. ORDER_PAID and the events of CANCELLED depend on the order.
EVENTS = {
    "FAILED": "ATTEMPT_FAILED",
    "VIRTUAL_ACCOUNT_ISSUED": "DEPOSIT_AWAITED",
    "MISMATCH": "MISMATCHED",
    "PARTIAL_CANCELLED": "ORDER_PARTIAL_CANCELLED",
}

# What happens to the order. KEEP: nothing. FOLLOW: it takes the payment's status, if it follows this payment.
# PAY: this payment pays it, if no other has; it is fulfilled. CLOSE: paid and wholly refunded before our first
# look-up; nothing is left to fulfil or to pay.
OrderStep = Literal["KEEP", "FOLLOW", "PAY", "CLOSE"]


@dataclass(frozen=True)
class Transition:
    """What PortOne's record changes. `changes` is {column of the payment: new value}."""

    changes: dict[str, Any] = field(default_factory=dict)
    order: OrderStep = "KEEP"
    money_was_taken: bool = False


NO_TRANSITION = Transition()


def decide(payment: PaymentRow, record: Record, verdict: Verdict) -> Transition:
    """Returns what the record changes; nothing if it is older than the row or its status may not follow."""
    changes = _changes(payment, record, verdict)
    was_paid = "paidAt" in record
    if "status" not in changes:
        return Transition(changes)
    return Transition(
        changes,
        order_step(payment.status, changes["status"], was_paid and not verdict.reasons),
        was_paid or payment.status in FINAL,
    )


def order_step(before: str, after: str, was_paid: bool) -> OrderStep:
    """Returns what happens to the order when its payment goes from one status to another.

    was_paid: PortOne's record matches, and money was taken at some time.
    """
    if after in TAKEN and before not in FINAL:
        return "PAY"
    if after == "CANCELLED" and was_paid and before not in FINAL | {"MISMATCH"}:
        return "CLOSE"
    return "FOLLOW"


def outcome_events(
    before: PaymentRow, after: PaymentRow, transition: Transition, followed: bool
) -> list[str]:
    """Returns the events of a payment's new state. followed: the order follows this payment."""
    if "status" not in transition.changes:
        returned_more = before.cancelled_amount != after.cancelled_amount
        return (
            [EVENTS[after.status]] if after.status == "PARTIAL_CANCELLED" and returned_more else []
        )
    if after.status == "CANCELLED":  # an account that was closed never paid its order
        return [
            "ORDER_CANCELLED" if followed and transition.money_was_taken else "ATTEMPT_CANCELLED"
        ]
    return [EVENTS[after.status]] if after.status in EVENTS else []


def _changes(payment: PaymentRow, record: Record, verdict: Verdict) -> dict[str, Any]:
    status, reasons = verdict.status, verdict.reasons
    is_other_payment = not {"PAYMENT_ID", "STORE"}.isdisjoint(reasons)
    if reasons and (status != "CANCELLED" or is_other_payment):
        status = "MISMATCH"  # but a refunded payment is CANCELLED whatever it was: nothing is left to return
    updated_at = None if is_other_payment else parse_time(record.get("updatedAt"))
    if updated_at and payment.portone_updated_at and updated_at < payment.portone_updated_at:
        return {}
    if status != payment.status and status not in NEXT[payment.status]:
        return {}
    if "DUPLICATE" in payment.reasons and status in TAKEN:
        status, reasons = "MISMATCH", payment.reasons  # another payment has paid the order
    new: dict[str, Any] = {
        "status": status,
        "reasons": reasons,
        "portone_status": printable(record["status"])[:40],
    }
    if updated_at:
        new["portone_updated_at"] = updated_at
    if verdict.checks:
        new |= _amounts(payment, record)
    if status == "VIRTUAL_ACCOUNT_ISSUED" and isinstance(method := record.get("method"), dict):
        names = ("bank", "accountNumber", "remitteeName", "expiredAt")
        new["virtual_account"] = {name: printable(method.get(name)) for name in names}
    if status == "FAILED" and isinstance(failure := record.get("failure"), dict):
        new["failure"] = failure_message(failure)
    return {name: value for name, value in new.items() if value != getattr(payment, name)}


def _amounts(payment: PaymentRow, record: Record) -> dict[str, Any]:
    total, cancelled = record["amount"]["total"], record["amount"].get("cancelled", 0)
    amounts = {"portone_amount": total, "cancelled_amount": cancelled}
    if payment.refund and payment.refund["balance"] != total - cancelled:
        amounts["refund"] = payment.refund | {"made": True}
    return amounts
