"""What happens to a payment. The payment window, the REST API, the console and /control use it.

Each method works in the caller's transaction: `db` is from `store.writing()`, or from
`store.reading()` for a method that only reads.
"""

from datetime import datetime, timedelta, timezone

from . import bodies, cancellations, failures, records, switches, virtual_accounts
from .clock import now, timestamp
from .database import Database
from .documents import Checkout, Origin, Payment, PaymentRequest, SdkFailure, SdkResult
from .errors import Refused, RequestError
from .events import Events, list_shown
from .identifiers import stable_id
from .outcomes import is_virtual_account
from .payment_method import Form

SLOW_SECONDS = 3
FAILURES = {"decline": failures.DECLINED, "cancel": failures.CANCELLED_BY_BUYER}


class Payments:
    def __init__(self, events: Events) -> None:
        self._events = events

    # Reading

    def find(self, db: Database, payment_id: str) -> Payment:
        """The record as the REST API shows it now. Refused when there is none."""
        record = db.find_payment(payment_id, visible_at=now())
        if record is None:
            raise Refused("PAYMENT_NOT_FOUND")
        return record

    def show(self, db: Database, record: Payment) -> Payment:
        """The record with its webhooks, as `GET /payments/{paymentId}` answers it."""
        webhooks = list_shown(db, record["id"])
        if not webhooks:
            return record
        shown = record.copy()
        shown["webhooks"] = webhooks
        return shown

    # In the payment window

    def open_checkout(
        self,
        db: Database,
        params: PaymentRequest,
        window_type: str,
        merchant_origin: str,
        buyer: Origin,
    ) -> Checkout:
        """A new window for the merchant's checked request. The payment is READY.

        merchant_origin: where the result may be posted to, or "*". RequestError when this payment
        must not have a window.
        """
        payment_id = params["paymentId"]
        earlier = db.find_payment(payment_id)
        _refuse_second_payment(earlier)
        if not _fits_terms(db, params):
            code, message = failures.OTHER_AMOUNT["code"], failures.OTHER_AMOUNT["message"]
            raise RequestError(code, message, 409)
        checkout: Checkout = {
            "txId": stable_id(payment_id, "attempt", len(db.list_checkouts(payment_id))),
            "paymentId": payment_id,
            "request": params,
            "windowType": window_type,
            "origin": merchant_origin,
            "outcome": None,
            "result": None,
            "webhookOrder": None,
        }
        db.save_checkout(checkout)
        self._save(db, records.ready(params, checkout["txId"], buyer, earlier))
        return checkout

    def end_checkout(
        self, db: Database, tx_id: str, outcome: str, form: Form | None = None
    ) -> Checkout:
        """End a window. It ends once: a second call changes nothing and returns the first outcome.

        form: what the buyer entered, as payment_method takes it. KeyError when there is no window.
        """
        checkout = db.find_checkout(tx_id)
        record = checkout and db.find_payment(checkout["paymentId"])
        if checkout is None or record is None:
            raise KeyError(tx_id)
        if checkout["result"]:
            return checkout
        failure = _failure(db, record, outcome)
        if failure != failures.PAID_ALREADY:
            self._apply_outcome(db, record, checkout, outcome, form or {}, failure)
        checkout["outcome"] = outcome
        checkout["result"] = _sdk_result(checkout, failure)
        checkout["webhookOrder"] = switches.webhook_order(db)
        db.save_checkout(checkout)
        return checkout

    def _apply_outcome(
        self,
        db: Database,
        record: Payment,
        checkout: Checkout,
        outcome: str,
        form: Form,
        failure: SdkFailure | None,
    ) -> None:
        """Store what the end of this window makes of the payment."""
        params, is_newest = checkout["request"], record["transactionId"] == checkout["txId"]
        if failure and not is_newest:
            return  # a newer attempt is open, which the failure of an older one does not end
        if not is_newest:
            record = records.ready(params, checkout["txId"], record["origin"], earlier=record)
        is_tampered = outcome == "tamper"
        if failure:
            record = records.failed(record, failure)
        elif is_virtual_account(params):
            record = virtual_accounts.issued(record, params, form, is_tampered)
        elif outcome == "pend":
            record = records.pay_pending(record, params, form)
        else:
            record = records.paid(record, params, form, is_tampered)
        visible_at = None
        if outcome == "slow":
            visible_at = timestamp(datetime.now(timezone.utc) + timedelta(seconds=SLOW_SECONDS))
        self._save(db, record, visible_at=visible_at)

    # By the merchant's server or staff

    def pre_register(self, db: Database, payment_id: str, body: object) -> None:
        terms = bodies.check_pre_register(body)
        record = db.find_payment(payment_id)
        if record and "paidAt" in record:
            raise Refused("ALREADY_PAID")
        db.save_terms(payment_id, terms)

    def cancel(self, db: Database, payment_id: str, body: object, trigger: str) -> Payment:
        """Refund the payment or a part of it.

        body: as `POST /payments/{paymentId}/cancel` takes it. trigger: "API" or "CONSOLE".
        """
        checked = bodies.check_cancel(body)
        record = cancellations.cancelled(self.find(db, payment_id), checked, trigger)
        return self._save(db, record, is_quiet=checked.get("skipWebhook", False))

    def close_virtual_account(self, db: Database, payment_id: str) -> Payment:
        return self._save(db, virtual_accounts.closed(self.find(db, payment_id)))

    def resend_webhook(self, db: Database, payment_id: str, webhook_id: str | None) -> str:
        """Returns the id of the webhook, which is then due."""
        self.find(db, payment_id)
        return self._events.resend(db, payment_id, webhook_id)

    # By a bank or a PG

    def deposit(self, db: Database, payment_id: str, amount: object = None) -> Payment:
        """The buyer pays into the virtual account. amount: None for what is due."""
        record = virtual_accounts.deposited(self.find(db, payment_id), amount)
        return self._save(db, record, trigger="VIRTUAL_ACCOUNT_DEPOSIT")

    def expire(self, db: Database, payment_id: str) -> Payment:
        """The deadline of the deposit passes. It changes no status, so there is no webhook."""
        record = virtual_accounts.expired(self.find(db, payment_id))
        db.save_payment(record)
        return record

    def approve(self, db: Database, payment_id: str) -> Payment:
        """The PG approves a PAY_PENDING payment."""
        record = self._find_pending(db, payment_id)
        return self._save(db, records.approved(record), trigger="ASYNC_PAY_APPROVED")

    def decline(self, db: Database, payment_id: str) -> Payment:
        """The PG declines a PAY_PENDING payment."""
        record = self._find_pending(db, payment_id)
        failed = records.failed(record, failures.DECLINED)
        return self._save(db, failed, trigger="ASYNC_PAY_FAILED")

    def _find_pending(self, db: Database, payment_id: str) -> Payment:
        record = self.find(db, payment_id)
        if record["status"] != "PAY_PENDING":
            message = "The PG has nothing to decide: the payment is not pending."
            raise Refused("INVALID_REQUEST", message, status=409)
        return record

    def _save(
        self,
        db: Database,
        record: Payment,
        visible_at: str | None = None,
        trigger: str | None = None,
        is_quiet: bool = False,
    ) -> Payment:
        """Store a payment's new status and its webhooks. is_quiet: without webhooks."""
        db.save_payment(record, visible_at)
        if not is_quiet:
            self._events.add(db, record, visible_at, trigger)
        return record


def _refuse_second_payment(record: Payment | None) -> None:
    if record is None or record["status"] in ("READY", "FAILED"):
        return
    if "paidAt" in record:
        raise RequestError("PaymentAlreadyPaid", "이미 결제된 paymentId입니다.", 409)
    raise RequestError("InvalidEntityState", "이미 결제가 진행 중인 paymentId입니다.", 409)


def _fits_terms(db: Database, params: PaymentRequest) -> bool:
    """Whether the request has the amount and currency that the merchant's server registered."""
    terms = db.find_terms(params["paymentId"]) or {}
    requested = {"taxFreeAmount": 0, **params}
    return all(requested[name] == value for name, value in terms.items())


def _sdk_result(checkout: Checkout, failure: SdkFailure | None) -> SdkResult:
    result: SdkResult = {
        "transactionType": "PAYMENT",
        "txId": checkout["txId"],
        "paymentId": checkout["paymentId"],
    }
    return {**result, **failure} if failure else result


def _failure(db: Database, record: Payment, outcome: str) -> SdkFailure | None:
    """How a window fails that ends with this outcome, or None."""
    if record["status"] not in ("READY", "FAILED"):
        # Another attempt at this paymentId was faster. One payment is all that it can have.
        return failures.PAID_ALREADY
    if outcome == "tamper" and "totalAmount" in (db.find_terms(record["id"]) or {}):
        return failures.OTHER_AMOUNT
    return FAILURES.get(outcome)
