"""Payments in PortOne's words: the JSON which `GET /payments/{id}` answers with, and how it changes.

The shapes are those of PyPI's portone-server-sdk (`portone_server_sdk.payment`). A function takes a record
and gives a new one; nothing is stored. Times are RFC 3339 in UTC, amounts in the currency's minor unit.
"""

import json
import secrets
import uuid
from datetime import datetime, timedelta, timezone

from . import accounts
from .errors import Refused
from .korean import KOREAN

METHOD_TYPES = {
    "CARD": "PaymentMethodCard",
    "VIRTUAL_ACCOUNT": "PaymentMethodVirtualAccount",
    "TRANSFER": "PaymentMethodTransfer",
    "EASY_PAY": "PaymentMethodEasyPay",
    "MOBILE": "PaymentMethodMobile",
}

CARD_COMPANIES = {
    "SHINHAN_CARD": "Shinhan Card",
    "SAMSUNG_CARD": "Samsung Card",
    "HYUNDAI_CARD": "Hyundai Card",
    "KOOKMIN_CARD": "KB Kookmin Card",
    "BC_CARD": "BC Card",
    "WOORI_CARD": "Woori Card",
    "LOTTE_CARD": "Lotte Card",
    "HANA_CARD": "Hana Card",
    "NH_CARD": "NH Card",
}

# The SDK's bank codes are not the REST API's: SHINHAN_BANK there is SHINHAN here.
BANKS = {
    "SHINHAN_BANK": "SHINHAN",
    "KOOKMIN_BANK": "KOOKMIN",
    "WOORI_BANK": "WOORI",
    "HANA_BANK": "HANA",
    "NH_NONGHYUP_BANK": "NONGHYUP",
    "INDUSTRIAL_BANK_OF_KOREA": "IBK",
    "KAKAO_BANK": "KAKAO",
    "TOSS_BANK": "TOSS",
    "K_BANK": "K_BANK",
    "EPOST": "POST",
}


def _pg_failure(code, message):
    # PortOne's own code for whatever the PG refuses, and its wording: the PG's code in brackets.
    return {"code": "FAILURE_TYPE_PG", "message": f"[{code}] {message}", "pgCode": code, "pgMessage": message}


# What the SDK is told. Of a PG: what Toss Payments says, https://docs.tosspayments.com/reference/error-codes
DECLINED = _pg_failure("EXCEED_MAX_AMOUNT", "거래금액 한도를 초과했습니다.")
CANCELLED_BY_BUYER = _pg_failure("PAY_PROCESS_CANCELED", "사용자가 결제를 취소하였습니다")
PAID_ALREADY = _pg_failure("ALREADY_PROCESSED_PAYMENT", "이미 처리된 결제 입니다.")
# A code of TxServicePayErrorCode in npm's @portone/browser-sdk; its message is known nowhere.
OTHER_AMOUNT = {"code": "AmountNotEqualToPredefined", "message": "사전 등록된 결제 정보와 일치하지 않습니다."}


def now(after=""):
    """This moment, to the microsecond; later than `after` (an earlier `now()`) even when the clock is not."""
    moment = datetime.now(timezone.utc)
    if after:
        moment = max(moment, datetime.fromisoformat(after.replace("Z", "+00:00")) + timedelta(microseconds=1))
    return timestamp(moment)


def timestamp(moment):
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ready(request, tx_id, origin, earlier=None):
    """The record of a payment whose window has just opened.

    request: what the merchant gave to requestPayment, checked. earlier: the record of the attempt before.
    """
    stamp = now(earlier["updatedAt"] if earlier else "")
    record = {
        "status": "READY",
        "id": request["paymentId"],
        "transactionId": tx_id,
        "merchantId": accounts.MERCHANT_ID,
        "storeId": request["storeId"],
        "channel": accounts.CHANNELS[request["channelKey"]],
        "version": "V2",
        "requestedAt": stamp,
        "updatedAt": stamp,
        "statusChangedAt": stamp,
        "orderName": request["orderName"],
        "amount": _amount(request["totalAmount"], request.get("taxFreeAmount", 0), request.get("vatAmount")),
        "currency": request["currency"],
        "customer": _customer(request.get("customer", {})),
        "origin": origin,
    }
    if request["payMethod"] != "VIRTUAL_ACCOUNT":  # whose shape requires an account number
        record["method"] = {"type": METHOD_TYPES[request["payMethod"]]}
    same = ("products", "country", "isCulturalExpense", "promotionId")
    record.update((name, request[name]) for name in same if name in request)
    if "customData" in request:
        data = request["customData"]
        record["customData"] = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return record


def _amount(total, tax_free, vat=None):
    # `paid` is the price after discounts, not money received: real READY and FAILED records carry it too.
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


def _customer(customer):
    """The SDK's customer as the REST API gives it back."""
    names = filter(None, (customer.get("lastName"), customer.get("firstName")))
    given = {
        **customer,
        "id": customer.get("customerId"),
        "name": customer.get("fullName") or " ".join(names),
        "address": _address(customer.get("address", {})),
    }
    dropped = ("customerId", "fullName", "firstName", "lastName", "firstNameKana", "lastNameKana")
    return {name: value for name, value in given.items() if value and name not in dropped}


def _address(address):
    if not address:
        return None
    lines = [address.get("addressLine1", ""), address.get("addressLine2", "")]
    return {
        **address,
        "type": "SEPARATED",
        "oneLine": " ".join(filter(None, lines)),
        "addressLine1": lines[0],
        "addressLine2": lines[1],
    }


def paid(record, request, choice=None, tampered=False):
    """Approved. choice: `{"cardCompany"?}` as the buyer chose in the window.

    tampered: over another amount than was asked, as a buyer with developer tools can have it.
    """
    return _changed(
        record,
        "PAID",
        at="paidAt",
        amount=_tampered_amount(record) if tampered else record["amount"],
        method=_method(request, choice or {}),
        pgTxId=_pg_tx_id(),
        disputes=[],
    )


def virtual_account_issued(record, request, tampered=False):
    """An account to pay into; the money comes later, or never."""
    account = request.get("virtualAccount", {})
    issued_at = datetime.now(timezone.utc)
    return _changed(
        record,
        "VIRTUAL_ACCOUNT_ISSUED",
        amount=_tampered_amount(record) if tampered else record["amount"],
        method={
            "type": "PaymentMethodVirtualAccount",
            "bank": BANKS.get(account.get("bankCode", "").removeprefix("BANK_"), "SHINHAN"),
            "accountNumber": "5600" + str(secrets.randbelow(10**10)).zfill(10),
            "accountType": "NORMAL",
            "remitteeName": "샌드박스",
            "remitterName": record["customer"].get("name", "홍길동"),
            "issuedAt": timestamp(issued_at),
            "expiredAt": timestamp(expiry(account.get("accountExpiry", {}), issued_at)),
        },
        pgTxId=_pg_tx_id(),
    )


def expiry(account_expiry, issued_at):
    """When the deposit is due: `{"validHours": int}` or `{"dueDate": "<ISO 8601>"}`, else a week later.

    ValueError for a dueDate that is no date; one without a zone is Korean time.
    """
    if "dueDate" not in account_expiry:
        return issued_at + timedelta(hours=account_expiry.get("validHours", 168))
    due = datetime.fromisoformat(account_expiry["dueDate"].replace("Z", "+00:00"))
    return due if due.tzinfo else due.replace(tzinfo=timezone(timedelta(hours=9)))


def awaits_deposit(record):
    return record["status"] == "VIRTUAL_ACCOUNT_ISSUED" and now() < record["method"]["expiredAt"]


def deposited(record):
    """The buyer has paid into the virtual account. Refused when it takes no money, or no more."""
    if not awaits_deposit(record):
        raise Refused("PAYMENT_NOT_WAITING_FOR_DEPOSIT")
    return _changed(record, "PAID", at="paidAt", disputes=[])


def expired(record):
    """The time to pay into the virtual account is over, which its status does not say."""
    if not awaits_deposit(record):
        raise Refused("PAYMENT_NOT_WAITING_FOR_DEPOSIT")
    stamp = now(record["updatedAt"])
    return {**record, "method": {**record["method"], "expiredAt": stamp}, "updatedAt": stamp}


def closed(record):
    """The virtual account was closed before anybody paid into it.

    PortOne's documentation does not say what becomes of the record. CANCELLED, with neither paidAt nor
    cancellations: the PG cancels a waiting account (Toss Payments: status CANCELED), and CancelledPayment of
    portone-server-sdk is a shape in which `paidAt` is optional.
    """
    if record["status"] != "VIRTUAL_ACCOUNT_ISSUED":
        raise Refused("PAYMENT_NOT_WAITING_FOR_DEPOSIT")
    return _changed(record, "CANCELLED", at="cancelledAt", cancellations=[])


def cancelled(record, request, trigger):
    """Money given back, all that is left or a part; the cancellation is the last of `cancellations`.

    request: the checked body of `POST /payments/{id}/cancel`. trigger: "API" or "CONSOLE".
    """
    if record["status"] == "CANCELLED":
        raise Refused("PAYMENT_ALREADY_CANCELLED")
    if record["status"] not in ("PAID", "PARTIAL_CANCELLED"):
        raise Refused("PAYMENT_NOT_PAID")
    parts = _parts_to_cancel(record, request)
    if record["method"]["type"] == "PaymentMethodVirtualAccount" and "refundAccount" not in request:
        # Required, says https://developers.portone.io/opi/ko/integration/cancel/v2/readme, but how it is refused was
        # found nowhere. PortOne passes on what the PG says; these are Toss Payments' nearest words.
        code, message = "INVALID_REFUND_ACCOUNT_NUMBER", "잘못된 환불 계좌번호입니다."
        raise Refused("PG_PROVIDER", f"[{code}] {message}", pgCode=code, pgMessage=message)
    amount = dict(record["amount"])
    amount["cancelled"] += parts["totalAmount"]
    amount["cancelledTaxFree"] += parts["taxFreeAmount"]
    status = "CANCELLED" if amount["cancelled"] == amount["paid"] else "PARTIAL_CANCELLED"
    record = _changed(record, status, at="cancelledAt", amount=amount)
    record.pop("disputes", None)  # only PaidPayment has them
    cancellation = {
        "status": "SUCCEEDED",
        "id": str(uuid.uuid4()),
        "pgCancellationId": _pg_tx_id(),
        **parts,
        "reason": request["reason"],
        "cancelledAt": record["cancelledAt"],
        "requestedAt": record["cancelledAt"],
        "trigger": trigger,
    }
    return {**record, "cancellations": [*record.get("cancellations", []), cancellation]}


def _parts_to_cancel(record, request):
    amount, earlier = record["amount"], record.get("cancellations", [])
    left = amount["paid"] - amount["cancelled"]
    tax_free_left = amount["taxFree"] - amount["cancelledTaxFree"]
    vat_left = max(0, amount["vat"] - sum(cancellation["vatAmount"] for cancellation in earlier))
    total = request.get("amount", left)
    # The documentation: without taxFreeAmount all is taxed, without vatAmount it is computed, and without amount
    # everything is cancelled, which is taken here to mean the tax-free part and the VAT as they are.
    tax_free = request.get("taxFreeAmount", 0 if "amount" in request else tax_free_left)
    vat = request.get("vatAmount", vat_left if total == left else round((total - tax_free) / 11))
    refusals = {
        "CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN": request.get("currentCancellableAmount", left) != left,
        "CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT": total > left,
        "SUM_OF_PARTS_EXCEEDS_CANCEL_AMOUNT": tax_free + request.get("vatAmount", 0) > total,
        "CANCEL_TAX_FREE_AMOUNT_EXCEEDS_CANCELLABLE_TAX_FREE_AMOUNT": tax_free > tax_free_left,
        "CANCEL_TAX_AMOUNT_EXCEEDS_CANCELLABLE_TAX_AMOUNT": total - tax_free > left - tax_free_left,
    }
    for type in filter(refusals.get, refusals):
        raise Refused(type)
    return {"totalAmount": total, "taxFreeAmount": tax_free, "vatAmount": vat}


def failed(record, failure):
    """Refused, or given up by the buyer, which PortOne records as a failure as well. failure: as the SDK tells it."""
    pg = {name: failure[name] for name in ("pgCode", "pgMessage") if name in failure}
    return _changed(record, "FAILED", at="failedAt", failure={"reason": failure["message"], **pg})


def _changed(record, status, at=None, **fields):
    stamp = now(record["updatedAt"])
    changed = {**record, **fields, "status": status, "updatedAt": stamp, "statusChangedAt": stamp}
    return {**changed, at: stamp} if at else changed


def _tampered_amount(record):
    total = record["amount"]["total"]
    return _amount(total // 10 or total + 1, 0)


def _method(request, choice):
    pay_method = request["payMethod"]
    method = {"type": METHOD_TYPES[pay_method]}
    if pay_method == "CARD":
        return _card(choice.get("cardCompany") or request.get("card", {}).get("cardCompany"))
    if pay_method == "TRANSFER":
        return {**method, "bank": "SHINHAN", "accountNumber": "560000*****000"}
    if pay_method == "EASY_PAY":
        provider = request.get("easyPay", {}).get("easyPayProvider") or "KAKAOPAY"
        provider = provider.removeprefix("EASY_PAY_PROVIDER_")
        return {**method, "provider": provider, "easyPayMethod": _card(None)}
    phone = request.get("customer", {}).get("phoneNumber") or "01000000000"
    return {**method, "phoneNumber": phone}


def _card(company):
    company = (company or "").removeprefix("CARD_COMPANY_")
    if company not in CARD_COMPANIES:
        company = "SHINHAN_CARD"
    return {
        "type": "PaymentMethodCard",
        "card": {
            "publisher": company,
            "issuer": company,
            "brand": "LOCAL",
            "type": "CREDIT",
            "ownerType": "PERSONAL",
            "bin": "000000",
            "name": KOREAN[CARD_COMPANIES[company]],
            "number": "00000000****000*",
        },
        "approvalNumber": str(secrets.randbelow(10**8)).zfill(8),
        "installment": {"month": 0, "isInterestFree": False},
        "pointUsed": False,
    }


def _pg_tx_id():
    return "sandbox" + datetime.now(timezone.utc).strftime("%Y%m%d%H%M%S") + secrets.token_hex(4)
