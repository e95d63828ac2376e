"""What each domestic PG takes and refuses, request by request.

The table is written by hand from the PGs' pages, not made from channels.json: for each PG requests
that pass, and the same requests with one thing left out or changed.
"""

import copy
import html

import pytest
import requests
from portone_server_sdk import payment as shapes
from portone_server_sdk.errors import PgProviderError

from portone_sandbox import channels
from tests.portone_sandbox.client import STORE_ID, choose, post_cancel

PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36"
PAGES = "https://developers.portone.io/opi/ko/integration/pg/v2/"
QUICK_GUIDE = "https://developers.portone.io/opi/ko/quick-guide/payment"
SDK = "https://developers.portone.io/sdk/ko/v2-sdk/payment-request"
TYPES = "https://www.npmjs.com/package/@portone/browser-sdk"
MINIMUMS = "https://help.portone.io/content/pg-max-min-amount"
NOTE = "https://developers.portone.io/release-notes/api-sdk/2024-01-30"

BUYER = {
    "customerId": "buyer1",
    "fullName": "홍길동",
    "phoneNumber": "01012345678",
    "email": "buyer@example.com",
}
STORE = {
    "businessName": "상점",
    "businessRegistrationNumber": "1234567890",
    "ceoFullName": "홍길동",
    "address": "서울",
    "phoneNumber": "0212345678",
}
ACCOUNT = {"virtualAccount": {"accountExpiry": {"validHours": 24}}}
MOBILE = {"productType": "REAL"}
PLAIN = {"CARD": {}, "TRANSFER": {}, "VIRTUAL_ACCOUNT": ACCOUNT, "MOBILE": MOBILE}
GIFT = {"giftCertificate": {"giftCertificateType": "CULTURELAND"}}


def wallet(provider, **more):
    return {"easyPay": {"easyPayProvider": provider, **more}}


def direct(company, **installment):
    """The company's own page instead of the PG's window."""
    card = {"cardCompany": company}
    return {"card": {**card, "installment": {"monthOption": installment}} if installment else card}


def receipt(section, type, identifier=None):
    given = {"cashReceiptType": type, "customerIdentifier": identifier}
    return {section: {name: value for name, value in given.items() if value}}


BUYER_NUMBER = "01012345678"
FREE = {"freeInstallmentPlans": [{"cardCompany": "BC_CARD", "months": [3]}]}
THREE, UP_TO = ({"monthOption": each} for each in ({"fixedMonth": 3}, {"availableMonthList": [3]}))
NICE_BANK = {"bypass": {"nice_v2": {"DirectShowOpt": "BANK"}}}
KSNET_PHONE = {"bypass": {"ksnet": {"tcode": "skt"}}}
KSNET_URL = {"bypass": {"ksnet": {"url": "https://shop.test"}}}
PAYPAL = {
    **wallet("PAYPAL"),
    "currency": "USD",
    "country": "US",
    "bypass": {"tosspayments": {"paypal": {"setTransactionContext": {"a": "b"}}}},
}
KCP_BUYER = {"bypass": {"kcp_v2": {"shop_user_id": "buyer1"}}}
KSNET_WALLET = {"bypass": {"ksnet": {"easyPayDirect": True}}, "storeDetails": STORE, **MOBILE}
ITEM = {
    "categoryType": "PRODUCT",
    "categoryId": "GENERAL",
    "uid": "p1",
    "name": "러닝화",
    "count": 1,
}
NAVERPAY = {"bypass": {"naverpay": {"productItems": [ITEM]}}}

# PG: {payMethod: what the request has besides}.
PASSES = {
    "TOSSPAYMENTS": {**PLAIN, "EASY_PAY": wallet("KAKAOPAY"), "GIFT_CERTIFICATE": GIFT},
    "INICIS_V2": {**PLAIN, "EASY_PAY": {}, "GIFT_CERTIFICATE": GIFT},
    "NICE_V2": {
        **PLAIN,
        "EASY_PAY": wallet("NAVERPAY", availablePayMethods=["CARD"]),
        "GIFT_CERTIFICATE": {**GIFT, "bypass": {"nice_v2": {"MallUserID": "buyer1"}}},
    },
    "KCP_V2": {
        **PLAIN,
        "MOBILE": {**MOBILE, **KCP_BUYER},
        "EASY_PAY": wallet("NAVERPAY"),
        "GIFT_CERTIFICATE": {**GIFT, **KCP_BUYER},
    },
    "SMARTRO_V2": {**PLAIN, "EASY_PAY": wallet("PAYCO")},
    "KPN": {**PLAIN, "EASY_PAY": wallet("TOSSPAY")},
    "KSNET": {**PLAIN, "EASY_PAY": {**wallet("KAKAOPAY"), **KSNET_WALLET}},
    "WELCOME": {**PLAIN, "EASY_PAY": {}, "GIFT_CERTIFICATE": GIFT},
    "GALAXIA": {**PLAIN, "EASY_PAY": wallet("NAVERPAY"), "GIFT_CERTIFICATE": GIFT},
    "KAKAOPAY": {"EASY_PAY": {}},
    "NAVERPAY": {"EASY_PAY": NAVERPAY},
    "TOSSPAY_V2": {"EASY_PAY": {}},
}
DOMESTIC = [(pg, method) for pg, methods in PASSES.items() for method in methods]


def passing(pg, pay_method):
    return {
        "storeId": STORE_ID,
        "channelKey": channels.KEYS_BY_PG[pg],
        "paymentId": "payment1",
        "orderName": "러닝화",
        "totalAmount": 5000,
        "currency": "KRW",
        "payMethod": pay_method,
        "customer": copy.deepcopy(BUYER),
        "redirectUrl": "https://shop.test/back",
        **copy.deepcopy(PASSES.get(pg, {}).get(pay_method, {})),
    }


def changed(request, changes):
    """changes: {path: value}; None leaves the parameter out."""
    for path, value in copy.deepcopy(changes).items():
        *places, name = path.split(".")
        holder = request
        for place in places:
            holder = holder[int(place)] if place.isdigit() else holder.setdefault(place, {})
        if value is None:
            holder.pop(name, None)
        else:
            holder[name] = value
    return request


def open_it(base, request, device="pc"):
    agent = PHONE if device == "mobile" else "Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0"
    body = {
        "request": request,
        "windowType": "REDIRECTION" if device == "mobile" else "IFRAME",
        "page": "http://shop.test/order",
    }
    headers = {"User-Agent": agent, "Origin": "http://shop.test"}
    return requests.post(f"{base}/checkout/", json=body, headers=headers, timeout=10)


def warnings(base):
    return requests.get(f"{base}/control/payments/payment1/warnings", timeout=10).json()


@pytest.mark.parametrize("device", ["pc", pytest.param("mobile", marks=pytest.mark.long)])
@pytest.mark.parametrize(("pg", "pay_method"), DOMESTIC)
def test_a_whole_request_passes_and_is_paid(base, portone, pg, pay_method, device):
    opened = open_it(base, passing(pg, pay_method), device)
    assert opened.status_code == 200, opened.text
    is_account = pay_method == "VIRTUAL_ACCOUNT"
    choose(base, opened.json()["url"], "issue" if is_account else "approve")
    payment = portone.get_payment(payment_id="payment1")
    expected = shapes.VirtualAccountIssuedPayment if is_account else shapes.PaidPayment
    assert isinstance(payment, expected)
    assert (payment.channel.pg_provider, payment.channel.type) == (pg, "TEST")


def test_every_domestic_pg_is_in_the_table():
    overseas = {
        "EXIMBAY_V2",
        "PAYLETTER_GLOBAL",
        "PAYPAL_V2",
        "INICIS_JP",
        "KICC_V2",
        "PAYMENTWALL",
        "HECTO_GLOBAL",
        "TRIPLE_A",
    }
    assert channels.PGS.keys() == PASSES.keys() | overseas


LONG = "가" * 14  # 42 bytes in UTF-8
REFUSED = [  # PG, payMethod, device, what is changed, the parameter that is named, the page
    ("TOSSPAYMENTS", "CARD", "pc", {"paymentId": "order"}, "paymentId", PAGES + "tosspayments"),
    ("TOSSPAYMENTS", "CARD", "pc", {"paymentId": "order.12"}, "paymentId", PAGES + "tosspayments"),
    ("TOSSPAYMENTS", "CARD", "pc", {"paymentId": "a" * 65}, "paymentId", PAGES + "tosspayments"),
    ("TOSSPAYMENTS", "CARD", "pc", {"orderName": "가" * 101}, "orderName", SDK),
    ("TOSSPAYMENTS", "CARD", "pc", {"currency": "USD"}, "currency", PAGES + "tosspayments"),
    (
        "TOSSPAYMENTS",
        "CARD",
        "pc",
        {"windowType": {"pc": "POPUP"}},
        "windowType.pc",
        PAGES + "tosspayments",
    ),
    (
        "TOSSPAYMENTS",
        "CARD",
        "mobile",
        {"windowType": {"mobile": "IFRAME"}},
        "windowType.mobile",
        PAGES + "tosspayments",
    ),
    (
        "TOSSPAYMENTS",
        "EASY_PAY",
        "pc",
        {"easyPay": None},
        "easyPay.easyPayProvider",
        NOTE,
    ),
    (
        "TOSSPAYMENTS",
        "EASY_PAY",
        "pc",
        {"easyPay.easyPayProvider": "CHAI"},
        "easyPay.easyPayProvider",
        PAGES + "tosspayments",
    ),
    (
        "TOSSPAYMENTS",
        "EASY_PAY",
        "pc",
        {"easyPay.easyPayProvider": "PAYPAL"},
        "currency",
        PAGES + "tosspayments",
    ),
    (
        "TOSSPAYMENTS",
        "VIRTUAL_ACCOUNT",
        "pc",
        {"virtualAccount.accountExpiry": {"validHours": 2161}},
        "virtualAccount.accountExpiry",
        SDK,
    ),
    ("TOSSPAYMENTS", "MOBILE", "pc", {"productType": None}, "productType", QUICK_GUIDE),
    (
        "TOSSPAYMENTS",
        "GIFT_CERTIFICATE",
        "pc",
        {"giftCertificate": None},
        "giftCertificate.giftCertificateType",
        QUICK_GUIDE,
    ),
    ("TOSSPAYMENTS", "CARD", "pc", {"payMethod": "PAYPAL"}, "payMethod", PAGES + "tosspayments"),
    ("INICIS_V2", "CARD", "pc", {"customer.fullName": None}, "customer.name", PAGES + "inicis-v2"),
    (
        "INICIS_V2",
        "CARD",
        "pc",
        {"customer.phoneNumber": None},
        "customer.phoneNumber",
        PAGES + "inicis-v2",
    ),
    ("INICIS_V2", "CARD", "pc", {"customer.email": None}, "customer.email", PAGES + "inicis-v2"),
    ("INICIS_V2", "CARD", "pc", {"customer.email": "a+b@c.kr"}, "customer.email", QUICK_GUIDE),
    ("INICIS_V2", "CARD", "pc", {"customer.fullName": "가" * 11}, "customer.fullName", SDK),
    ("INICIS_V2", "CARD", "pc", {"paymentId": "주문1"}, "paymentId", PAGES + "inicis-v2"),
    ("INICIS_V2", "CARD", "pc", {"paymentId": "a" * 41}, "paymentId", QUICK_GUIDE),
    ("INICIS_V2", "MOBILE", "pc", {"productType": None}, "productType", PAGES + "inicis-v2"),
    ("INICIS_V2", "TRANSFER", "pc", {"currency": "USD"}, "currency", PAGES + "inicis-v2"),
    (
        "INICIS_V2",
        "GIFT_CERTIFICATE",
        "mobile",
        {"giftCertificate": None},
        "giftCertificate.giftCertificateType",
        PAGES + "inicis-v2",
    ),
    (
        "INICIS_V2",
        "CARD",
        "pc",
        {
            "card.cardCompany": "BC_CARD",
            "card.installment": {"monthOption": {"availableMonthList": [0, 2]}},
        },
        "card.installment.monthOption.availableMonthList",
        PAGES + "inicis-v2",
    ),
    ("NICE_V2", "CARD", "pc", {"orderName": LONG}, "orderName", PAGES + "nice-v2"),
    ("NICE_V2", "CARD", "pc", {"orderName": "신발 [빨강]"}, "orderName", PAGES + "nice-v2"),
    (
        "NICE_V2",
        "VIRTUAL_ACCOUNT",
        "pc",
        {"virtualAccount": None},
        "virtualAccount.accountExpiry",
        PAGES + "nice-v2",
    ),
    ("NICE_V2", "MOBILE", "mobile", {"productType": None}, "productType", PAGES + "nice-v2"),
    (
        "NICE_V2",
        "GIFT_CERTIFICATE",
        "pc",
        {"bypass": None},
        "bypass.nice_v2.MallUserID",
        PAGES + "nice-v2",
    ),
    (
        "NICE_V2",
        "EASY_PAY",
        "pc",
        {"easyPay.availablePayMethods": None},
        "easyPay.availablePayMethods",
        PAGES + "nice-v2",
    ),
    (
        "NICE_V2",
        "EASY_PAY",
        "pc",
        {"easyPay.availablePayMethods": ["CHARGE"]},
        "easyPay.cashReceiptType",
        PAGES + "nice-v2",
    ),
    (
        "NICE_V2",
        "CARD",
        "pc",
        {"card.cardCompany": "BC_CARD"},
        "card.installment.monthOption.fixedMonth",
        PAGES + "nice-v2",
    ),
    ("KCP_V2", "CARD", "pc", {"paymentId": "a" * 41}, "paymentId", PAGES + "kcp-v2"),
    (
        "KCP_V2",
        "MOBILE",
        "pc",
        {"bypass": None},
        "bypass.kcp_v2.shop_user_id",
        PAGES + "kcp-v2",
    ),
    ("KCP_V2", "MOBILE", "pc", {"productType": None}, "productType", QUICK_GUIDE),
    (
        "KCP_V2",
        "GIFT_CERTIFICATE",
        "mobile",
        {"bypass.kcp_v2.shop_user_id": None},
        "bypass.kcp_v2.shop_user_id",
        PAGES + "kcp-v2",
    ),
    ("KCP_V2", "CARD", "pc", {"bypass": {"kcp_v2": {}}}, "bypass.kcp_v2.shop_user_id", TYPES),
    ("KCP_V2", "CARD", "pc", {"totalAmount": 99}, "totalAmount", MINIMUMS),
    ("KCP_V2", "TRANSFER", "pc", {"isEscrow": True}, "products", PAGES + "kcp-v2"),
    ("SMARTRO_V2", "CARD", "pc", {"paymentId": "pay-1"}, "paymentId", PAGES + "smartro-v2"),
    (
        "SMARTRO_V2",
        "CARD",
        "mobile",
        {"customer.phoneNumber": None},
        "customer.phoneNumber",
        PAGES + "smartro-v2",
    ),
    (
        "SMARTRO_V2",
        "EASY_PAY",
        "pc",
        {"customer.customerId": None},
        "customer.customerId",
        PAGES + "smartro-v2",
    ),
    ("SMARTRO_V2", "CARD", "pc", {"currency": "JPY"}, "currency", PAGES + "smartro-v2"),
    ("SMARTRO_V2", "MOBILE", "pc", {"productType": None}, "productType", PAGES + "smartro-v2"),
    ("SMARTRO_V2", "CARD", "pc", {"orderName": LONG}, "orderName", SDK),
    (
        "SMARTRO_V2",
        "CARD",
        "pc",
        {"payMethod": "GIFT_CERTIFICATE"},
        "payMethod",
        PAGES + "smartro-v2",
    ),
    ("KPN", "CARD", "pc", {"paymentId": "a" * 33}, "paymentId", QUICK_GUIDE),
    (
        "KPN",
        "EASY_PAY",
        "pc",
        {"easyPay.easyPayProvider": "NAVERPAY"},
        "easyPay.easyPayProvider",
        PAGES + "kpn",
    ),
    ("KPN", "MOBILE", "pc", {"productType": None}, "productType", PAGES + "kpn"),
    ("KSNET", "CARD", "pc", {"customer.fullName": None}, "customer.fullName", PAGES + "ksnet"),
    ("KSNET", "CARD", "mobile", {"windowType": {"mobile": "POPUP"}}, "windowType", PAGES + "ksnet"),
    (
        "KSNET",
        "VIRTUAL_ACCOUNT",
        "pc",
        {"virtualAccount": None},
        "virtualAccount.accountExpiry",
        PAGES + "ksnet",
    ),
    (
        "KSNET",
        "EASY_PAY",
        "pc",
        {"bypass": None},
        "bypass.ksnet.easyPayDirect",
        PAGES + "ksnet",
    ),
    ("KSNET", "EASY_PAY", "pc", {"easyPay": None}, "easyPay.easyPayProvider", PAGES + "ksnet"),
    ("KSNET", "EASY_PAY", "pc", {"productType": None}, "productType", QUICK_GUIDE),
    *(
        ("KSNET", "EASY_PAY", "pc", {f"storeDetails.{name}": None}, f"storeDetails.{name}", "ksnet")
        for name in ("ceoFullName", "address", "phoneNumber")
    ),
    ("KSNET", "EASY_PAY", "pc", {"customer.email": None}, "customer.email", PAGES + "ksnet"),
    ("KSNET", "CARD", "pc", {"orderName": "가" * 26}, "orderName", SDK),
    ("WELCOME", "CARD", "pc", {"customer.email": None}, "customer.email", PAGES + "welcome"),
    ("WELCOME", "CARD", "pc", {"totalAmount": 999}, "totalAmount", PAGES + "welcome"),
    ("WELCOME", "MOBILE", "pc", {"productType": None}, "productType", PAGES + "welcome"),
    ("WELCOME", "CARD", "pc", {"currency": "USD"}, "currency", PAGES + "welcome"),
    (
        "GALAXIA",
        "CARD",
        "pc",
        {"customer.customerId": None},
        "customer.customerId",
        PAGES + "galaxia",
    ),
    (
        "GALAXIA",
        "TRANSFER",
        "pc",
        {"customer.phoneNumber": None},
        "customer.phoneNumber",
        PAGES + "galaxia",
    ),
    (
        "GALAXIA",
        "VIRTUAL_ACCOUNT",
        "pc",
        {"virtualAccount": None},
        "virtualAccount.accountExpiry",
        PAGES + "galaxia",
    ),
    ("GALAXIA", "CARD", "mobile", {"appScheme": "shop://"}, "appScheme", PAGES + "galaxia"),
    ("GALAXIA", "CARD", "pc", {"isEscrow": True}, "isEscrow", PAGES + "galaxia"),
    ("GALAXIA", "CARD", "pc", {"paymentId": "a" * 65}, "paymentId", PAGES + "galaxia"),
    ("KAKAOPAY", "EASY_PAY", "pc", {"payMethod": "CARD"}, "payMethod", PAGES + "kakaopay"),
    ("KAKAOPAY", "EASY_PAY", "pc", {"currency": "USD"}, "currency", PAGES + "kakaopay"),
    (
        "KAKAOPAY",
        "EASY_PAY",
        "pc",
        {"windowType": {"pc": "POPUP"}},
        "windowType.pc",
        PAGES + "kakaopay",
    ),
    ("NAVERPAY", "EASY_PAY", "pc", {"bypass": None}, "bypass.naverpay.productItems", TYPES),
    (
        "NAVERPAY",
        "EASY_PAY",
        "pc",
        {"bypass.naverpay.productItems.0.uid": None},
        "bypass.naverpay.productItems[].uid",
        PAGES + "naverpay",
    ),
    (
        "NAVERPAY",
        "EASY_PAY",
        "pc",
        {"windowType": {"pc": "IFRAME"}},
        "windowType.pc",
        PAGES + "naverpay",
    ),
    ("NAVERPAY", "EASY_PAY", "pc", {"payMethod": "TRANSFER"}, "payMethod", PAGES + "naverpay"),
    ("TOSSPAY_V2", "EASY_PAY", "pc", {"orderName": "신발, 양말"}, "orderName", SDK),
    ("TOSSPAY_V2", "EASY_PAY", "pc", {"orderName": "  "}, "orderName", SDK),
    ("TOSSPAY_V2", "EASY_PAY", "pc", {"payMethod": "CARD"}, "payMethod", PAGES + "tosspay-v2"),
    (
        "TOSSPAYMENTS",
        "EASY_PAY",
        "pc",
        {**PAYPAL, "customer.email": None},
        "customer.email",
        PAGES + "tosspayments",
    ),
    *(
        (pg, "CARD", "pc", direct("TOSS_BANK", fixedMonth=0), "card.cardCompany", page)
        for pg in ("INICIS_V2", "NICE_V2", "KPN", "WELCOME")
        for page in [PAGES + pg.lower().replace("_", "-")]
    ),
    ("KPN", "CARD", "pc", direct("JEJU_CARD"), "card.cardCompany", PAGES + "kpn"),
    (
        "SMARTRO_V2",
        "CARD",
        "mobile",
        direct("KAKAO_BANK", fixedMonth=0),
        "card.cardCompany",
        PAGES + "smartro-v2",
    ),
    *(
        ("NICE_V2", "EASY_PAY", "pc", wallet(name, availablePayMethods=methods), path, QUICK_GUIDE)
        for path in ["easyPay.availablePayMethods"]
        for name, methods in (("SSGPAY", ["CARD"]), ("SSGPAY", ["MONEY"]))
    ),
    *(
        ("NICE_V2", "EASY_PAY", "pc", wallet(name, availablePayMethods=["TRANSFER"]), path, SDK)
        for path in ["easyPay.availablePayMethods"]
        for name in ("NAVERPAY", "TOSSPAY")
    ),
    (
        "NICE_V2",
        "TRANSFER",
        "pc",
        {"transfer": {"customerIdentifier": BUYER_NUMBER}},
        "transfer.customerIdentifier",
        PAGES + "nice-v2",
    ),
    ("NICE_V2", "TRANSFER", "pc", NICE_BANK, "transfer.cashReceiptType", PAGES + "nice-v2"),
    (
        "NICE_V2",
        "TRANSFER",
        "pc",
        {**NICE_BANK, **receipt("transfer", "PERSONAL")},
        "transfer.customerIdentifier",
        PAGES + "nice-v2",
    ),
    *(
        (
            "SMARTRO_V2",
            "TRANSFER",
            "pc",
            changes,
            "transfer.customerIdentifier",
            PAGES + "smartro-v2",
        )
        for changes in (
            receipt("transfer", "PERSONAL"),
            receipt("transfer", "ANONYMOUS", BUYER_NUMBER),
            {"isEscrow": True, "transfer": {"customerIdentifier": BUYER_NUMBER}},
        )
    ),
    *(
        ("KSNET", "CARD", "mobile", {**direct(name), **more}, path, PAGES + "ksnet")
        for name in ("BC_CARD", "SUHYUP_CARD", "JEONBUK_CARD", "GWANGJU_CARD", "KAKAO_BANK")
        for more, path in (
            ({}, "bypass.ksnet.tcode"),
            ({**KSNET_PHONE, "customer.phoneNumber": None}, "customer.phoneNumber"),
        )
    ),
    *(
        (
            "KSNET",
            "CARD",
            "pc",
            {**direct(name), "storeDetails": STORE},
            "bypass.ksnet.url",
            PAGES + "ksnet",
        )
        for name in ("WOORI_CARD", "HANA_CARD", "NH_CARD", "SAMSUNG_CARD", "HYUNDAI_CARD")
        + ("LOTTE_CARD", "SHINHAN_CARD", "CITI_CARD")
    ),
    *(
        (
            "KSNET",
            "CARD",
            "pc",
            {**direct(name), **KSNET_URL, "storeDetails": STORE, f"storeDetails.{field}": None},
            f"storeDetails.{field}",
            PAGES + "ksnet",
        )
        for name in ("KOOKMIN_CARD", "SHINHAN_CARD")
        for field in ("businessName", "businessRegistrationNumber")
    ),
    ("WELCOME", "EASY_PAY", "pc", {"totalAmount": 999}, "totalAmount", PAGES + "welcome"),
    (
        "SMARTRO_V2",
        "VIRTUAL_ACCOUNT",
        "pc",
        {"virtualAccount.accountExpiry": {"dueDate": "2020-01-01"}},
        "virtualAccount.accountExpiry",
        PAGES + "smartro-v2",
    ),
    ("PAYLETTER_GLOBAL", "CARD", "pc", {"currency": "EUR"}, "currency", PAGES + "payletter-global"),
    (
        "KCP_V2",
        "GIFT_CERTIFICATE",
        "pc",
        {"giftCertificate.giftCertificateType": "SMART_MUNSANG"},
        "giftCertificate.giftCertificateType",
        PAGES + "kcp-v2",
    ),
]


@pytest.mark.parametrize(("pg", "pay_method", "device", "changes", "named", "page"), REFUSED)
def test_what_lacks_one_thing_is_refused_before_the_window(
    base, pg, pay_method, device, changes, named, page
):
    answer = open_it(base, changed(passing(pg, pay_method), changes), device)
    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest"), answer.text
    message = answer.json()["message"]
    assert message.startswith(f"{pg}: {named}") and page in message
    assert requests.get(f"{base}/control/payments/payment1/warnings", timeout=10).status_code == 404


TAKEN = [  # what a demand does not reach
    ("TOSSPAYMENTS", "EASY_PAY", "pc", PAYPAL),
    ("INICIS_V2", "CARD", "pc", direct("BC_CARD")),
    ("INICIS_V2", "TRANSFER", "pc", direct("TOSS_BANK")),
    ("NICE_V2", "EASY_PAY", "pc", wallet("SSGPAY")),
    ("NICE_V2", "TRANSFER", "pc", {**NICE_BANK, **receipt("transfer", "PERSONAL", BUYER_NUMBER)}),
    ("NICE_V2", "TRANSFER", "pc", {**NICE_BANK, **receipt("transfer", "ANONYMOUS")}),
    (
        "NICE_V2",
        "EASY_PAY",
        "pc",
        wallet("NAVERPAY", availablePayMethods=["CHARGE"], cashReceiptType="ANONYMOUS"),
    ),
    ("SMARTRO_V2", "TRANSFER", "pc", receipt("transfer", "PERSONAL", BUYER_NUMBER)),
    ("SMARTRO_V2", "TRANSFER", "pc", receipt("transfer", "ANONYMOUS")),
    ("SMARTRO_V2", "CARD", "pc", direct("KAKAO_BANK", fixedMonth=0)),
    ("KSNET", "CARD", "pc", direct("BC_CARD")),
    ("KSNET", "CARD", "mobile", {**direct("BC_CARD"), **KSNET_PHONE}),
    ("KSNET", "CARD", "pc", {**direct("SHINHAN_CARD"), **KSNET_URL, "storeDetails": STORE}),
    ("KSNET", "CARD", "pc", {**direct("KOOKMIN_CARD"), "storeDetails": STORE}),
    ("WELCOME", "EASY_PAY", "pc", {"totalAmount": 1000}),
]


@pytest.mark.parametrize(("pg", "pay_method", "device", "changes"), TAKEN)
def test_what_the_pg_takes_is_not_refused(base, pg, pay_method, device, changes):
    answer = open_it(base, changed(passing(pg, pay_method), changes), device)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("pg", "device", "more"),
    [("KSNET", "pc", {}), ("INICIS_V2", "pc", {}), ("KCP_V2", "mobile", 1)],
)
def test_a_name_in_two_parts_is_a_name(base, pg, device, more):
    """PortOne puts them together where a PG wants a fullName."""
    names = {"customer.fullName": None, "customer.firstName": "길동", "customer.lastName": "홍"}
    if more:
        names |= {
            **direct("BC_CARD"),
            "bypass": {"kcp_v2": {"shop_user_id": "a", "site_name": "b"}},
        }
    assert open_it(base, changed(passing(pg, "CARD"), names), device).status_code == 200


@pytest.mark.parametrize(
    ("agent", "status"),
    [
        (PHONE, 400),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605.1 Mobile/15E148", 200),
        (
            "Mozilla/5.0 (Linux; Android 14; wv) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36",
            200,
        ),
    ],
)
def test_galaxia_takes_an_app_scheme_inside_an_app(base, agent, status):
    """Its page wants one there, and none from a phone's browser."""
    request = changed(passing("GALAXIA", "CARD"), {"appScheme": "shop://"})
    body = {"request": request, "windowType": "REDIRECTION", "page": ""}
    answer = requests.post(
        f"{base}/checkout/", json=body, headers={"User-Agent": agent}, timeout=10
    )
    assert answer.status_code == status, answer.text


def test_a_long_name_in_two_parts_is_too_long(base):
    names = {"customer.fullName": None, "customer.firstName": "가" * 9, "customer.lastName": "나"}
    answer = open_it(base, changed(passing("INICIS_V2", "CARD"), names))
    assert answer.status_code == 400 and "customer.fullName" in answer.json()["message"]


@pytest.mark.parametrize("pg", ["TOSSPAYMENTS", "NAVERPAY", "EXIMBAY_V2"])
@pytest.mark.parametrize("given", ["firstName", "lastName"])
def test_half_a_name_is_refused_at_every_pg(base, pg, given):
    method = "EASY_PAY" if pg == "NAVERPAY" else "CARD"
    answer = open_it(base, changed(passing(pg, method), {f"customer.{given}": "홍"}))
    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest")
    assert "customer.firstName" in answer.json()["message"]


@pytest.mark.parametrize("pg", ["INICIS_V2", "WELCOME"])
def test_a_phone_shows_fewer_languages(base, pg):
    request = changed(passing(pg, "CARD"), {"locale": "ZH_CN"})
    assert open_it(base, request, "mobile").status_code == 200
    assert [each["parameter"] for each in warnings(base)] == ["locale"]


@pytest.mark.parametrize("pg", ["TOSSPAYMENTS", "KSNET", "GALAXIA"])
def test_a_phone_needs_somewhere_to_come_back_to(base, pg):
    request = changed(passing(pg, "CARD"), {"redirectUrl": None})
    body = {"request": request, "windowType": "IFRAME", "page": ""}
    for agent, status in ((PHONE, 400), ("curl", 200)):
        answer = requests.post(
            f"{base}/checkout/", json=body, headers={"User-Agent": agent}, timeout=10
        )
        assert answer.status_code == status
    request["redirectUrl"] = "myshop://payment"
    assert open_it(base, request, "mobile").status_code == 200


@pytest.mark.parametrize(
    ("pg", "pay_method", "changes", "named"),
    [
        ("KCP_V2", "CARD", {"paymentId": "payment-1"}, "paymentId"),
        ("NAVERPAY", "EASY_PAY", {"totalAmount": 99}, "totalAmount"),
    ],
)
def test_what_the_pg_fails_ends_as_a_failed_payment(base, portone, pg, pay_method, changes, named):
    request = changed(passing(pg, pay_method), changes)
    url = open_it(base, request).json()["url"]
    choose(base, url, "approve")
    payment = portone.get_payment(payment_id=request["paymentId"])
    assert isinstance(payment, shapes.FailedPayment)
    assert payment.failure.pg_code == "INVALID_REQUEST"
    assert named in payment.failure.pg_message and PAGES in payment.failure.pg_message
    result = requests.post(f"{base}{url}/close", timeout=10).json()["result"]
    assert (result["code"], result["pgCode"]) == ("FAILURE_TYPE_PG", "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("pg", "pay_method", "changes", "warned"),
    [
        ("TOSSPAYMENTS", "CARD", {}, []),
        ("TOSSPAYMENTS", "CARD", {"locale": "EN_US"}, ["locale"]),
        ("TOSSPAYMENTS", "EASY_PAY", {}, ["payMethod"]),
        ("TOSSPAYMENTS", "CARD", {"totalAmount": 99}, ["totalAmount"]),
        ("TOSSPAYMENTS", "CARD", {"windowType": {"mobile": "POPUP"}}, ["windowType.mobile"]),
        ("INICIS_V2", "CARD", {}, []),
        ("INICIS_V2", "CARD", {"taxFreeAmount": 100}, ["taxFreeAmount"]),
        ("INICIS_V2", "CARD", {"taxFreeAmount": 0}, []),
        ("INICIS_V2", "TRANSFER", {"transfer": {"bankCode": "K_BANK"}}, ["transfer.bankCode"]),
        ("NICE_V2", "CARD", {"orderName": "신발(빨강)"}, ["orderName", "payMethod"]),
        ("KPN", "CARD", {"paymentId": "payment-1"}, ["paymentId"]),
        ("SMARTRO_V2", "CARD", {"currency": "USD"}, ["currency"]),
        ("SMARTRO_V2", "MOBILE", {}, ["productType"]),
        ("KAKAOPAY", "EASY_PAY", wallet("NAVERPAY"), ["easyPay.easyPayProvider"]),
        ("NAVERPAY", "EASY_PAY", {"orderName": "다른 이름"}, ["orderName"]),
        ("INICIS_V2", "CARD", {"locale": "JA_JP"}, ["locale"]),
        ("INICIS_V2", "CARD", {"locale": "ZH_CN"}, []),
        ("WELCOME", "CARD", {"locale": "JA_JP"}, ["locale"]),
        ("KCP_V2", "CARD", {"locale": "ZH_CN"}, ["locale"]),
        ("KCP_V2", "CARD", {"locale": "EN_US"}, []),
        ("KPN", "CARD", {"locale": "ZH_CN"}, ["locale"]),
        ("SMARTRO_V2", "CARD", {"locale": "ZH_CN"}, ["locale"]),
        ("INICIS_V2", "CARD", {"totalAmount": 999}, ["totalAmount"]),
        ("INICIS_V2", "EASY_PAY", {"totalAmount": 999}, ["totalAmount"]),
        (
            "INICIS_V2",
            "CARD",
            {"totalAmount": 999, "bypass": {"inicis_v2": {"acceptmethod": ["below1000"]}}},
            [],
        ),
        *(
            (pg, "TRANSFER", receipt("transfer", "PERSONAL"), [*more, "transfer.cashReceiptType"])
            for pg, *more in (["INICIS_V2"], ["WELCOME"], ["KCP_V2"], ["KSNET", "payMethod"])
        ),
        *(
            (
                pg,
                "VIRTUAL_ACCOUNT",
                {"virtualAccount.cashReceiptType": "PERSONAL"},
                ["virtualAccount.cashReceiptType", *more],
            )
            for pg, *more in (["INICIS_V2"], ["WELCOME"], ["KCP_V2"])
        ),
        (
            "NICE_V2",
            "VIRTUAL_ACCOUNT",
            {"virtualAccount.cashReceiptType": "PERSONAL"},
            ["payMethod", "virtualAccount.cashReceiptType"],
        ),
        ("INICIS_V2", "TRANSFER", receipt("transfer", "ANONYMOUS"), []),
        (
            "INICIS_V2",
            "VIRTUAL_ACCOUNT",
            {"virtualAccount.availableBanks": ["SHINHAN_BANK"]},
            ["virtualAccount.availableBanks"],
        ),
        ("KCP_V2", "VIRTUAL_ACCOUNT", {"virtualAccount.availableBanks": ["SHINHAN_BANK"]}, []),
        ("KCP_V2", "EASY_PAY", wallet("NAVERPAY", availablePayMethods=["CARD"]), []),
        (
            "KCP_V2",
            "EASY_PAY",
            wallet("PAYCO", availablePayMethods=["CARD"]),
            ["easyPay.availablePayMethods"],
        ),
        ("KCP_V2", "CARD", direct("K_BANK"), ["card.cardCompany"]),
        ("KCP_V2", "CARD", direct("BC_CARD"), []),
        (
            "KPN",
            "CARD",
            {"card": {"installment": {"monthOption": {"availableMonthList": [3]}}}},
            ["card.installment.monthOption.availableMonthList"],
        ),
        ("KSNET", "CARD", {"taxFreeAmount": 1000}, []),
        ("KSNET", "TRANSFER", {}, ["payMethod"]),
        ("KSNET", "VIRTUAL_ACCOUNT", {"taxFreeAmount": 1000}, ["taxFreeAmount"]),
        (
            "KAKAOPAY",
            "EASY_PAY",
            {"easyPay": {"installment": {"monthOption": {"availableMonthList": [3]}}}},
            ["easyPay.installment.monthOption.availableMonthList"],
        ),
        *(
            (
                pg,
                "EASY_PAY",
                {f"easyPay.{name}": value for name, value in given.items()},
                sorted([f"easyPay.installment.{path}", *more]),
            )
            for pg, provider, option, path, *more in (
                ("NICE_V2", "LPAY", FREE, "freeInstallmentPlans", "payMethod"),
                ("NICE_V2", "SSGPAY", THREE, "monthOption", "payMethod"),
                ("NICE_V2", "KAKAOPAY", UP_TO, "monthOption.availableMonthList", "payMethod"),
                ("KSNET", "KAKAOPAY", FREE, "freeInstallmentPlans"),
                ("KSNET", "PAYCO", THREE, "monthOption"),
                ("KAKAOPAY", None, FREE, "freeInstallmentPlans"),
            )
            for given in [
                {
                    "easyPayProvider": provider,
                    "availablePayMethods": None,
                    "installment": option,
                }
            ]
        ),
        ("KSNET", "EASY_PAY", {"easyPay.installment": THREE}, []),
        ("KAKAOPAY", "EASY_PAY", {"totalAmount": 1_000_000}, []),
        ("KAKAOPAY", "EASY_PAY", {"totalAmount": 1_000_001}, ["totalAmount"]),
        ("INICIS_JP", "CARD", {"currency": "JPY", "paymentId": "order(1)"}, ["paymentId"]),
        ("INICIS_JP", "CARD", {"currency": "JPY", "paymentId": "order-1"}, []),
    ],
)
def test_what_a_pg_ignores_or_advises_is_a_warning(base, pg, pay_method, changes, warned):
    request = changed(passing(pg, pay_method), changes)
    request["paymentId"] = changes.get("paymentId", "payment1")
    assert open_it(base, request).status_code == 200
    url = f"{base}/control/payments/{request['paymentId']}/warnings"
    found = requests.get(url, timeout=10).json()
    assert sorted(each["parameter"] for each in found) == warned
    for each in found:
        assert each["message"].startswith(f"{pg}: {each['parameter']}")
        assert each["page"].startswith("https://") and each["page"] in each["message"]
    for language, text in (("en", "message"), ("ko", "korean")):
        url = f"{base}/console/payments/{request['paymentId']}?lang={language}"
        page = html.unescape(requests.get(url, timeout=10).text)
        assert page.count("data-warning=") == len(found)
        assert all(each[text] in page for each in found)


@pytest.mark.parametrize("pg", ["INICIS_V2", "WELCOME"])
def test_a_long_order_name_is_cut_in_the_record(base, portone, pg):
    name = "아주 긴 이름의 겨울용 러닝화 두 켤레"
    assert open_it(base, changed(passing(pg, "CARD"), {"orderName": name})).status_code == 200
    cut = portone.get_payment(payment_id="payment1").order_name
    assert cut.endswith("...") and name.startswith(cut[:-3]) and len(cut.encode()) <= 40
    assert [each["parameter"] for each in warnings(base)] == ["orderName"]


def test_smartro_cuts_a_long_payment_id_and_the_record_keeps_it(base, portone):
    request = changed(passing("SMARTRO_V2", "CARD"), {"paymentId": "a" * 41})
    assert open_it(base, request).status_code == 200
    assert portone.get_payment(payment_id="a" * 41).id == "a" * 41
    url = f"{base}/control/payments/{'a' * 41}/warnings"
    assert [each["parameter"] for each in requests.get(url, timeout=10).json()] == ["paymentId"]


@pytest.mark.parametrize(
    ("pg", "provider"),
    [("KAKAOPAY", "KAKAOPAY"), ("NAVERPAY", "NAVERPAY"), ("TOSSPAY_V2", "TOSSPAY")],
)
def test_a_wallet_is_its_own_provider(base, portone, pg, provider):
    url = open_it(base, passing(pg, "EASY_PAY")).json()["url"]
    choose(base, url, "approve")
    assert portone.get_payment(payment_id="payment1").method.provider == provider


def test_everything_that_is_wrong_is_named_at_once(base):
    changes = {"customer.fullName": None, "customer.email": None, "paymentId": "주문1"}
    answer = open_it(base, changed(passing("INICIS_V2", "CARD"), changes)).json()
    for named in ("paymentId", "customer.name", "customer.email"):
        assert f"INICIS_V2: {named}" in answer["message"]


# Overseas


def test_paypal_is_another_call(base):
    request = {**passing("TOSSPAYMENTS", "CARD"), "channelKey": channels.KEYS_BY_PG["PAYPAL_V2"]}
    answer = open_it(base, request)
    assert answer.status_code == 400
    assert "loadPaymentUI" in answer.json()["message"] and "paypal-v2" in answer.json()["message"]


@pytest.mark.parametrize("pg", ["PAYLETTER_GLOBAL", "PAYMENTWALL", "TRIPLE_A", "EXIMBAY_V2"])
def test_a_pg_that_chooses_the_method_itself_needs_none(base, portone, pg):
    request = {**passing("TOSSPAYMENTS", "CARD"), "channelKey": channels.KEYS_BY_PG[pg]}
    request["customer"]["phoneNumber"] = "+821012345678"
    del request["payMethod"]
    opened = open_it(base, request)
    assert opened.status_code == 200, opened.text
    choose(base, opened.json()["url"], "approve")
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)


def test_the_live_channel_refuses_what_a_test_channel_lets_pass(base, portone):
    request = changed(passing("TOSSPAYMENTS", "CARD"), {"totalAmount": 99})
    request["channelKey"] = channels.LIVE_CHANNEL
    answer = open_it(base, request)
    assert answer.status_code == 400 and MINIMUMS in answer.json()["message"]
    choose(base, open_it(base, {**request, "totalAmount": 100}).json()["url"], "approve")
    assert portone.get_payment(payment_id="payment1").channel.type == "LIVE"


# Cancellations


def pay_through(base, pg, pay_method):
    url = open_it(base, passing(pg, pay_method)).json()["url"]
    choose(base, url, "issue" if pay_method == "VIRTUAL_ACCOUNT" else "approve")
    if pay_method == "VIRTUAL_ACCOUNT":
        requests.post(f"{base}/control/payments/payment1/deposit", timeout=10)


WITHOUT_PARTS = ["TOSSPAYMENTS", "NICE_V2", "SMARTRO_V2", "KPN", "KSNET", "WELCOME", "GALAXIA"]


@pytest.mark.parametrize("pg", ["INICIS_V2", "KCP_V2"])
def test_two_pgs_cancel_a_part_of_a_carriers_bill(base, portone, pg):
    pay_through(base, pg, "MOBILE")
    portone.cancel_payment(payment_id="payment1", reason="x", amount=100)
    assert portone.get_payment(payment_id="payment1").amount.cancelled == 100


@pytest.mark.parametrize(
    ("pg", "pay_method"),
    [("TOSSPAYMENTS", "GIFT_CERTIFICATE"), *((pg, "MOBILE") for pg in WITHOUT_PARTS)],
)
def test_what_is_cancelled_as_a_whole_only(base, portone, pg, pay_method):
    pay_through(base, pg, pay_method)
    with pytest.raises(PgProviderError) as refused:
        portone.cancel_payment(payment_id="payment1", reason="x", amount=100)
    assert refused.value.pg_code == "NOT_ALLOWED_PARTIAL_REFUND"
    portone.cancel_payment(payment_id="payment1", reason="x")
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.CancelledPayment)


def test_ksnet_cancels_nine_parts(base, portone):
    pay_through(base, "KSNET", "CARD")
    for _ in range(9):
        portone.cancel_payment(payment_id="payment1", reason="x", amount=100)
    with pytest.raises(PgProviderError):
        portone.cancel_payment(payment_id="payment1", reason="x", amount=100)
    assert portone.get_payment(payment_id="payment1").amount.cancelled == 900


def test_smartro_asks_whose_refund_account_it_is(base):
    pay_through(base, "SMARTRO_V2", "VIRTUAL_ACCOUNT")
    account = {"bank": "SHINHAN", "number": "1", "holderName": "홍길동"}
    refused = post_cancel(base, {"reason": "x", "refundAccount": account})
    assert (refused.status_code, refused.json()["type"]) == (502, "PG_PROVIDER")
    assert "holderPhoneNumber" in refused.json()["pgMessage"]
    account["holderPhoneNumber"] = "01012345678"
    assert post_cancel(base, {"reason": "x", "refundAccount": account}).status_code == 200


def test_triple_a_asks_where_the_buyer_reads_of_the_refund(base, portone):
    request = changed(passing("TRIPLE_A", "CARD"), {"customer.phoneNumber": "+821012345678"})
    choose(base, open_it(base, request).json()["url"], "approve")
    refused = post_cancel(base, {"reason": "x"})
    assert (refused.status_code, refused.json()["type"]) == (502, "PG_PROVIDER")
    assert "refundEmail" in refused.json()["pgMessage"]
    assert requests.post(f"{base}/control/payments/payment1/cancel", json={"amount": 1}).ok
    assert post_cancel(base, {"reason": "x", "refundEmail": "buyer@example.com"}).ok


def test_triple_a_takes_off_postage_of_products_only(base):
    changes = {"customer.phoneNumber": "+821012345678"}
    for name in ("shipping_cost", "shipping_discount", "tax_cost"):
        more = {**changes, "bypass": {"triple_a": {name: 1}}}
        answer = open_it(base, changed(passing("TRIPLE_A", "CARD"), more))
        assert answer.status_code == 400 and f"triple_a.{name}" in answer.json()["message"]


def test_the_console_can_refund_an_account_of_every_pg(base, portone):
    pay_through(base, "SMARTRO_V2", "VIRTUAL_ACCOUNT")
    requests.post(f"{base}/control/payments/payment1/cancel", timeout=10)
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.CancelledPayment)
