"""Refunds a payment, wholly or in part, and never twice.

A refund is stored before it is sent, with its idempotency key, and cleared when its result is known
and printed. A repeat in the meantime sends the same key. PortOne keeps a key for three hours; after
that its record of the payment tells whether the refund was made:
https://developers.portone.io/api/rest-v2/overview
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from .. import storage
from ..current import merchant
from ..database import write_transaction
from ..errors import PortOneRejected, PortOneUnavailable, Refused
from ..follow_up import FULFILMENT, follow_up, refund_state
from ..rows import TAKEN, NewEvent, PaymentRow, Refund, new_id, now
from ..settlement import load, settle
from .refund_body import refund_body, refused

Report = Callable[[str, PaymentRow], None]

EARLIER = "An earlier refund of {} KRW has no printed result yet: repeat that one first."
ACCOUNT = "The first call of this refund, whose result is unknown, named another one: repeat it so."
OTHER_BODY = 422  # PortOne has the idempotency key with another body
ENDED = {"SUCCEEDED", "MADE_BEFORE"}
WAITS = "A refund is REQUESTED and not over yet. Wait, or look into PortOne's console."


def refund(
    payment_id: str,
    reason: str,
    report: Report,
    amount: int | None = None,
    account: Mapping[str, str] | None = None,
    again: bool = False,
) -> str:
    """Refund `amount` (KRW) of a payment, or all that is left, and report the result.

    report: called with the result and the payment's row, before the stored refund is cleared: a
    process that dies in between reports again at the next call, and refunds nothing.
    account: PortOne's refundAccount, for a virtual account.
    again: PortOne's console shows that the refund which is REQUESTED here has failed.
    Owns the session's transaction, as settlement.settle() does.
    Returns the status of PortOne's cancellation (SUCCEEDED, REQUESTED, FAILED), or MADE_BEFORE if
    an earlier call has already made this refund. Raises Refused, PortOneRejected (PortOne or the PG
    refused), PortOneUnavailable (the result is unknown: repeat the same call).
    """
    status = _refund(settle(payment_id, "cli"), reason, amount, account, again)
    payment, _ = load(payment_id)
    report(status, payment)
    if payment.refund and payment.refund["state"] == "REQUESTED" and not payment.refund["told"]:
        told = Refund(**{**payment.refund, "told": True})
        _change(payment_id, told["key"], told)
    if payment.refund and payment.refund["state"] == "MADE" and status in ENDED:
        _change(payment_id, payment.refund["key"], None)
    return status


def _refund(
    payment: PaymentRow,
    reason: str,
    amount: int | None,
    account: Mapping[str, str] | None,
    again: bool,
) -> str:
    pending = None if refund_state(payment) == "FAILED" else payment.refund
    balance = payment.portone_amount - payment.cancelled_amount
    if amount == balance and not (pending and pending["amount"] == amount):
        amount = None  # all that is left
    if pending and again and pending["state"] == "REQUESTED":
        payment, pending = _change(payment.id, pending["key"], None, "REFUND_FAILED"), None
    if pending and pending["state"] == "MADE":
        if payment.status == "CANCELLED" or pending["amount"] == amount:
            return "MADE_BEFORE"
        raise refused("--amount", EARLIER.format(pending["amount"] or "all"))
    if pending and pending["amount"] != amount:
        raise refused("--amount", EARLIER.format(pending["amount"] or "all"))
    if pending and pending["state"] == "REQUESTED":
        return "REQUESTED"
    if not again and any(state == "REQUESTED" for _, state, _ in payment.cancellations):
        raise refused("PAYMENT_ID", WAITS)
    is_repeated = pending is not None
    if not pending:
        pending = _new_refund(payment, reason, amount)
        _store_new(payment, pending)
    return _send(payment, pending, account, is_repeated)


def _new_refund(payment: PaymentRow, reason: str, amount: int | None) -> Refund:
    if payment.portone_status not in TAKEN:
        raise refused("PAYMENT_ID", f"Expected a paid payment; this one is {payment.status}.")
    return Refund(
        key=new_id(),
        amount=amount,
        body=refund_body(payment, reason, amount),
        known=[id for id, _, _ in payment.cancellations],
        cancelled=payment.cancelled_amount,
        at=f"{now().isoformat(timespec='seconds')}Z",
        state="SENT",
        told=False,
    )


def _send(
    payment: PaymentRow, pending: Refund, account: Mapping[str, str] | None, is_repeated: bool
) -> str:
    body = {**pending["body"], "refundAccount": dict(account)} if account else pending["body"]
    try:
        cancellation = merchant().portone.cancel(payment.id, pending["key"], body)
    except PortOneRejected as error:
        if error.type == "IDEMPOTENCY_OUTSTANDING_REQUEST":
            raise PortOneUnavailable("the first call of this refund is still running") from error
        if error.status == OTHER_BODY and is_repeated:
            raise refused("--refund-account", ACCOUNT) from error
        _change(payment.id, pending["key"], None, "REFUND_FAILED")
        raise
    status = str(cancellation.get("status"))
    if status == "FAILED":
        _change(payment.id, pending["key"], None, "REFUND_FAILED")
    elif status == "SUCCEEDED":
        _change(payment.id, pending["key"], Refund(**{**pending, "state": "MADE"}))
    else:
        requested = Refund(**{**pending, "state": "REQUESTED", "told": True})
        _change(payment.id, pending["key"], requested)
    with suppress(PortOneUnavailable, PortOneRejected):  # the next look-up stores it
        settle(payment.id, "cli")
    return status


def forget_failed(payment_id: str) -> bool:
    """Take a refund that has failed off the list. Returns False if it is not on it."""
    payment = storage.read_payment(payment_id)
    if not payment or not payment.refund or payment.refund["state"] != "FAILED":
        return False
    _change(payment_id, payment.refund["key"], None)
    return True


def _store_new(payment: PaymentRow, pending: Refund) -> None:
    if not _store(payment, pending, "REFUND_REQUESTED"):
        message = "This payment has just changed, so nothing was refunded: repeat the command."
        raise Refused("PAYMENT_IN_PROGRESS", "PAYMENT_ID", message=message)


def _change(payment_id: str, key: str, refund: Refund | None, *events: str) -> PaymentRow:
    """Change or clear the stored refund that has this key, and no other one.

    Returns the payment's row.
    """
    while True:
        payment, _ = load(payment_id)
        if not payment.refund or payment.refund["key"] != key:
            return payment
        if stored := _store(payment, refund, *events):
            return stored


def _store(payment: PaymentRow, refund: Refund | None, *events: str) -> PaymentRow | None:
    left = follow_up(replace(payment, refund=refund), FULFILMENT in (payment.follow_up or ""))
    changes = {"refund": refund, "follow_up": left}
    with write_transaction() as connection:
        stored = storage.update_payment_if_unchanged(connection, payment, changes)
        if stored:
            new = [NewEvent(payment.order_id, payment.id, each, "cli") for each in events]
            storage.insert_events(connection, new)
    return stored
