"""Opens an order, or another attempt at one, and builds the request for PortOne.requestPayment."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from . import storage
from .catalog import Product, product_type
from .current import merchant
from .database import write_transaction
from .errors import PortOneRejected, PortOneUnavailable, Refused
from .pg import order_name
from .rows import FINAL, NewEvent, OrderRow, PaymentRow, new_id, now
from .settlement import settle
from .transitions import deadline, is_expired, state_of

ORDER_TIME = timedelta(days=7)  # how long an order can still be paid
MAX_ATTEMPTS = 10  # of one order; each one costs look-ups
BY_METHOD: dict[str, dict[str, Any]] = {  # what PGs want for a payment method
    "VIRTUAL_ACCOUNT": {"virtualAccount": {"accountExpiry": {"validHours": 24}}},
    "GIFT_CERTIFICATE": {"giftCertificate": {"giftCertificateType": "CULTURELAND"}},
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Buyer:
    """The buyer, as pages/forms.py has checked it."""

    name: str
    email: str
    phone: str


@dataclass(frozen=True)
class Choice:
    """How the buyer pays, as pages/forms.py has checked it."""

    pay_method: str
    easy_pay_provider: str  # "" leaves the choice to the PG's window
    window_type: str  # "" leaves it to the PG


def open_order(product: Product, buyer: Buyer, choice: Choice) -> tuple[OrderRow, PaymentRow]:
    """Store a new order and its first attempt, before any window opens. Returns both rows.

    Owns the session's transaction, as settlement.settle() does.
    """
    order = OrderRow(
        id=new_id(),
        product_id=product.id,
        name=product.name,
        amount=product.price,
        tax_free=product.tax_free,
        buyer_name=buyer.name,
        buyer_email=buyer.email,
        buyer_phone=buyer.phone,
        status="PENDING",
        payment_id=new_id(),
        created_at=now(),
        paid_at=None,
        fulfilled_at=None,
    )
    payment = _new_payment(order, order.payment_id, choice)
    with write_transaction() as connection:
        storage.insert_order(connection, order)
        storage.insert_payment(connection, payment)
        created = NewEvent(order.id, payment.id, "ORDER_CREATED", "shop")
        storage.insert_events(connection, [created, created._replace(event="ATTEMPT_OPENED")])
    _pre_register(payment)
    return order, payment


def open_attempt(order: OrderRow, choice: Choice) -> PaymentRow:
    """Store another attempt at an unpaid order. Returns its row.

    Every earlier attempt that may still be paid is looked up first, and its virtual account closed.
    Owns the session's transaction, as settlement.settle() does.
    Raises Refused (ORDER_ALREADY_PAID, ORDER_EXPIRED, TOO_MANY_ATTEMPTS, PAYMENT_IN_PROGRESS),
    PortOneUnavailable or PortOneRejected; nothing is stored then.
    """
    attempts = storage.read_attempts(order.id)
    if order.paid_at:
        raise Refused("ORDER_ALREADY_PAID")
    if order.created_at < now() - ORDER_TIME:
        raise Refused("ORDER_EXPIRED")
    if len(attempts) >= MAX_ATTEMPTS:
        raise Refused("TOO_MANY_ATTEMPTS")
    for earlier in attempts:
        _end_attempt(earlier)
    payment = _new_payment(order, new_id(), choice)
    with write_transaction() as connection:
        is_open = storage.follow_new_attempt(connection, order, payment)
        if is_open:
            storage.insert_payment(connection, payment)
            opened = NewEvent(order.id, payment.id, "ATTEMPT_OPENED", "shop")
            storage.insert_events(connection, [opened])
    if not is_open:  # an earlier attempt was paid after all, or another tab has opened an attempt
        current = storage.read_order(order.id)
        is_paid = current is not None and current.paid_at is not None
        raise Refused("ORDER_ALREADY_PAID" if is_paid else "PAYMENT_IN_PROGRESS")
    _pre_register(payment)
    return payment


def _new_payment(order: OrderRow, payment_id: str, choice: Choice) -> PaymentRow:
    channel = merchant().settings.channel_for(choice.pay_method, choice.easy_pay_provider)
    return PaymentRow(
        id=payment_id,
        order_id=order.id,
        store_id=merchant().settings.store_id,
        channel_key=channel.key,
        order_name=order_name(order.name, channel.pg),
        amount=order.amount,
        tax_free=order.tax_free,
        currency="KRW",
        pay_method=choice.pay_method,
        easy_pay_provider=choice.easy_pay_provider,
        window_type=choice.window_type,
    )


def _end_attempt(payment: PaymentRow) -> None:
    """Make sure that an earlier attempt cannot be paid any more. Raises Refused if it still can."""
    if state_of(payment) not in FINAL:  # also a closed account: a late deposit may have paid
        payment = settle(payment.id, "retry")
    if payment.portone_status == "VIRTUAL_ACCOUNT_ISSUED" and payment.status not in FINAL:
        try:
            merchant().portone.close_virtual_account(payment.id, payment.store_id)
        except PortOneRejected:
            text = "order %s payment %s: its account could not be closed"
            logger.warning(text, payment.order_id, payment.id)
        payment = settle(payment.id, "retry")
        if payment.portone_status == "VIRTUAL_ACCOUNT_ISSUED" and not is_expired(payment, now()):
            raise Refused("PAYMENT_IN_PROGRESS", until=deadline(payment))
    if payment.portone_status == "PAY_PENDING":
        raise Refused("PAYMENT_IN_PROGRESS")


def _pre_register(payment: PaymentRow) -> None:
    logger.info("order %s payment %s: PENDING (shop)", payment.order_id, payment.id)
    if not merchant().settings.pre_register:
        return
    try:
        merchant().portone.pre_register(payment)
    except (PortOneUnavailable, PortOneRejected) as error:
        # The sale goes on: verification compares the amount in any case.
        text = "order %s payment %s: not pre-registered: %s"
        logger.warning(text, payment.order_id, payment.id, error)


def customer_id(order: OrderRow) -> str:
    """Returns the buyer's id for the PG: 20 letters and digits, since Smartro takes no more.

    PG and PortOne see it, so nobody may learn the address of the order's page from it.
    """
    return hashlib.sha256(f"customer {order.id}".encode()).hexdigest()[:20]


def payment_request(
    order: OrderRow, payment: PaymentRow, redirect_url: str, locale: str
) -> dict[str, Any]:
    """Returns what checkout.js hands to PortOne.requestPayment, with what the PG insists on.

    redirect_url: the absolute URL for windows that return by redirect. locale: KO_KR or EN_US.
    Source: https://developers.portone.io/sdk/ko/v2-sdk/payment-request
    """
    request: dict[str, Any] = {
        "storeId": payment.store_id,
        "channelKey": payment.channel_key,
        "paymentId": payment.id,
        "orderName": payment.order_name,
        "totalAmount": payment.amount,
        "currency": payment.currency,
        "payMethod": payment.pay_method,
        "customer": {
            "customerId": customer_id(order),
            "fullName": order.buyer_name,
            "email": order.buyer_email,
            "phoneNumber": order.buyer_phone.replace("-", ""),
        },
        "redirectUrl": redirect_url,
        "locale": locale,
    }
    if payment.tax_free:
        request["taxFreeAmount"] = payment.tax_free
    pg = merchant().settings.pg_of(payment.channel_key)
    request |= pg.window_parameters(payment.window_type)
    if payment.pay_method == "MOBILE":
        request["productType"] = product_type(order.product_id)
    if payment.easy_pay_provider:
        request["easyPay"] = {"easyPayProvider": payment.easy_pay_provider}
    if notice_url := merchant().settings.notice_url:
        request["noticeUrls"] = [notice_url]
    request |= BY_METHOD.get(payment.pay_method, {})
    return request | pg.extra_parameters(request, order)
