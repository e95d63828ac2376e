"""The cancellation of a paid payment, in whole or in part."""

from . import identifiers
from .bodies import CancelBody
from .documents import Cancellation, CancelledParts, Payment
from .errors import Refused
from .methods import METHOD_TYPES
from .records import with_status


def cancelled(record: Payment, body: CancelBody, trigger: str) -> Payment:
    """The record after a cancellation, which is the last of its `cancellations`.

    body: checked. trigger: "API" or "CONSOLE". Refused when the payment is not paid or the amounts
    do not fit.
    """
    if record["status"] == "CANCELLED":
        raise Refused("PAYMENT_ALREADY_CANCELLED")
    if record["status"] not in ("PAID", "PARTIAL_CANCELLED"):
        raise Refused("PAYMENT_NOT_PAID")
    parts = _parts_to_cancel(record, body)
    _require_refund_account(record, body)
    amount = record["amount"].copy()
    amount["cancelled"] += parts["totalAmount"]
    amount["cancelledTaxFree"] += parts["taxFreeAmount"]
    is_whole = amount["cancelled"] == amount["paid"]
    changed = with_status(record, "CANCELLED" if is_whole else "PARTIAL_CANCELLED")
    changed["amount"] = amount
    changed["cancelledAt"] = changed["statusChangedAt"]
    changed.pop("disputes", None)  # only a record that is PAID has them
    cancellation = _cancellation(changed, parts, body["reason"], trigger)
    changed["cancellations"] = [*record.get("cancellations", []), cancellation]
    return changed


def _cancellation(
    record: Payment, parts: CancelledParts, reason: str, trigger: str
) -> Cancellation:
    tx_id, number = record["transactionId"], len(record.get("cancellations", []))
    return {
        "status": "SUCCEEDED",
        "id": identifiers.stable_id(tx_id, "cancellation", number),
        "pgCancellationId": identifiers.pg_tx_id(tx_id, number + 1),
        **parts,
        "reason": reason,
        "cancelledAt": record["cancelledAt"],
        "requestedAt": record["cancelledAt"],
        "trigger": trigger,
    }


def _require_refund_account(record: Payment, body: CancelBody) -> None:
    """A virtual account's payment is refunded to an account of the buyer.

    It is required: https://developers.portone.io/opi/ko/integration/cancel/v2/readme
    The error of a cancellation without it is documented nowhere. PortOne passes on the PG's answer,
    and this is the nearest error of Toss Payments.
    """
    if record["method"]["type"] != METHOD_TYPES["VIRTUAL_ACCOUNT"] or "refundAccount" in body:
        return
    code, message = "INVALID_REFUND_ACCOUNT_NUMBER", "잘못된 환불 계좌번호입니다."
    raise Refused("PG_PROVIDER", f"[{code}] {message}", pgCode=code, pgMessage=message)


def _parts_to_cancel(record: Payment, body: CancelBody) -> CancelledParts:
    """How much of the payment, of its tax-free part and of its VAT is cancelled.

    The documentation: without taxFreeAmount all of it is taxed, without vatAmount the VAT is
    computed, and without amount everything is cancelled. The last is taken to mean the tax-free
    part and the VAT that are left.
    """
    amount = record["amount"]
    left = amount["paid"] - amount["cancelled"]
    tax_free_left = amount["taxFree"] - amount["cancelledTaxFree"]
    cancelled_vat = sum(each["vatAmount"] for each in record.get("cancellations", []))
    vat_left = max(0, amount["vat"] - cancelled_vat)
    total = body.get("amount", left)
    tax_free = body.get("taxFreeAmount", 0 if "amount" in body else tax_free_left)
    vat = body.get("vatAmount", vat_left if total == left else round((total - tax_free) / 11))
    refusals = {
        "CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN": body.get("currentCancellableAmount", left) != left,
        "CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT": total > left,
        "SUM_OF_PARTS_EXCEEDS_CANCEL_AMOUNT": tax_free + body.get("vatAmount", 0) > total,
        "CANCEL_TAX_FREE_AMOUNT_EXCEEDS_CANCELLABLE_TAX_FREE_AMOUNT": tax_free > tax_free_left,
        "CANCEL_TAX_AMOUNT_EXCEEDS_CANCELLABLE_TAX_AMOUNT": total - tax_free > left - tax_free_left,
    }
    for type, is_refused in refusals.items():
        if is_refused:
            raise Refused(type)
    return {"totalAmount": total, "taxFreeAmount": tax_free, "vatAmount": vat}
