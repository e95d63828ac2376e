"""The settings and PortOne's client of the current app."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from .config import Settings
from .portone import PortOne
from .rows import FINAL, PaymentRow


@dataclass(frozen=True)
class Merchant:
    """What belongs to one app. It is stored as `app.extensions["merchant"]`."""

    settings: Settings
    portone: PortOne


def merchant() -> Merchant:
    return cast(Merchant, current_app.extensions["merchant"])


def accepted(payment: PaymentRow) -> dict[str, bool]:
    """Returns the arguments of verify() that depend on the settings.

    A payment that was accepted stays accepted when a setting changes later.
    """
    settings, is_accepted = merchant().settings, payment.status in FINAL
    return {
        "allow_test": settings.allow_test or is_accepted,
        "offers_accounts": "VIRTUAL_ACCOUNT" in settings.pay_methods or is_accepted,
    }
