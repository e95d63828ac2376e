"""Payments in PortOne's words: the JSON which `GET /payments/{id}` answers with, and how it changes.

The shapes are those of PyPI's portone-server-sdk (`portone_server_sdk.payment`). A function takes a record
and gives a new one; nothing is stored. Times are RFC 3339 in UTC, amounts in the currency's minor unit.
"""

import json
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
    "GIFT_CERTIFICATE": "PaymentMethodGiftCertificate",
    "CONVENIENCE_STORE": "PaymentMethodConvenienceStore",
    **dict.fromkeys(("PAYPAL", "ALIPAY", "ALIPAY_PLUS"), "PaymentMethodEasyPay"),
}

CARD_COMPANIES = {
    "SHINHAN_CARD": "Shinhan Card",
    "SAMSUNG_CARD": "Samsung Card",
    "HYUNDAI_CARD": "Hyundai Card",
    "KOOKMIN_CARD": "KB Card",
    "BC_CARD": "BC Card",
    "WOORI_CARD": "Woori Card",
    "LOTTE_CARD": "Lotte Card",
    "HANA_CARD": "Hana Card",
    "NH_CARD": "NH Card",
}

BANKS = {
    "SHINHAN_BANK": "Shinhan Bank",
    "KOOKMIN_BANK": "KB Bank",
    "WOORI_BANK": "Woori Bank",
    "HANA_BANK": "Hana Bank",
    "NH_NONGHYUP_BANK": "NH Bank",
    "INDUSTRIAL_BANK_OF_KOREA": "IBK",
    "KAKAO_BANK": "Kakao Bank",
    "TOSS_BANK": "Toss Bank",
    "K_BANK": "K bank",
    "EPOST": "Korea Post",
    "DAEGU_BANK": "iM Bank",
    "BUSAN_BANK": "Busan Bank",
}
# What the REST API calls otherwise than the SDK, but for what `rest_name` knows.
REST_NAMES = {
    "KOREA_DEVELOPMENT_BANK": "KDB",
    "INDUSTRIAL_BANK_OF_KOREA": "IBK",
    "EXPORT_IMPORT_BANK_OF_KOREA": "KEXIM",
    "NH_NONGHYUP_BANK": "NONGHYUP",
    "SC_BANK_KOREA": "STANDARD_CHARTERED",
    "CITI_BANK_KOREA": "CITI",
    "GWANGJU_BANK": "KWANGJU",
    "SAVINGS_BANK_KOREA": "SAVINGS_BANK",
    "JP_MORGAN_CHASE_BANK": "JPMC",
    "NATIONAL_FORESTRY_COOPERATIVE_FEDERATION": "NFCF",
    "UNITED_OVERSEAS_BANK": "UOB",
    "K_BANK": "K_BANK",
    "BANK_OF_COMMUNICATIONS": "BOCOM",
    "CHINA_CONSTRUCTION_BANK": "CCB",
    "EPOST": "POST",
    "SCI": "SGI",
    "KTB_INVESTMENT_SECURITIES": "DAOL_SECURITIES",
    "HANWHA_INVESTMENT_SECURITIES": "HANHWA_SECURITIES",
    "CAPE_INVESTMENT_CERTIFICATE": "CAPE_SECURITIES",
    "GCASH": "G_CASH",
    "CULTURE_GIFT": "CULTUREGIFT",
}
CARRIERS = {"SKT": "SKT", "KT": "KT", "LGU": "LG U+", "MVNO": "MVNO"}
PROVIDERS = {
    "KAKAOPAY": "Kakao Pay",
    "NAVERPAY": "Naver Pay",
    "TOSSPAY": "Toss Pay",
    "SAMSUNGPAY": "Samsung Pay",
    "PAYCO": "PAYCO",
    "APPLEPAY": "Apple Pay",
    "LPAY": "L.Pay",
    "SSGPAY": "SSG Pay",
}

# payMethod: where the request may say it, under which name, and what the window offers.
CHOICES = {
    "CARD": ("card", "cardCompany", CARD_COMPANIES),
    "VIRTUAL_ACCOUNT": ("virtualAccount", "bankCode", BANKS),
    "TRANSFER": ("transfer", "bankCode", BANKS),
    "MOBILE": ("mobile", "carrier", CARRIERS),
    "EASY_PAY": ("easyPay", "easyPayProvider", PROVIDERS),
    "ALIPAY_PLUS": ("alipayPlus", "easyPayProvider", ("ALIPAY",)),
    "GIFT_CERTIFICATE": ("giftCertificate", "giftCertificateType", ("CULTURELAND",)),
}

# As in a real record of a TOSSPAYMENTS channel. That of a test payment can't be opened, says PortOne's documentation.
RECEIPT_URL = "https://dashboard.tosspayments.com/receipt/redirection?ref=PX&transactionId="


def _pg_failure(code, message):
    # PortOne's own code for whatever the PG refuses, and its wording: the PG's code in brackets.
    return {
        "code": "FAILURE_TYPE_PG",
        "message": f"[{code}] {message}",
        "pgCode": code,
        "pgMessage": message,
    }


# What the SDK is told. Of a PG: what Toss Payments says, https://docs.tosspayments.com/reference/error-codes
DECLINED = _pg_failure("EXCEED_MAX_AMOUNT", "거래금액 한도를 초과했습니다.")
CANCELLED_BY_BUYER = _pg_failure("PAY_PROCESS_CANCELED", "사용자가 결제를 취소하였습니다")
PAID_ALREADY = _pg_failure("ALREADY_PROCESSED_PAYMENT", "이미 처리된 결제 입니다.")
# A code of TxServicePayErrorCode in npm's @portone/browser-sdk; its message is known nowhere.
OTHER_AMOUNT = {
    "code": "AmountNotEqualToPredefined",
    "message": "사전 등록된 결제 정보와 일치하지 않습니다.",
}


def now(after=""):
    """This moment, to the microsecond; later than `after` (an earlier `now()`) even when the clock is not."""
    moment = datetime.now(timezone.utc)
    if after:
        moment = max(
            moment, datetime.fromisoformat(after.replace("Z", "+00:00")) + timedelta(microseconds=1)
        )
    return timestamp(moment)


def made_up(*of):
    """An id as PortOne or a PG makes one up. The same for the same `of`, so that a script can know it beforehand."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, of))))


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
        "amount": _amount(
            request["totalAmount"], request.get("taxFreeAmount", 0), request.get("vatAmount")
        ),
        "currency": request["currency"],
        "customer": _customer(request.get("customer", {})),
        "origin": origin,
    }
    # A virtual account's shape requires its number, a gift certificate's its approval.
    if request["payMethod"] not in ("VIRTUAL_ACCOUNT", "GIFT_CERTIFICATE"):
        record["method"] = {"type": METHOD_TYPES[request["payMethod"]]}
    record.update(_only(request, "country isCulturalExpense promotionId"))
    if "channelGroupId" in request:
        record["channelGroup"] = accounts.CHANNEL_GROUP
    if "products" in request:
        names = "id name tag code amount quantity link"
        record["products"] = [_only(product, names) for product in request["products"]]
    if "customData" in request:
        record["customData"] = json.dumps(request["customData"], ensure_ascii=False)
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
    given = _only(
        given, "id name birthYear birthMonth birthDay gender email phoneNumber address zipcode"
    )
    return {name: value for name, value in given.items() if value}


def _address(address):
    if not address:
        return None
    lines = [address.get("addressLine1", ""), address.get("addressLine2", "")]
    return {
        **_only(address, "city province country"),
        "type": "SEPARATED",
        "oneLine": " ".join(filter(None, lines)),
        "addressLine1": lines[0],
        "addressLine2": lines[1],
    }


def _only(given, names):
    return {name: given[name] for name in names.split() if name in given}


def chosen(request, choice=None):
    """What is paid with, as the SDK names it: the buyer's word, else the merchant's, else the first there is."""
    place, name, offered = CHOICES[request["payMethod"]]
    return (choice or {}).get(name) or request.get(place, {}).get(name) or next(iter(offered))


def rest_name(code):
    """The REST API's word for a bank, a provider or a gift certificate of the SDK: SHINHAN_BANK there is SHINHAN."""
    if code.endswith("_SAVINGS_BANK"):
        return "SAVINGS_BANK"
    plain = (
        code.replace("_FINANCIAL_INVESTMENT", "_SECURITIES")
        .replace("_INVESTMENT_", "_")
        .removesuffix("_BANK")
    )
    return REST_NAMES.get(code, plain)


def installment_months(request):
    """In how many months a card may be paid, 0 being at once, as Toss Payments has it: from 50,000 KRW on, up to the
    longest of `availableMonthList`. https://developers.portone.io/opi/ko/integration/pg/v2/tosspayments
    """
    if request["currency"] != "KRW" or request["totalAmount"] < 50_000:
        return [0]
    asked = request.get("card", {}).get("installment", {}).get("monthOption", {})
    if "fixedMonth" in asked:
        return [asked["fixedMonth"]]
    return [0, *range(2, max(asked.get("availableMonthList") or [12]) + 1)]


def pay_pending(record, request, choice=None):
    """Authenticated, and the PG decides later: `paid` or `failed`. PayPal does, and others abroad:
    https://developers.portone.io/opi/ko/integration/pg/v2/paypal-v2. choice: as for `paid`.
    """
    return _changed(
        record,
        "PAY_PENDING",
        method=_method(record, request, choice or {}),
        pgTxId=_pg_tx_id(record),
    )


def paid(record, request=None, choice=None, tampered=False):
    """Approved. request: the merchant's; a PAY_PENDING record needs none, and keeps what it is paid with.

    choice: what the buyer chose, all strings: `{cardCompany?, installment?, bankCode?, easyPayProvider?,
    easyPayMethod?, phoneNumber?}`. tampered: over another amount than was asked, as a buyer with developer tools
    can have it.
    """
    method = (
        record["method"]
        if record["status"] == "PAY_PENDING"
        else _method(record, request, choice or {})
    )
    pg_tx_id = _pg_tx_id(record)
    return _changed(
        record,
        "PAID",
        at="paidAt",
        amount=_tampered_amount(record) if tampered else record["amount"],
        method=_approved(record, method),
        pgTxId=pg_tx_id,
        receiptUrl=RECEIPT_URL + pg_tx_id,
        disputes=[],
    )


def virtual_account_issued(record, request, choice=None, tampered=False):
    """An account to pay into; the money comes later, or never. choice: the buyer's, `{bankCode?, remitterName?}`."""
    account = request.get("virtualAccount", {})
    issued_at = datetime.now(timezone.utc)
    return _changed(
        record,
        "VIRTUAL_ACCOUNT_ISSUED",
        amount=_tampered_amount(record) if tampered else record["amount"],
        method={
            "type": "PaymentMethodVirtualAccount",
            "bank": rest_name(chosen(request, choice)),
            "accountNumber": "5600" + _digits(record, 10),
            "accountType": "NORMAL",
            "remitteeName": "샌드박스",
            "remitterName": (choice or {}).get("remitterName")
            or record["customer"].get("name", "홍길동"),
            "issuedAt": timestamp(issued_at),
            "expiredAt": timestamp(expiry(account.get("accountExpiry", {}), issued_at)),
        },
        pgTxId=_pg_tx_id(record),
    )


def expiry(account_expiry, issued_at):
    """When the deposit is due: `{"validHours": int}` or `{"dueDate": str}`, else a week later.

    dueDate: ISO 8601, or YYYYMMDD or YYYYMMDDHHmmss as the SDK's types have it; without a zone it is Korean time.
    ValueError when it is none of these.
    """
    if "dueDate" not in account_expiry:
        return issued_at + timedelta(hours=account_expiry.get("validHours", 168))
    date = account_expiry["dueDate"].replace("Z", "+00:00")
    is_number = date.isdigit()
    due = (
        datetime.strptime(date.ljust(14, "0"), "%Y%m%d%H%M%S")
        if is_number
        else datetime.fromisoformat(date)
    )
    return due if due.tzinfo else due.replace(tzinfo=timezone(timedelta(hours=9)))


def awaits_deposit(record):
    return record["status"] == "VIRTUAL_ACCOUNT_ISSUED" and now() < record["method"]["expiredAt"]


def deposited(record, amount=None):
    """The buyer has paid into the virtual account; amount: None for what is asked.

    Refused when it takes no money, or no more, or another amount. The bank takes neither a late deposit nor one of
    another amount, says Toss Payments (https://tosspayments-dev.oopy.io/0441062a-b272-4083-ae5f-211693d7ca30), so
    that PortOne hears nothing of it: the words are this sandbox's.
    """
    if not awaits_deposit(record):
        raise Refused("PAYMENT_NOT_WAITING_FOR_DEPOSIT")
    total = record["amount"]["total"]
    if amount not in (None, total):
        raise Refused(
            "INVALID_REQUEST", f"이 가상계좌에는 {total}원만 한 번에 입금할 수 있습니다. ({amount})"
        )
    return _changed(
        record, "PAID", at="paidAt", receiptUrl=RECEIPT_URL + record["pgTxId"], disputes=[]
    )


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
        "id": made_up(
            record["transactionId"], "cancellation", len(record.get("cancellations", []))
        ),
        "pgCancellationId": _pg_tx_id(record, len(record.get("cancellations", [])) + 1),
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
        "CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN": request.get("currentCancellableAmount", left)
        != left,
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


def _method(record, request, choice):
    """What is paid with, not approved yet. choice: as for `paid`."""
    pay_method = request["payMethod"]
    method = {"type": METHOD_TYPES[pay_method]}
    if pay_method == "CARD":
        return _card(
            chosen(request, choice), choice.get("installment") or installment_months(request)[0]
        )
    if pay_method == "TRANSFER":
        return {
            **method,
            "bank": rest_name(chosen(request, choice)),
            "accountNumber": "560000*****000",
        }
    if pay_method == "EASY_PAY":
        # A real one through Toss Payments, from the buyer's Kakao Pay balance, had no bank.
        balance = {"type": "PaymentMethodEasyPayMethodCharge"}
        paid_from = (
            balance
            if choice.get("easyPayMethod") == "CHARGE"
            else _card(next(iter(CARD_COMPANIES)))
        )
        return {
            **method,
            "provider": rest_name(chosen(request, choice)),
            "easyPayMethod": paid_from,
        }
    if pay_method == "MOBILE":
        phone = (
            choice.get("phoneNumber")
            or request.get("customer", {}).get("phoneNumber")
            or "01000000000"
        )
        return {**method, "phoneNumber": phone.replace("-", "")}
    if pay_method == "GIFT_CERTIFICATE":
        return {
            **method,
            "giftCertificateType": rest_name(chosen(request)),
            "approvalNumber": _digits(record, 8),
        }
    if pay_method == "CONVENIENCE_STORE":
        due = expiry(
            request.get("convenienceStore", {}).get("paymentDeadline", {}),
            datetime.now(timezone.utc),
        )
        store = {"convenienceStoreBrand": "SEVEN_ELEVEN", "receiptNumber": _digits(record, 11)}
        return {**method, **store, "paymentDeadline": timestamp(due)}
    return {
        **method,
        "provider": rest_name(chosen(request)) if pay_method == "ALIPAY_PLUS" else pay_method,
    }


def _card(company, months=0):
    return {
        "type": "PaymentMethodCard",
        "card": {
            "publisher": company,
            "issuer": company,
            "brand": "LOCAL",
            "type": "CREDIT",
            "ownerType": "PERSONAL",
            "bin": "000000",
            "name": KOREAN.get(CARD_COMPANIES.get(company), company),
            "number": "00000000****000*",
        },
        "installment": {"month": int(months), "isInterestFree": False},
        "pointUsed": False,
    }


def _approved(record, method):
    """A card's method, also one inside an easy payment, with the number that its approval has."""
    if "easyPayMethod" in method:
        return {**method, "easyPayMethod": _approved(record, method["easyPayMethod"])}
    return (
        {**method, "approvalNumber": _digits(record, 8)}
        if method["type"] == "PaymentMethodCard"
        else method
    )


def _digits(record, count):
    return str(uuid.UUID(made_up(record["transactionId"], "number")).int)[-count:]


def _pg_tx_id(record, number=0):
    return "sandbox" + made_up(record["transactionId"], "PG", number).replace("-", "")
