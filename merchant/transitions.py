"""Which state may follow which, and what PortOne's record changes in our rows. Pure: no I/O."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from .follow_up import FULFILMENT, MONEY, follow_up, refund_after, refund_state
from .records import (
    Record,
    amount_of,
    cancellations_of,
    failure_message,
    parse_time,
    printable,
    web_address,
)
from .rows import FINAL, TAKEN, PaymentRow
from .verification import STATUSES, Verdict

# A payment's status -> what it may become. PENDING and FAILED may alternate: a PG can approve after
# a failure. CLOSED is a CANCELLED that was never paid, such as a virtual account that was closed.
NEXT: dict[str, frozenset[str]] = {
    "PENDING": FINAL | {"FAILED", "VIRTUAL_ACCOUNT_ISSUED", "MISMATCH"},
    "FAILED": FINAL | {"PENDING", "VIRTUAL_ACCOUNT_ISSUED", "MISMATCH"},
    "VIRTUAL_ACCOUNT_ISSUED": FINAL | {"PENDING", "FAILED", "MISMATCH"},  # see is_account_replaced
    "MISMATCH": FINAL | {"FAILED", "VIRTUAL_ACCOUNT_ISSUED"},
    "CLOSED": TAKEN | {"MISMATCH"},
    "PAID": frozenset({"PARTIAL_CANCELLED", "CANCELLED"}),
    "PARTIAL_CANCELLED": frozenset({"CANCELLED"}),
    "CANCELLED": frozenset(),
}

# A payment's new status -> the event in the trail. ORDER_PAID and the events of CANCELLED depend on
# the order.
EVENTS = {
    "FAILED": "ATTEMPT_FAILED",
    "VIRTUAL_ACCOUNT_ISSUED": "DEPOSIT_AWAITED",
    "MISMATCH": "MISMATCHED",
    "PARTIAL_CANCELLED": "ORDER_PARTIAL_CANCELLED",
}

# What happens to the order. KEEP: nothing. FOLLOW: it takes the payment's status, if it follows
# this payment. PAY: this payment pays it, if no other has; it is fulfilled. CLOSE: paid and wholly
# refunded before our first look-up; nothing is left to fulfil or to pay.
OrderStep = Literal["KEEP", "FOLLOW", "PAY", "CLOSE"]


@dataclass(frozen=True)
class Transition:
    """What PortOne's record changes. `changes` is {column of the payment: new value}."""

    changes: dict[str, Any] = field(default_factory=dict)
    order: OrderStep = "KEEP"


NO_TRANSITION = Transition()
# What changes in a payment whose order another payment has paid.
DUPLICATE = {"status": "MISMATCH", "reasons": ["DUPLICATE"], "follow_up": MONEY}


def decide(payment: PaymentRow, record: Record, verdict: Verdict) -> Transition:
    """Returns what the record changes; nothing if it is older than the row."""
    updated_at = parse_time(record.get("updatedAt"))
    if is_other_payment(verdict):
        updated_at = None  # the time of another payment's record
    elif updated_at and payment.portone_updated_at and updated_at < payment.portone_updated_at:
        return NO_TRANSITION
    status, reasons = next_status(payment, verdict)
    is_open_account = payment.status == "VIRTUAL_ACCOUNT_ISSUED" and status == "PENDING"
    if is_open_account and not is_account_replaced(payment, record, updated_at):
        return NO_TRANSITION
    if status is None and payment.status not in FINAL:
        return NO_TRANSITION
    new = payment_values(payment, record, verdict, reasons)
    new["status"] = status or payment.status
    new["portone_updated_at"] = updated_at or payment.portone_updated_at
    after = replace(payment, **new)
    new["follow_up"] = follow_up(after, FULFILMENT in (payment.follow_up or ""))
    changes = {name: value for name, value in new.items() if value != getattr(payment, name)}
    if "status" not in changes:
        return Transition(changes)
    return Transition(changes, order_step(payment, after))


def is_other_payment(verdict: Verdict) -> bool:
    return not {"PAYMENT_ID", "STORE"}.isdisjoint(verdict.reasons)


def is_account_replaced(payment: PaymentRow, record: Record, updated_at: datetime | None) -> bool:
    """Returns whether a payment's virtual account was closed, and its buyer pays another way.

    Only a later record with a known status proves it, because the account may have money in it.
    """
    known_at = payment.portone_updated_at
    is_later = updated_at is not None and known_at is not None and updated_at > known_at
    return is_later and record["status"] in STATUSES


def state_of(payment: PaymentRow) -> str:
    """Returns the payment's key in NEXT: its status, or CLOSED."""
    was_paid = payment.paid_at is not None or payment.cancelled_amount > 0
    return "CLOSED" if payment.status == "CANCELLED" and not was_paid else payment.status


def next_status(payment: PaymentRow, verdict: Verdict) -> tuple[str | None, list[str]]:
    """Returns the next status (None if the record's may not follow) and the failed checks."""
    state, status, reasons = state_of(payment), verdict.status, verdict.reasons
    is_accepted = state in FINAL  # its money was accepted: a later record can only refund it
    if "DUPLICATE" in payment.reasons and status in TAKEN:
        return "MISMATCH", payment.reasons  # another payment has paid the order, and that stays so
    if reasons and not is_accepted and (status != "CANCELLED" or is_other_payment(verdict)):
        status = "MISMATCH"  # a failed check does not matter after the refund: no money is left
    if is_accepted and is_other_payment(verdict):
        return None, reasons
    if status == payment.status or status in NEXT[state]:
        return status, reasons
    return None, reasons


def payment_values(
    payment: PaymentRow, record: Record, verdict: Verdict, reasons: list[str]
) -> dict[str, Any]:
    """Returns what the record says besides the status: {column of the payment: value}."""
    new: dict[str, Any] = {
        "reasons": reasons,
        "portone_status": printable(record["status"])[:40],
    }
    is_ours = state_of(payment) not in FINAL or not is_other_payment(verdict)
    if verdict.checks and is_ours:
        amount = record["amount"]
        new["portone_amount"] = amount["total"]
        new["discount"] = amount_of(amount.get("discount"))
        new["cancelled_amount"] = amount.get("cancelled", 0)
        new["cancelled_tax_free"] = amount_of(amount.get("cancelledTaxFree"))
        new["cancellations"] = cancellations_of(record)
        new["receipt_url"] = web_address(record.get("receiptUrl")) or payment.receipt_url
        new["paid_at"] = payment.paid_at or parse_time(record.get("paidAt"))
        if new["paid_at"] is None and (verdict.status in TAKEN or new["cancelled_amount"] > 0):
            new["paid_at"] = parse_time(record.get("updatedAt")) or payment.created_at
        paid = amount["total"] - new["discount"]
        new["refund"] = refund_after(
            payment.refund, paid, new["cancelled_amount"], new["cancellations"]
        )
    method, failure = record.get("method"), record.get("failure")
    if record["status"] == "VIRTUAL_ACCOUNT_ISSUED" and isinstance(method, dict):
        names = ("bank", "accountNumber", "remitteeName", "expiredAt")
        new["virtual_account"] = {name: printable(method.get(name)) for name in names}
    if verdict.status == "FAILED" and isinstance(failure, dict):
        new["failure"] = failure_message(failure)
    return new


def order_step(before: PaymentRow, after: PaymentRow) -> OrderStep:
    """Returns what happens to the order when its payment's status has changed."""
    is_new = state_of(before) not in FINAL
    if after.status in TAKEN and is_new:
        return "PAY"
    was_paid = after.paid_at is not None and not after.reasons
    if after.status == "CANCELLED" and was_paid and is_new and before.status != "MISMATCH":
        return "CLOSE"
    return "FOLLOW"


def outcome_events(before: PaymentRow, after: PaymentRow, follows: bool) -> list[str]:
    """Returns the events of a payment's new state. follows: its order follows this payment."""
    returned_more = before.cancelled_amount != after.cancelled_amount
    events = []
    if refund_state(after) == "FAILED" and refund_state(before) != "FAILED":
        events.append("REFUND_FAILED")
    if after.status == "CANCELLED" and before.status != "CANCELLED":
        is_order = follows and after.paid_at is not None  # a closed account never paid its order
        events.append("ORDER_CANCELLED" if is_order else "ATTEMPT_CANCELLED")
    is_new = after.status != before.status
    is_repeated = after.status == "PARTIAL_CANCELLED" and returned_more
    if after.status in EVENTS and (is_new or is_repeated):
        events.append(EVENTS[after.status])
    return events


def deadline(payment: PaymentRow) -> datetime | None:
    """Returns until when a payment's virtual account can be paid into (UTC), or None."""
    return parse_time(payment.virtual_account["expiredAt"]) if payment.virtual_account else None


def is_expired(payment: PaymentRow, at: datetime) -> bool:
    """Returns whether the deadline of a payment's virtual account has passed at a time (UTC)."""
    until = deadline(payment)
    return until is not None and until < at
