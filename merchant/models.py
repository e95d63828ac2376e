"""What the shop stores. The database is the one place that knows whether an order is paid."""

import secrets
from datetime import datetime, timezone

from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, ForeignKey, String, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.local import LocalProxy

db = (
    SQLAlchemy()
)  # edit this: `from yourapp import db`, if your migrations should know these tables

# The session and the engine of whichever Flask-SQLAlchemy the app has, ours or the host's.
session = LocalProxy(lambda: current_app.extensions["sqlalchemy"].session)
engine = LocalProxy(lambda: current_app.extensions["sqlalchemy"].engine)


def new_id() -> str:
    """32 letters and digits, unguessable: every PG takes them (KCP, KPN and Payletter allow nothing else)."""
    return secrets.token_hex(16)


def now() -> datetime:
    """The time in UTC without a zone, as all times here are stored."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


class Order(db.Model):
    """What a buyer wants. It follows one payment: the newest attempt, and once paid the payment that paid it."""

    __tablename__ = "merchant_order"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    product_id: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    amount: Mapped[int]  # KRW
    buyer_name: Mapped[str] = mapped_column(String(64))
    buyer_email: Mapped[str] = mapped_column(String(128))
    buyer_phone: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(32), default="PENDING")
    payment_id: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(default=now)
    paid_at: Mapped[datetime | None]  # set once, and kept when the payment is cancelled later
    fulfilled_at: Mapped[datetime | None]


class Payment(db.Model):
    """One attempt to pay an order; its id is the paymentId. What was asked for is kept here, so that verification
    compares with this row and not with settings or prices that may have changed since."""

    __tablename__ = "merchant_payment"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    order_id: Mapped[str] = mapped_column(ForeignKey(Order.id), index=True)
    store_id: Mapped[str] = mapped_column(String(64))
    channel_key: Mapped[str] = mapped_column(String(64))
    order_name: Mapped[str] = mapped_column(String(64))
    amount: Mapped[int]  # in the currency's minor unit; for KRW that is one won
    currency: Mapped[str] = mapped_column(String(3), default="KRW")
    pay_method: Mapped[str] = mapped_column(String(32))
    window_type: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(32), default="PENDING")
    reasons: Mapped[list] = mapped_column(JSON, default=list)  # why it is a MISMATCH
    portone_status: Mapped[str | None] = mapped_column(String(40))
    portone_updated_at: Mapped[datetime | None]
    portone_amount: Mapped[int] = mapped_column(
        default=0
    )  # in PortOne's record, once money is involved
    cancelled_amount: Mapped[int] = mapped_column(default=0)
    # A refund that was asked for and whose end is not told: {key, reason, amount, balance before it, made?}.
    refund: Mapped[dict | None] = mapped_column(JSON(none_as_null=True))
    virtual_account: Mapped[dict | None] = mapped_column(JSON(none_as_null=True))
    failure: Mapped[str | None] = mapped_column(String(200))  # the PG's "[code] message"
    created_at: Mapped[datetime] = mapped_column(default=now)
    asked_at: Mapped[
        datetime | None
    ]  # when the result page or `flask reconcile` last asked PortOne
    version: Mapped[int] = mapped_column(default=1)  # for compare-and-set


class PaymentEvent(db.Model):
    """One step of an order's trail. Holds no personal data."""

    __tablename__ = "merchant_payment_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey(Order.id), index=True)
    payment_id: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(default=now)
    event: Mapped[str] = mapped_column(String(32))
    source: Mapped[str] = mapped_column(
        String(16)
    )  # shop, sdk, redirect, page, webhook, retry, cli
    portone_status: Mapped[str | None] = mapped_column(String(40))
    duration_ms: Mapped[int | None]
    checks: Mapped[list | None] = mapped_column(
        JSON(none_as_null=True)
    )  # [[name, expected, actual], …]


def create_tables() -> None:
    """Create the tables that are missing. Several workers may do so at once, and may fork afterwards."""
    bind = engine._get_current_object()  # SQLAlchemy looks at its type
    for model in (Order, Payment, PaymentEvent):
        try:
            model.__table__.create(bind, checkfirst=True)
        except DBAPIError:  # another worker was faster
            if not inspect(bind).has_table(model.__tablename__):
                raise
    bind.dispose()  # a connection must not be shared across a fork
