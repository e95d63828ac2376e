"""How much a refund asks for, and what PortOne has to be told with it."""

from typing import Any

from ..errors import Refused
from ..records import amount_of
from ..rows import PaymentRow
from ..settlement import load


def refund_body(payment: PaymentRow, reason: str, amount: int | None) -> dict[str, Any]:
    """Returns the body of POST /payments/{paymentId}/cancel.

    PortOne's documents do not say whether the balance (취소 가능 잔액) is counted from amount.total
    or, after a PG's discount, from amount.paid. So all that is left is refunded without naming a
    balance, and of a discounted payment only what both ways of counting allow.
    """
    body: dict[str, Any] = {"storeId": payment.store_id, "reason": reason}
    balance = payment.portone_amount - payment.cancelled_amount
    all_tax_free = _tax_free(payment)
    tax_free = all_tax_free - payment.cancelled_tax_free
    if amount is not None:
        most = balance - payment.discount
        if payment.discount and most < amount < balance:
            message = (
                f"The buyer paid {payment.discount} less by a discount of the PG, and PortOne"
                " does not say from which amount a part is counted."
                f" Expected at most {most}, or no --amount for all."
            )
            raise refused("--amount", message)
        if not 0 < amount < balance:
            raise refused("--amount", f"Expected a whole number from 1 to {balance}.")
        body["amount"] = amount
        if not payment.discount:
            # PortOne then refuses if another refund was made in the meantime.
            body["currentCancellableAmount"] = balance
        returned = payment.cancelled_amount + amount
        share = all_tax_free * returned // payment.portone_amount
        tax_free = min(max(share - payment.cancelled_tax_free, 0), amount)
    if all_tax_free:
        body["taxFreeAmount"] = tax_free  # PortOne takes a refund without it as taxed
    return body


def _tax_free(payment: PaymentRow) -> int:
    """Returns the tax-free part of a payment at PortOne, which the last cross-check has found.

    A payment that does not match its order may have another part than the one we asked for.
    """
    _, last_events = load(payment.id)
    _, checks = last_events.get("LOOKED_UP", (None, None))
    found = {name: actual for name, _, actual in checks or []}
    return amount_of(found.get("TAX_FREE", payment.tax_free))


def refused(field: str, message: str) -> Refused:
    return Refused("INVALID_REQUEST", field, message=message)
