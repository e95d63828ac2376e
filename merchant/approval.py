"""Manual approval (수동 승인): money moves only when the shop confirms a payment token.

A shop can check its stock, or anything else, just before the buyer pays. It confirms the terms that
it has stored, so PortOne refuses a payment that was changed in the browser.
Source: https://developers.portone.io/opi/ko/extra/manual-confirm/readme-v2
"""

import logging

from . import settlement, storage
from .current import accepted, merchant
from .database import release
from .errors import PortOneRejected, PortOneUnavailable, Refused
from .records import NO_RECORD
from .rows import FINAL, NewEvent, PaymentRow
from .trail import arrival
from .transitions import Transition
from .verification import compare

logger = logging.getLogger(__name__)


def confirm_and_settle(
    payment_id: str, source: str, order_id: str | None, token: str
) -> PaymentRow:
    """Confirm the token that the payment window returned, then settle. Returns the new row.

    If PortOne has other terms than we stored, it refuses before money moves, and the payment
    becomes a MISMATCH. A token that is forged or was used before changes nothing.
    Parameters and errors are those of settle(). Also raises Refused (ORDER_ALREADY_PAID), and
    PortOneUnavailable if it is not known whether the payment was approved.
    """
    payment, _ = settlement.load(payment_id, order_id)
    order = storage.read_order(payment.order_id)
    if order and order.paid_at and order.payment_id != payment.id:
        raise Refused("ORDER_ALREADY_PAID")  # another attempt has paid it: take no money twice
    if payment.status in FINAL:
        return settlement.settle(payment_id, source, order_id)
    unknown: PortOneUnavailable | None = None
    try:
        release()
        merchant().portone.confirm(payment, token, merchant().settings.allow_test)
        confirmed = NewEvent(payment.order_id, payment.id, "CONFIRMED", source)
        settlement.store(payment, Transition(), [*arrival(payment, source), confirmed], source)
    except PortOneRejected as error:
        text = "order %s payment %s: not confirmed: %s"
        logger.warning(text, payment.order_id, payment.id, error)
        if error.type == "INFORMATION_MISMATCH":
            return _store_mismatch(payment, source)
    except PortOneUnavailable as error:
        unknown = error
    payment = settlement.settle(payment_id, source, order_id)
    if unknown and payment.status == "PENDING":
        raise unknown
    return payment


def _store_mismatch(payment: PaymentRow, source: str) -> PaymentRow:
    """Store a MISMATCH: PortOne has other terms than we stored, and approved nothing."""
    record = merchant().portone.get_payment(payment.id, payment.store_id) or NO_RECORD
    checks = compare(payment, record, **accepted(payment))
    reasons = [check.name for check in checks if not check.passed and check.actual is not None]
    changes = {"status": "MISMATCH", "reasons": reasons or ["AMOUNT"]}
    event = NewEvent(payment.order_id, payment.id, "CONFIRM_REFUSED", source)
    events = [*arrival(payment, source), event]
    stored = settlement.store(payment, Transition(changes, "FOLLOW"), events, source)
    return stored or settlement.settle(payment.id, source)
