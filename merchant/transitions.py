"""Which state may follow which, and what PortOne's record changes in our rows. Pure: no I/O."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .records import Record, amount_of, cancellations_of, failure_message, parse_time, printable
from .rows import PaymentRow, Refund
from .verification import STATUSES, Verdict

TAKEN = frozenset({"PAID", "PARTIAL_CANCELLED"})  # we hold the buyer's money, all or a part of it
FINAL = TAKEN | {"CANCELLED"}

# A payment's status -> what it may become. PENDING and FAILED may alternate: a PG can approve after a failure.
# CLOSED is a CANCELLED that was never paid, such as a virtual account that was closed.
NEXT: dict[str, frozenset[str]] = {
    "PENDING": FINAL | {"FAILED", "VIRTUAL_ACCOUNT_ISSUED", "MISMATCH"},
    "FAILED": FINAL | {"PENDING", "VIRTUAL_ACCOUNT_ISSUED", "MISMATCH"},
    "VIRTUAL_ACCOUNT_ISSUED": FINAL | {"FAILED", "MISMATCH"},
    "MISMATCH": FINAL | {"FAILED", "VIRTUAL_ACCOUNT_ISSUED"},
    "CLOSED": TAKEN | {"MISMATCH"},
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

# What is left to do about a payment.
MONEY = "MONEY"  # PortOne has money that no order may use: a person refunds it
CHANGED = "CHANGED"  # the record of an accepted payment has changed: a person looks at it
REFUND = "REFUND"  # the result of a refund is unknown: a person repeats it
REQUESTED = "REQUESTED"  # the PG refunds later: `flask reconcile` looks it up until it has ended
FULFILMENT = "FULFILMENT"  # the order is paid, but not fulfilled: `flask reconcile` does it

# What happens to the order. KEEP: nothing. FOLLOW: it takes the payment's status, if it follows this payment.
# PAY: this payment pays it, if no other has; it is fulfilled. CLOSE: paid and wholly refunded before our first
# look-up; nothing is left to fulfil or to pay.
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
        updated_at = None
    elif updated_at and payment.portone_updated_at and updated_at < payment.portone_updated_at:
        return NO_TRANSITION
    status, reasons = next_status(payment, verdict)
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


def state_of(payment: PaymentRow) -> str:
    """Returns the payment's row in NEXT."""
    was_paid = payment.paid_at is not None or payment.cancelled_amount > 0
    return "CLOSED" if payment.status == "CANCELLED" and not was_paid else payment.status


def next_status(payment: PaymentRow, verdict: Verdict) -> tuple[str | None, list[str]]:
    """Returns the payment's next status, None if the record's may not follow, and the reasons of a mismatch."""
    state, status, reasons = state_of(payment), verdict.status, verdict.reasons
    is_accepted = (
        state in FINAL
    )  # its order was paid by it: a later record can only return the money
    if "DUPLICATE" in payment.reasons and status in TAKEN:
        return "MISMATCH", payment.reasons  # another payment has paid the order, and that stays so
    if reasons and not is_accepted and (status != "CANCELLED" or is_other_payment(verdict)):
        status = "MISMATCH"  # but a refunded payment is CANCELLED whatever it was: nothing is left to return
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
    if verdict.checks:
        amount = record["amount"]
        new["portone_amount"] = amount["total"]
        new["discount"] = amount_of(amount.get("discount"))
        new["cancelled_amount"] = amount.get("cancelled", 0)
        new["cancelled_tax_free"] = amount_of(amount.get("cancelledTaxFree"))
        new["cancellations"] = cancellations_of(record)
        new["paid_at"] = payment.paid_at or parse_time(record.get("paidAt"))
        if new["paid_at"] is None and (verdict.status in TAKEN or new["cancelled_amount"] > 0):
            new["paid_at"] = parse_time(record.get("updatedAt")) or payment.created_at
        new["refund"] = refund_after(payment.refund, new["cancelled_amount"], new["cancellations"])
    method, failure = record.get("method"), record.get("failure")
    if record["status"] == "VIRTUAL_ACCOUNT_ISSUED" and isinstance(method, dict):
        names = ("bank", "accountNumber", "remitteeName", "expiredAt")
        new["virtual_account"] = {name: printable(method.get(name)) for name in names}
    if verdict.status == "FAILED" and isinstance(failure, dict):
        new["failure"] = failure_message(failure)
    return new


def refund_after(
    refund: Refund | None, cancelled: int, cancellations: list[list[Any]]
) -> Refund | None:
    """Returns a stored refund after a look-up, None if it has ended and its result was printed.

    Its cancellation is one that the record did not have before, of the same amount. PortOne's schema has no
    cancellations in a PAID record, so a grown cancelled amount ends it as well.
    """
    if refund is None or refund["state"] == "MADE":
        return refund
    states = {
        state
        for id, state, amount in cancellations
        if id not in refund["known"] and refund["amount"] in {None, amount}
    }
    grown = cancelled - refund["cancelled"]
    if "SUCCEEDED" in states or (not cancellations and grown >= (refund["amount"] or 1)):
        return None if refund["told"] else Refund(**{**refund, "state": "MADE"})
    if "REQUESTED" in states:
        return Refund(**{**refund, "state": "REQUESTED"})
    return None if "FAILED" in states else refund


def follow_up(payment: PaymentRow, is_unfulfilled: bool) -> str | None:
    """Returns what is left to do about a payment: codes separated by spaces, or None."""
    refund_state = payment.refund["state"] if payment.refund else None
    is_requested = refund_state == "REQUESTED" or any(
        state == "REQUESTED" for _, state, _ in payment.cancellations
    )
    is_taken = payment.status in TAKEN
    has_changed = payment.reasons or STATUSES.get(payment.portone_status or "") != payment.status
    codes = {
        MONEY: not is_taken and payment.portone_status in TAKEN,
        CHANGED: is_taken and has_changed,
        REFUND: refund_state == "SENT",
        REQUESTED: is_requested,
        FULFILMENT: is_taken and is_unfulfilled,
    }
    return " ".join(code for code, applies in codes.items() if applies) or None


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
    events = []
    if before.refund and not after.refund and before.cancelled_amount == after.cancelled_amount:
        events.append("REFUND_FAILED")
    returned_more = before.cancelled_amount != after.cancelled_amount
    if after.status == before.status:
        return events + (
            [EVENTS[after.status]] if after.status == "PARTIAL_CANCELLED" and returned_more else []
        )
    if after.status == "CANCELLED":  # an account that was closed never paid its order
        is_order = follows and after.paid_at is not None
        return [*events, "ORDER_CANCELLED" if is_order else "ATTEMPT_CANCELLED"]
    return events + ([EVENTS[after.status]] if after.status in EVENTS else [])
