"""The rows of the three tables as plain values, with the columns of models.py in the same order.

A row needs no open connection, and nobody can change it by accident. Nothing here knows the
database.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple, TypedDict

TAKEN = frozenset({"PAID", "PARTIAL_CANCELLED"})  # we hold the buyer's money, all or a part
FINAL = TAKEN | {"CANCELLED"}


def new_id() -> str:
    """32 letters and digits, unguessable.

    Every PG takes them; KCP, KPN and Payletter take no others.
    """
    return secrets.token_hex(16)


def now() -> datetime:
    """The time in UTC without a zone, as all times are stored."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


class VirtualAccount(TypedDict):
    """The account that a buyer has to pay into, as PortOne's record has it."""

    bank: str  # PortOne's code, such as SHINHAN
    accountNumber: str
    remitteeName: str
    expiredAt: str  # RFC 3339


class Refund(TypedDict):
    """A refund whose result `flask refund` has not printed yet; see backoffice/refunds.py.

    state: SENT (the result is unknown), REQUESTED (the PG refunds later), MADE (PortOne's record
    has it), FAILED (the PG did not make it: a person asks again, or takes it off the list).
    """

    key: str  # the Idempotency-Key
    amount: int | None  # None: all that is left
    body: dict[str, Any]  # what was sent, without the buyer's account
    known: list[str]  # ids of the cancellations that PortOne's record had before
    cancelled: int  # the cancelled amount before
    at: str  # when, RFC 3339
    state: str
    told: bool  # the command has printed REQUESTED


@dataclass(frozen=True)
class OrderRow:
    """An order as plain values: the columns of Order, in the same order."""

    id: str
    product_id: str
    name: str
    amount: int
    tax_free: int
    buyer_name: str
    buyer_email: str
    buyer_phone: str
    status: str
    payment_id: str
    created_at: datetime
    paid_at: datetime | None
    fulfilled_at: datetime | None


@dataclass(frozen=True)
class PaymentRow:
    """A payment as plain values: the columns of Payment, in the same order.

    The defaults are a new attempt's.
    """

    id: str
    order_id: str
    store_id: str
    channel_key: str
    order_name: str
    amount: int
    tax_free: int
    currency: str
    pay_method: str
    easy_pay_provider: str
    window_type: str
    status: str = "PENDING"
    reasons: list[str] = field(default_factory=list)
    portone_status: str | None = None
    portone_updated_at: datetime | None = None
    portone_amount: int = 0
    discount: int = 0
    cancelled_amount: int = 0
    cancelled_tax_free: int = 0
    cancellations: list[list[Any]] = field(default_factory=list)
    paid_at: datetime | None = None
    follow_up: str | None = None
    refund: Refund | None = None
    virtual_account: VirtualAccount | None = None
    failure: str | None = None
    receipt_url: str | None = None
    created_at: datetime = field(default_factory=now)
    asked_at: datetime | None = None
    version: int = 1


@dataclass(frozen=True)
class EventRow:
    """An event as plain values: the columns of PaymentEvent, in the same order."""

    id: int
    order_id: str
    payment_id: str
    at: datetime
    event: str
    source: str
    portone_status: str | None
    duration_ms: int | None
    checks: list[Any] | None
    detail: str | None


class NewEvent(NamedTuple):
    """An event to store; the database adds its id and its time."""

    order_id: str
    payment_id: str
    event: str
    source: str
    portone_status: str | None = None
    duration_ms: int | None = None
    checks: list[Any] | None = None  # [[name, expected, actual], …]
    detail: str | None = None  # what was wrong, without personal data
