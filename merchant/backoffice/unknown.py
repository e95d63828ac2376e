"""Stores the payments with money in them at PortOne, of which the shop has no row."""

from contextlib import suppress
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from ..current import merchant
from ..database import primary, release, write_transaction
from ..records import Record, amount_of, parse_time, part_of
from ..rows import TAKEN
from .models import UnknownPayment

MAX_ID = 64  # characters of the column


def has_money(record: Record) -> bool:
    return str(record.get("status")) in TAKEN


def store_unknown(records: dict[str, Record]) -> None:
    """Remember the payments that have money in them, and forget those that have none any more.

    Another run may store the same ones at the same time.
    """
    for payment_id, record in records.items():
        key = payment_id[:MAX_ID]
        is_listed = primary().scalar(
            select(UnknownPayment.payment_id).where(UnknownPayment.payment_id == key)
        )
        release()
        is_test = part_of(record, "channel").get("type") == "TEST"
        counts = has_money(record) and (merchant().settings.allow_test or not is_test)
        if counts and not is_listed:
            with suppress(IntegrityError), write_transaction() as connection:
                connection.execute(insert(UnknownPayment), _values(key, record))
        elif is_listed and not counts:
            with write_transaction() as connection:
                connection.execute(delete(UnknownPayment).where(UnknownPayment.payment_id == key))


def _values(payment_id: str, record: Record) -> dict[str, Any]:
    amount = part_of(record, "amount")
    left = amount_of(amount.get("total")) - amount_of(amount.get("cancelled"))
    paid_at = parse_time(record.get("paidAt"))
    return {"payment_id": payment_id, "amount": left, "paid_at": paid_at}
