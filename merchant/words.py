"""What became of a payment, in words: for the buyer what happened and what to do next, for the developer where to look.

English here and Korean in korean.py; a template says {{ _(words.title) }}. Nothing here knows Flask or the database.
"""

from typing import Any, NamedTuple


class Words(NamedTuple):
    title: str
    happened: str
    next_step: str
    hint: str  # the developer's


FAILED = "Payment failed"
ISSUER = "The buyer's card company, bank or PG refused it. There is nothing to repair in the shop."
MISMATCH = "Payment not accepted"
REFUND = (
    "If money was taken, the shop gives it back. With any question, tell the shop your order ID."
)

WORDS = {
    "PENDING": Words(
        "Not paid yet",
        "No payment has been confirmed for this order.",
        "If you have just paid, check again in a moment. If not, try the payment again.",
        "PortOne has no payment yet, or one that is READY: the window was not opened, or not finished. The browser's console shows what the SDK said.",
    ),
    "PAY_PENDING": Words(
        "Not paid yet",
        "The payment company has not decided about this payment yet.",
        "Do not pay again. Check again in a moment.",
        "PortOne says PAY_PENDING. A webhook, this page or flask reconcile brings the decision.",
    ),
    "STALE": Words(
        "Not paid yet",
        "No payment has been confirmed for a long time.",
        "You can try the payment again. If money was taken, tell the shop your order ID.",
        "The window was probably left. If the buyer says that money was taken, look for the payment ID in PortOne's console.",
    ),
    "MANUAL_APPROVAL": Words(
        "Not paid yet",
        "This payment asks for manual approval, which this shop does not support. Nothing has been charged.",
        "Please tell the shop.",
        "The channel approves manually (a paymentToken came back). Turn that off in PortOne's console.",
    ),
    "VIRTUAL_ACCOUNT_ISSUED": Words(
        "Waiting for your deposit",
        "An account has been opened for your deposit.",
        "Pay the exact amount into the account below before the deadline, and the order is paid by itself.",
        "The deposit is told by a webhook (Transaction.Paid). Without one, this page or flask reconcile finds it.",
    ),
    "EXPIRED": Words(
        "The deposit is overdue",
        "No deposit has been confirmed before the account's deadline.",
        "You can pay again, in another way too.",
        "PortOne's status stays VIRTUAL_ACCOUNT_ISSUED after the deadline. The next attempt closes the account first.",
    ),
    "PAID": Words(
        "Paid",
        "The payment is confirmed with PortOne.",
        "There is nothing more to do.",
        "PortOne's record matched the order, and merchant/fulfilment.py ran in the same transaction.",
    ),
    "CANCELLED": Words(
        "Cancelled",
        "The payment was cancelled and the whole amount is given back.",
        "To buy again, place a new order.",
        "It was cancelled by flask refund, in PortOne's console or by the PG; the record's cancellations say by whom.",
    ),
    "PARTIAL_CANCELLED": Words(
        "Partly cancelled",
        "Part of the payment was cancelled and is given back; the rest stays paid.",
        "There is nothing more to do.",
        "It was cancelled by flask refund, in PortOne's console or by the PG; the record's cancellations say by whom.",
    ),
    "CLOSED": Words(
        "Not paid",
        "The payment was closed before any money was paid.",
        "You can try again.",
        "The record is CANCELLED and was never paid, such as a virtual account that was closed.",
    ),
    "GIVEN_BACK": Words(
        "Not paid",
        "The payment that was not accepted is given back.",
        "You can try again.",
        "The mismatch was refunded. The order was never paid, so another attempt is open.",
    ),
    # An attempt failed: by the PG's code, below
    "FAILED": Words(
        FAILED,
        "The payment was not approved.",
        "Try again, or pay in another way. If it fails again, ask your card company or bank.",
        "A code that merchant/words.py does not know. Look it up in the PG's documentation, and add it there if buyers meet it often.",
    ),
    "LEFT": Words(
        "You cancelled the payment",
        "The payment was cancelled in the payment window. Nothing has been charged.",
        "The order is kept: pay whenever you like.",
        "The buyer closed the window or pressed cancel. There is nothing to repair in the shop.",
    ),
    "LIMIT": Words(
        FAILED,
        "The amount or the number of payments is over the limit of this card or account.",
        "Pay with another card or in another way.",
        ISSUER,
    ),
    "BALANCE": Words(
        FAILED,
        "The balance or the limit of this card or account is not enough.",
        "Top it up, or pay with another card or in another way.",
        ISSUER,
    ),
    "ENTRY": Words(
        FAILED,
        "The card number or the password was not right.",
        "Check what you enter, and try again.",
        ISSUER,
    ),
    "EXPIRY": Words(
        FAILED,
        "The card has expired, or its expiry date was not right.",
        "Check the date, or pay with another card.",
        ISSUER,
    ),
    "CARD": Words(
        FAILED,
        "The card company did not allow this payment.",
        "Pay with another card, or ask your card company.",
        ISSUER,
    ),
    "MAINTENANCE": Words(
        FAILED,
        "The card company, bank or payment company is not available just now.",
        "Try again a little later, or pay in another way.",
        "A fault or maintenance beyond the shop. If it lasts, see the PG's notices.",
    ),
    "TIME_OUT": Words(
        FAILED,
        "The time for this payment has run out.",
        "Try again, and finish the payment without leaving the window.",
        "The PG ended the window because it was open for too long. There is nothing to repair in the shop.",
    ),
    "PROCESSED": Words(
        FAILED,
        "This payment had been processed before.",
        "Do not pay again yet: check again to see what became of it.",
        "The PG saw the same payment twice. PortOne's console shows by the payment ID what became of it.",
    ),
    # PortOne's record is not what was asked for: by the check that failed, below
    "MISMATCH": Words(
        MISMATCH,
        "The payment is not the one this order asked for.",
        REFUND,
        "The cross-check has both values. ORDER_NAME, TAX_FREE and PROMOTION differ when somebody changed the request in the browser.",
    ),
    "AMOUNT": Words(
        MISMATCH,
        "The amount of the payment is not the amount of this order.",
        REFUND,
        "Somebody changed the amount in the browser. PORTONE_PRE_REGISTER=1 has PortOne refuse that before money moves. Give it back with flask refund.",
    ),
    "CURRENCY": Words(
        MISMATCH,
        "The payment is in another currency than this order.",
        REFUND,
        "Somebody changed the currency in the browser. Give the payment back with flask refund.",
    ),
    "TEST_CHANNEL": Words(
        MISMATCH,
        "This is a test payment, which this shop does not accept.",
        REFUND,
        "The payment was made through a test channel. To accept such payments set PORTONE_ALLOW_TEST=1, never in production.",
    ),
    "OTHER_PAYMENT": Words(
        MISMATCH,
        "The payment was made to another shop or in another way than this order asked for.",
        REFUND,
        "PAYMENT_ID, STORE or CHANNEL differ: somebody changed the request in the browser, or another store's API answers. See PORTONE_STORE_ID and PORTONE_CHANNEL_KEY.",
    ),
    # Besides the order's own state
    "DUPLICATE": Words(
        MISMATCH,
        "This order was paid twice.",
        "The second payment is given back by the shop. You need not do anything.",
        "An earlier window was still open and was approved as well. flask orders --attention lists the payment to give back.",
    ),
    "UNKNOWN": Words(
        "Not paid yet",
        "PortOne could not be asked just now, so this may be out of date.",
        "Do not pay again. Check again in a moment.",
        "The log says why: PORTONE_API_BASE, the network, the API secret, or an outage at PortOne. A webhook or flask reconcile catches up.",
    ),
}

# {kind: codes}, of which every PG has its own: these are Toss Payments'. Any other code is plainly FAILED.
# https://docs.tosspayments.com/reference/error-codes
CODES = {
    "LEFT": "PAY_PROCESS_CANCELED",
    "LIMIT": "EXCEED_MAX_AMOUNT EXCEED_MAX_PAYMENT_AMOUNT EXCEED_MAX_DAILY_PAYMENT_COUNT EXCEED_MAX_ONE_DAY_AMOUNT "
    "EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT",
    "BALANCE": "REJECT_ACCOUNT_PAYMENT REJECT_CARD_PAYMENT",
    "ENTRY": "INVALID_CARD_NUMBER INVALID_PASSWORD",
    "EXPIRY": "INVALID_CARD_EXPIRATION",
    "CARD": "REJECT_CARD_COMPANY INVALID_REJECT_CARD INVALID_STOPPED_CARD INVALID_CARD_LOST_OR_STOLEN",
    "MAINTENANCE": "PROVIDER_ERROR CARD_PROCESSING_ERROR NOT_AVAILABLE_BANK NOT_AVAILABLE_PAYMENT COMMON_ERROR",
    "TIME_OUT": "NOT_FOUND_PAYMENT_SESSION",
    "PROCESSED": "ALREADY_PROCESSED_PAYMENT",
}
REASONS = {
    "OTHER_PAYMENT": "PAYMENT_ID STORE CHANNEL",
    **{name: name for name in ("TEST_CHANNEL", "AMOUNT", "CURRENCY")},
}

ERROR_PAGES = {  # HTTP status: what now
    400: "Go back to the shop and follow its links.",
    404: "Check the address. If you have paid, tell the shop your order ID.",
    500: "If you have just paid, do not pay again: open your order once more in a moment, or ask the shop.",
    503: "If you have just paid, do not pay again: open your order once more in a moment, or ask the shop.",
}


def kind_of(order: Any, payment: Any, said: str, is_late: bool) -> str:
    """Which of WORDS tells how an order stands.

    `said`: the PG's `[code] message`, as settlement.said gives it. `is_late`: is the time to pay over?
    """
    code = said.partition("]")[0].removeprefix("[")
    if order.status == "FAILED":
        return next((kind for kind, codes in CODES.items() if code in codes.split()), "FAILED")
    if order.status == "MISMATCH":
        failed = set(payment.reasons)
        return next(
            (kind for kind, names in REASONS.items() if failed & set(names.split())), "MISMATCH"
        )
    if order.status == "CANCELLED" and not order.paid_at:
        return "GIVEN_BACK" if payment.cancelled_amount else "CLOSED"
    if order.status == "PENDING" and code == "MANUAL_APPROVAL":
        return code
    if order.status == "PENDING" and payment.portone_status == "PAY_PENDING":
        return "PAY_PENDING"
    return {"PENDING": "STALE", "VIRTUAL_ACCOUNT_ISSUED": "EXPIRED"}.get(
        order.status if is_late else "", order.status
    )
