"""The parameters of `PortOne.requestPayment` and their checks.

Names, types and enums are those of `PaymentRequest` in npm's @portone/browser-sdk 0.1.11, error
codes those of its PaymentError. A parameter that is not in PAYMENT_REQUEST is passed through.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import cast
from urllib.parse import urlsplit

from . import accounts, channels, enums
from .bodies import MAX_AMOUNT
from .clock import deadline
from .documents import Json
from .errors import RequestError
from .request_documents import Deadline, PaymentRequest
from .schema import ListOf, Object, Shape, fields, read

ADDRESS = Object(
    required=fields(str, "addressLine1 addressLine2"),
    optional={**fields(str, "city province"), "country": enums.COUNTRY},
)
DEADLINE = Object(exactly_one={"validHours": int, "dueDate": str})
INSTALLMENT = Object(
    optional={
        "monthOption": Object(exactly_one={"fixedMonth": int, "availableMonthList": ListOf(int)}),
        "freeInstallmentPlans": ListOf(
            Object(
                required={"cardCompany": enums.CARD_COMPANY, "months": ListOf(int)},
                optional={"pgProvider": enums.PG_PROVIDER},
            )
        ),
    }
)
CUSTOMER = Object(
    optional={
        **fields(str, "customerId fullName firstName lastName firstNameKana lastNameKana"),
        **fields(str, "phoneNumber email zipcode birthYear birthMonth birthDay"),
        "gender": enums.GENDER,
        "address": ADDRESS,
    }
)
PRODUCT = Object(
    required={**fields(str, "id name"), **fields(int, "amount quantity")},
    optional=fields(str, "code tag link description"),
)
STORE_DETAILS = Object(
    optional={
        **fields(str, "ceoFullName phoneNumber address zipcode email businessName"),
        **fields(str, "businessRegistrationNumber contactName"),
        **fields(str, "storeName storeNameShort storeNameEn storeNameKana"),
        "openingHours": Object(optional=fields(str, "open close")),
    }
)
CARD = Object(
    optional={
        "cardCompany": enums.CARD_COMPANY,
        "availableCards": ListOf(enums.CARD_COMPANY),
        "installment": INSTALLMENT,
        **fields(bool, "useFreeInterestFromMall useCardPoint useAppCardOnly useInstallment"),
        "cardPromotion": Object(required={"promotionId": str, "discountAmount": int}),
    }
)
CASH_RECEIPT_FIELDS: dict[str, Shape] = {
    "cashReceiptType": enums.CASH_RECEIPT_TYPE,
    "customerIdentifier": str,
}
VIRTUAL_ACCOUNT = Object(
    optional={
        "bankCode": enums.BANK,
        "availableBanks": ListOf(enums.BANK),
        **CASH_RECEIPT_FIELDS,
        "accountExpiry": DEADLINE,
        "fixedOption": Object(exactly_one=fields(str, "pgAccountId accountNumber")),
    }
)
TRANSFER = Object(optional={"bankCode": enums.BANK, **CASH_RECEIPT_FIELDS})
MOBILE = Object(
    # The SDK spells the second name so.
    optional={"carrier": enums.CARRIER, "avaliableCarriers": ListOf(enums.CARRIER)}
)
EASY_PAY = Object(
    optional={
        "easyPayProvider": enums.EASY_PAY_PROVIDER,
        "availablePayMethods": ListOf(enums.EASY_PAY_PAYMENT_METHOD),
        "availableCards": ListOf(enums.CARD_COMPANY),
        "installment": INSTALLMENT,
        **CASH_RECEIPT_FIELDS,
        **fields(bool, "useFreeInterestFromMall useCardPoint useInstallment"),
    }
)
PAYMENT_REQUEST = Object(
    required={
        **fields(str, "storeId paymentId orderName"),
        "totalAmount": int,
        "currency": enums.CURRENCY,
    },
    exactly_one=fields(str, "channelKey channelGroupId"),
    optional={
        **fields(str, "orderDetail redirectUrl confirmUrl appScheme promotionId merpayCategoryId"),
        **fields(int, "taxFreeAmount vatAmount"),
        **fields(bool, "forceRedirect isEscrow isCulturalExpense"),
        **fields(dict, "customData bypass paypal alipay"),
        "payMethod": enums.PAY_METHOD,  # required but at PGs that choose it themselves
        "country": enums.COUNTRY,
        "locale": enums.LOCALE,
        "productType": enums.PRODUCT_TYPE,
        "noticeUrls": ListOf(str),
        "windowType": Object(optional=fields(enums.WINDOW_TYPE, "pc mobile")),
        "popup": Object(optional={"center": bool}),
        "iframe": Object(optional={"dim": bool}),
        "customer": CUSTOMER,
        "shippingAddress": ADDRESS,
        "products": ListOf(PRODUCT),
        "offerPeriod": Object(
            exactly_one={"interval": str, "range": Object(optional=fields(str, "from to"))}
        ),
        "storeDetails": STORE_DETAILS,
        "card": CARD,
        "virtualAccount": VIRTUAL_ACCOUNT,
        "transfer": TRANSFER,
        "mobile": MOBILE,
        "giftCertificate": Object(optional={"giftCertificateType": enums.GIFT_CERTIFICATE_TYPE}),
        "easyPay": EASY_PAY,
        "convenienceStore": Object(optional={"paymentDeadline": DEADLINE}),
        "alipayPlus": Object(optional={"easyPayProvider": enums.EASY_PAY_PROVIDER}),
    },
)

# Schemes of a browser itself, which an app can't have.
NOT_OF_APPS = ("http", "https", "javascript", "data", "file", "blob", "about", "vbscript", "ftp")


def check(params: object) -> PaymentRequest:
    """The parameters without nulls, and with a channelKey. RequestError names what is wrong."""
    try:
        checked = read(params, PAYMENT_REQUEST)
        request = cast(PaymentRequest, checked)
        for mistake in _mistakes(request):
            raise ValueError(mistake)
    except ValueError as error:
        raise RequestError("BadRequest", str(error)) from None
    _check_account(checked)
    request.setdefault("channelKey", channels.DEFAULT_CHANNEL)
    _complete_pay_method(request)
    return request


def _complete_pay_method(request: PaymentRequest) -> None:
    """At some PGs the buyer chooses the method in the window: here it is CARD then."""
    pg = channels.pg_of(channels.CHANNELS[request["channelKey"]])
    if "payMethod" not in request and pg["payMethodRequired"]:
        raise RequestError("BadRequest", "payMethod is required.")
    request.setdefault("payMethod", "CARD")


def is_http_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def is_app_url(url: str) -> bool:
    """Whether the address has a scheme of an app's own, as "myapp://payment-complete".

    PortOne's guide for apps of 2026-04-08 has such a redirectUrl, and takes it since 2024-07-11:
    https://developers.portone.io/opi/ko/extra/mobile-payment/readme-v2
    The older page of the payment window (2026-02) names http and https only, for web pages.
    """
    parts = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]*)://[^\s/?#][^\s]*", url)
    return parts is not None and parts[1].lower() not in NOT_OF_APPS


def _check_account(params: Json) -> None:
    """The store, and its channel or its group, in which only the default channel is."""
    if params["storeId"] != accounts.STORE_ID:
        message = f"storeId {params['storeId']} is not in this sandbox."
        raise RequestError("StoreNotFound", message, 404)
    known = {"channelKey": channels.CHANNELS, "channelGroupId": (accounts.CHANNEL_GROUP["id"],)}
    for name, ids in known.items():
        if name in params and params[name] not in ids:
            message = f"{name} {params[name]} is not in this sandbox."
            raise RequestError("ChannelNotFound", message, 404)


def _mistakes(params: PaymentRequest) -> Iterator[str]:
    """One message for each value that is wrong although it has the right type."""
    yield from _mistaken_amounts(params)
    yield from _mistaken_urls(params)
    customer = params.get("customer", {})
    if ("firstName" in customer) != ("lastName" in customer):
        # https://developers.portone.io/opi/ko/quick-guide/payment?v=v2
        yield "customer.firstName and customer.lastName must be given together."
    email = customer.get("email", "a@b")
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        yield "customer.email must be an e-mail address."
    interval = params.get("offerPeriod", {}).get("interval", "1d")
    if not re.fullmatch(r"\d+[dmy]", interval):
        yield "offerPeriod.interval must be a number of days, months or years: 30d, 6m or 1y."
    account = params.get("virtualAccount", {}).get("accountExpiry", {})
    yield from _mistaken_deadline("virtualAccount.accountExpiry", account)
    store = params.get("convenienceStore", {}).get("paymentDeadline", {})
    yield from _mistaken_deadline("convenienceStore.paymentDeadline", store)


def _mistaken_amounts(params: PaymentRequest) -> Iterator[str]:
    if not 0 < params["totalAmount"] <= MAX_AMOUNT:
        yield "totalAmount must be more than 0, in the currency's minor unit."
    parts = (params.get("taxFreeAmount", 0), params.get("vatAmount", 0))
    if min(parts) < 0 or sum(parts) > params["totalAmount"]:
        yield "taxFreeAmount and vatAmount must be parts of totalAmount."


def _mistaken_urls(params: PaymentRequest) -> Iterator[str]:
    if not _can_be_opened(cast(Json, params).get("confirmUrl", "http://localhost")):
        yield "confirmUrl must be an HTTP(S) URL."
    url = params.get("redirectUrl", "http://localhost")
    if not (_can_be_opened(url) or is_app_url(url)):
        yield "redirectUrl must be an HTTP(S) URL, or that of an app such as myapp://payment."
    # PortOne takes no relative address. The sandbox does: it is one of the merchant's own site.
    if not all(is_http_url(url) or url.startswith("/") for url in params.get("noticeUrls", [])):
        yield "noticeUrls must be HTTP(S) URLs."


def _can_be_opened(url: str) -> bool:
    """Whether it is an HTTP(S) URL with a host and a port that there can be."""
    try:
        parts = urlsplit(url)
        return is_http_url(url) and parts.port != 0 and bool((parts.hostname or "").encode("idna"))
    except ValueError:
        return False


def _mistaken_deadline(place: str, option: Deadline) -> Iterator[str]:
    try:
        deadline(option, datetime.now(timezone.utc))
    except (ValueError, OverflowError):
        yield f"{place}.dueDate must be a date, validHours a number of hours."
    if option.get("validHours", 1) < 1:
        yield f"{place}.validHours must be more than 0."
