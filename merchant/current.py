"""The settings and PortOne's client of the current app."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from .config import Settings
from .portone import PortOne
from .rows import FINAL, PaymentRow


@dataclass(frozen=True)
class Merchant:
    """What one app has; in `app.extensions["merchant"]`."""

    settings: Settings
    portone: PortOne


def merchant() -> Merchant:
    return cast(Merchant, current_app.extensions["merchant"])


def accepted(payment: PaymentRow) -> dict[str, bool]:
    """Returns what verify() takes besides the record.

    What we accepted once stays so when a setting changes.
    """
    settings, is_accepted = merchant().settings, payment.status in FINAL
    return {
        "allow_test": settings.allow_test or is_accepted,
        "offers_accounts": "VIRTUAL_ACCOUNT" in settings.pay_methods or is_accepted,
    }
