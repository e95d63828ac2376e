"""What reconciliation remembers from one run to the next."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from ..models import Base


class ReconciliationRun(Base):
    """The last complete run of a store.

    Everything that changed at PortOne before `started_at` is stored.
    """

    __tablename__ = "merchant_reconciliation_run"

    store_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    started_at: Mapped[datetime]


class UnknownPayment(Base):
    """A payment with money in it at PortOne, of which the shop has no row.

    The row was lost when a backup was restored, or another system made the payment.
    """

    __tablename__ = "merchant_unknown_payment"

    payment_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    amount: Mapped[int]
    paid_at: Mapped[datetime | None]
    is_acknowledged: Mapped[bool] = mapped_column(default=False)  # by `flask acknowledge`
