"""What each event of the trail is called, which function did it, and between whom it happened."""

from typing import Any, NamedTuple

from ..portone import merchant
from ..views import bp

WITHIN_SHOP = "from-shop to-shop"
BROWSER_TO_SHOP = "from-browser to-shop"
SHOP_TO_PORTONE = "from-shop to-portone"


class Step(NamedTuple):
    """file: a path within merchant/. function: a name in it. ends: classes of style.css, one for each end."""

    title: str
    file: str
    function: str
    ends: str = WITHIN_SHOP


STEPS = {
    "ORDER_CREATED": Step("Order created", "checkout.py", "open_order"),
    "ATTEMPT_OPENED": Step("Payment attempt opened", "checkout.py", "open_attempt"),
    "SDK_RETURNED": Step("The payment window answered", "views.py", "complete", BROWSER_TO_SHOP),
    "REDIRECTED": Step("Came back by redirect", "views.py", "payment_redirect", BROWSER_TO_SHOP),
    "WEBHOOK_RECEIVED": Step("Webhook received", "views.py", "webhook", "from-portone to-shop"),
    "CONFIRMED": Step("Approved by the shop", "approval.py", "confirm_and_settle", SHOP_TO_PORTONE),
    "CONFIRM_REFUSED": Step(
        "Not approved: other terms", "approval.py", "confirm_and_settle", SHOP_TO_PORTONE
    ),
    "LOOKED_UP": Step(
        "Looked up at PortOne", "portone.py", "PortOne.get_payment", f"{SHOP_TO_PORTONE} and-back"
    ),
    "LOOK_UP_FAILED": Step(
        "PortOne could not be asked", "portone.py", "PortOne.get_payment", SHOP_TO_PORTONE
    ),
    "ORDER_PAID": Step("Order paid", "storage.py", "claim_order"),
    "FULFILMENT_FAILED": Step("Fulfilment failed", "fulfilment.py", "fulfil"),
    "FULFILLED": Step("Fulfilled after all", "settlement.py", "fulfil_again"),
    "MISMATCHED": Step("Did not match the order", "transitions.py", "decide"),
    "DEPOSIT_AWAITED": Step("Waiting for the deposit", "transitions.py", "decide"),
    "ATTEMPT_FAILED": Step("Payment attempt failed", "transitions.py", "decide"),
    "ATTEMPT_CANCELLED": Step("Payment attempt cancelled", "transitions.py", "decide"),
    "ORDER_CANCELLED": Step("Order cancelled", "transitions.py", "decide"),
    "ORDER_PARTIAL_CANCELLED": Step("Order partly cancelled", "transitions.py", "decide"),
    "REFUND_REQUESTED": Step(
        "Refund requested", "backoffice/refunds.py", "refund", SHOP_TO_PORTONE
    ),
    "REFUND_FAILED": Step(
        "Refund failed", "backoffice/refunds.py", "refund", "from-portone to-shop"
    ),
}
SOURCES = {
    "shop": "shop",
    "sdk": "browser SDK",
    "redirect": "redirect",
    "page": "this page",
    "webhook": "webhook",
    "retry": "retry",
    "cli": "command line",
}


def step_of(event: str) -> Step:
    return STEPS.get(event, Step(event, "settlement.py", "settle"))


@bp.context_processor
def panel_names() -> dict[str, Any]:
    """Give the templates the panel's names, if the setting PAYMENT_PANEL is on."""
    if not merchant().settings.panel:
        return {}
    return {"panel": {"step_of": step_of, "sources": SOURCES}}
