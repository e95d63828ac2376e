"""Payment methods: their names in the SDK and the REST API, and what a buyer selects."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from .request_documents import PaymentRequest

# payMethod of the SDK -> `type` of a record's `method`.
METHOD_TYPES: dict[str, str] = {
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
# The names of the SDK that the REST API has another name for, besides what `rest_name` derives.
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
    "SAMSUNGPAY": "Samsung Wallet",
    "PAYCO": "PAYCO",
    "APPLEPAY": "Apple Pay",
    "LPAY": "L.Pay",
    "SSGPAY": "SSG Pay",
}


class Selection(NamedTuple):
    """What the buyer selects for a payMethod: a card company, a bank, a carrier, a provider.

    section, field: where the merchant's request may name it. options: what the window offers,
    the SDK's code and the name in English.
    """

    section: str
    field: str
    options: Mapping[str, str]


SELECTIONS = {
    "CARD": Selection("card", "cardCompany", CARD_COMPANIES),
    "VIRTUAL_ACCOUNT": Selection("virtualAccount", "bankCode", BANKS),
    "TRANSFER": Selection("transfer", "bankCode", BANKS),
    "MOBILE": Selection("mobile", "carrier", CARRIERS),
    "EASY_PAY": Selection("easyPay", "easyPayProvider", PROVIDERS),
    "ALIPAY_PLUS": Selection("alipayPlus", "easyPayProvider", {"ALIPAY": "Alipay"}),
    "GIFT_CERTIFICATE": Selection(
        "giftCertificate", "giftCertificateType", {"CULTURELAND": "Cultureland"}
    ),
}

MIN_INSTALLMENT_AMOUNT = 50_000
DEFAULT_LONGEST_INSTALLMENT = 12
LONGEST_INSTALLMENT = 60  # of any card company, so that a mistake does not fill the page


def selected(params: PaymentRequest, form: Mapping[str, str] | None = None) -> str:
    """The card company, bank or provider that is paid with, as the SDK names it.

    The buyer's selection in the window's form comes first, then the merchant's request, then the
    first that there is.
    """
    section, field, options = SELECTIONS[params["payMethod"]]
    requested = cast(dict[str, Any], params).get(section, {}).get(field)
    return (form or {}).get(field) or requested or next(iter(options))


def rest_name(code: str) -> str:
    """The REST API's name of a bank, a provider or a gift certificate of the SDK.

    SHINHAN_BANK of the SDK is SHINHAN in the REST API.
    """
    if code.endswith("_SAVINGS_BANK"):
        return "SAVINGS_BANK"
    if code in REST_NAMES:
        return REST_NAMES[code]
    code = code.replace("_FINANCIAL_INVESTMENT", "_SECURITIES").replace("_INVESTMENT_", "_")
    return code.removesuffix("_BANK")


def installment_months(params: PaymentRequest) -> list[int]:
    """In how many months a card can be paid; 0 is at once.

    As Toss Payments has it: from 50,000 KRW on, up to the longest of `availableMonthList`.
    Source: https://developers.portone.io/opi/ko/integration/pg/v2/tosspayments
    """
    if params["currency"] != "KRW" or params["totalAmount"] < MIN_INSTALLMENT_AMOUNT:
        return [0]
    option = params.get("card", {}).get("installment", {}).get("monthOption", {})
    if "fixedMonth" in option:
        return [option["fixedMonth"]]
    longest = max(option.get("availableMonthList") or [DEFAULT_LONGEST_INSTALLMENT])
    return [0, *range(2, min(longest, LONGEST_INSTALLMENT) + 1)]
