"""Messages for each payment state: for the buyer what happened and what to do next, for the developer where to look.

English stands here and Korean in korean.py; a template writes {{ _(message.title) }}.
"""

from typing import NamedTuple

from ..rows import TAKEN, OrderRow, PaymentRow


class Message(NamedTuple):
    title: str
    happened: str
    next_step: str
    hint: str  # for the developer


FAILED = "Payment failed"
ISSUER = "The buyer's card company, bank or PG refused it. Your code is not the cause."
MISMATCH = "Payment not accepted"
REFUND = "Do not pay again before it is refunded. The seller checks what you paid and refunds it. If you have a question, contact the seller with your order ID."

MESSAGES = {
    "PENDING": Message(
        title="Not paid yet",
        happened="No payment has been confirmed for this order.",
        next_step="If you have just paid, check again in a moment. If you have not paid yet, please pay.",
        hint="PortOne has no payment yet, or one that is READY: the window did not open, or the buyer did not finish. The SDK's errors are in the browser's developer tools (Console).",
    ),
    "PAY_PENDING": Message(
        title="Not paid yet",
        happened="The payment is waiting for its approval.",
        next_step="Do not pay again. Check again in a moment.",
        hint="PortOne's status is PAY_PENDING. The result arrives by webhook, when you reload this page, or when flask reconcile runs.",
    ),
    "STALE": Message(
        title="Not paid yet",
        happened="No payment has been confirmed for over an hour.",
        next_step="You can try the payment again. If money was taken, contact the seller with your order ID.",
        hint="The buyer has probably closed the window. If the buyer says that money was taken, search for the paymentId in PortOne's console.",
    ),
    "VIRTUAL_ACCOUNT_ISSUED": Message(
        title="Waiting for your deposit",
        happened="An account has been opened for your deposit.",
        next_step="Transfer the exact amount to the account below before the deadline. The order is then paid automatically.",
        hint="PortOne announces the deposit by webhook (Transaction.Paid). If the webhook does not arrive, reload this page or run flask reconcile. A live channel learns of deposits only if PortOne's deposit-notice address is registered at the PG (docs/pg).",
    ),
    "EXPIRED": Message(
        title="The deposit deadline has passed",
        happened="No deposit has been confirmed before the account's deadline.",
        next_step="You can pay again, also with another payment method.",
        hint="PortOne's status stays VIRTUAL_ACCOUNT_ISSUED after the deadline. The next attempt closes the account first.",
    ),
    "PAID": Message(
        title="Paid",
        happened="Your payment is complete.",
        next_step="Thank you for your order.",
        hint="PortOne's record matched the order. The state PAID and the work of merchant/fulfilment.py were stored in one transaction.",
    ),
    "CANCELLED": Message(
        title="Cancelled",
        happened="The payment was cancelled, and the whole amount is refunded.",
        next_step="To buy again, place a new order.",
        hint="It was cancelled by flask refund or in PortOne's console; the record's cancellations say by whom. PortOne does not see a cancellation that is made in the PG's own back office.",
    ),
    "PARTIAL_CANCELLED": Message(
        title="Partly cancelled",
        happened="Part of the payment was cancelled and is refunded. The rest stays paid.",
        next_step="If you have a question, contact the seller with your order ID.",
        hint="It was cancelled by flask refund or in PortOne's console; the record's cancellations say by whom. PortOne does not see a cancellation that is made in the PG's own back office.",
    ),
    "CLOSED": Message(
        title="Not paid",
        happened="The payment ended before any money was paid.",
        next_step="You can try again.",
        hint="The record is CANCELLED and was never paid, such as a virtual account that was closed before a deposit.",
    ),
    "GIVEN_BACK": Message(
        title="Not paid",
        happened="The payment did not match the order and was refunded.",
        next_step="You can try again.",
        hint="The mismatch was refunded. The order is still unpaid, so the buyer can pay again.",
    ),
    # An attempt failed: by the PG's code, below
    "FAILED": Message(
        title=FAILED,
        happened="The payment was not approved.",
        next_step="Try again, or use another payment method. If it fails again, ask your card company or bank.",
        hint="merchant/pages/messages.py does not know this code. Look it up in the PG's documentation, and add it there if it is frequent.",
    ),
    "LEFT": Message(
        title="Payment stopped",
        happened="The payment was stopped in the payment window. Nothing has been charged.",
        next_step="Your order is saved. You can pay at any time.",
        hint="The buyer closed the window or pressed cancel. Your code is not the cause.",
    ),
    "LIMIT": Message(
        title=FAILED,
        happened="The amount or the number of payments is over the limit of this card or account.",
        next_step="Pay with another card or another payment method.",
        hint=ISSUER,
    ),
    "BALANCE": Message(
        title=FAILED,
        happened="The balance or the limit of this card or account is not enough.",
        next_step="Add money to it, or use another card or payment method.",
        hint=ISSUER,
    ),
    "ENTRY": Message(
        title=FAILED,
        happened="The card number or the password was not correct.",
        next_step="Check what you enter, and try again.",
        hint=ISSUER,
    ),
    "EXPIRY": Message(
        title=FAILED,
        happened="The card has expired, or the expiry date was not correct.",
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
        happened="The payment is not possible because of a temporary fault or maintenance at the card company or bank.",
        next_step="Try again a little later, or use another payment method.",
        hint="A fault or maintenance at the card company, bank or PG. If it continues, see the PG's notices.",
    ),
    "TIME_OUT": Message(
        title=FAILED,
        happened="The time for this payment is over.",
        next_step="Try again. Do not close the payment window before the payment is complete.",
        hint="The PG ended the window because it was open for too long. Your code is not the cause.",
    ),
    "PROCESSED": Message(
        title=FAILED,
        happened="This payment was already processed.",
        next_step="Check the result first, before you pay again.",
        hint="The PG received the same payment twice. Search for the paymentId in PortOne's console to see the result.",
    ),
    # PortOne's record is not what was asked for: by the check that failed, below
    "MISMATCH": Message(
        title=MISMATCH,
        happened="The payment differs from the order.",
        next_step=REFUND,
        hint="Compare the two values in the cross-check. If ORDER_NAME, TAX_FREE or PROMOTION differ, somebody changed the request in the browser.",
    ),
    "NOT_APPROVED": Message(
        title=MISMATCH,
        happened="The payment differs from the order, so the seller did not approve it. Nothing has been charged.",
        next_step="You can try the payment again.",
        hint="Manual approval: PortOne compared the stored terms and answered INFORMATION_MISMATCH before money moved. Somebody changed the request in the browser.",
    ),
    "OTHER_ACCOUNT": Message(
        title=MISMATCH,
        happened="The account that was opened differs from the order. Nothing has been charged.",
        next_step="Do not deposit into it. You can try the payment again.",
        hint="The cross-check shows what differs: somebody changed the request in the browser. The next attempt closes the account first.",
    ),
    "AMOUNT": Message(
        title=MISMATCH,
        happened="The amount of the payment differs from the amount of the order.",
        next_step=REFUND,
        hint="Somebody changed the amount in the browser. With PORTONE_PRE_REGISTER=1 PortOne refuses a changed amount before the payment. Refund this payment with flask refund.",
    ),
    "CURRENCY": Message(
        title=MISMATCH,
        happened="The currency of the payment differs from the order's.",
        next_step=REFUND,
        hint="Somebody changed the currency in the browser. Refund this payment with flask refund.",
    ),
    "TEST_CHANNEL": Message(
        title=MISMATCH,
        happened="This shop does not accept test payments.",
        next_step=REFUND,
        hint="The payment was made through a test channel. To accept test payments, set PORTONE_ALLOW_TEST=1, but never in production.",
    ),
    "OTHER_PAYMENT": Message(
        title=MISMATCH,
        happened="The payment was made to another store or through another channel.",
        next_step=REFUND,
        hint="PAYMENT_ID, STORE or CHANNEL differ: somebody changed the request in the browser, or another store's API answers. See PORTONE_STORE_ID and PORTONE_CHANNEL_KEY.",
    ),
    # Besides the order's own state
    "DUPLICATE": Message(
        title=MISMATCH,
        happened="This order was paid twice.",
        next_step="The seller refunds the second payment.",
        hint="An earlier payment window was still open, and its payment was approved too. flask orders --attention lists the payment to refund.",
    ),
    "UNKNOWN": Message(
        title="Not paid yet",
        happened="The payment could not be checked just now, so this may be out of date.",
        next_step="Do not pay again. Check again in a moment.",
        hint="PortOne did not answer. The log says why: PORTONE_API_BASE, the network, the API secret, or an outage at PortOne. A later webhook or flask reconcile updates the order.",
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
REASONS = {  # the first that applies: a live shop's buyer may have changed to its test channel
    "TEST_CHANNEL": "TEST_CHANNEL",
    "OTHER_PAYMENT": "PAYMENT_ID STORE CHANNEL",
    **{name: name for name in ("AMOUNT", "CURRENCY")},
}

NO_MONEY = {"VIRTUAL_ACCOUNT_ISSUED": "OTHER_ACCOUNT", "CANCELLED": "GIVEN_BACK"}  # of a mismatch

ERROR_PAGES = {  # HTTP status: what now
    400: "Go back to the shop and follow its links.",
    404: "Check the address. If you have paid, contact the seller with your order ID.",
    500: "If you have just paid, do not pay again. Open your order again in a moment, or contact the seller.",
    503: "If you have just paid, do not pay again. Open your order again in a moment, or contact the seller.",
}


def kind_of(order: OrderRow, payment: PaymentRow, code: str, is_late: bool) -> str:
    """Returns the key of MESSAGES that describes how an order stands.

    code: the PG's, of a payment that failed. is_late: the time to pay is over.
    """
    if order.status == "FAILED":
        return next((kind for kind, codes in CODES.items() if code in codes.split()), "FAILED")
    if order.status == "MISMATCH":
        if not payment.portone_amount and payment.portone_status not in TAKEN:
            return "NOT_APPROVED"
        if payment.portone_status in NO_MONEY:
            return NO_MONEY[payment.portone_status]
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
