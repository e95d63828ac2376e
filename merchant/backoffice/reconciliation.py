"""Finds what no webhook and no browser has told us, and stores it."""

import time
from datetime import datetime

from sqlalchemy import or_, select

from .. import storage
from ..checkout import is_expired
from ..errors import PortOneRejected, PortOneUnavailable
from ..models import session
from ..portone import merchant
from ..rows import PaymentRow
from ..settlement import fulfil_again, settle
from ..storage import orders, payments
from ..transitions import TAKEN

LOOKUPS_PER_SECOND = 10
OUTAGE = 3  # look-ups failing one after another: PortOne is down, and the next run does the rest
NOT_ASKED = "could not be looked up: PortOne did not answer, or refused (see the log)"
OTHER_STORE = "of another store than PORTONE_STORE_ID, not looked up"


def due_payments(before: datetime, since: datetime) -> list[PaymentRow]:
    """The payments to check, longest unchecked first, so that an interrupted run continues where it stopped.

    Every attempt opened between `since` and `before` that may still change, FAILED and PAID included; besides these
    the virtual accounts that wait for a deposit, and what was paid since then, however old.
    """
    recent = or_(payments.c.created_at >= since, orders.c.paid_at >= since)
    rows = session.execute(
        select(*payments.c, recent)
        .join(orders, orders.c.id == payments.c.order_id)
        .where(payments.c.status != "CANCELLED", payments.c.created_at <= before)
        .where(or_(recent, payments.c.status == "VIRTUAL_ACCOUNT_ISSUED"))
        .order_by(payments.c.asked_at.is_not(None), payments.c.asked_at, payments.c.created_at)
    ).all()
    session.commit()
    due = [(PaymentRow(*columns), is_recent) for *columns, is_recent in rows]
    return [payment for payment, is_recent in due if is_recent or not is_expired(payment)]


def check(payment: PaymentRow, started: datetime) -> str:
    """Look a payment up, unless another process did since `started`. Returns what came of it, in English."""
    if payment.store_id != merchant().settings.store_id:
        return OTHER_STORE
    if not storage.take_turn(payment.id, started):
        return "looked up by another process meanwhile"
    time.sleep(1 / LOOKUPS_PER_SECOND)
    try:
        status = settle(payment.id, "cli").status
    except (PortOneUnavailable, PortOneRejected):
        return NOT_ASKED
    if status == payment.status:
        return f"unchanged, {status}"
    return f"now {status}, before {payment.status}"


def fulfil_all_again() -> tuple[int, int]:
    """Run the fulfilments that failed before. Returns how many succeeded, and how many failed again."""
    statement = select(orders.c.id).where(
        orders.c.fulfilled_at.is_(None), orders.c.status.in_(TAKEN)
    )
    order_ids = session.scalars(statement).all()
    results = [fulfil_again(order_id) for order_id in order_ids]
    return results.count(True), results.count(False)
