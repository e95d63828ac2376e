"""Compares PortOne's record with the payment that the order asked for. Pure: no I/O, no Flask."""

from dataclasses import dataclass
from typing import Any

from .records import Record, part_of
from .rows import PaymentRow

# PortOne's status -> ours (https://developers.portone.io/api/rest-v2/payment). New ones may appear
# without notice: a status that we do not know is PENDING, so it is looked up again.
STATUSES = {
    "READY": "PENDING",
    "PAY_PENDING": "PENDING",
    "FAILED": "FAILED",
    "VIRTUAL_ACCOUNT_ISSUED": "VIRTUAL_ACCOUNT_ISSUED",
    "PAID": "PAID",
    "PARTIAL_CANCELLED": "PARTIAL_CANCELLED",
    "CANCELLED": "CANCELLED",
}
NO_MONEY = {"PENDING", "FAILED"}  # our statuses: the buyer may still change the payment


@dataclass(frozen=True)
class Check:
    """One comparison: what the stored row asked for, and what PortOne's record has."""

    name: str
    expected: Any
    actual: Any

    @property
    def passed(self) -> bool:
        # The type counts as well: in Python True == 1 and 1.0 == 1, but no amount is True.
        return type(self.expected) is type(self.actual) and self.expected == self.actual


@dataclass(frozen=True)
class Verdict:
    """PortOne's status translated to ours, and the checks. One does not depend on the other."""

    status: str
    checks: tuple[Check, ...]

    @property
    def reasons(self) -> list[str]:
        """The names of the checks that failed."""
        return [check.name for check in self.checks if not check.passed]


def verify(
    payment: PaymentRow, record: Record, allow_test: bool, offers_accounts: bool = True
) -> Verdict:
    """Compare PortOne's record with the payment's row, which was stored before the window opened.

    allow_test: payments through a TEST channel are accepted. offers_accounts: the shop offers
    virtual accounts.

    `amount.total` is compared and not `amount.paid`, which a PG's own discount may lower.
    `channel.key` is optional in PortOne's schema, so a record without it passes. A record without a
    channel type is not LIVE.
    """
    status = STATUSES.get(record["status"], "PENDING")
    if status in NO_MONEY:
        return Verdict(status, ())
    return Verdict(status, compare(payment, record, allow_test, offers_accounts))


def compare(
    payment: PaymentRow, record: Record, allow_test: bool, offers_accounts: bool
) -> tuple[Check, ...]:
    """Returns every comparison of the terms."""
    channel, amount, method = (part_of(record, name) for name in ("channel", "amount", "method"))
    checks = [
        Check("PAYMENT_ID", payment.id, record.get("id")),
        Check("STORE", payment.store_id, record.get("storeId")),
        Check("CHANNEL", payment.channel_key, channel.get("key") or payment.channel_key),
        Check("AMOUNT", payment.amount, amount.get("total")),
        Check("CURRENCY", payment.currency, record.get("currency")),
        Check("ORDER_NAME", payment.order_name, record.get("orderName")),
        Check("TAX_FREE", payment.tax_free, amount.get("taxFree") or 0),
        Check("PROMOTION", None, record.get("promotionId")),
    ]
    if not allow_test:
        checks.append(Check("TEST_CHANNEL", "LIVE", channel.get("type")))
    is_account = method.get("type") == "PaymentMethodVirtualAccount"
    if is_account and not offers_accounts and payment.pay_method != "VIRTUAL_ACCOUNT":
        checks.append(Check("METHOD", payment.pay_method, "VIRTUAL_ACCOUNT"))
    return tuple(checks)
