"""What happens to a virtual account: issued, paid into, expired, closed.

Each function takes the payment's record and returns a new one.
"""

from .clock import now
from .documents import Payment
from .errors import Refused, pg_refusal
from .failures import ACCOUNT_CLOSED, CLOSE_REFUSED
from .identifiers import pg_tx_id
from .payment_method import Form, virtual_account
from .records import failed, with_payment, with_status
from .request_documents import PaymentRequest


def issued(record: Payment, params: PaymentRequest, form: Form | None = None) -> Payment:
    """A virtual account is issued. The deposit comes later, or never. Arguments: as for `paid`."""
    tx_id, name = record["transactionId"], record["customer"].get("name")
    changed = with_status(record, "VIRTUAL_ACCOUNT_ISSUED")
    changed["method"] = virtual_account(params, tx_id, form or {}, name)
    changed["pgTxId"] = pg_tx_id(tx_id)
    return changed


def awaits_deposit(record: Payment) -> bool:
    if record["status"] != "VIRTUAL_ACCOUNT_ISSUED":
        return False
    return now() < record["method"]["expiredAt"]


def deposited(record: Payment, amount: object = None) -> Payment:
    """The buyer has paid into the virtual account. amount: None for the amount of the payment.

    Refused when the account takes no money (any more), or another amount. A bank refuses late
    deposits and other amounts, and PortOne does not learn of them, says Toss Payments:
    https://tosspayments-dev.oopy.io/0441062a-b272-4083-ae5f-211693d7ca30
    So the message is the sandbox's own.
    """
    if not awaits_deposit(record):
        raise Refused("PAYMENT_NOT_WAITING_FOR_DEPOSIT")
    total = record["amount"]["total"]
    if amount not in (None, total):
        message = f"이 가상계좌에는 {total}원만 한 번에 입금할 수 있습니다. ({amount})"
        raise Refused("INVALID_REQUEST", message)
    return with_payment(record)


def expired(record: Payment) -> Payment:
    """The deadline of the deposit is over. The status of the payment does not show this."""
    if not awaits_deposit(record):
        raise Refused("PAYMENT_NOT_WAITING_FOR_DEPOSIT")
    changed = record.copy()
    changed["updatedAt"] = now(record["updatedAt"])
    changed["method"] = record["method"].copy()
    changed["method"]["expiredAt"] = changed["updatedAt"]
    return changed


def closed(record: Payment, result: str) -> Payment:
    """The virtual account was closed before a deposit.

    result: of the switch "close". FAILED, by default: PortOne classes it as a failed payment, says
    https://developers.portone.io/release-notes/api-sdk/2024-01-25
    CANCELLED, without paidAt and cancellations: Toss Payments gives a closed account the status
    CANCELED, and `paidAt` is optional in CancelledPayment of portone-server-sdk. refuse: the PG
    closes nothing.
    """
    if record["status"] != "VIRTUAL_ACCOUNT_ISSUED":
        raise Refused("PAYMENT_NOT_WAITING_FOR_DEPOSIT")
    if result == "refuse":
        raise pg_refusal(CLOSE_REFUSED)
    if result == "FAILED":
        return failed(record, ACCOUNT_CLOSED)
    changed = with_status(record, "CANCELLED")
    changed["cancelledAt"] = changed["statusChangedAt"]
    changed["cancellations"] = []
    return changed
