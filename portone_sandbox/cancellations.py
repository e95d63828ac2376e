"""The cancellation of a paid payment, in whole or in part."""

from typing import Literal

from . import identifiers, refund_rules
from .bodies import CancelBody
from .clock import now
from .documents import Amount, Cancellation, CancelledParts, Payment
from .errors import Refused
from .records import with_status

# What is left to cancel is reckoned from amount.total or from amount.paid. They differ after a
# PG's discount, and PortOne does not document which it takes. Of a PortOne promotion it says that
# `amount` is of the price before it, so "total" is the sandbox's default:
# https://developers.portone.io/opi/ko/extra/promotion/refund
Balance = Literal["total", "paid"]


def cancelled(
    record: Payment,
    body: CancelBody,
    trigger: str,
    balance: Balance = "total",
    result: str = "SUCCEEDED",
) -> Payment:
    """The record after a cancellation, which is the last of its `cancellations`.

    body: checked. trigger: "API" or "CONSOLE". result: SUCCEEDED, or REQUESTED or FAILED, with
    which no money moves. Refused when the payment is not paid, the amounts do not fit, or the PG
    refuses. What is
    REQUESTED does not lower what is left: PortOne documents nothing that refuses a second one.
    """
    if record["status"] == "CANCELLED":
        raise Refused("PAYMENT_ALREADY_CANCELLED")
    if record["status"] not in ("PAID", "PARTIAL_CANCELLED"):
        raise Refused("PAYMENT_NOT_PAID")
    parts = _parts_to_cancel(record, body, balance)
    is_partial = parts["totalAmount"] < left_to_cancel(record, balance) or bool(
        record["amount"]["cancelled"]
    )
    refund_rules.check(record, body, is_partial)
    changed = record.copy()
    changed["updatedAt"] = now(record["updatedAt"])
    earlier = record.get("cancellations", [])
    cancellation: Cancellation = {
        "status": result,
        "id": identifiers.stable_id(record["transactionId"], "cancellation", len(earlier)),
        "totalAmount": parts["totalAmount"],
        "taxFreeAmount": parts["taxFreeAmount"],
        "vatAmount": parts["vatAmount"],
        "reason": body["reason"],
        "requestedAt": changed["updatedAt"],
        "trigger": trigger,
    }
    # A record that is PAID has `cancellations` too: PaidPayment of portone-server-sdk.
    changed["cancellations"] = [*earlier, cancellation]
    return _with_success(changed, len(earlier), balance) if result == "SUCCEEDED" else changed


def ended(
    record: Payment, cancellation_id: str | None, result: str, balance: Balance = "total"
) -> Payment:
    """The record after a cancellation that was REQUESTED has SUCCEEDED or FAILED.

    cancellation_id: None for the oldest one. Refused when none waits, or when more than is left
    would be given back.
    """
    place = _find_requested(record, cancellation_id)
    if result == "SUCCEEDED":
        return _with_success(record, place, balance)
    changed = record.copy()
    changed["updatedAt"] = now(record["updatedAt"])
    changed["cancellations"] = record["cancellations"].copy()
    changed["cancellations"][place] = record["cancellations"][place].copy()
    changed["cancellations"][place]["status"] = result
    return changed


def _find_requested(record: Payment, cancellation_id: str | None) -> int:
    """Its place in the record's cancellations."""
    for place, each in enumerate(record.get("cancellations", [])):
        if each["status"] == "REQUESTED" and cancellation_id in (None, each["id"]):
            return place
    raise Refused("INVALID_REQUEST", "No such cancellation is waiting for the PG.", status=409)


def left_to_cancel(record: Payment, balance: Balance) -> int:
    return record["amount"][balance] - record["amount"]["cancelled"]


def _vat_left(record: Payment, cancellations: list[Cancellation]) -> int:
    succeeded = [each for each in cancellations if each["status"] == "SUCCEEDED"]
    return record["amount"]["vat"] - sum(each["vatAmount"] for each in succeeded)


def _with_success(record: Payment, place: int, balance: Balance) -> Payment:
    """place: of the cancellation that has succeeded now."""
    cancellation = record["cancellations"][place].copy()
    if cancellation["totalAmount"] > left_to_cancel(record, balance):
        raise Refused("CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT")
    others = record["cancellations"][:place] + record["cancellations"][place + 1 :]
    if cancellation["vatAmount"] > _vat_left(record, others):
        raise Refused("CANCEL_TAX_AMOUNT_EXCEEDS_CANCELLABLE_TAX_AMOUNT")
    tax_free_left = record["amount"]["taxFree"] - record["amount"]["cancelledTaxFree"]
    if cancellation["taxFreeAmount"] > tax_free_left:
        raise Refused("CANCEL_TAX_FREE_AMOUNT_EXCEEDS_CANCELLABLE_TAX_FREE_AMOUNT")
    amount: Amount = record["amount"].copy()
    amount["cancelled"] += cancellation["totalAmount"]
    amount["cancelledTaxFree"] += cancellation["taxFreeAmount"]
    is_whole = amount["cancelled"] >= amount[balance]
    changed = with_status(record, "CANCELLED" if is_whole else "PARTIAL_CANCELLED")
    changed["amount"] = amount
    changed["cancelledAt"] = cancellation["cancelledAt"] = changed["statusChangedAt"]
    changed.pop("disputes", None)  # only a record that is PAID has them
    cancellation["status"] = "SUCCEEDED"
    cancellation["pgCancellationId"] = identifiers.pg_tx_id(record["transactionId"], place + 1)
    changed["cancellations"] = record["cancellations"].copy()
    changed["cancellations"][place] = cancellation
    return changed


def _parts_to_cancel(record: Payment, body: CancelBody, balance: Balance) -> CancelledParts:
    """How much of the payment, of its tax-free part and of its VAT is cancelled.

    The documentation: without taxFreeAmount all of it is taxed, without vatAmount the VAT is
    computed, and without amount everything is cancelled. The last is taken to mean the tax-free
    part and the VAT that are left.
    """
    amount = record["amount"]
    left = left_to_cancel(record, balance)
    # A discount can be more than what is taxed; then the rest of the tax-free part is gone too.
    tax_free_left = min(left, amount["taxFree"] - amount["cancelledTaxFree"])
    vat_left = _vat_left(record, record.get("cancellations", []))
    total = body.get("amount", left)
    tax_free = body.get("taxFreeAmount", 0 if "amount" in body else tax_free_left)
    computed_vat = min(vat_left, round((total - tax_free) / 11))
    vat = body.get("vatAmount", vat_left if total == left else computed_vat)
    refusals = {
        "CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN": body.get("currentCancellableAmount", left) != left,
        "CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT": total > left,
        "SUM_OF_PARTS_EXCEEDS_CANCEL_AMOUNT": tax_free + body.get("vatAmount", 0) > total,
        "CANCEL_TAX_FREE_AMOUNT_EXCEEDS_CANCELLABLE_TAX_FREE_AMOUNT": tax_free > tax_free_left,
        "CANCEL_TAX_AMOUNT_EXCEEDS_CANCELLABLE_TAX_AMOUNT": (
            total - tax_free > left - tax_free_left or vat > vat_left
        ),
    }
    for type, is_refused in refusals.items():
        if is_refused:
            raise Refused(type)
    return {"totalAmount": total, "taxFreeAmount": tax_free, "vatAmount": vat}
