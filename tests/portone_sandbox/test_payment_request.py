"""What requestPayment takes and what it refuses.

With PORTONE_BROWSER_SDK, the folder of an unpacked npm package @portone/browser-sdk, its types are
compared as well.
"""

import json
import os
import re
from pathlib import Path

import pytest
import requests
from portone_server_sdk.errors import PaymentNotFoundError

from portone_sandbox import accounts, enums, payment_request
from portone_sandbox.errors import RequestError
from portone_sandbox.payment_request import check
from portone_sandbox.schema import ListOf
from tests.portone_sandbox.client import open_window
from tests.portone_sandbox.client import payment_request as minimal

INSTALLMENT = {
    "monthOption": {"availableMonthList": [0, 2, 3]},
    "freeInstallmentPlans": [
        {"cardCompany": "BC_CARD", "months": [2, 3], "pgProvider": "TOSSPAYMENTS"}
    ],
}
ADDRESS = {
    "country": "KR",
    "addressLine1": "테헤란로 1",
    "addressLine2": "",
    "city": "강남구",
    "province": "서울",
}
EVERYTHING = minimal(
    orderDetail="신발",
    taxFreeAmount=100,
    vatAmount=81,
    customer={
        "customerId": "c1",
        "fullName": "홍길동",
        "firstName": "길동",
        "lastName": "홍",
        "phoneNumber": "010-1234-5678",
        "email": "buyer@example.com",
        "address": ADDRESS,
        "zipcode": "06234",
        "gender": "OTHER",
        "birthYear": "1990",
        "birthMonth": "07",
        "birthDay": "08",
        "firstNameKana": "キルトン",
        "lastNameKana": "ホン",
    },
    windowType={"pc": "IFRAME", "mobile": "REDIRECTION"},
    redirectUrl="https://shop.test/back",
    forceRedirect=False,
    noticeUrls=["https://shop.test/webhook", "/webhook"],
    confirmUrl="https://shop.test/confirm",
    appScheme="shop://",
    isEscrow=False,
    products=[
        {
            "id": "1",
            "name": "신발",
            "code": "S1",
            "amount": 500,
            "quantity": 2,
            "tag": "sale",
            "link": "https://shop.test/1",
            "description": "편안한 신발",
        }
    ],
    isCulturalExpense=False,
    locale="KO_KR",
    customData={"cart": [1, None]},
    country="KR",
    productType="REAL",
    offerPeriod={"range": {"from": "2030-01-01T00:00:00+09:00", "to": "2030-12-31T23:59:59+09:00"}},
    storeDetails={
        "ceoFullName": "홍길동",
        "phoneNumber": "02-123-4567",
        "address": "서울",
        "zipcode": "06234",
        "email": "a@shop.test",
        "businessName": "상점",
        "businessRegistrationNumber": "1234567890",
        "storeName": "상점",
        "storeNameShort": "점",
        "storeNameEn": "Shop",
        "storeNameKana": "ショップ",
        "contactName": "문의",
        "openingHours": {"open": "09:00", "close": "18:00"},
    },
    shippingAddress=ADDRESS,
    promotionId="promotion1",
    merpayCategoryId="1",
    popup={"center": True},
    iframe={"dim": False},
    bypass={"tosspayments": {"anything": None}},
    card={
        "cardCompany": "SHINHAN_CARD",
        "availableCards": ["BC_CARD"],
        "useFreeInterestFromMall": True,
        "installment": INSTALLMENT,
        "useCardPoint": True,
        "useAppCardOnly": False,
        "useInstallment": True,
        "cardPromotion": {"promotionId": "1", "discountAmount": 100},
    },
    virtualAccount={
        "cashReceiptType": "PERSONAL",
        "customerIdentifier": "01012345678",
        "fixedOption": {"pgAccountId": "1"},
        "bankCode": "SHINHAN_BANK",
        "accountExpiry": {"validHours": 24},
        "availableBanks": ["K_BANK"],
    },
    transfer={
        "cashReceiptType": "CORPORATE",
        "customerIdentifier": "1234567890",
        "bankCode": "EPOST",
    },
    mobile={"carrier": "SKT", "avaliableCarriers": ["KT", "LGU"]},
    giftCertificate={"giftCertificateType": "BOOKNLIFE"},
    easyPay={
        "easyPayProvider": "KAKAOPAY",
        "useFreeInterestFromMall": True,
        "availableCards": ["BC_CARD"],
        "installment": INSTALLMENT,
        "cashReceiptType": "ANONYMOUS",
        "customerIdentifier": "1",
        "useCardPoint": False,
        "availablePayMethods": ["CARD", "CHARGE"],
        "useInstallment": False,
    },
    paypal={},
    alipay={},
    convenienceStore={"paymentDeadline": {"dueDate": "2030-01-01T00:00:00Z"}},
    alipayPlus={"easyPayProvider": "GCASH"},
)


def refusal(request):
    with pytest.raises(RequestError) as refused:
        check(request)
    return refused.value


# What is refused


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        ({"storeId": "store-other"}, "StoreNotFound", "storeId"),
        ({"channelKey": "channel-key-other"}, "ChannelNotFound", "channelKey"),
        ({"channelKey": None}, "BadRequest", "channelKey"),
        ({"channelKey": None, "channelGroupId": "other"}, "ChannelNotFound", "channelGroupId"),
        (
            {"channelGroupId": "channel-key-5a4db0c5-0000-4000-8000-000000000001"},
            "BadRequest",
            "channelGroupId",
        ),
        ({"orderName": None}, "BadRequest", "orderName"),
        ({"orderName": ""}, "BadRequest", "orderName"),
        ({"orderName": "half an emoji \ud83d"}, "BadRequest", "surrogates"),
        ({"totalAmount": "1000"}, "BadRequest", "totalAmount"),
        ({"totalAmount": True}, "BadRequest", "totalAmount"),
        ({"totalAmount": 0}, "BadRequest", "totalAmount"),
        ({"totalAmount": 2**53}, "BadRequest", "totalAmount"),
        ({"taxFreeAmount": 1001}, "BadRequest", "taxFreeAmount"),
        ({"vatAmount": -1}, "BadRequest", "vatAmount"),
        ({"currency": "WON!"}, "BadRequest", "currency must be one of KRW, USD"),
        ({"currency": "CURRENCY_WON"}, "BadRequest", "currency"),
        ({"payMethod": "CASH"}, "BadRequest", "payMethod must be one of CARD, VIRTUAL_ACCOUNT"),
        ({"locale": "ko_KR"}, "BadRequest", "locale"),
        ({"country": "KOR"}, "BadRequest", "country"),
        ({"productType": "real"}, "BadRequest", "productType must be one of REAL, DIGITAL."),
        ({"customer": "홍길동"}, "BadRequest", "customer"),
        ({"customer": {"email": "buyer"}}, "BadRequest", "customer.email"),
        (
            {"customer": {"address": {"addressLine1": "서울"}}},
            "BadRequest",
            "customer.address.addressLine2",
        ),
        ({"windowType": {"pc": "TAB"}}, "BadRequest", "windowType.pc"),
        ({"windowType": {"mobile": "UI"}}, "BadRequest", "windowType.mobile"),
        ({"redirectUrl": "javascript:alert(1)"}, "BadRequest", "redirectUrl"),
        ({"redirectUrl": "/back"}, "BadRequest", "redirectUrl"),
        ({"redirectUrl": "http://[::1"}, "BadRequest", "redirectUrl"),
        ({"confirmUrl": "shop.test"}, "BadRequest", "confirmUrl"),
        ({"noticeUrls": ["ftp://shop.test"]}, "BadRequest", "noticeUrls"),
        (
            {"products": [{"id": "1", "name": "신발", "amount": 500}]},
            "BadRequest",
            "products[0].quantity",
        ),
        ({"card": {"cardCompany": "SHINHAN"}}, "BadRequest", "card.cardCompany"),
        (
            {"card": {"installment": {"freeInstallmentPlans": [{"months": [2]}]}}},
            "BadRequest",
            "[0].cardCompany",
        ),
        ({"virtualAccount": {"bankCode": "SHINHAN"}}, "BadRequest", "virtualAccount.bankCode"),
        (
            {"virtualAccount": {"accountExpiry": {"dueDate": "soon"}}},
            "BadRequest",
            "accountExpiry.dueDate",
        ),
        (
            {"virtualAccount": {"accountExpiry": {"validHours": 0}}},
            "BadRequest",
            "accountExpiry.validHours",
        ),
        (
            {"virtualAccount": {"accountExpiry": {"validHours": 10**12}}},
            "BadRequest",
            "accountExpiry",
        ),
        (
            {"virtualAccount": {"accountExpiry": {"validHours": 1, "dueDate": "2030-01-01"}}},
            "BadRequest",
            "Either virtualAccount.accountExpiry.validHours or virtualAccount.accountExpiry.dueDate",
        ),
        (
            {"convenienceStore": {"paymentDeadline": {}}},
            "BadRequest",
            "convenienceStore.paymentDeadline.validHours",
        ),
        ({"offerPeriod": {"interval": "1 month"}}, "BadRequest", "offerPeriod.interval"),
    ],
)
def test_a_bad_request_is_refused_and_not_recorded(base, portone, changes, code, named):
    answer = open_window(base, **changes)
    assert answer.status_code in (400, 404)
    assert answer.json()["code"] == code
    assert named in answer.json()["message"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    with pytest.raises(PaymentNotFoundError):
        portone.get_payment(payment_id="payment1")


@pytest.mark.parametrize(
    "name", ["storeId", "paymentId", "orderName", "totalAmount", "currency", "payMethod"]
)
def test_what_is_required_is_named(name):
    request = minimal()
    del request[name]
    assert (refusal(request).code, refusal(request).message) == (
        "BadRequest",
        f"{name} is required.",
    )


def test_a_redirect_needs_somewhere_to_go(base):
    answer = open_window(base, "REDIRECTION")
    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest")
    assert "redirectUrl" in answer.json()["message"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b'{"request": 1, "windowType": "IFRAME"}']
)
def test_a_malformed_body_is_refused(base, body):
    headers = {"Content-Type": "application/json"}
    answer = requests.post(f"{base}/checkout/", data=body, headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest")


def places(value, name=""):
    """Every place in the request: its name, its holder and its key.

    What is the merchant's or the PG's own is one.
    """
    if name in ("customData", "bypass"):
        return
    if isinstance(value, dict):
        inside = [(f"{name}.{key}".lstrip("."), key) for key in value]
    else:
        inside = (
            [(f"{name}[{key}]", key) for key in range(len(value))]
            if isinstance(value, list)
            else []
        )
    for name_inside, key in inside:
        yield name_inside, value, key
        yield from places(value[key], name_inside)


def test_everything_has_its_type():
    names = [name for name, _, _ in places(EVERYTHING)]
    assert len(names) > 150
    for name in names:
        request = json.loads(json.dumps(EVERYTHING))
        [(holder, key)] = [(holder, key) for other, holder, key in places(request) if other == name]
        holder[key] = 1.5
        refused = refusal(request)
        assert refused.code == "BadRequest"
        assert refused.message.startswith(f"{name} must be ")


# What is taken


def test_every_parameter_is_taken_as_it_is(base):
    assert open_window(base, **EVERYTHING).status_code == 200
    assert check(EVERYTHING) == EVERYTHING


def test_what_is_not_known_is_let_through():
    changes = {"newParameter": 5, "customer": {"age": 30}, "card": {"new": {"x": [None]}}}
    assert check(minimal(**changes)) == minimal(**changes)


def test_a_null_is_as_good_as_nothing_but_in_custom_data():
    request = check(minimal(country=None, customer={"email": None}, customData={"note": None}))
    assert "country" not in request
    assert request["customer"] == {}
    assert request["customData"] == {"note": None}


def test_a_channel_group_is_as_good_as_a_channel():
    channel = minimal()["channelKey"]
    group = accounts.CHANNEL_GROUP["id"]
    assert check(minimal(channelKey=None, channelGroupId=group))["channelKey"] == channel


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"currency": "CURRENCY_KRW"}, {"currency": "KRW"}),
        ({"country": "COUNTRY_KR"}, {"country": "KR"}),
        ({"productType": "PRODUCT_TYPE_DIGITAL"}, {"productType": "DIGITAL"}),
        ({"customer": {"gender": "GENDER_FEMALE"}}, {"customer": {"gender": "FEMALE"}}),
        (
            {"card": {"availableCards": ["CARD_COMPANY_BC_CARD"]}},
            {"card": {"availableCards": ["BC_CARD"]}},
        ),
        (
            {"virtualAccount": {"bankCode": "BANK_K_BANK"}},
            {"virtualAccount": {"bankCode": "K_BANK"}},
        ),
        (
            {"virtualAccount": {"bankCode": "BANK_BANK_OF_KOREA"}},
            {"virtualAccount": {"bankCode": "BANK_OF_KOREA"}},
        ),
        (
            {"transfer": {"cashReceiptType": "CASH_RECEIPT_TYPE_PERSONAL"}},
            {"transfer": {"cashReceiptType": "PERSONAL"}},
        ),
        ({"mobile": {"carrier": "CARRIER_SKT"}}, {"mobile": {"carrier": "SKT"}}),
        (
            {"easyPay": {"easyPayProvider": "EASY_PAY_PROVIDER_PAYCO"}},
            {"easyPay": {"easyPayProvider": "PAYCO"}},
        ),
        (
            {"giftCertificate": {"giftCertificateType": "GIFT_CERTIFICATE_TYPE_BOOKNLIFE"}},
            {"giftCertificate": {"giftCertificateType": "BOOKNLIFE"}},
        ),
    ],
)
def test_both_spellings_of_an_enum_are_one(older, newer):
    assert check(minimal(**older)) == minimal(**newer)


@pytest.mark.parametrize(
    "due",
    [
        "20301231",
        "20301231235959",
        "2030-12-31",
        "2030-12-31 23:59:59",
        "2030-12-31T23:59:59+09:00",
    ],
)
def test_a_due_date_may_be_written_in_several_ways(due):
    check(minimal(virtualAccount={"accountExpiry": {"dueDate": due}}))


# The types of npm's package

TYPES = Path(os.environ.get("PORTONE_BROWSER_SDK", "nowhere"), "dist/v2")
needs_types = pytest.mark.skipif(not TYPES.is_dir(), reason="PORTONE_BROWSER_SDK is not set")

ENUMS = {
    "BANK": "Bank",
    "CARD_COMPANY": "CardCompany",
    "CARRIER": "Carrier",
    "CASH_RECEIPT_TYPE": "CashReceiptType",
    "COUNTRY": "Country",
    "CURRENCY": "Currency",
    "EASY_PAY_PAYMENT_METHOD": "EasyPayPaymentMethod",
    "EASY_PAY_PROVIDER": "EasyPayProvider",
    "GENDER": "Gender",
    "GIFT_CERTIFICATE_TYPE": "GiftCertificateType",
    "LOCALE": "Locale",
    "PAY_METHOD": "PaymentPayMethod",
    "PG_PROVIDER": "FreeInstallmentPlanPgProvider",
    "PRODUCT_TYPE": "ProductType",
}
OBJECTS = {
    "": "request/PaymentRequestBase request/PaymentRequestUnion",
    "customer": "entity/Customer",
    "shippingAddress": "entity/Address",
    "windowType": "entity/WindowTypes",
    "popup": "entity/Popup",
    "iframe": "entity/Iframe",
    "products": "entity/Product",
    "offerPeriod": "entity/OfferPeriod",
    "storeDetails": "entity/StoreDetails",
    "storeDetails.openingHours": "entity/StoreDetailsOpeningHours",
    "card": "request/PaymentRequestUnionCard",
    "card.cardPromotion": "entity/CardPromotion",
    "card.installment": "entity/Installment",
    "card.installment.monthOption": "entity/InstallmentMonthOption",
    "card.installment.freeInstallmentPlans": "entity/FreeInstallmentPlan",
    "virtualAccount": "request/PaymentRequestUnionVirtualAccount",
    "virtualAccount.accountExpiry": "request/PaymentRequestUnionVirtualAccountAccountExpiry",
    "virtualAccount.fixedOption": "request/PaymentRequestUnionVirtualAccountFixedOption",
    "transfer": "request/PaymentRequestUnionTransfer",
    "mobile": "request/PaymentRequestUnionMobile",
    "giftCertificate": "request/PaymentRequestUnionGiftCertificate",
    "easyPay": "request/PaymentRequestUnionEasyPay",
    "convenienceStore": "request/PaymentRequestUnionConvenienceStore",
    "convenienceStore.paymentDeadline": "request/PaymentRequestUnionConvenienceStorePaymentDeadline",
    "alipayPlus": "request/PaymentRequestUnionAlipayPlus",
}


@needs_types
def test_the_words_of_enums_are_those_of_the_types():
    for enum, file in ENUMS.items():
        words = getattr(enums, enum).values
        assert sorted(words) == sorted(
            re.findall(r': "(\w+)";', (TYPES / f"entity/{file}.d.ts").read_text())
        )


@needs_types
def test_the_names_and_what_is_required_are_those_of_the_types():
    for place, files in OBJECTS.items():
        shape = payment_request.PAYMENT_REQUEST
        for name in filter(None, place.split(".")):
            shape = shape.fields[name]
            shape = shape.element if isinstance(shape, ListOf) else shape
        text = "".join((TYPES / f"{file}.d.ts").read_text() for file in files.split())
        found = re.findall(r"^    (\w+)(\??): ", text, re.MULTILINE)
        assert shape.fields.keys() == {name for name, _ in found}
        if "OneOfType" not in text:
            required = {name for name, optional in found if not optional}
            # The pages of PGs that choose the method themselves leave payMethod out.
            assert shape.required.keys() == required - {"payMethod"}
