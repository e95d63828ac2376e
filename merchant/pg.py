"""What each PG supports, and which parameters it needs. (edit this: keep your own PG)

PORTONE_PG or PORTONE_CHANNELS choose the entries. PortOne's page of each PG is
https://developers.portone.io/opi/ko/integration/pg/v2/<pg>; docs/pg.md has all of them as a table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .catalog import product_type
from .rows import OrderRow

Request = dict[str, Any]

METHODS = ("CARD", "VIRTUAL_ACCOUNT", "TRANSFER", "EASY_PAY", "MOBILE", "GIFT_CERTIFICATE")
WITHOUT_GIFTS = METHODS[:-1]
WINDOWS = ("IFRAME", "POPUP", "REDIRECTION")

# Your company: KSNET's easy pay needs it in the request, and KakaoPay in the site's footer.
COMPANY = {
    "businessName": "포트원 데모 상점",
    "businessRegistrationNumber": "0000000000",
    "ceoFullName": "홍길동",
    "address": "서울특별시 성동구 성수이로 1",
    "phoneNumber": "0200000000",
}


@dataclass(frozen=True)
class PG:
    """A PG as the shop uses it.

    methods: payMethods. providers: of EASY_PAY, in PortOne's spelling; each is a button.
    pc, mobile: the window types that it takes on a PC, and on a phone.
    name_bytes: the longest orderName, in UTF-8.
    plain_email: takes no sign but @ and . in an e-mail address.
    extra_parameters: (the request so far, the order) -> the parameters to add to it.
    """

    methods: tuple[str, ...]
    providers: tuple[str, ...] = ()
    pc: tuple[str, ...] = WINDOWS
    mobile: tuple[str, ...] = WINDOWS
    name_bytes: int = 40
    plain_email: bool = False
    extra_parameters: Callable[[Request, OrderRow], Request] = lambda request, order: {}

    def has(self, pay_method: str, provider: str) -> bool:
        """Returns whether the PG has this method. provider: "" if its window offers the choice."""
        return pay_method in self.methods and (not provider or provider in self.providers)

    def window_parameters(self, chosen: str) -> Request:
        """Returns the parameters of a window type. If the PG does not take it, the PG chooses.

        With forceRedirect every window returns by a redirect.
        """
        devices = {"pc": self.pc, "mobile": self.mobile}
        types = {device: chosen for device, known in devices.items() if chosen in known}
        parameters: Request = {"windowType": types} if types else {}
        if chosen == "REDIRECTION" and len(types) < len(devices):
            parameters["forceRedirect"] = True
        return parameters


def kcp(request: Request, order: OrderRow) -> Request:
    if request["payMethod"] not in {"MOBILE", "GIFT_CERTIFICATE"}:
        return {}
    return {"bypass": {"kcp_v2": {"shop_user_id": request["customer"]["customerId"]}}}


def nice(request: Request, order: OrderRow) -> Request:
    if request["payMethod"] == "GIFT_CERTIFICATE":
        return {"bypass": {"nice_v2": {"MallUserID": request["customer"]["customerId"]}}}
    easy_pay = request.get("easyPay", {})
    if easy_pay.get("easyPayProvider") in {"NAVERPAY", "TOSSPAY"}:  # points want a cash receipt
        return {"easyPay": {**easy_pay, "availablePayMethods": ["CARD"]}}
    return {}


def ksnet(request: Request, order: OrderRow) -> Request:
    if request["payMethod"] != "EASY_PAY":
        return {}
    return {
        "bypass": {"ksnet": {"easyPayDirect": True}},
        "productType": product_type(order.product_id),
        "storeDetails": COMPANY,
    }


def naver_pay(request: Request, order: OrderRow) -> Request:
    """Returns the goods, which Naver Pay checks in its review.

    Its manual lists the categories of other goods:
    http://developer.pay.naver.com/docs/v2/api#etc-etc_product
    """
    category = {"categoryType": "ETC", "categoryId": "ETC"}
    item = {**category, "uid": order.product_id, "name": request["orderName"], "count": 1}
    return {"bypass": {"naverpay": {"productItems": [item]}}}


PGS = {
    "TOSSPAYMENTS": PG(
        METHODS,
        ("KAKAOPAY", "NAVERPAY", "TOSSPAY", "PAYCO", "SAMSUNGPAY", "APPLEPAY", "SSGPAY", "LPAY"),
        pc=("IFRAME",),
        mobile=("REDIRECTION",),
        name_bytes=100,
    ),
    "INICIS_V2": PG(
        METHODS,
        ("KAKAOPAY", "NAVERPAY", "TOSSPAY", "PAYCO", "SAMSUNGPAY", "APPLEPAY", "SSGPAY", "LPAY"),
        plain_email=True,
    ),
    "NICE_V2": PG(
        METHODS,
        ("KAKAOPAY", "NAVERPAY", "TOSSPAY", "PAYCO", "SAMSUNGPAY", "APPLEPAY", "SSGPAY")
        + ("LPAY", "SKPAY"),
        extra_parameters=nice,
    ),
    "KCP_V2": PG(
        METHODS,
        ("KAKAOPAY", "NAVERPAY", "TOSSPAY", "PAYCO", "SAMSUNGPAY", "APPLEPAY", "SSGPAY", "LPAY"),
        name_bytes=100,
        extra_parameters=kcp,
    ),
    "SMARTRO_V2": PG(
        WITHOUT_GIFTS,
        ("KAKAOPAY", "NAVERPAY", "TOSSPAY", "PAYCO", "SAMSUNGPAY", "LPAY", "SKPAY", "PINPAY")
        + ("LINEPAY", "TMONEY"),
    ),
    "KPN": PG(WITHOUT_GIFTS, ("KAKAOPAY", "TOSSPAY", "PAYCO", "SAMSUNGPAY"), name_bytes=100),
    "KSNET": PG(
        WITHOUT_GIFTS,
        ("KAKAOPAY", "NAVERPAY", "PAYCO", "LPAY"),
        pc=("IFRAME",),
        mobile=("REDIRECTION",),
        extra_parameters=ksnet,
    ),
    "WELCOME": PG(METHODS, ("KAKAOPAY", "NAVERPAY", "TOSSPAY", "PAYCO", "LPAY")),
    "GALAXIA": PG(
        METHODS,
        ("KAKAOPAY", "NAVERPAY", "TOSSPAY", "PAYCO", "SAMSUNGPAY", "APPLEPAY"),
        pc=("IFRAME",),
        mobile=("REDIRECTION",),
    ),
    "KAKAOPAY": PG(("EASY_PAY",), ("KAKAOPAY",), ("IFRAME",), ("REDIRECTION",), 100),
    "NAVERPAY": PG(
        ("EASY_PAY",), ("NAVERPAY",), ("POPUP",), ("REDIRECTION",), 100, extra_parameters=naver_pay
    ),
    "TOSSPAY_V2": PG(("EASY_PAY",), ("TOSSPAY",), name_bytes=100),
    "KICC_V2": PG(("EASY_PAY",), ("WECHAT",)),
}

# A channel whose PG is not set: the request is the one that no PG in Korea refuses.
ANY = PG(
    METHODS,
    ("KAKAOPAY", "NAVERPAY", "TOSSPAY", "PAYCO", "SAMSUNGPAY", "APPLEPAY", "SSGPAY", "LPAY")
    + ("SKPAY", "PINPAY", "LINEPAY", "TMONEY"),
)
OFFERED_BY_ANY = ("CARD", "VIRTUAL_ACCOUNT", "TRANSFER")


@dataclass(frozen=True)
class Channel:
    """A payment channel of PortOne. name: its PG in PortOne's spelling, "" if it is not set."""

    key: str
    name: str = ""

    @property
    def pg(self) -> PG:
        return PGS[self.name] if self.name else ANY


# PGs of PortOne V2 that this shop does not serve, and why.
NOT_SERVED = {
    "EXIMBAY_V2": "it sells to buyers abroad, by its own method codes and with links to products",
    "PAYLETTER_GLOBAL": "it sells to buyers abroad; payMethod and currency follow its own codes",
    "PAYPAL_V2": "it opens with PortOne.loadPaymentUI, and takes no KRW",
    "INICIS_JP": "it takes JPY only",
    "PAYMENTWALL": "it wants each delivery reported by an API of its own",
    "HECTO_GLOBAL": "it takes the currency of its contract, and names in two parts",
    "TRIPLE_A": "it takes cryptocurrency, and refunds to an e-mail address",
    **dict.fromkeys(
        ("HYPHEN", "TOSS_BRANDPAY", "MOBILIANS_V2", "INNOPAY"), "PortOne has no V2 page of it"
    ),
}


def order_name(name: str, pg: PG) -> str:
    """Returns a product's name for the PG: without the signs that some PGs refuse, and cut.

    Signs: https://developers.portone.io/opi/ko/integration/pg/v2/nice-v2 and tosspay-v2.
    """
    plain = "".join(" " if sign in "%&|$-+=[]\\," else sign for sign in name)
    cut = " ".join(plain.split())[:64].encode()[: pg.name_bytes]
    return cut.decode(errors="ignore").strip() or "주문"
