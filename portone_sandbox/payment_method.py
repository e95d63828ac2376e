"""The `method` of a payment's record: what the payment is paid with.

The shapes are those of PyPI's portone-server-sdk (`portone_server_sdk.payment`).
"""

from collections.abc import Mapping
from datetime import datetime, timezone

from .clock import deadline, timestamp
from .documents import PaymentMethod
from .identifiers import stable_digits
from .korean import KOREAN
from .methods import CARD_COMPANIES, METHOD_TYPES, installment_months, rest_name, selected
from .request_documents import PaymentRequest

DEFAULT_NAME = "홍길동"
DEFAULT_PHONE_NUMBER = "01000000000"
ACCOUNT_PREFIX = "5600"
MASKED_ACCOUNT_NUMBER = "560000*****000"

Form = Mapping[str, str]
# What a record's method is made of; the window's form has more, such as the consent to the terms.
FORM_FIELDS = (
    "cardCompany",
    "installment",
    "bankCode",
    "easyPayProvider",
    "easyPayMethod",
    "phoneNumber",
    "remitterName",
)


def payment_method(params: PaymentRequest, tx_id: str, form: Form) -> PaymentMethod:
    """The method before its approval, for every payMethod but VIRTUAL_ACCOUNT.

    params: the merchant's request. form: what the buyer entered in the window, `{cardCompany?,
    installment?, bankCode?, easyPayProvider?, easyPayMethod?, phoneNumber?}`.
    """
    pay_method = params["payMethod"]
    method = PaymentMethod(type=METHOD_TYPES[pay_method])
    if pay_method == "CARD":
        months = form.get("installment") or installment_months(params)[0]
        return _card(selected(params, form), int(months))
    if pay_method == "TRANSFER":
        method["bank"] = rest_name(selected(params, form))
        method["accountNumber"] = MASKED_ACCOUNT_NUMBER
    elif pay_method == "EASY_PAY":
        method["provider"] = rest_name(selected(params, form))
        method["easyPayMethod"] = _easy_pay_method(form)
    elif pay_method == "MOBILE":
        customer = params.get("customer", {})
        phone = form.get("phoneNumber") or customer.get("phoneNumber") or DEFAULT_PHONE_NUMBER
        method["phoneNumber"] = phone.replace("-", "")
    elif pay_method == "GIFT_CERTIFICATE":
        method["giftCertificateType"] = rest_name(selected(params))
        method["approvalNumber"] = stable_digits(tx_id, 8)
    elif pay_method == "CONVENIENCE_STORE":
        option = params.get("convenienceStore", {}).get("paymentDeadline", {})
        method["convenienceStoreBrand"] = "SEVEN_ELEVEN"
        method["receiptNumber"] = stable_digits(tx_id, 11)
        method["paymentDeadline"] = timestamp(deadline(option, datetime.now(timezone.utc)))
    else:
        is_alipay_plus = pay_method == "ALIPAY_PLUS"
        method["provider"] = rest_name(selected(params)) if is_alipay_plus else pay_method
    return method


def virtual_account(
    params: PaymentRequest, tx_id: str, form: Form, buyer_name: str | None
) -> PaymentMethod:
    """The method of a virtual account that is issued now. form: `{bankCode?, remitterName?}`."""
    issued_at = datetime.now(timezone.utc)
    option = params.get("virtualAccount", {}).get("accountExpiry", {})
    return {
        "type": METHOD_TYPES["VIRTUAL_ACCOUNT"],
        "bank": rest_name(selected(params, form)),
        "accountNumber": ACCOUNT_PREFIX + stable_digits(tx_id, 10),
        "accountType": "NORMAL",
        "remitteeName": "샌드박스",
        "remitterName": form.get("remitterName") or buyer_name or DEFAULT_NAME,
        "issuedAt": timestamp(issued_at),
        "expiredAt": timestamp(deadline(option, issued_at)),
    }


def approved_method(method: PaymentMethod, tx_id: str) -> PaymentMethod:
    """The method after its approval: a card has an approval number, also inside an easy payment."""
    method = method.copy()
    if "easyPayMethod" in method:
        method["easyPayMethod"] = approved_method(method["easyPayMethod"], tx_id)
    elif method["type"] == METHOD_TYPES["CARD"]:
        method["approvalNumber"] = stable_digits(tx_id, 8)
    return method


def _easy_pay_method(form: Form) -> PaymentMethod:
    # A real payment through Toss Payments, from the buyer's Kakao Pay balance, had no bank.
    if form.get("easyPayMethod") == "CHARGE":
        return {"type": "PaymentMethodEasyPayMethodCharge"}
    return _card(next(iter(CARD_COMPANIES)), months=0)


def _card(company: str, months: int) -> PaymentMethod:
    return {
        "type": METHOD_TYPES["CARD"],
        "card": {
            "publisher": company,
            "issuer": company,
            "brand": "LOCAL",
            "type": "CREDIT",
            "ownerType": "PERSONAL",
            "bin": "000000",
            "name": KOREAN.get(CARD_COMPANIES.get(company, company), company),
            "number": "00000000****000*",
        },
        "installment": {"month": months, "isInterestFree": False},
        "pointUsed": False,
    }
