"""A payment's record, which `GET /payments/{paymentId}` answers, and how it changes.

The shapes are those of PyPI's portone-server-sdk (`portone_server_sdk.payment`). Each function
takes a record and returns a new one; nothing is stored here. Times are RFC 3339 in UTC, amounts in
the currency's minor unit. virtual_accounts.py and cancellations.py have the other changes.
"""

import json
from collections.abc import Mapping
from typing import Any

from . import accounts, channels
from .clock import now
from .documents import Amount, Json, Origin, Payment, SdkFailure
from .identifiers import pg_tx_id
from .methods import METHOD_TYPES
from .payment_method import Form, approved_method, payment_method
from .request_documents import PaymentRequest

# As in a real record of a TOSSPAYMENTS channel. A test payment's receipt can't be opened there
# either, says PortOne's documentation.
RECEIPT_URL = "https://dashboard.tosspayments.com/receipt/redirection?ref=PX&transactionId="

# A record has no `method` before these are paid or issued: the shape of a virtual account requires
# its number, that of a gift certificate its approval.
METHODS_UNKNOWN_AT_FIRST = ("VIRTUAL_ACCOUNT", "GIFT_CERTIFICATE")

PRODUCT_FIELDS = ("id", "name", "tag", "code", "amount", "quantity", "link")
CUSTOMER_FIELDS = ("birthYear", "birthMonth", "birthDay", "gender", "email", "phoneNumber")


def ready(
    params: PaymentRequest, tx_id: str, origin: Origin, earlier: Payment | None = None
) -> Payment:
    """The record of a payment whose window has just opened.

    params: the merchant's request. earlier: the record of the attempt before this one.
    """
    time = now(earlier["updatedAt"] if earlier else "")
    record: Payment = {
        "status": "READY",
        "id": params["paymentId"],
        "transactionId": tx_id,
        "merchantId": accounts.MERCHANT_ID,
        "storeId": params["storeId"],
        "channel": channels.CHANNELS[params["channelKey"]],
        "version": "V2",
        "requestedAt": time,
        "updatedAt": time,
        "statusChangedAt": time,
        "orderName": params["orderName"],
        "amount": _asked_amount(params),
        "currency": params["currency"],
        "customer": _customer(params.get("customer", {})),
        "origin": origin,
    }
    _add_optional_fields(record, params)
    return record


def _add_optional_fields(record: Payment, params: PaymentRequest) -> None:
    if params["payMethod"] not in METHODS_UNKNOWN_AT_FIRST:
        record["method"] = {"type": METHOD_TYPES[params["payMethod"]]}
    if "country" in params:
        record["country"] = params["country"]
    if "isCulturalExpense" in params:
        record["isCulturalExpense"] = params["isCulturalExpense"]
    if "promotionId" in params:
        record["promotionId"] = params["promotionId"]
    if "channelGroupId" in params:
        record["channelGroup"] = accounts.CHANNEL_GROUP
    if "products" in params:
        record["products"] = [_select(each, PRODUCT_FIELDS) for each in params["products"]]
    if "customData" in params:
        record["customData"] = json.dumps(params["customData"], ensure_ascii=False)


def _amount(total: int, tax_free: int, vat: int | None = None) -> Amount:
    """vat: None for an eleventh of what is taxed, as PortOne computes it."""
    if vat is None:
        vat = round((total - tax_free) / 11)
    return {
        "total": total,
        "taxFree": tax_free,
        "vat": vat,
        "supply": total - tax_free - vat,
        "discount": 0,
        "paid": total,
        "cancelled": 0,
        "cancelledTaxFree": 0,
    }


def _asked_amount(params: PaymentRequest) -> Amount:
    total, tax_free = params["totalAmount"], params.get("taxFreeAmount", 0)
    return _amount(total, tax_free, params.get("vatAmount"))


def discounted(record: Payment) -> Payment:
    """The PG, a card company or a wallet takes over a tenth of the price.

    `discount` and `paid` show it, `total` does not change: PaymentAmount of portone-server-sdk.
    """
    changed = record.copy()
    amount = record["amount"].copy()
    amount["discount"] = amount["total"] // 10 or 1
    amount["paid"] = amount["total"] - amount["discount"]
    changed["amount"] = amount
    return changed


def _customer(customer: Json) -> Json:
    """The SDK's customer with the names of the REST API."""
    names = filter(None, (customer.get("lastName"), customer.get("firstName")))
    shown = {
        "id": customer.get("customerId"),
        "name": customer.get("fullName") or " ".join(names),
        **_select(customer, CUSTOMER_FIELDS),
        "address": _address(customer.get("address", {})),
        "zipcode": customer.get("zipcode"),
    }
    return {name: value for name, value in shown.items() if value}


def _address(address: Json) -> Json | None:
    if not address:
        return None
    lines = [address.get("addressLine1", ""), address.get("addressLine2", "")]
    return {
        **_select(address, ("city", "province", "country")),
        "type": "SEPARATED",
        "oneLine": " ".join(filter(None, lines)),
        "addressLine1": lines[0],
        "addressLine2": lines[1],
    }


def _select(source: Mapping[str, Any], names: tuple[str, ...]) -> Json:
    return {name: source[name] for name in names if name in source}


def pay_pending(record: Payment, params: PaymentRequest, form: Form | None = None) -> Payment:
    """The buyer is authenticated and the PG decides later: `paid` or `failed`.

    PayPal and other PGs abroad do so: https://developers.portone.io/opi/ko/integration/pg/v2/paypal-v2
    form: what the buyer entered in the window, as payment_method takes it.
    """
    changed = with_status(record, "PAY_PENDING")
    changed["method"] = payment_method(params, record["transactionId"], form or {})
    changed["pgTxId"] = pg_tx_id(record["transactionId"])
    return changed


def paid(record: Payment, params: PaymentRequest, form: Form | None = None) -> Payment:
    """The PG has approved the payment. params: the merchant's request. form: as for pay_pending."""
    method = payment_method(params, record["transactionId"], form or {})
    record = record.copy()
    record["method"] = approved_method(method, record["transactionId"])
    record["pgTxId"] = pg_tx_id(record["transactionId"])
    return with_payment(record)


def approved(record: Payment) -> Payment:
    """The PG has approved a PAY_PENDING payment."""
    record = record.copy()
    record["method"] = approved_method(record["method"], record["transactionId"])
    return with_payment(record)


def with_payment(record: Payment) -> Payment:
    """The record as PAID. disputes: only a record that is PAID has them."""
    changed = with_status(record, "PAID")
    changed["paidAt"] = changed["statusChangedAt"]
    changed["receiptUrl"] = RECEIPT_URL + record["pgTxId"]
    changed["disputes"] = []
    return changed


def failed(record: Payment, failure: SdkFailure) -> Payment:
    """The PG refused, or the buyer gave up: PortOne records both as a failure."""
    changed = with_status(record, "FAILED")
    changed["failedAt"] = changed["statusChangedAt"]
    changed["failure"] = {"reason": failure["message"], **_select(failure, ("pgCode", "pgMessage"))}
    return changed


def with_status(record: Payment, status: str) -> Payment:
    """A copy of the record with a new status, which it has from now on."""
    changed = record.copy()
    changed["status"] = status
    changed["updatedAt"] = changed["statusChangedAt"] = now(record["updatedAt"])
    return changed
