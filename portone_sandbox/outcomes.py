"""How a payment window can end. The buyer chooses it by a click, a script by its name."""

from .documents import PaymentRequest

OUTCOMES = ("approve", "decline", "cancel", "tamper", "abandon", "slow", "pend")
ACCOUNT_OUTCOMES = ("issue", "decline", "cancel", "tamper")
ALL_OUTCOMES = tuple(dict.fromkeys(OUTCOMES + ACCOUNT_OUTCOMES))


def is_virtual_account(params: PaymentRequest) -> bool:
    return params["payMethod"] == "VIRTUAL_ACCOUNT"


def possible_outcomes(params: PaymentRequest) -> tuple[str, ...]:
    """The outcomes of a window for this request. The first is the usual one."""
    return ACCOUNT_OUTCOMES if is_virtual_account(params) else OUTCOMES
