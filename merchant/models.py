"""What the shop stores. The database alone knows whether an order is paid.

These classes define the tables. The code reads rows as the plain values of rows.py.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, DateTime, Engine, ForeignKey, String, UniqueConstraint, inspect, text
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from werkzeug.local import LocalProxy

from .rows import new_id, now

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, scoped_session


# An older MySQL or MariaDB stores no Korean by default.
KOREAN_TEXT = {"mysql_charset": "utf8mb4", "mariadb_charset": "utf8mb4"}


class Base(DeclarativeBase):
    # fsp: otherwise MySQL and MariaDB drop the fraction of a second, and so the order of changes.
    type_annotation_map = {datetime: DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")}
    __table_args__: Any = KOREAN_TEXT  # a table with arguments of its own repeats it


# Used only when the app has no Flask-SQLAlchemy. A host's migrations see our tables through
# `db.metadata`.
db = SQLAlchemy(metadata=Base.metadata)

# The session of the app's own Flask-SQLAlchemy, ours or the host's.
session = cast(
    "scoped_session[Session]", LocalProxy(lambda: current_app.extensions["sqlalchemy"].session)
)


class Order(Base):
    """What a buyer orders.

    `payment_id` is its newest attempt, or, once paid, the attempt that paid it.
    """

    __tablename__ = "merchant_order"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    product_id: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    amount: Mapped[int]  # KRW
    # The part of the amount that bears no VAT.
    tax_free: Mapped[int] = mapped_column(default=0, server_default="0")
    buyer_name: Mapped[str] = mapped_column(String(64))
    buyer_email: Mapped[str] = mapped_column(String(128))
    buyer_phone: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(32), default="PENDING")
    payment_id: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(default=now)
    paid_at: Mapped[datetime | None]  # set once; stays when the payment is cancelled later
    fulfilled_at: Mapped[datetime | None]


class Payment(Base):
    """One attempt to pay an order; its id is the paymentId.

    The terms are stored here before the window opens. Verification compares PortOne's record with
    this row, not with settings or prices that may have changed since.
    """

    __tablename__ = "merchant_payment"
    # No index of its own: MySQL refuses to drop one that a foreign key needs, as a downgrade does.
    __table_args__ = (UniqueConstraint("order_id", "id"), KOREAN_TEXT)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    order_id: Mapped[str] = mapped_column(ForeignKey(Order.id))
    store_id: Mapped[str] = mapped_column(String(64))
    channel_key: Mapped[str] = mapped_column(String(64))
    order_name: Mapped[str] = mapped_column(String(64))
    amount: Mapped[int]  # in the currency's minor unit; for KRW that is one won
    tax_free: Mapped[int] = mapped_column(default=0, server_default="0")
    currency: Mapped[str] = mapped_column(String(3), default="KRW")
    pay_method: Mapped[str] = mapped_column(String(32))
    # Of EASY_PAY; "" leaves the choice to the PG's window.
    easy_pay_provider: Mapped[str] = mapped_column(String(32), default="", server_default="")
    window_type: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(32), default="PENDING")
    reasons: Mapped[list[str]] = mapped_column(JSON, default=list)  # why it is a MISMATCH
    portone_status: Mapped[str | None] = mapped_column(String(40))
    portone_updated_at: Mapped[datetime | None]
    # From PortOne's record, once money is involved:
    portone_amount: Mapped[int] = mapped_column(default=0)
    # The PG's own discount: the buyer pays so much less.
    discount: Mapped[int] = mapped_column(default=0, server_default="0")
    cancelled_amount: Mapped[int] = mapped_column(default=0)
    cancelled_tax_free: Mapped[int] = mapped_column(default=0, server_default="0")
    cancellations: Mapped[list[Any]] = mapped_column(JSON, default=list)  # [[id, status, amount]]
    paid_at: Mapped[datetime | None]
    # What is left to do: codes of follow_up.py, separated by spaces.
    follow_up: Mapped[str | None] = mapped_column(String(64), index=True)
    refund: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    virtual_account: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    failure: Mapped[str | None] = mapped_column(String(200))  # the PG's "[code] message"
    receipt_url: Mapped[str | None] = mapped_column(String(500))  # the PG's, for the buyer
    created_at: Mapped[datetime] = mapped_column(default=now)
    asked_at: Mapped[datetime | None]  # when a result page last looked it up at PortOne
    version: Mapped[int] = mapped_column(default=1)  # grows with every change, for compare-and-set


class PaymentEvent(Base):
    """One step of an order's trail. It holds no personal data."""

    __tablename__ = "merchant_payment_event"
    __table_args__ = (UniqueConstraint("order_id", "id"), KOREAN_TEXT)

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey(Order.id))
    payment_id: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(default=now)
    event: Mapped[str] = mapped_column(String(32))
    # Who asked: shop, sdk, redirect, page, webhook, retry, cli.
    source: Mapped[str] = mapped_column(String(16))
    portone_status: Mapped[str | None] = mapped_column(String(40))
    duration_ms: Mapped[int | None]
    checks: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    detail: Mapped[str | None] = mapped_column(String(200))  # what was wrong


# Tells a session which database is meant: a host's may send what only reads to another one.
WRITE = Base.metadata.tables[Order.__tablename__].update()


def create_tables() -> None:
    """Create the tables that are missing.

    Several workers may do so at the same time, and a worker may fork afterwards.
    """
    engine = current_app.extensions["sqlalchemy"].engine
    for table in Base.metadata.sorted_tables:
        try:
            table.create(engine, checkfirst=True)
        except DBAPIError:  # another worker created it first
            if not inspect(engine).has_table(table.name):
                raise
    _check_columns(engine)
    _close_connections(engine)


def set_wal_mode() -> None:
    """On SQLite, let pages read while a payment is written (journal mode WAL).

    The file keeps the mode. If it is locked now, a later start sets it.
    """
    if session.get_bind().dialect.name != "sqlite":
        return
    try:
        session.execute(text("PRAGMA journal_mode=WAL"))
        session.commit()
    except OperationalError:
        session.rollback()
    _close_connections(session.get_bind().engine)


def _close_connections(engine: Engine) -> None:
    # A connection must not be shared across a fork. A database in memory lives in its connections.
    if not _is_in_memory(engine):
        engine.dispose()


def _is_in_memory(engine: Engine) -> bool:
    url = engine.url
    is_named = url.database not in {None, "", ":memory:"} and url.query.get("mode") != "memory"
    return engine.dialect.name == "sqlite" and not is_named


def _check_columns(engine: Engine) -> None:
    """Raises RuntimeError if an older version created the tables, and columns are missing."""
    inspector = inspect(engine)
    missing = []
    for table in Base.metadata.sorted_tables:
        present = {column["name"] for column in inspector.get_columns(table.name)}
        missing += [
            f"{table.name}.{each.name}" for each in table.columns if each.name not in present
        ]
    if missing:
        raise RuntimeError(
            f"The database is of an older version: it lacks {', '.join(missing)}. "
            "docs/production.md says how to add them; in development delete the database file."
        )
