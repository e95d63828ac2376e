"""The texts of a payment's record that a search looks into."""

import json

from .documents import Json, Payment

# The field of a text search -> its path in a record. No record of this sandbox has a cash receipt,
# a billing key or a schedule.
TEXT_PATHS = {
    "PAYMENT_ID": "id",
    "TX_ID": "transactionId",
    "SCHEDULE_ID": "scheduleId",
    "FAIL_REASON": "failure.reason",
    "CARD_ISSUER": "method.card.publisher",
    "CARD_ACQUIRER": "method.card.issuer",
    "CARD_BIN": "method.card.bin",
    "CARD_NUMBER": "method.card.number",
    "CARD_APPROVAL_NUMBER": "method.approvalNumber",
    "CARD_RECEIPT_NAME": "method.card.name",
    "CARD_INSTALLMENT": "method.installment.month",
    "TRANS_BANK": "method.bank",
    "VIRTUAL_ACCOUNT_HOLDER_NAME": "method.remitteeName",
    "VIRTUAL_ACCOUNT_BANK": "method.bank",
    "VIRTUAL_ACCOUNT_NUMBER": "method.accountNumber",
    "PG_MERCHANT_ID": "channel.pgMerchantId",
    "PG_TX_ID": "pgTxId",
    "PG_RECEIPT_ID": "pgReceiptId",
    "RECEIPT_APPROVAL_NUMBER": "cashReceipt.approvalNumber",
    "PG_CANCELLATION_ID": "cancellations",
    "CANCEL_REASON": "cancellations",
    "ORDER_NAME": "orderName",
    "CUSTOMER_NAME": "customer.name",
    "CUSTOMER_EMAIL": "customer.email",
    "CUSTOMER_PHONE_NUMBER": "customer.phoneNumber",
    "CUSTOMER_ADDRESS": "customer.address.oneLine",
    "CUSTOMER_ZIPCODE": "customer.zipcode",
    "USER_AGENT": "origin.userAgent",
    "BILLING_KEY": "billingKey",
    "PROMOTION_ID": "promotionId",
    "GIFT_CERTIFICATION_APPROVAL_NUMBER": "method.approvalNumber",
}
ALL_PATHS = tuple(sorted(set(TEXT_PATHS.values())))
SEPARATOR = "\x1f"  # is in no text that somebody searches for


def searchable_text(record: Payment) -> str:
    """All the texts of TEXT_PATHS, in lower case."""
    values = (_value(dict(record), path) for path in ALL_PATHS)
    return SEPARATOR.join(value for value in values if value is not None).lower()


def _value(record: Json, path: str) -> str | None:
    value: object = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
