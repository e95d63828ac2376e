"""What each event of the trail is called, which function did it, and between whom it happened."""

from typing import Any, NamedTuple

from ..current import merchant
from ..views import bp

WITHIN_SHOP = "from-shop to-shop"
BROWSER_TO_SHOP = "from-browser to-shop"
SHOP_TO_BROWSER = "from-shop to-browser"
SHOP_TO_PORTONE = "from-shop to-portone"


class Step(NamedTuple):
    """How the panel shows an event of the trail.

    file: a path within merchant/. function: a name in it.
    ends: two classes of style.css: from whom, and to whom.
    group: the number of its group in GROUPS, counted from 1.
    """

    title: str
    file: str
    function: str
    ends: str = WITHIN_SHOP
    note: str = ""
    group: int = 4


# What a payment consists of, and why: [(title, reason), …]
GROUPS = [
    ("Store the order", "The amount is stored first: PortOne's record is compared with it later."),
    ("Payment window", "Whatever passes through the browser can be changed, so it proves nothing."),
    ("Check on the server", "The server asks PortOne itself, and compares. Only this decides."),
    ("Store the state", "In one transaction, and once, however often the result is reported."),
]
STEPS = {
    "ORDER_CREATED": Step("Order created", "checkout.py", "open_order", group=1),
    "ATTEMPT_OPENED": Step("Payment attempt opened", "checkout.py", "open_attempt", group=1),
    "SDK_RETURNED": Step(
        "The payment window answered", "views.py", "complete", BROWSER_TO_SHOP, group=3
    ),
    "REDIRECTED": Step(
        "Came back by redirect", "views.py", "payment_redirect", BROWSER_TO_SHOP, group=3
    ),
    "WEBHOOK_RECEIVED": Step(
        "Webhook received", "views.py", "webhook", "from-portone to-shop", group=3
    ),
    "CONFIRMED": Step(
        "Approved by the shop",
        "approval.py",
        "confirm_and_settle",
        SHOP_TO_PORTONE,
        "This channel approves manually: the shop checks once more, for example its stock, "
        "before the money moves.",
        group=3,
    ),
    "CONFIRM_REFUSED": Step(
        "Not approved: other terms", "approval.py", "confirm_and_settle", SHOP_TO_PORTONE, group=3
    ),
    "LOOKED_UP": Step(
        "Looked up at PortOne",
        "portone.py",
        "PortOne.get_payment",
        f"{SHOP_TO_PORTONE} and-back",
        group=3,
    ),
    "LOOK_UP_FAILED": Step(
        "PortOne could not be asked", "portone.py", "PortOne.get_payment", SHOP_TO_PORTONE, group=3
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
# What a payment goes through, in grey on the order page: [(title, ends, group), …]. panel.js puts
# each message of the browser in its place.
EXPECTED = [
    ("The browser asks the shop", BROWSER_TO_SHOP, 1),
    ("Order created", WITHIN_SHOP, 1),
    ("The shop answers", SHOP_TO_BROWSER, 1),
    ("The browser asks for the payment window", "from-browser to-portone", 2),
    ("The buyer authenticates at the PG", "from-portone to-pg", 2),
    ("The SDK answers", "from-portone to-browser", 2),
    ("The browser asks the shop", BROWSER_TO_SHOP, 3),
    ("Looked up at PortOne", SHOP_TO_PORTONE, 3),
    ("Cross-check", WITHIN_SHOP, 3),
    ("Order paid", WITHIN_SHOP, 4),
    ("The shop answers", SHOP_TO_BROWSER, 4),
]
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
    return {
        "panel": {
            "step_of": step_of,
            "sources": SOURCES,
            "groups": GROUPS,
            "expected": EXPECTED,
        },
        "events": None,  # only the result page has them; a host may have that name too
    }
