"""Messages for each payment state: for the buyer what happened and what to do next, for the developer where to look.

English stands here and Korean in korean.py; a template writes {{ _(message.title) }}.
"""

from typing import NamedTuple

from ..rows import OrderRow, PaymentRow


class Message(NamedTuple):
    title: str
    happened: str
    next_step: str
    hint: str  # for the developer


FAILED = "Payment failed"
ISSUER = "The buyer's card company, bank or PG refused it. There is nothing to repair in the shop."
MISMATCH = "Payment not accepted"
REFUND = (
    "If money was taken, the shop gives it back. With any question, tell the shop your order ID."
)

MESSAGES = {
    "PENDING": Message(
        title="Not paid yet",
        happened="No payment has been confirmed for this order.",
        next_step="If you have just paid, check again in a moment. If not, try the payment again.",
        hint="PortOne has no payment yet, or one that is READY: the window was not opened, or not finished. The browser's console shows what the SDK said.",
    ),
    "PAY_PENDING": Message(
        title="Not paid yet",
        happened="The payment company has not decided about this payment yet.",
        next_step="Do not pay again. Check again in a moment.",
        hint="PortOne says PAY_PENDING. A webhook, this page or flask reconcile brings the decision.",
    ),
    "STALE": Message(
        title="Not paid yet",
        happened="No payment has been confirmed for a long time.",
        next_step="You can try the payment again. If money was taken, tell the shop your order ID.",
        hint="The window was probably left. If the buyer says that money was taken, look for the payment ID in PortOne's console.",
    ),
    "VIRTUAL_ACCOUNT_ISSUED": Message(
        title="Waiting for your deposit",
        happened="An account has been opened for your deposit.",
        next_step="Pay the exact amount into the account below before the deadline, and the order is paid by itself.",
        hint="The deposit is told by a webhook (Transaction.Paid). Without one, this page or flask reconcile finds it.",
    ),
    "EXPIRED": Message(
        title="The deposit is overdue",
        happened="No deposit has been confirmed before the account's deadline.",
        next_step="You can pay again, in another way too.",
        hint="PortOne's status stays VIRTUAL_ACCOUNT_ISSUED after the deadline. The next attempt closes the account first.",
    ),
    "PAID": Message(
        title="Paid",
        happened="The payment is confirmed with PortOne.",
        next_step="There is nothing more to do.",
        hint="PortOne's record matched the order, and merchant/fulfilment.py ran in the same transaction.",
    ),
    "CANCELLED": Message(
        title="Cancelled",
        happened="The payment was cancelled and the whole amount is given back.",
        next_step="To buy again, place a new order.",
        hint="It was cancelled by flask refund, in PortOne's console or by the PG; the record's cancellations say by whom.",
    ),
    "PARTIAL_CANCELLED": Message(
        title="Partly cancelled",
        happened="Part of the payment was cancelled and is given back; the rest stays paid.",
        next_step="There is nothing more to do.",
        hint="It was cancelled by flask refund, in PortOne's console or by the PG; the record's cancellations say by whom.",
    ),
    "CLOSED": Message(
        title="Not paid",
        happened="The payment was closed before any money was paid.",
        next_step="You can try again.",
        hint="The record is CANCELLED and was never paid, such as a virtual account that was closed.",
    ),
    "GIVEN_BACK": Message(
        title="Not paid",
        happened="The payment that was not accepted is given back.",
        next_step="You can try again.",
        hint="The mismatch was refunded. The order was never paid, so another attempt is open.",
    ),
    # An attempt failed: by the PG's code, below
    "FAILED": Message(
        title=FAILED,
        happened="The payment was not approved.",
        next_step="Try again, or pay in another way. If it fails again, ask your card company or bank.",
        hint="A code that merchant/pages/messages.py does not know. Look it up in the PG's documentation, and add it there if buyers meet it often.",
    ),
    "LEFT": Message(
        title="You cancelled the payment",
        happened="The payment was cancelled in the payment window. Nothing has been charged.",
        next_step="The order is kept: pay whenever you like.",
        hint="The buyer closed the window or pressed cancel. There is nothing to repair in the shop.",
    ),
    "LIMIT": Message(
        title=FAILED,
        happened="The amount or the number of payments is over the limit of this card or account.",
        next_step="Pay with another card or in another way.",
        hint=ISSUER,
    ),
    "BALANCE": Message(
        title=FAILED,
        happened="The balance or the limit of this card or account is not enough.",
        next_step="Top it up, or pay with another card or in another way.",
        hint=ISSUER,
    ),
    "ENTRY": Message(
        title=FAILED,
        happened="The card number or the password was not right.",
        next_step="Check what you enter, and try again.",
        hint=ISSUER,
    ),
    "EXPIRY": Message(
        title=FAILED,
        happened="The card has expired, or its expiry date was not right.",
        next_step="Check the date, or pay with another card.",
        hint=ISSUER,
    ),
    "CARD": Message(
        title=FAILED,
        happened="The card company did not allow this payment.",
        next_step="Pay with another card, or ask your card company.",
        hint=ISSUER,
    ),
    "MAINTENANCE": Message(
        title=FAILED,
        happened="The card company, bank or payment company is not available just now.",
        next_step="Try again a little later, or pay in another way.",
        hint="A fault or maintenance beyond the shop. If it lasts, see the PG's notices.",
    ),
    "TIME_OUT": Message(
        title=FAILED,
        happened="The time for this payment has run out.",
        next_step="Try again, and finish the payment without leaving the window.",
        hint="The PG ended the window because it was open for too long. There is nothing to repair in the shop.",
    ),
    "PROCESSED": Message(
        title=FAILED,
        happened="This payment had been processed before.",
        next_step="Do not pay again yet: check again to see what became of it.",
        hint="The PG saw the same payment twice. PortOne's console shows by the payment ID what became of it.",
    ),
    # PortOne's record is not what was asked for: by the check that failed, below
    "MISMATCH": Message(
        title=MISMATCH,
        happened="The payment is not the one this order asked for.",
        next_step=REFUND,
        hint="The cross-check has both values. ORDER_NAME, TAX_FREE and PROMOTION differ when somebody changed the request in the browser.",
    ),
    "NOT_APPROVED": Message(
        title=MISMATCH,
        happened="The payment differs from this order, so the shop did not approve it. Nothing has been charged.",
        next_step="You can try the payment again.",
        hint="Manual approval: PortOne answered INFORMATION_MISMATCH to the stored terms, before money moved. Somebody changed the request in the browser.",
    ),
    "AMOUNT": Message(
        title=MISMATCH,
        happened="The amount of the payment is not the amount of this order.",
        next_step=REFUND,
        hint="Somebody changed the amount in the browser. PORTONE_PRE_REGISTER=1 has PortOne refuse that before money moves. Give it back with flask refund.",
    ),
    "CURRENCY": Message(
        title=MISMATCH,
        happened="The payment is in another currency than this order.",
        next_step=REFUND,
        hint="Somebody changed the currency in the browser. Give the payment back with flask refund.",
    ),
    "TEST_CHANNEL": Message(
        title=MISMATCH,
        happened="This is a test payment, which this shop does not accept.",
        next_step=REFUND,
        hint="The payment was made through a test channel. To accept such payments set PORTONE_ALLOW_TEST=1, never in production.",
    ),
    "OTHER_PAYMENT": Message(
        title=MISMATCH,
        happened="The payment was made to another shop or in another way than this order asked for.",
        next_step=REFUND,
        hint="PAYMENT_ID, STORE or CHANNEL differ: somebody changed the request in the browser, or another store's API answers. See PORTONE_STORE_ID and PORTONE_CHANNEL_KEY.",
    ),
    # Besides the order's own state
    "DUPLICATE": Message(
        title=MISMATCH,
        happened="This order was paid twice.",
        next_step="The second payment is given back by the shop. You need not do anything.",
        hint="An earlier window was still open and was approved as well. flask orders --attention lists the payment to give back.",
    ),
    "UNKNOWN": Message(
        title="Not paid yet",
        happened="PortOne could not be asked just now, so this may be out of date.",
        next_step="Do not pay again. Check again in a moment.",
        hint="The log says why: PORTONE_API_BASE, the network, the API secret, or an outage at PortOne. A webhook or flask reconcile catches up.",
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


def kind_of(order: OrderRow, payment: PaymentRow, code: str, is_late: bool) -> str:
    """Returns the key of MESSAGES that describes how an order stands.

    code: the PG's, of a payment that failed. is_late: the time to pay is over.
    """
    if order.status == "FAILED":
        return next((kind for kind, codes in CODES.items() if code in codes.split()), "FAILED")
    if order.status == "MISMATCH":
        if not payment.portone_amount:
            return "NOT_APPROVED"
        failed = set(payment.reasons)
        return next(
            (kind for kind, names in REASONS.items() if failed & set(names.split())), "MISMATCH"
        )
    if order.status == "CANCELLED" and not order.paid_at:
        return "GIVEN_BACK" if payment.cancelled_amount else "CLOSED"
    if order.status == "PENDING" and payment.portone_status == "PAY_PENDING":
        return "PAY_PENDING"
    if is_late:
        return {"PENDING": "STALE", "VIRTUAL_ACCOUNT_ISSUED": "EXPIRED"}.get(
            order.status, order.status
        )
    return order.status
