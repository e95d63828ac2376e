"""Reads and writes the rows and the trail, on the app's own database session.

Every write to a payment or an order after its creation is in this file. Statements are built
once, because building one takes longer than running it.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, or_, select, update

from .database import primary, write_transaction
from .models import Order, Payment, PaymentEvent
from .rows import EventRow, NewEvent, OrderRow, PaymentRow, now

orders: Table = Order.metadata.tables[Order.__tablename__]
payments: Table = Payment.metadata.tables[Payment.__tablename__]
events: Table = PaymentEvent.metadata.tables[PaymentEvent.__tablename__]

SELECT_ORDER = select(orders).where(orders.c.id == bindparam("order_key"))
SELECT_PAYMENT = select(payments).where(payments.c.id == bindparam("payment_key"))
SELECT_ATTEMPTS = (
    select(payments)
    .where(payments.c.order_id == bindparam("order_key"))
    .order_by(payments.c.created_at.desc())
)
SELECT_EVENTS = (
    select(events).where(events.c.order_id == bindparam("order_key")).order_by(events.c.id)
)
SELECT_LAST_EVENTS = (
    select(events.c.event, events.c.portone_status, events.c.checks)
    .where(events.c.order_id == bindparam("order_key"))
    .where(events.c.payment_id == bindparam("payment_key"))
    .order_by(events.c.id)
)
UPDATE_PAYMENT_IF_UNCHANGED = (
    update(payments)
    .where(payments.c.id == bindparam("payment_key"))
    .where(payments.c.version == bindparam("known_version"))
)
CLAIM_ORDER = (
    update(orders).where(orders.c.id == bindparam("order_key")).where(orders.c.paid_at.is_(None))
)
CLAIM_ORDER_RETURNING = CLAIM_ORDER.returning(*orders.c)
UPDATE_ORDER_STATUS = (
    update(orders)
    .where(orders.c.id == bindparam("order_key"))
    .where(orders.c.payment_id == bindparam("followed"))
)
INSERT_EVENTS = insert(events)

# {event: (portone_status, checks)}: the last event of each kind in a payment's trail
LastEvents = dict[str, tuple[str | None, list[Any] | None]]

# Reading. Only a valid id reaches the database; any other text has no row.


def read_order(order_id: str) -> OrderRow | None:
    if not _is_id(order_id):
        return None
    row = primary().execute(SELECT_ORDER, {"order_key": order_id}).first()
    return OrderRow(*row) if row else None


def read_payment(payment_id: str) -> PaymentRow | None:
    if not _is_id(payment_id):
        return None
    row = primary().execute(SELECT_PAYMENT, {"payment_key": payment_id}).first()
    return PaymentRow(*row) if row else None


def read_last_events(payment: PaymentRow) -> LastEvents:
    if payment.version == 1:
        return {}  # nothing was stored since the attempt was opened
    keys = {"order_key": payment.order_id, "payment_key": payment.id}
    rows = primary().execute(SELECT_LAST_EVENTS, keys)
    return {name: (portone_status, checks) for name, portone_status, checks in rows}


def read_attempts(order_id: str) -> list[PaymentRow]:
    """Returns an order's payments, the newest first."""
    rows = primary().execute(SELECT_ATTEMPTS, {"order_key": order_id})
    return [PaymentRow(*row) for row in rows]


def read_events(order_id: str) -> list[EventRow]:
    """Returns an order's trail, the oldest event first."""
    rows = primary().execute(SELECT_EVENTS, {"order_key": order_id})
    return [EventRow(*row) for row in rows]


def _is_id(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{32}", text) is not None


# Writing, in a write_transaction


def insert_order(connection: Connection, order: OrderRow) -> None:
    connection.execute(insert(orders), vars(order))


def insert_payment(connection: Connection, payment: PaymentRow) -> None:
    connection.execute(insert(payments), vars(payment))


def insert_events(connection: Connection, new_events: Sequence[NewEvent]) -> None:
    if new_events:
        connection.execute(INSERT_EVENTS, [new_event._asdict() for new_event in new_events])


def update_payment_if_unchanged(
    connection: Connection, payment: PaymentRow, changes: dict[str, Any]
) -> PaymentRow | None:
    """Returns the payment's new row, or None if another request changed it since it was read."""
    values = {**changes, "version": payment.version + 1}
    keys = {"payment_key": payment.id, "known_version": payment.version}
    if connection.execute(UPDATE_PAYMENT_IF_UNCHANGED, keys | values).rowcount == 0:
        return None
    return replace(payment, **values)


def update_payment(
    connection: Connection, payment: PaymentRow, changes: dict[str, Any]
) -> PaymentRow:
    """Change a payment that this transaction has changed already. Returns its new row."""
    values = {**changes, "version": payment.version + 1}
    connection.execute(update(payments).where(payments.c.id == payment.id), values)
    return replace(payment, **values)


def claim_order(
    connection: Connection, payment: PaymentRow, fulfilled_at: datetime | None
) -> OrderRow | None:
    """Mark the order as paid by this payment.

    Returns its new row, or None if another payment paid it first.
    """
    values = {
        "order_key": payment.order_id,
        "payment_id": payment.id,
        "status": payment.status,
        "paid_at": now(),
        "fulfilled_at": fulfilled_at,
    }
    if connection.dialect.update_returning:
        row = connection.execute(CLAIM_ORDER_RETURNING, values).first()
        return OrderRow(*row) if row else None
    if connection.execute(CLAIM_ORDER, values).rowcount == 0:
        return None
    return read_order(payment.order_id)


def update_order_status(connection: Connection, payment: PaymentRow) -> bool:
    """Give the order its payment's status. Returns False if the order follows another payment."""
    keys = {"order_key": payment.order_id, "followed": payment.id}
    return connection.execute(UPDATE_ORDER_STATUS, {**keys, "status": payment.status}).rowcount == 1


def follow_new_attempt(connection: Connection, order: OrderRow, payment: PaymentRow) -> bool:
    """Let an unpaid order follow a new attempt.

    Returns False if, in the meantime, it was paid or another attempt was opened.
    """
    statement = update(orders).where(
        orders.c.id == order.id,
        orders.c.paid_at.is_(None),
        orders.c.payment_id == order.payment_id,
    )
    values = {"status": payment.status, "payment_id": payment.id}
    return connection.execute(statement, values).rowcount == 1


def start_fulfilment(
    connection: Connection, order_id: str, fulfilled_at: datetime
) -> OrderRow | None:
    """Returns the row of an order to fulfil again, or None if another process does it."""
    statement = update(orders).where(orders.c.id == order_id, orders.c.fulfilled_at.is_(None))
    if connection.execute(statement, {"fulfilled_at": fulfilled_at}).rowcount == 0:
        return None
    return read_order(order_id)


def mark_unfulfilled(connection: Connection, order_id: str) -> None:
    connection.execute(update(orders).where(orders.c.id == order_id), {"fulfilled_at": None})


def take_turn(payment_id: str, before: datetime) -> bool:
    """Returns True for one caller only, and only if nobody looked the payment up after `before`."""
    not_asked = or_(payments.c.asked_at.is_(None), payments.c.asked_at <= before)
    statement = update(payments).where(payments.c.id == payment_id, not_asked)
    with write_transaction() as connection:
        return connection.execute(statement, {"asked_at": now()}).rowcount == 1
