"""What happens to a payment after its window. The REST API, the console and /control use it.

attempts.py has what happens in the window. Each method works in the caller's transaction: `db` is
from `store.writing()`, or from `store.reading()` for a method that only reads.
"""

from . import bodies, cancellations, failures, records, switches, virtual_accounts
from .clock import now
from .database import Database
from .documents import Payment
from .errors import Refused
from .events import Events, list_shown


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

    # By the merchant's server or staff

    def pre_register(self, db: Database, payment_id: str, body: object) -> None:
        terms = bodies.check_pre_register(body)
        record = db.find_payment(payment_id)
        if record and "paidAt" in record:
            raise Refused("ALREADY_PAID")
        db.save_terms(payment_id, terms)

    def cancel(self, db: Database, payment_id: str, body: object, trigger: str) -> Payment:
        """Refund the payment or a part of it. The switch "refund" says how that ends.

        body: as `POST /payments/{paymentId}/cancel` takes it. trigger: "API" or "CONSOLE".
        """
        checked, result = bodies.check_cancel(body), switches.refund_result(db)
        record = cancellations.cancelled(
            self.find(db, payment_id), checked, trigger, switches.balance(db), result
        )
        is_quiet = checked.get("skipWebhook", False) or result == "FAILED"
        type = "CancelPending" if result == "REQUESTED" else None
        return self._events.save(db, record, is_quiet=is_quiet, type=type)

    def close_virtual_account(self, db: Database, payment_id: str) -> Payment:
        """The switch "close" says what the payment is then, or that the PG refuses."""
        record = virtual_accounts.closed(self.find(db, payment_id), switches.close_result(db))
        return self._events.save(db, record)

    def resend_webhook(self, db: Database, payment_id: str, webhook_id: str | None) -> str:
        """Returns the id of the webhook, which is then due."""
        self.find(db, payment_id)
        return self._events.resend(db, payment_id, webhook_id)

    # By a bank or a PG

    def deposit(self, db: Database, payment_id: str, amount: object = None) -> Payment:
        """The buyer pays into the virtual account. amount: None for what is due."""
        record = virtual_accounts.deposited(self.find(db, payment_id), amount)
        return self._events.save(db, record, trigger="VIRTUAL_ACCOUNT_DEPOSIT")

    def expire(self, db: Database, payment_id: str) -> Payment:
        """The deadline of the deposit passes. It changes no status, so there is no webhook."""
        record = virtual_accounts.expired(self.find(db, payment_id))
        db.save_payment(record)
        return record

    def approve(self, db: Database, payment_id: str) -> Payment:
        """The PG approves a PAY_PENDING payment."""
        record = self._find_pending(db, payment_id)
        return self._events.save(db, records.approved(record), trigger="ASYNC_PAY_APPROVED")

    def decline(self, db: Database, payment_id: str) -> Payment:
        """The PG declines a PAY_PENDING payment."""
        record = self._find_pending(db, payment_id)
        failed = records.failed(record, failures.DECLINED)
        return self._events.save(db, failed, trigger="ASYNC_PAY_FAILED")

    def approve_refund(self, db: Database, payment_id: str, cancellation_id: str | None) -> Payment:
        """A cancellation that was REQUESTED has SUCCEEDED. None: the oldest one."""
        record = self.find(db, payment_id)
        changed = cancellations.ended(record, cancellation_id, "SUCCEEDED", switches.balance(db))
        return self._events.save(db, changed, trigger="ASYNC_CANCEL_APPROVED")

    def decline_refund(self, db: Database, payment_id: str, cancellation_id: str | None) -> Payment:
        """A cancellation that was REQUESTED has FAILED. None: the oldest one.

        Which type its webhook has is not documented: here that of the payment's status.
        """
        record = self.find(db, payment_id)
        changed = cancellations.ended(record, cancellation_id, "FAILED")
        return self._events.save(db, changed, trigger="ASYNC_CANCEL_FAILED")

    def _find_pending(self, db: Database, payment_id: str) -> Payment:
        record = self.find(db, payment_id)
        if record["status"] != "PAY_PENDING":
            message = "The PG has nothing to decide: the payment is not pending."
            raise Refused("INVALID_REQUEST", message, status=409)
        return record
