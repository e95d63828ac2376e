"""What only a person can end."""

from collections.abc import Iterator

from sqlalchemy import and_, or_, select

from ..models import session
from ..rows import PaymentRow
from ..storage import orders, payments
from ..transitions import TAKEN


def payments_that_need_a_person() -> Iterator[tuple[PaymentRow, str]]:
    """Yields each payment, the oldest first, with what is wrong and the command that ends it."""
    is_unfulfilled = and_(
        orders.c.payment_id == payments.c.id,
        orders.c.fulfilled_at.is_(None),
        orders.c.status.in_(TAKEN),
    )
    is_refused = and_(payments.c.status == "MISMATCH", payments.c.portone_status.in_(TAKEN))
    rows = session.execute(
        select(*payments.c, is_refused, is_unfulfilled)
        .join(orders, orders.c.id == payments.c.order_id)
        .where(or_(is_refused, is_unfulfilled, payments.c.refund.is_not(None)))
        .order_by(payments.c.created_at)
    ).all()
    for *columns, refused, unfulfilled in rows:
        payment = PaymentRow(*columns)
        if payment.refund and not payment.refund.get("made"):
            amount = payment.refund["amount"]
            yield payment, f"a refund of {amount} KRW has no known end: repeat its flask refund"
        elif refused:
            taken = payment.portone_amount - payment.cancelled_amount
            reasons = ", ".join(payment.reasons)
            yield payment, f"{reasons}: {taken} KRW taken, not this order's: flask refund it"
        elif unfulfilled:
            yield payment, "paid, but its fulfilment failed: see the log, then flask reconcile"
