"""What is left to do about a payment, by a person or by `flask reconcile`. Pure: no I/O.

The codes are in the payment's column `follow_up`. It has an index, so listing them is fast.
"""

from typing import Any

from .records import amount_of
from .rows import TAKEN, PaymentRow, Refund
from .verification import STATUSES

MONEY = "MONEY"  # PortOne has money that no order may use: a person refunds it
CHANGED = "CHANGED"  # the record of an accepted payment has changed: a person looks at it
REFUND = "REFUND"  # the result of a refund is unknown: a person repeats it
REQUESTED = "REQUESTED"  # the PG refunds later: `flask reconcile` looks it up until it has ended
FAILED = "FAILED"  # a refund that was to be made has failed: a person asks for it again
FULFILMENT = "FULFILMENT"  # the order is paid, but not fulfilled: `flask reconcile` does it


def refund_after(
    refund: Refund | None, paid: int, cancelled: int, cancellations: list[list[Any]]
) -> Refund | None:
    """Returns a stored refund after a look-up, None if it has ended and its result was printed.

    paid: what the buyer paid. Its cancellation is one that the record did not have before, of the
    same amount; a refund of all that is left ends when nothing is left, since a part may have been
    returned in PortOne's console. PortOne's schema has no cancellations in a PAID record, so a
    grown cancelled amount ends it as well.
    """
    if refund is None or refund["state"] == "MADE":
        return refund
    amount, left = refund["amount"], paid - cancelled
    has_grown = amount is not None and cancelled - refund["cancelled"] >= amount
    if refund["state"] == "FAILED":  # until as much was returned in another way
        return None if left <= 0 or has_grown else refund
    new = [(state, amount_of(of)) for id, state, of in cancellations if id not in refund["known"]]
    if amount is None:
        states = {state for state, of in new if of >= left and state != "SUCCEEDED"}
        is_made = left <= 0
    else:
        states = {state for state, of in new if of == amount}
        is_made = "SUCCEEDED" in states or (not cancellations and has_grown)
    if is_made:
        return None if refund["told"] else Refund(**{**refund, "state": "MADE"})
    if "REQUESTED" in states:
        return Refund(**{**refund, "state": "REQUESTED"})
    return Refund(**{**refund, "state": "FAILED"}) if "FAILED" in states else refund


def refund_state(payment: PaymentRow) -> str | None:
    return payment.refund["state"] if payment.refund else None


def follow_up(payment: PaymentRow, is_unfulfilled: bool) -> str | None:
    """Returns what is left to do about a payment: codes separated by spaces, or None."""
    state = refund_state(payment)
    is_requested = state == "REQUESTED" or (
        payment.portone_status != "CANCELLED"  # all is back, whatever became of a request
        and any(each == "REQUESTED" for _, each, _ in payment.cancellations)
    )
    is_taken = payment.status in TAKEN
    has_changed = payment.reasons or STATUSES.get(payment.portone_status or "") != payment.status
    codes = {
        MONEY: not is_taken and payment.portone_status in TAKEN,
        CHANGED: is_taken and has_changed,
        REFUND: state == "SENT",
        REQUESTED: is_requested,
        FAILED: state == "FAILED",
        FULFILMENT: is_taken and is_unfulfilled,
    }
    return " ".join(code for code, applies in codes.items() if applies) or None
