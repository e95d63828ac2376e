"""The one way any payment reaches a new state, whoever asks: browser, redirect, result page, webhook, command line.

Nobody's word is taken for it. Whatever brought the news, PortOne is asked, its record is verified, and one
transaction stores the new state of payment and order, the trail, and the fulfilment.
"""

import logging
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from flask import current_app
from sqlalchemy import bindparam, insert, or_, select, update

from . import fulfilment
from .catalog import Product
from .models import Order, Payment, PaymentEvent, engine, new_id, now, session
from .portone import PortOneRejected, PortOneUnavailable, parse_time
from .verification import Verdict, verify

ARRIVALS = {"sdk": "SDK_RETURNED", "redirect": "REDIRECTED", "webhook": "WEBHOOK_RECEIVED"}
FINAL = {"PAID", "PARTIAL_CANCELLED", "CANCELLED"}
TAKEN = {"PAID", "PARTIAL_CANCELLED"}  # the buyer's money is with us, all of it or a part
# States move one way. PENDING and FAILED may alternate, since a PG can approve after a failure.
NEXT = {
    "PENDING": {"FAILED", "VIRTUAL_ACCOUNT_ISSUED", "MISMATCH"} | FINAL,
    "FAILED": {"PENDING", "VIRTUAL_ACCOUNT_ISSUED", "MISMATCH"} | FINAL,
    "VIRTUAL_ACCOUNT_ISSUED": {"FAILED", "MISMATCH"} | FINAL,
    "MISMATCH": {"FAILED", "VIRTUAL_ACCOUNT_ISSUED"} | FINAL,
    "PAID": {"PARTIAL_CANCELLED", "CANCELLED"},
    "PARTIAL_CANCELLED": {"CANCELLED"},
    "CANCELLED": set(),
}
OUTCOMES = {  # what the trail says of it
    "FAILED": "ATTEMPT_FAILED",
    "VIRTUAL_ACCOUNT_ISSUED": "DEPOSIT_AWAITED",
    "MISMATCH": "MISMATCHED",
    "PARTIAL_CANCELLED": "ORDER_PARTIAL_CANCELLED",
    "CANCELLED": "ORDER_CANCELLED",
}
PAGE_INTERVAL = timedelta(seconds=3)

orders, payments, trail = Order.__table__, Payment.__table__, PaymentEvent.__table__
# What every completion runs, built once: to build a statement costs more than to run it. Values come as parameters.
FIND = select(payments).where(payments.c.id == bindparam("of_payment"))
SAID = (
    select(trail.c.event, trail.c.portone_status, trail.c.checks)
    .where(trail.c.order_id == bindparam("of_order"), trail.c.payment_id == bindparam("of_payment"))
    .order_by(trail.c.id)
)
STORE = update(payments).where(
    payments.c.id == bindparam("of_payment"), payments.c.version == bindparam("known")
)
ORDER = select(orders).where(orders.c.id == bindparam("of_order"))
CLAIM = update(orders).where(orders.c.id == bindparam("of_order"), orders.c.paid_at.is_(None))
TELL = insert(trail)

logger = logging.getLogger(__name__)


class Refused(Exception):
    """What was asked for can't be done; `code` is the HTTP contract's, `reasons` belong to PAYMENT_MISMATCH."""

    def __init__(self, code, field=None, reasons=None, message=None):
        super().__init__(code)
        self.code, self.field, self.reasons, self.message = code, field, reasons, message


def settle(payment_id: str, source: str, order_id: str | None = None) -> Any:
    """Ask PortOne about a payment, store what it says, and return the payment's row as it is then.

    `source` is who brought the news: sdk, redirect, page, webhook, retry or cli. A browser asking again about a paid
    payment is answered from the database. Raises Refused (unknown payment, or another order's than `order_id`),
    PortOneUnavailable, PortOneRejected.
    """
    payment, told = _read(payment_id)
    if payment is None or order_id not in {None, payment.order_id}:
        raise Refused("PAYMENT_NOT_FOUND", "paymentId")
    news = [_event(payment, source, ARRIVALS[source])] if source in ARRIVALS else []
    if payment.status in FINAL and source not in {"webhook", "cli"}:
        _store(payment, source, {}, _unsaid(news, told))
        return payment
    merchant = current_app.extensions["merchant"]
    started = time.perf_counter()
    try:
        record = merchant.portone.get_payment(payment.id, payment.store_id)
    except (PortOneUnavailable, PortOneRejected) as error:
        logger.warning(
            "order %s payment %s: PortOne could not be asked: %s",
            payment.order_id,
            payment.id,
            error,
        )
        _store(
            payment, source, {}, _unsaid([*news, _event(payment, source, "LOOK_UP_FAILED")], told)
        )
        raise
    duration_ms = round((time.perf_counter() - started) * 1000)
    record = record or {"status": "PAYMENT_NOT_FOUND"}  # the payment window never opened
    # Once a payment is accepted its refunds are too, whatever PORTONE_ALLOW_TEST says by then.
    verdict = verify(payment, record, merchant.settings.allow_test or payment.status in FINAL)
    checks = [[check.name, check.expected, _plain(check.actual)] for check in verdict.checks]
    news.append(
        _event(
            payment,
            source,
            "LOOKED_UP",
            printable(record["status"])[:40],
            duration_ms,
            checks or None,
        )
    )
    while True:
        new, events = changes(payment, record, verdict), _unsaid(news, told)
        stored = _store(payment, source, new, events, "paidAt" in record)
        if stored:
            return stored if new or events else find(payment_id)
        # Somebody else has stored news of this payment meanwhile: decide anew, from what is stored now.
        payment, told = _read(payment_id)


def changes(payment: Any, record: Mapping, verdict: Verdict) -> dict:
    """What PortOne's record changes in the payment's row: {column: new value}, empty if it is no news."""
    status, reasons = verdict.status, verdict.reasons
    is_other_payment = {"PAYMENT_ID", "STORE"} & set(reasons)
    if reasons and (status != "CANCELLED" or is_other_payment):
        status = "MISMATCH"  # one that was cancelled is CANCELLED: the money went back
    updated_at = None if is_other_payment else parse_time(record.get("updatedAt"))
    if updated_at and payment.portone_updated_at and updated_at < payment.portone_updated_at:
        return {}
    if status not in NEXT[payment.status] | {payment.status}:
        return {}
    if "DUPLICATE" in payment.reasons and status in TAKEN:
        status, reasons = (
            "MISMATCH",
            payment.reasons,
        )  # another payment has paid the order, and that stays so
    new = {"status": status, "reasons": reasons, "portone_status": printable(record["status"])[:40]}
    if updated_at:
        new["portone_updated_at"] = updated_at
    if verdict.checks:
        total, cancelled = record["amount"]["total"], record["amount"].get("cancelled", 0)
        new |= {"portone_amount": total, "cancelled_amount": cancelled}
        if payment.refund and payment.refund["balance"] != total - cancelled:
            new["refund"] = payment.refund | {"made": True}  # kept until `flask refund` has said so
    if status == "VIRTUAL_ACCOUNT_ISSUED" and isinstance(method := record.get("method"), dict):
        names = ("bank", "accountNumber", "remitteeName", "expiredAt")
        new["virtual_account"] = {name: printable(method.get(name)) for name in names}
    if status == "FAILED" and isinstance(failure := record.get("failure"), dict):
        new["failure"] = said(failure)
    return {name: value for name, value in new.items() if value != getattr(payment, name)}


def said(failure: Mapping) -> str:
    """`[code] message`: PortOne's wording of what a PG says. The code leads to words of our own, in words.py.

    failure: {pgCode?, pgMessage?, reason?} of a record, {code?, message?, pgCode?, pgMessage?} of a redirect.
    """
    message = str(failure.get("pgMessage") or failure.get("reason") or failure.get("message") or "")
    code = failure.get("pgCode") or failure.get("code")
    return printable(f"[{code}] {message}" if code and not message.startswith("[") else message)


def printable(text: object) -> str:
    """At most 200 characters of somebody else's text, without those that a page or a database can't take."""
    return "".join(char for char in str(text or "")[:200] if char.isprintable())


def _plain(value):
    """As the trail keeps it: short, and what the eye does not see written out."""
    if value is None or type(value) in {int, bool}:
        return value
    text = str(value)[:200]
    return (
        text
        if text.isprintable()
        else "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    )


def find_order(order_id: str) -> Any:
    """An order's row as plain values, or None."""
    if not re.fullmatch("[0-9a-f]{32}", order_id):
        return None
    with engine.connect() as connection:
        return connection.execute(ORDER, {"of_order": order_id}).first()


def find(payment_id: str) -> Any:
    """A payment's row as plain values, or None."""
    return _read(payment_id)[0]


def _read(payment_id):
    """A payment's row, and what its trail said last of each event: {event: [portone_status, checks]}.

    Any text may be asked for; none but an id reaches the database.
    """
    if not re.fullmatch("[0-9a-f]{32}", payment_id):
        return None, {}
    with engine.connect() as connection:  # given back at once: PortOne may take seconds to answer
        row = connection.execute(FIND, {"of_payment": payment_id}).first()
        if row is None:
            return None, {}
        # After the row: a change in between is noticed by the row's version when news are stored.
        told = connection.execute(SAID, {"of_order": row.order_id, "of_payment": payment_id})
        return SimpleNamespace(**row._mapping), {event: words for event, *words in told}


def _event(payment, source, event, portone_status=None, duration_ms=None, checks=None):
    return {
        "order_id": payment.order_id,
        "payment_id": payment.id,
        "event": event,
        "source": source,
        "portone_status": portone_status,
        "duration_ms": duration_ms,
        "checks": checks,
    }


def _unsaid(events, told):
    """The events that are news: the trail keeps what happened, not every repetition of the same question."""
    return [
        event
        for event in events
        if told.get(event["event"]) != [event["portone_status"], event["checks"]]
    ]


def _store(payment, source, new, events, was_paid=False):
    """Store a payment's news in one transaction.

    Returns its row as it is then, or None if it is no longer the one that was decided upon.
    """
    if not new and not events:
        return payment
    new = {**new, "version": payment.version + 1}
    # From here to the commit the row is locked, and on SQLite the file: only what has to be in between is.
    if (
        session.execute(STORE, {"of_payment": payment.id, "known": payment.version, **new}).rowcount
        == 0
    ):
        session.rollback()
        return None
    if "status" in new:
        outcomes = _follow(payment, new, was_paid)
    else:
        more_was_given_back = "cancelled_amount" in new and payment.status == "PARTIAL_CANCELLED"
        outcomes = [OUTCOMES[payment.status]] if more_was_given_back else []
    if events := events + [_event(payment, source, name) for name in outcomes]:
        session.execute(TELL, events)
    session.commit()
    stored = SimpleNamespace(**{**vars(payment), **new})
    if "status" in new:
        level = logging.ERROR if stored.status == "MISMATCH" else logging.INFO
        reasons = "".join(f" {reason}" for reason in stored.reasons)
        logger.log(
            level,
            "order %s payment %s: %s%s (%s)",
            stored.order_id,
            stored.id,
            stored.status,
            reasons,
            source,
        )
    return stored


def _follow(payment, new, was_paid):
    """Bring the order after its payment's `new` status, in the same transaction. Yields the events for the trail.

    An order follows one payment, `order.payment_id`: no other attempt's failure or cancel touches it.
    """
    status, reasons = new["status"], new.get("reasons", [])
    if (
        status == "CANCELLED"
        and was_paid
        and not reasons
        and payment.status not in FINAL | {"MISMATCH"}
    ):
        _claim(
            payment, status
        )  # paid and refunded before anybody asked: nothing to fulfil, nothing to pay again
    if status in TAKEN and payment.status not in FINAL:
        if _claim(payment, status, fulfilled_at=now()):  # taken back if the fulfilment fails
            yield "ORDER_PAID"
            if not _fulfil(payment):
                yield "FULFILMENT_FAILED"
        else:
            duplicate = {"status": "MISMATCH", "reasons": ["DUPLICATE"]}
            session.execute(update(payments).where(payments.c.id == payment.id).values(**duplicate))
            new.update(duplicate)
    else:
        follows = update(orders).where(
            orders.c.id == payment.order_id, orders.c.payment_id == payment.id
        )
        is_followed = session.execute(follows.values(status=status)).rowcount == 1
        if status == "CANCELLED" and not (is_followed and (was_paid or payment.status in FINAL)):
            yield "ATTEMPT_CANCELLED"  # such as a virtual account that was closed: the order was never paid by it
            return
    if new["status"] in OUTCOMES:
        yield OUTCOMES[new["status"]]


def _claim(payment, status, **values):
    """Let this payment be the one that paid its order: true once per order."""
    paid = {
        "of_order": payment.order_id,
        "payment_id": payment.id,
        "status": status,
        "paid_at": now(),
        **values,
    }
    return session.execute(CLAIM, paid).rowcount == 1


def _fulfil(payment):
    order = session.execute(ORDER, {"of_order": payment.order_id}).one()
    try:
        with session.begin_nested():
            fulfilment.fulfil(order)
    except Exception:
        logger.exception(
            "order %s payment %s: paid, but its fulfilment failed", payment.order_id, payment.id
        )
        session.execute(
            update(orders).where(orders.c.id == payment.order_id).values(fulfilled_at=None)
        )
        return False
    return True


def open_order(product: Product, buyer: Mapping, pay_method: str, window_type: str) -> Payment:
    """Store a new order and its first attempt, before any window opens. Returns the attempt."""
    order = Order(
        id=new_id(),
        product_id=product.id,
        name=product.name,
        amount=product.price,
        buyer_name=buyer["name"],
        buyer_email=buyer["email"],
        buyer_phone=buyer["phone"],
    )
    payment = _attempt(order, pay_method, window_type)
    order.payment_id = payment.id
    session.add(order)
    session.flush()
    session.add_all([payment, PaymentEvent(**_event(payment, "shop", "ORDER_CREATED"))])
    return _open(payment)


def open_attempt(order: Any, pay_method: str, window_type: str) -> Payment:
    """Store a new attempt at an unpaid order, once every earlier one is known not to have paid it.

    A virtual account of an earlier attempt is closed first. Raises Refused (ORDER_ALREADY_PAID or
    PAYMENT_IN_PROGRESS), PortOneUnavailable or PortOneRejected; nothing is stored then.
    """
    if order.paid_at:
        raise Refused("ORDER_ALREADY_PAID")
    for payment in attempts(order.id):
        if payment.status not in FINAL:
            payment = settle(payment.id, "retry")
        if payment.portone_status == "VIRTUAL_ACCOUNT_ISSUED" and payment.status not in FINAL:
            payment = _close_virtual_account(payment)
        if payment.portone_status == "PAY_PENDING":
            raise Refused("PAYMENT_IN_PROGRESS")
    attempt = _attempt(order, pay_method, window_type)
    reopened = session.execute(
        update(orders)
        .where(
            orders.c.id == order.id,
            orders.c.paid_at.is_(None),
            orders.c.payment_id == order.payment_id,
        )
        .values(status="PENDING", payment_id=attempt.id)
    )
    if reopened.rowcount == 0:  # paid by an earlier attempt after all, or reopened twice at once
        session.rollback()
        raise Refused(
            "ORDER_ALREADY_PAID" if find_order(order.id).paid_at else "PAYMENT_IN_PROGRESS"
        )
    session.add(attempt)
    return _open(attempt)


def attempts(order_id: str) -> list:
    """An order's payments as plain rows, the newest first."""
    newest_first = (
        select(payments)
        .where(payments.c.order_id == order_id)
        .order_by(payments.c.created_at.desc())
    )
    with engine.connect() as connection:
        return connection.execute(newest_first).all()


def events(order_id: str) -> list:
    """An order's trail as plain rows, the oldest first."""
    with engine.connect() as connection:
        return connection.execute(
            select(trail).where(trail.c.order_id == order_id).order_by(trail.c.id)
        ).all()


def refresh(order_id: str) -> bool:
    """Ask PortOne about an order's open attempts, each at most once in three seconds. False if it can't be asked."""
    for payment in attempts(order_id):
        if payment.status not in FINAL and take_turn(payment.id, now() - PAGE_INTERVAL):
            try:
                settle(payment.id, "page")
            except (PortOneUnavailable, PortOneRejected):
                return False
    return True


def take_turn(payment_id: str, before: datetime) -> bool:
    """Is it the caller's turn to ask about this payment? To one caller only, and if nobody has asked since `before`."""
    unasked = update(Payment).where(
        Payment.id == payment_id, or_(Payment.asked_at.is_(None), Payment.asked_at <= before)
    )
    is_ours = session.execute(unasked.values(asked_at=now())).rowcount == 1
    session.commit()
    return is_ours


def _attempt(order, pay_method, window_type):
    settings = current_app.extensions["merchant"].settings
    return Payment(
        id=new_id(),
        order_id=order.id,
        store_id=settings.store_id,
        channel_key=settings.channel_key,
        order_name=order.name,
        amount=order.amount,
        currency="KRW",
        pay_method=pay_method,
        window_type=window_type,
    )


def _open(payment):
    session.add(PaymentEvent(**_event(payment, "shop", "ATTEMPT_OPENED")))
    order_id, payment_id, *terms = (
        payment.order_id,
        payment.id,
        payment.store_id,
        payment.amount,
        payment.currency,
    )
    session.commit()  # before any window opens, and before PortOne is asked anything
    logger.info("order %s payment %s: PENDING (shop)", order_id, payment_id)
    merchant = current_app.extensions["merchant"]
    if merchant.settings.pre_register:
        try:
            merchant.portone.pre_register(payment_id, *terms)
        except (
            PortOneUnavailable,
            PortOneRejected,
        ) as error:  # the sale goes on: verification holds without it
            logger.warning(
                "order %s payment %s: could not be pre-registered: %s", order_id, payment_id, error
            )
    return payment


def _close_virtual_account(payment):
    merchant = current_app.extensions["merchant"]
    try:
        merchant.portone.close_virtual_account(payment.id, payment.store_id)
    except PortOneRejected:
        logger.warning(
            "order %s payment %s: its account could not be closed", payment.order_id, payment.id
        )
    payment = settle(payment.id, "retry")
    if payment.portone_status == "VIRTUAL_ACCOUNT_ISSUED" and not expired(payment):
        raise Refused("PAYMENT_IN_PROGRESS")
    return payment


def expired(payment: Any) -> bool:
    """Is the deadline of a payment's virtual account over?"""
    deadline = parse_time((payment.virtual_account or {}).get("expiredAt"))
    return deadline is not None and deadline < now()


def fulfil_again() -> tuple[int, int]:
    """Run the fulfilments that failed before. Returns how many succeeded, and how many failed again."""
    unfulfilled = (Order.fulfilled_at.is_(None), Order.status.in_(TAKEN))
    paying = select(Order.payment_id.label("id"), Order.id.label("order_id")).where(*unfulfilled)
    rows = session.execute(paying).all()
    session.commit()
    done = failed = 0
    for payment in rows:
        turn = (
            update(orders)
            .where(orders.c.id == payment.order_id, *unfulfilled)
            .values(fulfilled_at=now())
        )
        if session.execute(turn).rowcount == 0:  # another run was faster
            session.rollback()
        elif _fulfil(payment):
            session.execute(TELL, [_event(payment, "cli", "FULFILLED")])
            session.commit()
            done += 1
        else:
            session.rollback()
            failed += 1
    return done, failed


def refund(
    payment_id: str, reason: str, amount: int | None = None, account: Mapping | None = None
) -> str:
    """Give a payment back: `amount` of it (KRW), or all that is left. `account` is PortOne's refundAccount.

    What is asked for is stored first, and asked for again with the same idempotency key, amount and balance until its
    end is known and the caller, having told it, calls `end_refund`: so a repeat never refunds twice. Only PortOne's
    record changes the payment. Returns the status of PortOne's cancellation (SUCCEEDED, REQUESTED, FAILED), or
    MADE_BEFORE if an earlier call turns out to have done it. Raises Refused, PortOneRejected (PortOne or the PG says
    no), PortOneUnavailable (the end is unknown: repeat).
    """
    payment = settle(payment_id, "cli")
    # PortOne calls it 취소 가능 잔액, and refuses a refund that was reckoned from another balance.
    balance = payment.portone_amount - payment.cancelled_amount
    asked = payment.refund
    if asked and "made" in asked:
        if balance == 0 or amount == asked["amount"]:
            return "MADE_BEFORE"
        asked = None  # that one is over, and this is another
    if payment.portone_status not in TAKEN:
        message = f"Expected a paid payment; this one is {payment.status}."
        raise Refused("INVALID_REQUEST", "PAYMENT_ID", message=message)
    amount = balance if amount is None else amount
    if asked and amount != asked["amount"]:
        message = (
            f"The end of a refund of {asked['amount']} is not known yet: repeat that one first."
        )
        raise Refused("INVALID_REQUEST", "--amount", message=message)
    if not 0 < amount <= balance:
        raise Refused(
            "INVALID_REQUEST", "--amount", message=f"Expected a whole number from 1 to {balance}."
        )
    if not asked:
        asked = {"key": new_id(), "reason": reason, "amount": amount, "balance": balance}
        if not _store(
            payment, "cli", {"refund": asked}, [_event(payment, "cli", "REFUND_REQUESTED")]
        ):
            message = "News of this payment came in just now, so nothing was asked for: repeat."
            raise Refused("PAYMENT_IN_PROGRESS", "PAYMENT_ID", message=message)
    request = {"reason": asked["reason"], "currentCancellableAmount": balance}
    if amount < balance:
        request["amount"] = amount
    if account:
        request["refundAccount"] = account
    try:
        portone = current_app.extensions["merchant"].portone
        status = portone.cancel(payment.id, payment.store_id, asked["key"], **request).get("status")
    except PortOneRejected as error:
        if error.type == "IDEMPOTENCY_OUTSTANDING_REQUEST":
            raise PortOneUnavailable("the first call of this refund is still running") from error
        end_refund(payment_id, "REFUND_FAILED")
        raise
    if status == "FAILED":
        end_refund(payment_id, "REFUND_FAILED")
    with suppress(PortOneUnavailable, PortOneRejected):  # the next look-up brings it
        settle(payment_id, "cli")
    return status


def end_refund(payment_id: str, *events: str) -> None:
    """Forget what was asked for: its end is known."""
    payment = find(payment_id)
    while not _store(
        payment, "cli", {"refund": None}, [_event(payment, "cli", event) for event in events]
    ):
        payment = find(payment_id)
