"""What happens to a payment in its window, and at the confirmation that manual approval adds.

Each window is an attempt at the payment. Each method works in the caller's transaction: `db` is
from `store.writing()`.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from . import bodies, declines, demands, failures, identifiers, records, switches, virtual_accounts
from .clock import now, timestamp
from .database import Database
from .documents import Checkout, Origin, Payment, SdkFailure, SdkResult
from .errors import Refused, RequestError, pg_refusal
from .events import Events
from .outcomes import REFUSE, is_manual, is_virtual_account
from .payment_method import FORM_FIELDS, Form
from .request_documents import PaymentRequest
from .tampering import tampered

SLOW_SECONDS = 3


class Attempts:
    def __init__(self, events: Events) -> None:
        self._events = events

    def open(
        self,
        db: Database,
        params: PaymentRequest,
        window_type: str,
        merchant_origin: str,
        buyer: Origin,
    ) -> Checkout:
        """A new window for the merchant's checked request. The payment is READY.

        merchant_origin: where the result may be posted to, or "*". RequestError when this payment
        must not have a window, or the channel's PG refuses the request.
        """
        params, warnings, failure = demands.judge(params, demands.device_of(buyer))
        payment_id = params["paymentId"]
        earlier = db.find_payment(payment_id)
        _refuse_second_payment(earlier)
        if not _fits_terms(db, params):
            code, message = failures.OTHER_AMOUNT["code"], failures.OTHER_AMOUNT["message"]
            raise RequestError(code, message, 409)
        checkout: Checkout = {
            "txId": identifiers.stable_id(
                db.state().generation, payment_id, "attempt", len(db.list_checkouts(payment_id))
            ),
            "paymentId": payment_id,
            "request": params,
            "windowType": window_type,
            "origin": merchant_origin,
            "outcome": None,
            "result": None,
            "webhookOrder": None,
            "plannedOrder": switches.take_webhook_order(db),
            "paymentToken": None,
            "isConfirmed": False,
            "form": {},
            "warnings": warnings,
            "failure": failure,
        }
        db.save_checkout(checkout)
        self._events.save(db, records.ready(params, checkout["txId"], buyer, earlier))
        return checkout

    def end(
        self,
        db: Database,
        tx_id: str,
        outcome: str,
        form: Form | None = None,
        code: object = None,
    ) -> Checkout:
        """End a window. It ends once: a second call changes nothing and returns the first outcome.

        form: what the buyer entered, as payment_method takes it. With manual approval the payment
        stays as it is, and the result has a paymentToken. code: why the PG declines, as
        declines.check_code takes it. KeyError when there is no window; Refused for another code.
        """
        checkout = db.find_checkout(tx_id)
        record = checkout and db.find_payment(checkout["paymentId"])
        if checkout is None or record is None:
            raise KeyError(tx_id)
        if checkout["result"]:
            return checkout
        checkout["outcome"] = outcome
        is_open = record["status"] in ("READY", "FAILED")
        if not is_open:
            # Another attempt at this paymentId was faster. One payment is all that it can have.
            failure: SdkFailure | None = failures.PAID_ALREADY
        else:
            failure = _failure(db, checkout, code) or checkout["failure"]
        if failure is None and is_manual(_taken(checkout)):
            self._issue_token(db, record, checkout, form or {})
        elif failure is None:
            self._apply_success(db, record, checkout, form or {})
        elif is_open and record["transactionId"] == tx_id:
            # The failure of an older attempt does not end a newer one that is open.
            self._events.save(db, records.failed(record, failure))
        checkout["result"] = _sdk_result(checkout, failure)
        checkout["webhookOrder"] = switches.webhook_order(db) or checkout["plannedOrder"]
        db.save_checkout(checkout)
        return checkout

    def confirm(self, db: Database, payment_id: str, body: object) -> Payment:
        """Approve what a paymentToken stands for, or issue its virtual account.

        body: as `POST /payments/{paymentId}/confirm` takes it. Refused when the token is not of
        this payment or was used, when a value differs, or when the PG refuses. After the last the
        payment is FAILED, which PortOne does not document. Source:
        https://developers.portone.io/opi/ko/extra/manual-confirm/readme-v2
        """
        checked = bodies.check_confirm(body)
        record = db.find_payment(payment_id)
        if record is None:
            raise Refused("PAYMENT_NOT_FOUND")
        if record["status"] in ("PAID", "PARTIAL_CANCELLED"):
            raise Refused("ALREADY_PAID")
        checkout = _find_unconfirmed(db, payment_id, checked["paymentToken"])
        expected = _prepared(record, checkout)
        for name in _differences(expected, checked):
            raise Refused("INFORMATION_MISMATCH", f"결제 정보가 일치하지 않습니다. ({name})")
        if record["status"] not in ("READY", "FAILED"):
            raise pg_refusal(failures.PAID_ALREADY)
        checkout["isConfirmed"] = True
        db.save_checkout(checkout)
        if checkout["outcome"] == REFUSE:
            self._events.save(db, records.failed(expected, failures.NOT_APPROVED))
            raise pg_refusal(failures.NOT_APPROVED)
        is_quiet = checked.get("skipWebhook", False)
        return self._apply_success(db, record, checkout, checkout["form"], is_quiet)

    def _issue_token(self, db: Database, record: Payment, checkout: Checkout, form: Form) -> None:
        """The buyer is authenticated, and nothing is approved yet.

        PortOne does not document the record's status until the confirmation. Here it stays READY:
        PAY_PENDING is of PGs that decide later. PortOne's console has it of PayPal only:
        https://developers.portone.io/opi/ko/console/guide/payments
        """
        checkout["paymentToken"] = identifiers.payment_token(checkout["txId"])
        checkout["form"] = {name: form[name] for name in FORM_FIELDS if name in form}
        if record["transactionId"] == checkout["txId"]:
            prepared = _prepared(record, checkout)
            prepared["updatedAt"] = now(record["updatedAt"])
            db.save_payment(prepared)

    def _apply_success(
        self,
        db: Database,
        record: Payment,
        checkout: Checkout,
        form: Form,
        is_quiet: bool = False,
    ) -> Payment:
        """Store what the PG makes of an attempt that did not fail."""
        params, outcome = _taken(checkout), checkout["outcome"]
        record = _prepared(record, checkout)
        if is_virtual_account(params):
            record = virtual_accounts.issued(record, params, form)
        elif outcome == "pend":
            record = records.pay_pending(record, params, form)
        else:
            if outcome == "discount":
                record = records.discounted(record)
            record = records.paid(record, params, form)
        visible_at = None
        if outcome == "slow":
            visible_at = timestamp(datetime.now(timezone.utc) + timedelta(seconds=SLOW_SECONDS))
        return self._events.save(db, record, visible_at=visible_at, is_quiet=is_quiet)


def _taken(checkout: Checkout) -> PaymentRequest:
    """The request as the PG gets it, with what the buyer has changed in it."""
    return tampered(checkout["request"], checkout["outcome"])


def _prepared(record: Payment, checkout: Checkout) -> Payment:
    """The payment's record of this attempt, as the buyer's browser asked for it."""
    params, tx_id = _taken(checkout), checkout["txId"]
    prepared = records.ready(params, tx_id, record["origin"], earlier=record)
    if record["transactionId"] == tx_id:
        for name in ("requestedAt", "updatedAt", "statusChangedAt"):
            prepared[name] = record[name]
    return prepared


def _find_unconfirmed(db: Database, payment_id: str, token: str) -> Checkout:
    for checkout in db.list_checkouts(payment_id):
        if checkout["paymentToken"] == token and not checkout["isConfirmed"]:
            return checkout
    raise Refused("INVALID_PAYMENT_TOKEN")


def _differences(record: Payment, checked: bodies.ConfirmBody) -> Iterator[str]:
    """The names of the values that are not the payment's. A name that is left out is no check."""
    actual = {
        "txId": record["transactionId"],
        "totalAmount": record["amount"]["total"],
        "taxFreeAmount": record["amount"]["taxFree"],
        "currency": record["currency"],
        "isTest": record["channel"]["type"] == "TEST",
    }
    given = dict(checked)
    return (name for name, value in actual.items() if given.get(name, value) != value)


def _refuse_second_payment(record: Payment | None) -> None:
    if record is None or record["status"] in ("READY", "FAILED"):
        return
    if "paidAt" in record:
        raise RequestError("PaymentAlreadyPaid", "이미 결제된 paymentId입니다.", 409)
    raise RequestError("InvalidEntityState", "이미 결제가 진행 중인 paymentId입니다.", 409)


def _fits_terms(db: Database, params: PaymentRequest) -> bool:
    """Whether the request has the amounts and currency that the merchant's server registered."""
    terms = db.find_terms(params["paymentId"]) or {}
    requested = {"taxFreeAmount": 0, **params}
    return all(requested[name] == value for name, value in terms.items())


def _sdk_result(checkout: Checkout, failure: SdkFailure | None) -> SdkResult:
    result: SdkResult = {
        "transactionType": "PAYMENT",
        "txId": checkout["txId"],
        "paymentId": checkout["paymentId"],
    }
    if failure:
        return {**result, **failure}
    if checkout["paymentToken"]:
        result["paymentToken"] = checkout["paymentToken"]
    return result


def _failure(db: Database, checkout: Checkout, code: object) -> SdkFailure | None:
    """How the window fails, or None. code: of a decline."""
    if checkout["outcome"] == "decline":
        return failures.declined(declines.check_code(checkout["request"], code))
    if checkout["outcome"] == "cancel":
        return failures.CANCELLED_BY_BUYER
    taken = _taken(checkout)
    is_found_out = taken != checkout["request"] and not _fits_terms(db, taken)
    return failures.OTHER_AMOUNT if is_found_out else None
