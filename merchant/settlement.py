"""Every change of a payment's state happens here, whoever asks: browser, webhook, page or command.

Settling is 결제 확정, not 정산. We never trust what the browser or a webhook says. We look the
payment up at PortOne, verify its record, and store the new state of payment and order, the trail
and the fulfilment in one transaction.
"""

import logging
import time
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from . import fulfilment, storage
from .current import accepted, merchant
from .database import TransactionEnded, release, run_in_savepoint, write_transaction
from .errors import PortOneRejected, PortOneUnavailable, Refused
from .follow_up import follow_up
from .records import MONEY_STATUSES, NO_RECORD, Record
from .rows import FINAL, NewEvent, PaymentRow, now
from .storage import LastEvents
from .trail import arrival, fulfilment_failed, log_change, look_up_event, new_events
from .transitions import DUPLICATE, NO_TRANSITION, Transition, decide, outcome_events, state_of
from .verification import verify

PAGE_INTERVAL = timedelta(seconds=3)  # a result page looks a payment up at most this often
PAGE_LOOKUPS = 10  # and looks up at most this many payments

logger = logging.getLogger(__name__)


def settle(payment_id: str, source: str, order_id: str | None = None) -> PaymentRow:
    """Look a payment up at PortOne, verify its record, store what it changes. Returns the new row.

    source: who asks: sdk, redirect, page, webhook, retry or cli. order_id: its order, if known.
    Owns the session's transaction: it commits what the host has pending, and its own work at the
    end. It holds no connection while it waits for PortOne.
    Raises Refused (no such payment), PortOneUnavailable, PortOneRejected.
    """
    payment, last_events = load(payment_id, order_id)  # 1. the row stored before the window opened
    arrived = arrival(payment, source)
    if state_of(payment) in FINAL and source not in {"webhook", "cli"}:
        if events := new_events(arrived, last_events):
            store(payment, NO_TRANSITION, events, source)
        return payment  # a browser that asks again is answered from the database
    try:
        record, duration_ms = _look_up(payment)  # 2. PortOne's record
    except (PortOneUnavailable, PortOneRejected):
        failed = NewEvent(payment.order_id, payment.id, "LOOK_UP_FAILED", source)
        store(payment, NO_TRANSITION, new_events([*arrived, failed], last_events), source)
        raise
    verdict = verify(payment, record, **accepted(payment))  # 3. the cross-check
    looked_up = look_up_event(payment, source, record, verdict, duration_ms)
    while True:  # 4. the new state
        transition = decide(payment, record, verdict)
        events = new_events([*arrived, looked_up], last_events)
        stored = store(payment, transition, events, source)
        if stored:
            return stored
        # Another request changed this payment in the meantime. Read it again and decide again.
        payment, last_events = load(payment_id)


def load(payment_id: str, order_id: str | None = None) -> tuple[PaymentRow, LastEvents]:
    """Returns a payment's row, and the last event of each kind. Ends the session's transaction."""
    release()
    payment = storage.read_payment(payment_id)
    # The events after the row: if the row changes in between, storing fails and we read both again.
    last_events = storage.read_last_events(payment) if payment else {}
    release()
    if payment is None or order_id not in {None, payment.order_id}:
        raise Refused("PAYMENT_NOT_FOUND", "paymentId")
    return payment, last_events


def _look_up(payment: PaymentRow) -> tuple[Record, int]:
    """Returns PortOne's record, and how many milliseconds the look-up took."""
    started = time.perf_counter()
    try:
        record = merchant().portone.get_payment(payment.id, payment.store_id)
    except (PortOneUnavailable, PortOneRejected) as error:
        text = "order %s payment %s: PortOne could not be asked: %s"
        logger.warning(text, payment.order_id, payment.id, error)
        raise
    return record or NO_RECORD, round((time.perf_counter() - started) * 1000)


def store(
    payment: PaymentRow,
    transition: Transition,
    events: list[NewEvent],
    source: str,
    fulfilment_error: Exception | None = None,
) -> PaymentRow | None:
    """Store a transition and its events in one transaction.

    Returns the payment's new row, or None if another request has changed the row in the meantime.
    fulfilment_error: fulfil() ended the transaction with this error, so it is not called again.
    """
    if not transition.changes and not events:
        return load(payment.id)[0]
    try:
        with write_transaction() as connection:
            stored = storage.update_payment_if_unchanged(connection, payment, transition.changes)
            if stored is None:
                return None
            paid: list[NewEvent] = []
            is_followed = False
            if transition.order == "PAY":
                stored, paid = _pay_order(connection, stored, source, fulfilment_error)
            elif transition.order != "KEEP":
                if transition.order == "CLOSE":
                    storage.claim_order(connection, stored, fulfilled_at=None)
                is_followed = storage.update_order_status(connection, stored)
            outcomes = [
                NewEvent(stored.order_id, stored.id, name, source)
                for name in outcome_events(payment, stored, is_followed)
            ]
            storage.insert_events(connection, [*events, *paid, *outcomes])
    except TransactionEnded as error:
        return store(payment, transition, events, source, error)
    log_change(payment, stored, source)
    return stored


def _pay_order(
    connection: Connection, payment: PaymentRow, source: str, fulfilment_error: Exception | None
) -> tuple[PaymentRow, list[NewEvent]]:
    """Let a payment pay its order, once per order, and fulfil it.

    Returns the payment's row and the events.
    """
    order = storage.claim_order(connection, payment, fulfilled_at=now())
    if order is None:
        return storage.update_payment(connection, payment, DUPLICATE), []
    events = [NewEvent(payment.order_id, payment.id, "ORDER_PAID", source)]
    error = fulfilment_error or run_in_savepoint(partial(fulfilment.fulfil, order))
    if error:
        storage.mark_unfulfilled(connection, order.id)
        changes = {"follow_up": follow_up(payment, is_unfulfilled=True)}
        payment = storage.update_payment(connection, payment, changes)
        events.append(fulfilment_failed(order, source, error))
    return payment, events


def fulfil_again(payment_id: str) -> bool | None:
    """Fulfil the order that a payment paid, after its fulfilment failed.

    Returns whether it worked, None if another process did it. Owns the session's transaction, as
    settle() does.
    """
    payment, _ = load(payment_id)
    try:
        with write_transaction() as connection:
            changes = {"follow_up": follow_up(payment, is_unfulfilled=False)}
            if not storage.update_payment_if_unchanged(connection, payment, changes):
                return None  # it has just changed; the next run does what is left
            order = storage.start_fulfilment(connection, payment.order_id, fulfilled_at=now())
            if order is None:
                return None
            error = run_in_savepoint(partial(fulfilment.fulfil, order))
            if error:
                raise TransactionEnded("fulfil() failed again") from error
            fulfilled = NewEvent(order.id, payment.id, "FULFILLED", "cli")
            storage.insert_events(connection, [fulfilled])
    except TransactionEnded as problem:  # all is rolled back
        text = "order %s payment %s: still not fulfilled"
        logger.error(text, payment.order_id, payment.id, exc_info=problem.__cause__ or problem)
        return False
    return True


def refresh(order_id: str) -> bool:
    """Look up an order's open attempts for its page. Returns False if PortOne did not answer.

    Each is looked up at most once in three seconds, and only PAGE_LOOKUPS at a time: first those
    that may have money in them, then the newest.
    """
    attempts = storage.read_attempts(order_id)
    open_attempts = [each for each in attempts if each.status not in FINAL]
    open_attempts.sort(key=lambda each: each.portone_status not in MONEY_STATUSES | {"PAY_PENDING"})
    for payment in open_attempts[:PAGE_LOOKUPS]:
        if not storage.take_turn(payment.id, now() - PAGE_INTERVAL):
            continue
        try:
            settle(payment.id, "page")
        except (PortOneUnavailable, PortOneRejected):
            return False
    return True
