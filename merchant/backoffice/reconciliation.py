"""Finds and stores what no webhook and no browser has reported.

A run lists the payments that changed at PortOne since the last complete run, compares each with its
row, and looks up only those that differ.
"""

import time
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from ..current import accepted, merchant
from ..database import primary, release, write_transaction
from ..errors import PortOneRejected, PortOneUnavailable
from ..follow_up import FULFILMENT
from ..records import Record, is_payment, parse_time
from ..rows import PaymentRow, now
from ..settlement import fulfil_again, settle
from ..storage import orders, payments
from ..transitions import decide, is_expired
from ..verification import verify
from .listing import changed_payments, portone_is_ahead
from .models import ReconciliationRun
from .unknown import has_money, store_unknown

LOOKUPS_PER_SECOND = 10
OUTAGE = 3  # look-ups failing one after another: PortOne is down, and the next run does the rest
OVERLAP = timedelta(minutes=10)  # PortOne's clock and ours may differ
FIRST_RUN = timedelta(days=90)  # how far the very first run looks back
ONE_BY_ONE = timedelta(days=7)
# Whether a second partial cancellation moves the time of the status change is not documented, so
# these are listed for as long as a PG cancels.
PARTIAL = timedelta(days=400)
PARTIALS = {"status": ["PARTIAL_CANCELLED"]}
# A PG may tell PortOne of a deposit days later, and PortOne lists it by the time of the deposit.
DEPOSIT = timedelta(days=7)
DEPOSITS = {"status": ["PAID"], "methods": ["VIRTUAL_ACCOUNT"]}
DECISIVE = {"status", "portone_amount", "cancelled_amount", "reasons", "follow_up"}
LISTED = "listed"
NOT_ASKED = "could not be asked about: PortOne did not answer, or refused (see the log)"
NOT_LISTED = "list that PortOne refused or did not send, so open payments were looked up one by one"


def reconcile(since: timedelta | None, older_than: timedelta) -> Counter[str]:
    """Update all payments that changed at PortOne. Returns the outcomes: {text: number}.

    since: how far to look back; None: to the last complete run.
    older_than: leave younger changes to the next run.
    """
    outcomes = Counter[str]()
    for store_id in _stores():
        _reconcile_store(store_id, since, older_than, outcomes)
    done = [fulfil_again(payment_id) for payment_id in _unfulfilled()]
    outcomes["fulfilled again"] += done.count(True)
    outcomes["failed to be fulfilled again"] += done.count(False)
    return outcomes


def _stores() -> list[str]:
    """Our store, and those of earlier settings."""
    earlier = primary().scalars(select(ReconciliationRun.store_id)).all()
    return list(dict.fromkeys([merchant().settings.store_id, *earlier]))


def _reconcile_store(
    store_id: str, since: timedelta | None, older_than: timedelta, outcomes: Counter[str]
) -> None:
    started = now() - older_than
    of_store = ReconciliationRun.store_id == store_id
    last = primary().scalar(select(ReconciliationRun.started_at).where(of_store))
    due = last - OVERLAP if last else started - FIRST_RUN
    begin = due if since is None else started - since
    release()
    try:
        changed = changed_payments(store_id, begin)
        records = changed | changed_payments(store_id, started - PARTIAL, **PARTIALS)
        records |= changed_payments(store_id, begin - DEPOSIT, **DEPOSITS)
        ahead = portone_is_ahead()
        youngest = now() + ahead - older_than if older_than else None
        records = {id: each for id, each in records.items() if not _is_young(each, youngest)}
    except (PortOneUnavailable, PortOneRejected):
        outcomes[NOT_LISTED] += 1
        _look_up([payment.id for payment in _open_payments(store_id, started)], outcomes)
        return
    outcomes[LISTED] += len(records.keys() & changed.keys())
    rows = _rows(list(records))
    store_unknown({id: record for id, record in records.items() if id not in rows})
    behind = [id for id, record in records.items() if id in rows and differs(rows[id], record)]
    behind += [id for id in _unfinished_refunds(store_id) if id not in behind]
    behind.sort(key=lambda id: id in records and not has_money(records[id]))  # money first
    if _look_up(behind, outcomes) and begin <= due:  # else it has left out what was due
        _store_run(store_id, started + ahead)


def _store_run(store_id: str, started: datetime) -> None:
    """Store that this run is complete. Another run may do so at the same time."""
    of_store = ReconciliationRun.store_id == store_id
    values = {"started_at": started}
    with suppress(IntegrityError), write_transaction() as connection:
        if connection.execute(update(ReconciliationRun).where(of_store), values).rowcount == 0:
            connection.execute(insert(ReconciliationRun), {"store_id": store_id, **values})


def _is_young(record: Record, youngest: datetime | None) -> bool:
    changed_at = parse_time(record.get("statusChangedAt"))
    return youngest is not None and changed_at is not None and changed_at > youngest


def differs(payment: PaymentRow, record: Record) -> bool:
    """Returns whether a listed record would change a value of DECISIVE in its row."""
    if not is_payment(record):
        return True
    verdict = verify(payment, record, **accepted(payment))
    return not DECISIVE.isdisjoint(decide(payment, record, verdict).changes)


def _look_up(payment_ids: list[str], outcomes: Counter[str]) -> bool:
    """Look payments up, not too fast for PortOne. Returns whether it answered for all of them."""
    failing = missed = 0
    rows = _rows(payment_ids)
    for number, payment_id in enumerate(payment_ids):
        time.sleep(1 / LOOKUPS_PER_SECOND)
        before = rows[payment_id].status
        try:
            status = settle(payment_id, "cli").status
        except (PortOneUnavailable, PortOneRejected):
            failing, missed = failing + 1, missed + 1
            if failing == OUTAGE:
                missed += len(payment_ids) - number - 1
                break
            continue
        failing = 0
        is_new = status != before
        outcomes[f"now {status}, before {before}" if is_new else f"unchanged, {status}"] += 1
    outcomes[NOT_ASKED] += missed
    return not missed


def _rows(payment_ids: list[str]) -> dict[str, PaymentRow]:
    found = {}
    for first in range(0, len(payment_ids), 500):
        ids = payment_ids[first : first + 500]
        for row in primary().execute(select(payments).where(payments.c.id.in_(ids))):
            found[row.id] = PaymentRow(*row)
    release()
    return found


def _open_payments(store_id: str, before: datetime) -> list[PaymentRow]:
    """Returns the payments to look up if PortOne sends no list.

    They are the recent ones, and virtual accounts that wait for a deposit.
    """
    recent = or_(
        payments.c.created_at >= before - ONE_BY_ONE, orders.c.paid_at >= before - ONE_BY_ONE
    )
    waiting = payments.c.status == "VIRTUAL_ACCOUNT_ISSUED"
    rows = (
        primary()
        .execute(
            select(*payments.c, recent)
            .join(orders, orders.c.id == payments.c.order_id)
            .where(payments.c.store_id == store_id, payments.c.status != "CANCELLED")
            .where(payments.c.created_at <= before, or_(recent, waiting))
            .order_by(payments.c.created_at.desc())
        )
        .all()
    )
    release()
    due = [(PaymentRow(*columns), is_recent) for *columns, is_recent in rows]
    return [payment for payment, is_recent in due if is_recent or not is_expired(payment, now())]


def _unfinished_refunds(store_id: str) -> list[str]:
    left = payments.c.follow_up
    unfinished = or_(left.contains("REFUND"), left.contains("REQUESTED"))
    ids = select(payments.c.id).where(
        left.is_not(None), unfinished, payments.c.store_id == store_id
    )
    return list(primary().scalars(ids))


def _unfulfilled() -> list[str]:
    left = payments.c.follow_up
    ids = select(payments.c.id).where(left.is_not(None), left.contains(FULFILMENT))
    found = list(primary().scalars(ids))
    release()
    return found
