"""What the shop sends to each PG, and that its channel in the sandbox takes it, pays and is verified.

The sandbox judges a request by PortOne's documentation of the PG (portone_sandbox/channels.json).
"""

import json
from itertools import product

import pytest

from merchant import config
from merchant.catalog import PRODUCTS, Product
from merchant.pg import ANY, METHODS, NOT_SERVED, PGS, order_name
from portone_sandbox import channels

ACCOUNT = {"PORTONE_STORE_ID": "store-1", "PORTONE_API_SECRET": "secret-1"}
DEVICES = {
    "pc": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
    "mobile": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Mobile",
}
WINDOW_TYPES = ("", "IFRAME", "POPUP", "REDIRECTION")


def ways(pg):
    """Every (payMethod, easyPayProvider) of a PG."""
    for method in pg.methods:
        yield from product([method], pg.providers if method == "EASY_PAY" else [""])


def settings_of(name):
    return {"PORTONE_PG": name, "PORTONE_CHANNEL_KEY": channels.KEYS_BY_PG[name]}


def open_window(shop, request, device):
    """What the SDK does on a device. Returns the sandbox's answer."""
    usual = "REDIRECTION" if device == "mobile" else "IFRAME"
    usual = channels.window_types().get(request["channelKey"], {}).get(device, usual)
    window = request.get("windowType", {}).get(device, usual)
    return shop.window.post(
        "/checkout/",
        json={"request": request, "windowType": window, "page": "http://localhost/"},
        headers={"Origin": "http://localhost", "User-Agent": DEVICES[device]},
    )


def pay(shop, order, device):
    """Pay as a buyer does on a device. Returns what /payment/complete says."""
    opened = open_window(shop, order["request"], device)
    assert opened.status_code == 200, (order["request"], opened.text)
    is_account = order["request"]["payMethod"] == "VIRTUAL_ACCOUNT"
    form = {"outcome": "issue" if is_account else "approve"}
    shop.window.post(f"/checkout/{opened.json['txId']}/outcome", data=form)
    return shop.complete(order).json["status"]


def warnings(shop, order):
    """What the PG cuts, ignores, advises or allows by contract only, as [{parameter, message}]."""
    return shop.window.get(f"/control/payments/{order['paymentId']}/warnings").json


@pytest.mark.parametrize("name", PGS)
def test_each_method_and_provider_of_a_pg_is_paid_and_verified_on_a_pc_and_a_phone(make_shop, name):
    """All that is sent is used, but a wallet's own name; what a contract decides is warned of."""
    shop = make_shop(**settings_of(name))
    for (method, provider), device in product(ways(PGS[name]), DEVICES):
        order = shop.order(payMethod=method, easyPayProvider=provider)
        assert order["request"]["channelKey"] == channels.KEYS_BY_PG[name]
        status = pay(shop, order, device)
        issued = "VIRTUAL_ACCOUNT_ISSUED" if method == "VIRTUAL_ACCOUNT" else "PAID"
        assert status == issued, (method, provider, device)
        found = {each["parameter"] for each in warnings(shop, order)}
        unused = {"easyPay.easyPayProvider"} if name in {"KAKAOPAY", "NAVERPAY"} else set()
        assert found - {"payMethod", "productType"} == unused, (method, provider, device)


@pytest.mark.parametrize("name", PGS)
def test_each_window_that_the_order_page_offers_opens_at_each_pg(make_shop, name):
    """The PG's own window opens instead of one that it refuses."""
    shop, pg = make_shop(**settings_of(name)), PGS[name]
    method, provider = next(ways(pg))
    for window_type, device in product(WINDOW_TYPES, DEVICES):
        order = shop.order(payMethod=method, easyPayProvider=provider, windowType=window_type)
        allowed = pg.pc if device == "pc" else pg.mobile
        sent = order["request"].get("windowType", {}).get(device)
        assert sent == (window_type if window_type in allowed else None)
        opened = open_window(shop, order["request"], device)
        assert opened.status_code == 200, (window_type, device, opened.text)


@pytest.mark.parametrize(
    "name", [name for name, pg in PGS.items() if "CARD" in pg.methods and name != "KICC_V2"]
)
def test_without_portone_pg_the_usual_methods_pass_at_every_domestic_pg(make_shop, name):
    shop = make_shop(PORTONE_CHANNEL_KEY=channels.KEYS_BY_PG[name], PORTONE_PG="")
    for method, device in product(("CARD", "VIRTUAL_ACCOUNT", "TRANSFER"), DEVICES):
        assert pay(shop, shop.order(payMethod=method), device) != "FAILED", (method, device)


# What the request carries, by our own table from PortOne's pages


@pytest.mark.parametrize(
    ("name", "method", "provider", "carried"),
    [
        ("TOSSPAYMENTS", "EASY_PAY", "KAKAOPAY", {"easyPay": {"easyPayProvider": "KAKAOPAY"}}),
        ("TOSSPAYMENTS", "MOBILE", "", {"productType": "REAL"}),
        (
            "TOSSPAYMENTS",
            "GIFT_CERTIFICATE",
            "",
            {"giftCertificate": {"giftCertificateType": "CULTURELAND"}},
        ),
        ("KCP_V2", "MOBILE", "", {"bypass": {"kcp_v2": {"shop_user_id": "CUSTOMER"}}}),
        ("KCP_V2", "GIFT_CERTIFICATE", "", {"bypass": {"kcp_v2": {"shop_user_id": "CUSTOMER"}}}),
        ("NICE_V2", "GIFT_CERTIFICATE", "", {"bypass": {"nice_v2": {"MallUserID": "CUSTOMER"}}}),
        (
            "NICE_V2",
            "EASY_PAY",
            "NAVERPAY",
            {"easyPay": {"easyPayProvider": "NAVERPAY", "availablePayMethods": ["CARD"]}},
        ),
        (
            "NICE_V2",
            "VIRTUAL_ACCOUNT",
            "",
            {"virtualAccount": {"accountExpiry": {"validHours": 24}}},
        ),
        ("KSNET", "EASY_PAY", "PAYCO", {"bypass": {"ksnet": {"easyPayDirect": True}}}),
        ("KSNET", "EASY_PAY", "PAYCO", {"productType": "REAL"}),
        (
            "NAVERPAY",
            "EASY_PAY",
            "NAVERPAY",
            {
                "bypass": {
                    "naverpay": {
                        "productItems": [
                            {
                                "categoryType": "ETC",
                                "categoryId": "ETC",
                                "uid": "waffle-trainer",
                                "name": "나이키 와플 트레이너 2 SD",
                                "count": 1,
                            }
                        ]
                    }
                }
            },
        ),
    ],
)
def test_the_request_carries_what_the_pg_wants_besides(make_shop, name, method, provider, carried):
    request = make_shop(**settings_of(name)).order(payMethod=method, easyPayProvider=provider)[
        "request"
    ]
    expected = json.dumps(carried).replace("CUSTOMER", request["customer"]["customerId"])
    assert {name: request[name] for name in carried} == json.loads(expected)


@pytest.mark.parametrize("name", ["KCP_V2", "NICE_V2", "KSNET"])
def test_a_card_payment_carries_nothing_of_other_methods(make_shop, name):
    request = make_shop(**settings_of(name)).order()["request"]
    assert not {"bypass", "easyPay", "storeDetails", "productType"} & set(request)


def test_a_phone_number_is_sent_in_digits(make_shop):
    assert make_shop().order()["request"]["customer"]["phoneNumber"] == "01012345678"


def test_an_e_mail_address_that_inicis_does_not_take_is_refused_at_its_field(make_shop):
    shop = make_shop(**settings_of("INICIS_V2"))
    buyer = {"name": "홍길동", "email": "gil-dong@example.com", "phone": "010-1234-5678"}
    body = {"productId": "waffle-trainer", "payMethod": "CARD", "buyer": buyer}
    answer = shop.client.post("/orders", json=body)
    assert answer.status_code == 400 and answer.json["error"]["field"] == "buyer.email"


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("나이키 와플 트레이너 2 SD", "나이키 와플 트레이너 2 SD"),
        ("100% 면, A&B [특가]", "100 면 A B 특가"),
        ("가" * 40, "가" * 13),
        ("%", "주문"),
    ],
)
def test_a_products_name_is_sent_as_every_pg_takes_it(name, sent):
    assert order_name(name, ANY) == sent


def test_the_name_that_was_sent_is_the_one_that_is_verified(make_shop, monkeypatch):
    long_name = Product("long", "아주 긴 이름의 상품 - 색상 & 크기 선택, 묶음 배송 가능", 1_000)
    monkeypatch.setitem(PRODUCTS, "long", long_name)
    shop = make_shop(**settings_of("NICE_V2"))
    order = shop.order(productId="long")
    assert len(order["request"]["orderName"].encode()) <= 40
    assert pay(shop, order, "pc") == "PAID"


def test_a_product_without_a_name_or_with_too_long_a_one_is_refused():
    for name in ("", "가" * 65):
        with pytest.raises(ValueError, match="long: name must have 1 to 64 characters"):
            Product("long", name, 1_000)


# The choice of a provider


def test_a_retry_keeps_the_provider_and_another_may_be_chosen(make_shop):
    shop = make_shop()
    order = shop.order(payMethod="EASY_PAY", easyPayProvider="NAVERPAY")
    again = f"/orders/{order['orderId']}/payments"
    kept = shop.client.post(again, json={}).json["request"]
    assert (kept["payMethod"], kept["easyPay"]) == ("EASY_PAY", {"easyPayProvider": "NAVERPAY"})
    other = shop.client.post(again, json={"easyPayProvider": "PAYCO"}).json["request"]
    assert other["easyPay"] == {"easyPayProvider": "PAYCO"}
    card = shop.client.post(again, json={"payMethod": "CARD"}).json["request"]
    assert card["payMethod"] == "CARD" and "easyPay" not in card


def test_a_provider_that_is_not_offered_is_refused_at_its_field(make_shop):
    shop = make_shop(PORTONE_EASY_PAY_PROVIDERS="KAKAOPAY,PAYCO")
    body = {"productId": "waffle-trainer", "payMethod": "EASY_PAY", "easyPayProvider": "NAVERPAY"}
    answer = shop.client.post("/orders", json=body)
    error = answer.json["error"]
    assert answer.status_code == 400 and error["field"] == "easyPayProvider"
    assert "KAKAOPAY, PAYCO" in error["message"]


def test_the_provider_of_another_method_is_not_looked_at(make_shop):
    request = make_shop().order(payMethod="CARD", easyPayProvider="nothing")["request"]
    assert "easyPay" not in request


def test_without_providers_the_choice_is_left_to_the_pgs_window(make_shop):
    shop = make_shop(PORTONE_PG="", PORTONE_PAY_METHODS="CARD,EASY_PAY")
    assert "easyPay" not in shop.order(payMethod="EASY_PAY")["request"]
    assert "easyPayProvider" not in shop.client.get("/").text


# The settings


def load(**values):
    key = {} if "PORTONE_CHANNELS" in values else {"PORTONE_CHANNEL_KEY": "key-1"}
    return config.load({**ACCOUNT, **key, **values})


@pytest.mark.parametrize(
    ("values", "methods", "providers"),
    [
        ({}, ("CARD", "VIRTUAL_ACCOUNT", "TRANSFER"), ()),
        ({"PORTONE_PAY_METHODS": "CARD, EASY_PAY"}, ("CARD", "EASY_PAY"), ()),
        ({"PORTONE_PG": "KCP_V2"}, METHODS, PGS["KCP_V2"].providers),
        ({"PORTONE_PG": "NAVERPAY"}, ("EASY_PAY",), ("NAVERPAY",)),
        ({"PORTONE_PG": "KPN", "PORTONE_PAY_METHODS": "CARD"}, ("CARD",), ()),
        (
            {"PORTONE_PG": "KPN", "PORTONE_EASY_PAY_PROVIDERS": "PAYCO"},
            PGS["KPN"].methods,
            ("PAYCO",),
        ),
        (
            {"PORTONE_CHANNELS": "KAKAOPAY=key-1 NAVERPAY=key-2"},
            ("EASY_PAY",),
            ("KAKAOPAY", "NAVERPAY"),
        ),
    ],
)
def test_the_page_offers_what_the_channels_have(values, methods, providers):
    settings = load(**values)
    assert (settings.pay_methods, settings.providers) == (methods, providers)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"PORTONE_PG": "KCP"}, r"PORTONE_PG must be one of TOSSPAYMENTS, .*, not 'KCP'"),
        ({"PORTONE_PG": "PAYPAL_V2"}, "does not serve PAYPAL_V2: it opens with"),
        ({"PORTONE_PG": "NAVERPAY", "PORTONE_PAY_METHODS": "CARD"}, "PORTONE_PAY_METHODS"),
        (
            {"PORTONE_PG": "KPN", "PORTONE_EASY_PAY_PROVIDERS": "NAVERPAY"},
            "PORTONE_EASY_PAY_PROVIDERS must be some of KAKAOPAY,TOSSPAY",
        ),
        ({"PORTONE_CHANNELS": "channel-key-1"}, "PG=channel-key-… .* not 'channel-key-1'"),
        ({"PORTONE_CHANNELS": "=channel-key-1"}, "PORTONE_CHANNELS"),
        ({"PORTONE_CHANNELS": "KCP=channel-key-1"}, "PORTONE_CHANNELS must be one of"),
        (
            {"PORTONE_CHANNELS": "KPN=key-1", "PORTONE_CHANNEL_KEY": "key-2"},
            "instead of PORTONE_CHANNEL_KEY",
        ),
        ({"PORTONE_CHANNELS": "KPN=key-1", "PORTONE_PG": "KPN"}, "instead of PORTONE_PG"),
    ],
)
def test_a_wrong_choice_of_pgs_is_explained(values, named):
    with pytest.raises(config.SettingsError, match=named):
        load(**values)


def test_each_pg_of_portone_is_served_or_has_its_reason():
    assert not set(PGS) & set(NOT_SERVED)
    assert set(channels.PGS) <= set(PGS) | set(NOT_SERVED)


def test_a_copy_that_keeps_one_entry_takes_payments(make_shop, monkeypatch):
    make_shop()  # creates the tables once for all tests, with the usual PG
    for name in set(PGS) - {"NAVERPAY"}:
        monkeypatch.delitem(PGS, name)
    shop = make_shop(**settings_of("NAVERPAY"))
    assert pay(shop, shop.order(payMethod="EASY_PAY"), "mobile") == "PAID"


# Several channels


@pytest.fixture
def several(make_shop):
    names = ("KAKAOPAY", "TOSSPAYMENTS", "NAVERPAY")
    pairs = " ".join(f"{name}={channels.KEYS_BY_PG[name]}" for name in names)
    return make_shop(PORTONE_CHANNELS=pairs, PORTONE_CHANNEL_KEY="", PORTONE_PG="")


@pytest.mark.parametrize(
    ("method", "provider", "name"),
    [
        ("CARD", "", "TOSSPAYMENTS"),
        ("EASY_PAY", "KAKAOPAY", "KAKAOPAY"),
        ("EASY_PAY", "NAVERPAY", "TOSSPAYMENTS"),
        ("EASY_PAY", "PAYCO", "TOSSPAYMENTS"),
    ],
)
def test_a_payment_goes_through_the_first_channel_that_has_its_method(
    several, method, provider, name
):
    order = several.order(payMethod=method, easyPayProvider=provider)
    assert order["request"]["channelKey"] == channels.KEYS_BY_PG[name]
    assert pay(several, order, "pc") == "PAID"


def test_another_attempt_may_go_through_another_channel_and_is_verified_against_it(several):
    order = several.order()
    pay_by_kakao = {"payMethod": "EASY_PAY", "easyPayProvider": "KAKAOPAY"}
    attempt = several.client.post(f"/orders/{order['orderId']}/payments", json=pay_by_kakao).json
    assert attempt["request"]["channelKey"] == channels.KEYS_BY_PG["KAKAOPAY"]
    assert pay(several, attempt, "mobile") == "PAID"
    assert "카카오페이" in several.page(order)


def test_a_payment_through_another_of_our_channels_is_a_mismatch(several):
    """The browser swaps the channel: the terms are the row's, whatever else the shop has."""
    order = several.order()
    order["request"]["channelKey"] = channels.KEYS_BY_PG["INICIS_V2"]
    opened = open_window(several, order["request"], "pc")
    several.window.post(f"/checkout/{opened.json['txId']}/outcome", data={"outcome": "approve"})
    assert several.complete(order).json["error"]["reasons"] == ["CHANNEL"]


def test_a_real_shop_is_tried_whole_through_the_live_channel(make_shop):
    live = {"PORTONE_CHANNEL_KEY": channels.LIVE_CHANNEL, "PORTONE_ALLOW_TEST": "0"}
    shop = make_shop(**live)
    assert pay(shop, shop.order(), "pc") == "PAID"
    test = make_shop(PORTONE_ALLOW_TEST="0")
    order = test.order()
    opened = open_window(test, order["request"], "pc")
    test.window.post(f"/checkout/{opened.json['txId']}/outcome", data={"outcome": "approve"})
    assert test.complete(order).json["error"]["reasons"] == ["TEST_CHANNEL"]
