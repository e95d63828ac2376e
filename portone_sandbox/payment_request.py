"""What a merchant hands to `PortOne.requestPayment`, checked.

Names, types and enums are those of `PaymentRequest` in npm's @portone/browser-sdk 0.1.11, codes those of its
PaymentError. A parameter that has no place in PAYMENT_REQUEST is let through unread.
"""

import json
import re
from datetime import datetime, timezone
from textwrap import shorten
from urllib.parse import urlsplit

from . import accounts, records

# An enum: the prefix that its words once had, and the words. The prefixes are `valuePrefix` in
# https://github.com/portone-io/developers.portone.io/blob/main/src/schema/browser-sdk.yml
BANK = (
    "BANK_",
    "BANK_OF_KOREA KOREA_DEVELOPMENT_BANK INDUSTRIAL_BANK_OF_KOREA KOOKMIN_BANK SUHYUP_BANK EXPORT_IMPORT_BANK_OF_KOREA NH_NONGHYUP_BANK LOCAL_NONGHYUP WOORI_BANK SC_BANK_KOREA CITI_BANK_KOREA DAEGU_BANK BUSAN_BANK GWANGJU_BANK JEJU_BANK JEONBUK_BANK KYONGNAM_BANK KFCC SHINHYUP SAVINGS_BANK_KOREA MORGAN_STANLEY_BANK HSBC_BANK DEUTSCHE_BANK JP_MORGAN_CHASE_BANK MIZUHO_BANK MUFG_BANK BANK_OF_AMERICA_BANK BNP_PARIBAS_BANK ICBC BANK_OF_CHINA NATIONAL_FORESTRY_COOPERATIVE_FEDERATION UNITED_OVERSEAS_BANK BANK_OF_COMMUNICATIONS CHINA_CONSTRUCTION_BANK EPOST KODIT KIBO HANA_BANK SHINHAN_BANK K_BANK KAKAO_BANK TOSS_BANK KCIS DAISHIN_SAVINGS_BANK SBI_SAVINGS_BANK HK_SAVINGS_BANK WELCOME_SAVINGS_BANK SHINHAN_SAVINGS_BANK KYOBO_SECURITIES DAISHIN_SECURITIES MERITZ_SECURITIES MIRAE_ASSET_SECURITIES BOOKOOK_SECURITIES SAMSUNG_SECURITIES SHINYOUNG_SECURITIES SHINHAN_FINANCIAL_INVESTMENT YUANTA_SECURITIES EUGENE_INVESTMENT_SECURITIES KAKAO_PAY_SECURITIES TOSS_SECURITIES KOREA_FOSS_SECURITIES HANA_FINANCIAL_INVESTMENT HI_INVESTMENT_SECURITIES KOREA_INVESTMENT_SECURITIES HANWHA_INVESTMENT_SECURITIES HYUNDAI_MOTOR_SECURITIES DB_FINANCIAL_INVESTMENT KB_SECURITIES KTB_INVESTMENT_SECURITIES NH_INVESTMENT_SECURITIES SK_SECURITIES SCI KIWOOM_SECURITIES EBEST_INVESTMENT_SECURITIES CAPE_INVESTMENT_CERTIFICATE",
)  # noqa: E501
CARD_COMPANY = (
    "CARD_COMPANY_",
    "KOREA_DEVELOPMENT_BANK KFCC SHINHYUP EPOST SAVINGS_BANK_KOREA KAKAO_BANK WOORI_CARD BC_CARD GWANGJU_CARD SAMSUNG_CARD SHINHAN_CARD HYUNDAI_CARD LOTTE_CARD SUHYUP_CARD CITI_CARD NH_CARD JEONBUK_CARD JEJU_CARD HANA_CARD KOOKMIN_CARD K_BANK TOSS_BANK MIRAE_ASSET_SECURITIES",
)  # noqa: E501
CARRIER = ("CARRIER_", "SKT KT LGU HELLO KCT SK7")
CASH_RECEIPT_TYPE = ("CASH_RECEIPT_TYPE_", "PERSONAL CORPORATE ANONYMOUS")
COUNTRY = (
    "COUNTRY_",
    "AF AX AL DZ AS AD AO AI AQ AG AR AM AW AU AT AZ BH BS BD BB BY BE BZ BJ BM BT BO BQ BA BW BV BR IO BN BG BF BI KH CM CA CV KY CF TD CL CN CX CC CO KM CG CD CK CR CI HR CU CW CY CZ DK DJ DM DO EC EG SV GQ ER EE ET FK FO FJ FI FR GF PF TF GA GM GE DE GH GI GR GL GD GP GU GT GG GN GW GY HT HM VA HN HK HU IS IN ID IR IQ IE IM IL IT JM JP JE JO KZ KE KI KP KR KW KG LA LV LB LS LR LY LI LT LU MO MK MG MW MY MV ML MT MH MQ MR MU YT MX FM MD MC MN ME MS MA MZ MM NA NR NP NL NC NZ NI NE NG NU NF MP NO OM PK PW PS PA PG PY PE PH PN PL PT PR QA RE RO RU RW BL SH KN LC MF PM VC WS SM ST SA SN RS SC SL SG SX SK SI SB SO ZA GS SS ES LK SD SR SJ SZ SE CH SY TW TJ TZ TH TL TG TK TO TT TN TR TM TC TV UG UA AE GB US UM UY UZ VU VE VN VG VI WF EH YE ZM ZW",
)  # noqa: E501
CURRENCY = (
    "CURRENCY_",
    "KRW USD EUR JPY CNY VND THB SGD AUD HKD AED AFN ALL AMD ANG AOA ARS AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD KES KGS KHR KMF KPW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SHP SLE SLL SOS SRD SSP STN SVC SYP SZL TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USN UYI UYU UYW UZS VED VES VUV WST XAF XAG XAU XBA XBB XBC XBD XCD XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWL",
)  # noqa: E501
EASY_PAY_PAYMENT_METHOD = ("", "CARD CHARGE TRANSFER MONEY")
EASY_PAY_PROVIDER = (
    "EASY_PAY_PROVIDER_",
    "NAVERPAY KAKAOPAY TOSSPAY PAYCO CHAI LPAY KPAY SSGPAY SAMSUNGPAY APPLEPAY GOOGLE_PAY LGPAY SKPAY PINPAY TOSS_BRANDPAY HYPHEN LINEPAY TMONEY PAYPAY AMAZONPAY RAKUTENPAY DBARAI AUPAY MERPAY ALIPAY ALIPAY_HK TRUE_MONEY TOUCH_N_GO GCASH DANA RABBIT_LINE_PAY BPI BOOST BILL_EASE TINABA MPAY KREDIVO WECHAT PAYPAL",
)  # noqa: E501
GENDER = ("GENDER_", "MALE FEMALE OTHER")
GIFT_CERTIFICATE_TYPE = (
    "GIFT_CERTIFICATE_TYPE_",
    "BOOKNLIFE SMART_MUNSANG CULTURELAND CULTURE_GIFT",
)
LOCALE = (
    "",
    "KO_KR EN_US ZH_CN ZH_TW JA_JP RU_RU TH_TH VI_VN ID_ID FR_FR NL_NL ES_ES PT_PT DE_DE IT_IT PL_PL AR_001 TR_TR SV_SE FI_FI UK_UA EL_GR TL_PH HI_IN HR_HR LT_LT SL_SI SR_RS BG_BG PT_BR",
)  # noqa: E501
PAY_METHOD = ("", " ".join(records.METHOD_TYPES))
PG_PROVIDER = ("", "INICIS_V2 KCP_V2 KSNET NICE_V2 TOSSPAYMENTS WELCOME")
PRODUCT_TYPE = ("PRODUCT_TYPE_", "REAL DIGITAL")
WINDOW_TYPES = ("IFRAME", "POPUP", "REDIRECTION")  # the types have UI too, which is loadPaymentUI's

# Names and what each of them is: `!` is required, and of those with `|` exactly one.
ADDRESS = {"addressLine1! addressLine2! city province": str, "country": COUNTRY}
INSTALLMENT = {
    "monthOption": {"fixedMonth|": int, "availableMonthList|": [int]},
    "freeInstallmentPlans": [
        {"cardCompany!": CARD_COMPANY, "months!": [int], "pgProvider": PG_PROVIDER}
    ],
}
PAYMENT_REQUEST = {
    "storeId! paymentId! orderName! orderDetail channelKey| channelGroupId| redirectUrl confirmUrl appScheme": str,
    "promotionId merpayCategoryId": str,
    "totalAmount! taxFreeAmount vatAmount": int,
    "forceRedirect isEscrow isCulturalExpense": bool,
    "customData bypass paypal alipay": dict,
    "currency!": CURRENCY,
    "payMethod!": PAY_METHOD,
    "country": COUNTRY,
    "locale": LOCALE,
    "productType": PRODUCT_TYPE,
    "noticeUrls": [str],
    "windowType": {"pc mobile": ("", " ".join(WINDOW_TYPES))},
    "popup": {"center": bool},
    "iframe": {"dim": bool},
    "customer": {
        "customerId fullName firstName lastName firstNameKana lastNameKana phoneNumber email zipcode": str,
        "birthYear birthMonth birthDay": str,
        "gender": GENDER,
        "address": ADDRESS,
    },
    "shippingAddress": ADDRESS,
    "products": [{"id! name! code tag link description": str, "amount! quantity!": int}],
    "offerPeriod": {"interval|": str, "range|": {"from to": str}},
    "storeDetails": {
        "ceoFullName phoneNumber address zipcode email businessName businessRegistrationNumber contactName": str,
        "storeName storeNameShort storeNameEn storeNameKana": str,
        "openingHours": {"open close": str},
    },
    "card": {
        "cardCompany": CARD_COMPANY,
        "availableCards": [CARD_COMPANY],
        "installment": INSTALLMENT,
        "useFreeInterestFromMall useCardPoint useAppCardOnly useInstallment": bool,
        "cardPromotion": {"promotionId!": str, "discountAmount!": int},
    },
    "virtualAccount": {
        "bankCode": BANK,
        "availableBanks": [BANK],
        "cashReceiptType": CASH_RECEIPT_TYPE,
        "customerIdentifier": str,
        "accountExpiry": {"validHours|": int, "dueDate|": str},
        "fixedOption": {"pgAccountId| accountNumber|": str},
    },
    "transfer": {"bankCode": BANK, "cashReceiptType": CASH_RECEIPT_TYPE, "customerIdentifier": str},
    "mobile": {"carrier": CARRIER, "avaliableCarriers": [CARRIER]},  # spelt so
    "giftCertificate": {"giftCertificateType": GIFT_CERTIFICATE_TYPE},
    "easyPay": {
        "easyPayProvider": EASY_PAY_PROVIDER,
        "availablePayMethods": [EASY_PAY_PAYMENT_METHOD],
        "availableCards": [CARD_COMPANY],
        "installment": INSTALLMENT,
        "cashReceiptType": CASH_RECEIPT_TYPE,
        "customerIdentifier": str,
        "useFreeInterestFromMall useCardPoint useInstallment": bool,
    },
    "convenienceStore": {"paymentDeadline": {"validHours|": int, "dueDate|": str}},
    "alipayPlus": {"easyPayProvider": EASY_PAY_PROVIDER},
}
TYPE_NAMES = {
    dict: "an object",
    list: "a list",
    str: "a string",
    int: "an integer",
    bool: "true or false",
}


class RequestError(Exception):
    """The SDK throws it as a PaymentError. status: of the HTTP answer that carries it."""

    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def check(request):
    """The request as the rest of the sandbox reads it; RequestError names the parameter that is wrong."""
    try:
        request = read(request, PAYMENT_REQUEST)
        for message in _mistakes(request):
            raise ValueError(message)
    except ValueError as mistake:
        raise RequestError("BadRequest", str(mistake)) from None
    return {**request, "channelKey": _channel_key(request)}


def read(value, shape):
    """The value without nulls, its enums' words spelt as they are now. ValueError names what is not as it must be.

    shape: a type, an enum, a list of the one shape that all elements have, or an object as above.
    """
    json.dumps(
        value, ensure_ascii=False
    ).encode()  # fails for a text cut in the middle of an emoji: it can't be stored
    return _read(value, shape)


def _read(value, shape, name=""):
    kind = shape if isinstance(shape, type) else str if isinstance(shape, tuple) else type(shape)
    if type(value) is not kind:
        raise ValueError(f"{name or 'The request'} must be {TYPE_NAMES[kind]}.")
    if isinstance(shape, dict):
        return _read_object(value, shape, name and f"{name}.")
    if isinstance(shape, list):
        return [_read(each, shape[0], f"{name}[{index}]") for index, each in enumerate(value)]
    if isinstance(shape, tuple):
        prefix, words = shape[0], shape[1].split()
        value = value if value in words else value.removeprefix(prefix)
        if value not in words:
            raise ValueError(
                f"{name} must be one of {shorten(', '.join(words), 200, placeholder=' …')}."
            )
    return value


def _read_object(value, shape, place):
    given = {name: each for name, each in value.items() if each is not None}
    fields = {field: kind for names, kind in shape.items() for field in names.split()}
    for field, kind in fields.items():
        name = field.rstrip("!|")
        # A buyer without a second line of address has an empty one.
        if field.endswith("!") and (
            name not in given or given[name] == "" and name != "addressLine2"
        ):
            raise ValueError(f"{place}{name} is required.")
        if name in given:
            given[name] = _read(given[name], kind, place + name)
    either = [field.rstrip("|") for field in fields if field.endswith("|")]
    if either and len(given.keys() & either) != 1:
        raise ValueError(f"Either {place}{either[0]} or {place}{either[1]} is required.")
    return given


def _mistakes(request):
    """What types alone do not show, one message each."""
    tax = (request.get("taxFreeAmount", 0), request.get("vatAmount", 0))
    if not 0 < request["totalAmount"] < 2**53:
        yield "totalAmount must be more than 0, in the currency's minor unit."
    if min(tax) < 0 or sum(tax) > request["totalAmount"]:
        yield "taxFreeAmount and vatAmount must be parts of totalAmount."
    for name in ("redirectUrl", "confirmUrl"):
        if not is_http_url(request.get(name, "http://localhost")):
            yield f"{name} must be an HTTP(S) URL."
    # A relative one is the sandbox's own kindness: an address of the page that opens the window.
    if not all(is_http_url(url) or url.startswith("/") for url in request.get("noticeUrls", [])):
        yield "noticeUrls must be HTTP(S) URLs."
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", request.get("customer", {}).get("email", "a@b")):
        yield "customer.email must be an e-mail address."
    if not re.fullmatch(r"\d+[dmy]", request.get("offerPeriod", {}).get("interval", "1d")):
        yield "offerPeriod.interval must be a number of days, months or years, such as 30d, 6m or 1y."
    for place, name in (
        ("virtualAccount", "accountExpiry"),
        ("convenienceStore", "paymentDeadline"),
    ):
        deadline = request.get(place, {}).get(name, {})
        try:
            records.expiry(deadline, datetime.now(timezone.utc))
        except (ValueError, OverflowError):
            yield f"{place}.{name}.dueDate must be a date, validHours a number of hours."
        if deadline.get("validHours", 1) < 1:
            yield f"{place}.{name}.validHours must be more than 0."


def is_http_url(url):
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _channel_key(request):
    if request["storeId"] != accounts.STORE_ID:
        raise RequestError(
            "StoreNotFound", f"storeId {request['storeId']} is not in this sandbox.", 404
        )
    channel_key = next(iter(accounts.CHANNELS))  # which the one group has, too
    known = {"channelKey": channel_key, "channelGroupId": accounts.CHANNEL_GROUP["id"]}
    for name in known.keys() & request.keys():
        if request[name] != known[name]:
            raise RequestError(
                "ChannelNotFound", f"{name} {request[name]} is not in this sandbox.", 404
            )
    return channel_key
