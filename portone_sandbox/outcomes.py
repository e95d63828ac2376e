"""How a payment window can end. The buyer chooses it by a click, a script by its name."""

from . import channels
from .request_documents import PaymentRequest
from .tampering import CHANGES, tampered

TAMPERING = tuple(CHANGES)
OUTCOMES = ("approve", "decline", "cancel", "discount", "abandon", "slow", "pend", *TAMPERING)
ACCOUNT_OUTCOMES = ("issue", "decline", "cancel", *TAMPERING)
# With manual approval the PG can also refuse when the merchant's server confirms. It decides then:
# what `POST /payments/{paymentId}/confirm` answers for a payment that is pending is not documented.
REFUSE = "refuse"
NOT_MANUAL = ("pend",)
ALL_OUTCOMES = tuple(dict.fromkeys((*OUTCOMES, *ACCOUNT_OUTCOMES, REFUSE)))


def is_virtual_account(params: PaymentRequest) -> bool:
    return params["payMethod"] == "VIRTUAL_ACCOUNT"


def is_manual(params: PaymentRequest) -> bool:
    """Whether the request's channel has manual approval (수동 승인)."""
    return params["channelKey"] in channels.MANUAL_APPROVAL


def possible_outcomes(params: PaymentRequest) -> tuple[str, ...]:
    """The outcomes of a window for this request. The first is the usual one."""
    outcomes = ACCOUNT_OUTCOMES if is_virtual_account(params) else OUTCOMES
    without = set(NOT_MANUAL) if is_manual(params) else set()
    # Nothing else to choose, such as another method at a PG that has one.
    without |= {each for each in TAMPERING if tampered(params, each) == params}
    possible = tuple(each for each in outcomes if each not in without)
    return (*possible, REFUSE) if is_manual(params) else possible
