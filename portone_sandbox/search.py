"""`GET /payments`: the payments that a filter asks for, and a page of them.

Filter, page and answer: PaymentFilterInput, PageInput and GetPaymentsResponse of portone-server-sdk. Without a page it
is the first ten, without a time those whose status changed in the last 90 days, says
https://developers.portone.io/api/rest-v2/payment.
"""

import json
from datetime import datetime, timedelta, timezone

from . import accounts, records
from .errors import Refused

DEFAULT_DAYS = 90
DEFAULT_SIZE = 10
MAX_SIZE = 1000  # is not documented

TIMES = {"CREATED_AT": "requestedAt", "STATUS_CHANGED_AT": "statusChangedAt"}
SORTS = {"REQUESTED_AT": "requestedAt", "STATUS_CHANGED_AT": "statusChangedAt"}

# Where in a record the value of a filter is; escrows, receipts and schedules are in none of this sandbox.
PLACES = {
    "merchantId": "merchantId",
    "status": "status",
    "methods": "method.type",
    "pgProvider": "channel.pgProvider",
    "isTest": "channel.type",
    "isScheduled": "scheduleId",
    "isEscrow": "escrow",
    "version": "version",
    "platformType": "origin.platformType",
    "currency": "currency",
    "escrowStatus": "escrow.status",
    "cardBrand": "method.card.brand",
    "cardType": "method.card.type",
    "cardOwnerType": "method.card.ownerType",
    "giftCertificateType": "method.giftCertificateType",
    "cashReceiptType": "cashReceipt.type",
    "cashReceiptStatus": "cashReceipt.status",
}
# What a filter calls other than a record does.
VALUES = {
    "PENDING": "PAY_PENDING",
    "SDK_PC": "PC",
    "SDK_MOBILE": "MOBILE",
    **records.METHOD_TYPES,
}

TEXT_PLACES = {
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

# As payment_request.read takes it.
SEARCH = {
    "page": {"number size": int},
    "filter": {
        "merchantId storeId from until webhookStatus currency escrowStatus giftCertificateType": str,
        "cardBrand cardType cardOwnerType cashReceiptType cashReceiptStatus": str,
        "timestampType": ("", " ".join(TIMES)),
        "sortBy": ("", " ".join(SORTS)),
        "sortOrder": ("", "DESC ASC"),
        "version": ("", "V1 V2"),
        "platformType": ("", "SDK_MOBILE SDK_PC API"),
        "status": [
            ("", "READY PENDING VIRTUAL_ACCOUNT_ISSUED PAID FAILED PARTIAL_CANCELLED CANCELLED")
        ],
        "methods pgProvider": [str],
        "isTest isScheduled isEscrow": bool,
        "textSearch": [{"field!": ("", " ".join(["ALL", *TEXT_PLACES])), "value!": str}],
    },
}

LAST_WEBHOOK = "(SELECT json_extract(webhook, '$.status') FROM webhooks WHERE paymentId = shown.id ORDER BY number DESC LIMIT 1)"


def search(db, body):
    """The records and the `PageInfo` for `{page?, filter?}`, which is a SEARCH."""
    wanted, page = body.get("filter", {}), body.get("page", {})
    number, size = page.get("number", 0), page.get("size", DEFAULT_SIZE)
    if not 0 <= number < 2**31 or not 0 < size <= MAX_SIZE:
        raise Refused(
            "INVALID_REQUEST",
            f"page.number must be from 0 to 2^31 - 1, page.size from 1 to {MAX_SIZE}.",
        )
    if wanted.get("storeId", accounts.STORE_ID) != accounts.STORE_ID:
        raise Refused("FORBIDDEN")
    conditions, values = _conditions(wanted)
    order = (
        f"{_place(SORTS[wanted.get('sortBy', 'REQUESTED_AT')])} {wanted.get('sortOrder', 'DESC')}"
    )
    shown = (
        "SELECT id, CASE WHEN visibleAt > ? THEN earlier ELSE record END AS record FROM payments"
    )
    found = f"FROM ({shown}) AS shown WHERE {' AND '.join(conditions)}"
    values = [records.now(), *values]
    (total,) = db.execute(f"SELECT count(*) {found}", values).fetchone()
    query = f"SELECT record {found} ORDER BY {order}, id LIMIT ? OFFSET ?"
    items = [json.loads(row["record"]) for row in db.execute(query, [*values, size, number * size])]
    return items, {"number": number, "size": size, "totalCount": total}


def _conditions(wanted):
    """SQL, and the values for its question marks."""
    until = _time(wanted, "until") or datetime.now(timezone.utc)
    since = _time(wanted, "from") or until - timedelta(days=DEFAULT_DAYS)
    at = _place(TIMES[wanted.get("timestampType", "STATUS_CHANGED_AT")])
    conditions, values = (
        [f"{at} BETWEEN ? AND ?"],
        [records.timestamp(since), records.timestamp(until)],
    )
    for name, place in PLACES.items():
        value = wanted.get(name)
        if name == "isTest" and value is not None:
            value = "TEST" if value else "LIVE"
        if isinstance(value, bool):
            conditions.append(f"{_place(place)} IS {'NOT ' if value else ''}NULL")
        elif value:
            one_of = value if isinstance(value, list) else [value]
            conditions.append(f"{_place(place)} IN ({', '.join('?' * len(one_of))})")
            values += [VALUES.get(each, each) for each in one_of]
    if "webhookStatus" in wanted:
        conditions.append(f"{LAST_WEBHOOK} = ?")
        values.append(wanted["webhookStatus"])
    for text in wanted.get("textSearch", []):
        places = (
            set(TEXT_PLACES.values()) if text["field"] == "ALL" else {TEXT_PLACES[text["field"]]}
        )
        conditions.append(
            "(" + " OR ".join(f"instr(lower({_place(place)}), ?)" for place in sorted(places)) + ")"
        )
        values += [text["value"].lower()] * len(places)
    return conditions, values


def _place(path):
    return f"json_extract(record, '$.{path}')"


def _time(wanted, name):
    try:
        time = wanted.get(name) and datetime.fromisoformat(wanted[name].replace("Z", "+00:00"))
        return time and time.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise Refused("INVALID_REQUEST", f"filter.{name} must be a time as in RFC 3339.") from None
