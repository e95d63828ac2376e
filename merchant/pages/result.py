"""What the result page shows of an order, and what its buyer may do next."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..checkout import MAX_ATTEMPTS, ORDER_TIME
from ..rows import FINAL, TAKEN, EventRow, OrderRow, PaymentRow, now
from ..transitions import deadline, is_expired
from . import languages
from .messages import kind_of

OPEN = {"PENDING", "PAY_PENDING", "VIRTUAL_ACCOUNT_ISSUED"}  # kinds that end without the buyer
# (seconds since the attempt was opened, pause): how often a page without JavaScript loads itself.
REFRESH = ((60, 5), (600, 20), (3600, 60))


def is_waiting(payment: PaymentRow) -> bool:
    return payment.portone_status == "PAY_PENDING" and payment.status not in FINAL


def holds_money(payment: PaymentRow) -> bool:
    """Returns whether money is in a payment that did not match its order."""
    return payment.status == "MISMATCH" and payment.portone_status in TAKEN


def attempt_to_show(order: OrderRow, attempts: Sequence[PaymentRow]) -> PaymentRow:
    """Returns the attempt that has to end before the buyer may pay again, else the order's own."""
    if not order.paid_at:
        for payment in attempts:
            if holds_money(payment) or is_waiting(payment):
                return payment
    return next(each for each in attempts if each.id == order.payment_id)


def closed_for_payment(order: OrderRow, attempts: Sequence[PaymentRow]) -> str:
    """Returns the error of a new attempt at an unpaid order, or ""."""
    if order.paid_at:
        return ""
    if order.created_at < now() - ORDER_TIME:
        return "ORDER_EXPIRED"
    return "TOO_MANY_ATTEMPTS" if len(attempts) >= MAX_ATTEMPTS else ""


def result_variables(
    order: OrderRow,
    attempts: Sequence[PaymentRow],
    payment: PaymentRow,
    code: str,
    is_late: bool,
    is_known: bool,
) -> dict[str, Any]:
    """Returns the variables of result.html that depend on the state of an order.

    payment: the attempt to show. code: the PG's, of a payment that failed. is_late: the time to pay
    is over. is_known: PortOne has answered.
    """
    is_own = payment.id == order.payment_id
    kind = kind_of(
        order if is_own else replace(order, status=payment.status), payment, code, is_late
    )
    closed = closed_for_payment(order, attempts)
    blocked = holds_money(payment) or is_waiting(payment)
    return {
        "kind": kind,
        # A payment that is under way comes first, whether another one could be opened or not.
        "closed": "" if blocked or kind == "VIRTUAL_ACCOUNT_ISSUED" else closed,
        "unknown": not is_known,
        "is_open": kind in OPEN,
        "refresh_seconds": refresh_seconds(payment) if kind in OPEN else 0,
        "can_retry": not (order.paid_at or closed or blocked) and is_known,
        "is_double": any("DUPLICATE" in each.reasons for each in attempts),
        "depositor": masked(order.buyer_name),
    }


def refresh_seconds(payment: PaymentRow) -> int:
    """Returns after how many seconds a page without JavaScript reloads itself; 0: never."""
    age = (now() - payment.created_at).total_seconds()
    return next((pause for until, pause in REFRESH if age < until), 0)


def account_to_pay_into(payment: PaymentRow) -> dict[str, Any] | None:
    """Returns the virtual account with its deadline as text, and how many seconds are left."""
    if payment.status != "VIRTUAL_ACCOUNT_ISSUED" or not payment.virtual_account:
        return None
    until = deadline(payment)
    return {
        **payment.virtual_account,
        "deadline": languages.date(until) if until else "",
        "seconds_left": _seconds_until(until) if until else None,
        "expired": is_expired(payment, now()),
    }


def _seconds_until(time: datetime) -> int:
    return max(0, int((time - now()).total_seconds()))


def amounts(payment: PaymentRow, events: Sequence[EventRow]) -> tuple[str, str] | None:
    """Returns the stored and PortOne's amount of a mismatched payment, as text, or None.

    None: PortOne has no amount. The currency is in the trail's last cross-check, not in the row.
    """
    if payment.status != "MISMATCH" or not payment.portone_amount:
        return None
    checks = [each.checks for each in events if each.payment_id == payment.id and each.checks]
    found = {name: actual for name, _, actual in checks[-1]} if checks else {}
    currency = found.get("CURRENCY") or payment.currency
    return (
        languages.money(payment.amount, payment.currency),
        languages.money(payment.portone_amount, str(currency)),
    )


def masked(name: str) -> str:
    """Returns a name with most of its letters hidden: 홍*동, G****** H***.

    Whoever knows a paymentId can open the result page, so it shows no personal data.
    """
    return " ".join(_masked_word(word) for word in name.split())


def _masked_word(word: str) -> str:
    if languages.language_of(word) == "ko" and len(word) > 2:
        return word[0] + "*" * (len(word) - 2) + word[-1]
    return word[0] + "*" * (len(word) - 1) if len(word) > 1 else "*"
