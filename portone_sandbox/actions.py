"""What a bank, a PG or the merchant's staff can do with a payment, for the console and /control."""

from collections.abc import Callable

from .database import Database
from .documents import Json, Payment
from .errors import Refused
from .payments import Payments
from .sandbox import current_sandbox

# The account that a virtual account's payment is refunded to.
REFUND_ACCOUNT = {
    "bank": "SHINHAN",
    "number": "56000000000000",
    "holderName": "홍길동",
    "holderPhoneNumber": "01000000000",  # required at Smartro
}

Action = Callable[[Payments, Database, str, Json], Payment]


def _deposit(payments: Payments, db: Database, payment_id: str, body: Json) -> Payment:
    """Pays into the virtual account. body: `{amount?}`."""
    return payments.deposit(db, payment_id, body.get("amount"))


def _expire(payments: Payments, db: Database, payment_id: str, body: Json) -> Payment:
    """Ends the time to pay into the virtual account."""
    return payments.expire(db, payment_id)


def _close(payments: Payments, db: Database, payment_id: str, body: Json) -> Payment:
    """Closes the virtual account as the merchant's staff would, with the result of the switch."""
    return payments.close_virtual_account(db, payment_id)


def _cancel(payments: Payments, db: Database, payment_id: str, body: Json) -> Payment:
    """Refunds as the merchant's staff would in PortOne's console. body: as the REST API's."""
    defaults = {
        "reason": "관리자 콘솔에서 취소",
        "refundAccount": REFUND_ACCOUNT,
        "refundEmail": "buyer@example.com",  # required at Triple-A
    }
    return payments.cancel(db, payment_id, {**defaults, **body}, "CONSOLE")


def _approve(payments: Payments, db: Database, payment_id: str, body: Json) -> Payment:
    """The PG approves a PAY_PENDING payment."""
    return payments.approve(db, payment_id)


def _decline(payments: Payments, db: Database, payment_id: str, body: Json) -> Payment:
    """The PG declines a PAY_PENDING payment."""
    return payments.decline(db, payment_id)


def _resend_webhook(payments: Payments, db: Database, payment_id: str, body: Json) -> Payment:
    """Sends the newest webhook again, or that of `{webhookId}`."""
    payments.resend_webhook(db, payment_id, body.get("webhookId"))
    return payments.find(db, payment_id)


def _approve_refund(payments: Payments, db: Database, payment_id: str, body: Json) -> Payment:
    """The PG carries a REQUESTED cancellation out, the oldest or that of `{cancellationId}`."""
    return payments.approve_refund(db, payment_id, body.get("cancellationId"))


def _decline_refund(payments: Payments, db: Database, payment_id: str, body: Json) -> Payment:
    """The PG refuses a REQUESTED cancellation, the oldest or that of `{cancellationId}`."""
    return payments.decline_refund(db, payment_id, body.get("cancellationId"))


ACTIONS: dict[str, Action] = {
    "deposit": _deposit,
    "expire": _expire,
    "close": _close,
    "cancel": _cancel,
    "approve": _approve,
    "decline": _decline,
    "approve-refund": _approve_refund,
    "decline-refund": _decline_refund,
    "resend-webhook": _resend_webhook,
}


def run(payment_id: str, name: str, body: Json) -> Payment:
    """Do one of ACTIONS with the payment and return its record."""
    if name not in ACTIONS:
        raise Refused("INVALID_REQUEST", f"The action must be one of {', '.join(ACTIONS)}.")
    sandbox = current_sandbox()
    with sandbox.store.writing() as db:
        record = ACTIONS[name](sandbox.payments, db, payment_id, body)
    if name == "resend-webhook":
        sandbox.sender.wait_until_sent(payment_id)
    return record
