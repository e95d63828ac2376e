"""How a payment window can end. The buyer chooses it by a click, a script by its name."""

import re

from . import channels
from .request_documents import PaymentRequest

TAMPERING = ("tamper", "tamper-tax-free")
OUTCOMES = ("approve", "decline", "cancel", "discount", *TAMPERING, "abandon", "slow", "pend")
ACCOUNT_OUTCOMES = ("issue", "decline", "cancel", *TAMPERING)
# With manual approval the PG can also refuse when the merchant's server confirms. It decides then:
# what `POST /payments/{paymentId}/confirm` answers for a payment that is pending is not documented.
REFUSE = "refuse"
NOT_MANUAL = ("pend",)
ALL_OUTCOMES = tuple(dict.fromkeys((*OUTCOMES, *ACCOUNT_OUTCOMES, REFUSE)))


def is_virtual_account(params: PaymentRequest) -> bool:
    return params["payMethod"] == "VIRTUAL_ACCOUNT"


def is_pg_code(code: object) -> bool:
    """Whether it may be the code of a decline. Every PG spells its own. None is the usual one."""
    return code is None or (isinstance(code, str) and bool(re.fullmatch(r"[\w.-]{1,50}", code)))


def is_manual(params: PaymentRequest) -> bool:
    """Whether the request's channel has manual approval (수동 승인)."""
    return params["channelKey"] in channels.MANUAL_APPROVAL


def possible_outcomes(params: PaymentRequest) -> tuple[str, ...]:
    """The outcomes of a window for this request. The first is the usual one."""
    outcomes = ACCOUNT_OUTCOMES if is_virtual_account(params) else OUTCOMES
    if not is_manual(params):
        return outcomes
    return (*(each for each in outcomes if each not in NOT_MANUAL), REFUSE)
