"""What only a person can end, with the command that ends it."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select

from ..database import primary
from ..follow_up import CHANGED, FAILED, FULFILMENT, MONEY, REFUND, REQUESTED
from ..pages.languages import when
from ..records import parse_time
from ..rows import PaymentRow, now
from ..storage import payments
from .models import UnknownPayment

REFUND_TIME = timedelta(days=7)  # a PG that takes longer to refund has probably failed


def needs_a_person(flask: str = "flask") -> Iterator[str]:
    """Yields one line for each matter, the oldest first.

    flask: how the commands start, such as `flask merchant`.
    """
    rows = (
        primary()
        .execute(
            select(payments)
            .where(payments.c.follow_up.is_not(None))
            .order_by(payments.c.created_at)
        )
        .all()
    )
    for row in rows:
        payment = PaymentRow(*row)
        if matters := list(_matters(payment, flask)):
            yield f"order {payment.order_id} payment {payment.id}: {'; '.join(matters)}"
    unknown = select(UnknownPayment).where(UnknownPayment.is_acknowledged.is_(False))
    for each in primary().execute(unknown.order_by(UnknownPayment.paid_at)):
        paid_at = when(each.paid_at) if each.paid_at else "an unknown time"
        yield (
            f"payment {each.payment_id}: {each.amount} KRW paid at {paid_at},"
            " and no order here: refund it in PortOne's console; if another system sold it,"
            f" {flask} acknowledge {each.payment_id}"
        )


def _matters(payment: PaymentRow, flask: str) -> Iterator[str]:
    codes = (payment.follow_up or "").split()
    left = payment.portone_amount - payment.cancelled_amount
    reasons = ", ".join(payment.reasons) or f"{payment.status} here"
    refund = payment.refund
    if REFUND in codes and refund:
        amount = f"--amount {refund['amount']} " if refund["amount"] else ""
        result = f"the result of a refund of {refund['amount'] or left} KRW is unknown"
        yield f"{result}: repeat {flask} refund {payment.id} {amount}--reason …"
    elif FAILED in codes and refund:
        amount = f"--amount {refund['amount']} " if refund["amount"] else ""
        yield (
            f"the PG has not made a refund of {refund['amount'] or left} KRW:"
            f" {flask} refund {payment.id} {amount}--reason …; if the money went back in another"
            f" way, {flask} acknowledge {payment.id}"
        )
    elif REQUESTED in codes:
        # A refund of PortOne's console has no row of its own; the record says when it changed.
        changed_at = payment.portone_updated_at or payment.created_at
        since = (parse_time(refund["at"]) if refund else None) or changed_at
        if since < now() - REFUND_TIME:
            yield (
                f"a refund is REQUESTED since {when(since)}: look into PortOne's console;"
                f" if it failed there, {flask} refund {payment.id} --again --reason …"
            )
    elif MONEY in codes:
        taken = f"{reasons}: {left} KRW taken, not this order's"
        yield f"{taken}: {flask} refund {payment.id} --reason …"
    elif CHANGED in codes:
        yield (
            "accepted, but PortOne's record has changed since"
            f" ({reasons}, {payment.portone_status} there): look into PortOne's console;"
            f" to return the money, {flask} refund {payment.id} --reason …"
        )
    if FULFILMENT in codes:
        yield f"paid, but its fulfilment failed: see the log, then {flask} reconcile"
