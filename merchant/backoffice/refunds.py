"""Refunds a payment, wholly or in part, and never twice."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from .. import storage
from ..database import write_transaction
from ..errors import PortOneRejected, PortOneUnavailable, Refused
from ..portone import merchant
from ..rows import NewEvent, PaymentRow, Refund, new_id
from ..settlement import settle
from ..transitions import TAKEN


def refund(
    payment_id: str,
    reason: str,
    amount: int | None = None,
    account: Mapping[str, str] | None = None,
) -> str:
    """Refund `amount` (KRW) of a payment, or all that is left. account: PortOne's refundAccount.

    We store the refund before we send it. A repeat sends the same idempotency key, amount and balance, so the money
    goes back once. Only PortOne's record changes the payment's state. Owns the session's transaction, as
    settlement.settle() does.
    Returns the status of PortOne's cancellation (SUCCEEDED, REQUESTED, FAILED), or MADE_BEFORE if an earlier call
    turns out to have done it. Raises Refused, PortOneRejected (PortOne or the PG refused), PortOneUnavailable (the
    result is unknown: repeat the same call).
    """
    payment = settle(payment_id, "cli")
    # PortOne calls it 취소 가능 잔액. It refuses a refund that was calculated from another balance.
    balance = payment.portone_amount - payment.cancelled_amount
    pending = payment.refund
    if pending and pending.get("made"):
        if balance == 0 or amount == pending["amount"]:
            return "MADE_BEFORE"
        pending = None  # that one has ended, and this is another one
    amount = _checked_amount(payment, pending, amount, balance)
    if not pending:
        pending = Refund(key=new_id(), reason=reason, amount=amount, balance=balance, made=False)
        _store_request(payment, pending)
    body: dict[str, Any] = {
        "storeId": payment.store_id,
        "reason": pending["reason"],
        "currentCancellableAmount": balance,
    }
    if amount < balance:
        body["amount"] = amount
    if account:
        body["refundAccount"] = dict(account)
    try:
        cancellation = merchant().portone.cancel(payment.id, pending["key"], body)
    except PortOneRejected as error:
        if error.type == "IDEMPOTENCY_OUTSTANDING_REQUEST":
            raise PortOneUnavailable("the first call of this refund is still running") from error
        end_refund(payment_id, "REFUND_FAILED")
        raise
    status = str(cancellation.get("status"))
    if status == "FAILED":
        end_refund(payment_id, "REFUND_FAILED")
    with suppress(PortOneUnavailable, PortOneRejected):  # the next look-up stores it
        settle(payment_id, "cli")
    return status


def _checked_amount(
    payment: PaymentRow, pending: Refund | None, amount: int | None, balance: int
) -> int:
    if payment.portone_status not in TAKEN:
        message = f"Expected a paid payment; this one is {payment.status}."
        raise Refused("INVALID_REQUEST", "PAYMENT_ID", message=message)
    amount = balance if amount is None else amount
    if pending and amount != pending["amount"]:
        message = (
            f"The result of a refund of {pending['amount']} is not known yet: repeat it first."
        )
        raise Refused("INVALID_REQUEST", "--amount", message=message)
    if not 0 < amount <= balance:
        message = f"Expected a whole number from 1 to {balance}."
        raise Refused("INVALID_REQUEST", "--amount", message=message)
    return amount


def _store_request(payment: PaymentRow, request: Refund) -> None:
    with write_transaction() as connection:
        stored = storage.update_payment_if_unchanged(connection, payment, {"refund": request})
        if stored:
            event = NewEvent(payment.order_id, payment.id, "REFUND_REQUESTED", "cli")
            storage.insert_events(connection, [event])
    if not stored:
        message = "This payment has just changed, so nothing was refunded: repeat the command."
        raise Refused("PAYMENT_IN_PROGRESS", "PAYMENT_ID", message=message)


def end_refund(payment_id: str, *events: str) -> None:
    """Clear the stored refund: its result is known."""
    stored = None
    while stored is None:
        payment = storage.read_payment(payment_id)
        if payment is None:
            return
        with write_transaction() as connection:
            stored = storage.update_payment_if_unchanged(connection, payment, {"refund": None})
            if stored:
                new = [NewEvent(payment.order_id, payment.id, each, "cli") for each in events]
                storage.insert_events(connection, new)
