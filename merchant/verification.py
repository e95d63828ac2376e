"""Is PortOne's record the payment that this order asked for? Pure: no I/O, no Flask, no database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# PortOne's statuses (https://developers.portone.io/api/rest-v2/payment) as ours. New ones may appear without
# notice: one that we do not know is PENDING, and is asked about again.
STATUSES = {
    "READY": "PENDING",
    "PAY_PENDING": "PENDING",
    "FAILED": "FAILED",
    "VIRTUAL_ACCOUNT_ISSUED": "VIRTUAL_ACCOUNT_ISSUED",
    "PAID": "PAID",
    "PARTIAL_CANCELLED": "PARTIAL_CANCELLED",
    "CANCELLED": "CANCELLED",
}


@dataclass(frozen=True)
class Check:
    name: str
    expected: Any
    actual: Any

    @property
    def passed(self) -> bool:
        # The type counts as well: in Python True == 1 and 1.0 == 1, but no amount is True.
        return type(self.expected) is type(self.actual) and self.expected == self.actual


@dataclass(frozen=True)
class Verdict:
    """`status` is PortOne's word in ours, whether or not the checks passed; `reasons` names those that did not."""

    status: str
    checks: tuple[Check, ...]

    @property
    def reasons(self) -> list[str]:
        return [check.name for check in self.checks if not check.passed]


def verify(payment: Any, record: Mapping, allow_test: bool) -> Verdict:
    """Compare `record`, the JSON of PortOne's GET /payments/{paymentId}, with the `payment` row stored beforehand.

    `amount.total` is compared, not `amount.paid`, which a PG's own discount may lower. A record without
    `channel.key` passes, since PortOne leaves it out at times; one without a channel type is not LIVE.
    """
    status = STATUSES.get(record["status"], "PENDING")
    if status in {
        "PENDING",
        "FAILED",
    }:  # no money has moved, and what was asked for may still change
        return Verdict(status, ())
    channel = record.get("channel") or {}
    amount = record.get("amount") or {}
    checks = [
        Check("PAYMENT_ID", payment.id, record.get("id")),
        Check("STORE", payment.store_id, record.get("storeId")),
        Check("CHANNEL", payment.channel_key, channel.get("key") or payment.channel_key),
        Check("AMOUNT", payment.amount, amount.get("total")),
        Check("CURRENCY", payment.currency, record.get("currency")),
        Check("ORDER_NAME", payment.order_name, record.get("orderName")),
        Check("TAX_FREE", 0, amount.get("taxFree") or 0),
        Check("PROMOTION", None, record.get("promotionId")),
    ]
    if not allow_test:
        checks.append(Check("TEST_CHANNEL", "LIVE", channel.get("type")))
    return Verdict(status, tuple(checks))
