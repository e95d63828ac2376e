"""What a merchant has to arrange with the PG, outside the code, before a live channel works.

Sources: PortOne's page of each PG, and DEPOSIT_PAGE for the deposit notice (입금통보) of virtual
accounts.
"""

from typing import NamedTuple

DOCUMENTS = "https://developers.portone.io/opi/ko/integration"
DEPOSIT_PAGE = f"{DOCUMENTS}/virtual-account/readme"
# Where PortOne takes the PGs' deposit notices:
NOTICE = "https://tx-gateway-service.prod.iamport.co"


class PgTasks(NamedTuple):
    """What only the merchant can do.

    notice: where to register which deposit-notice address. Not registered, PortOne never learns of
    a deposit. contracts: what works only after a contract or a set-up at the PG.
    """

    notice: str | None = None
    contracts: str | None = None


PGS = {
    "TOSSPAYMENTS": PgTasks(
        f"register {NOTICE}/virtual-account/webhook-event/tosspayments in Toss Payments' developer"
        " centre, 내 개발정보 > 웹훅, event DEPOSIT_CALLBACK",
        "MOBILE, EASY_PAY, GIFT_CERTIFICATE, tax-free goods, instalments, card points, escrow,"
        " PayPal",
    ),
    "INICIS_V2": PgTasks(
        f"register {NOTICE}/inicis-v2 at iniweb.inicis.com, 상점정보 > 계약정보 > 결제수단 정보 >"
        " 가상계좌: 실시간통보함, URL수신사용(일반), 건별채번",
        "refunds of virtual accounts, tax-free goods, a named easyPayProvider, direct card windows,"
        " card points, escrow",
    ),
    "NICE_V2": PgTasks(
        f"register {NOTICE}/nicepay-v2 at npg.nicepay.co.kr, 가맹점정보 > 기본정보 >"
        " 결제데이터통보 > 가상계좌: resend 3 times after 1 minute, 암호화 전송 and 미전송시 off;"
        " once for each MID",
        "every payment method, partial refunds, refunds of virtual accounts, tax-free goods,"
        " instalments, card points, escrow",
    ),
    "KCP_V2": PgTasks(
        f"register {NOTICE}/kcp-v2 at partner.kcp.co.kr, 기술관리센터 > 웹훅(Webhook) 관리 >"
        " 웹훅URL 설정: UTF-8",
        "refunds of virtual accounts, partial refunds of MOBILE, tax-free goods, USD, escrow, a"
        " site code for each easy pay; the PG-API certificate lasts 5 years",
    ),
    "SMARTRO_V2": PgTasks(
        f"register {NOTICE}/smartro-v2 at www.smilebiz.co.kr, 가맹점정보 > 기본정보 >"
        " 결제 데이터 통보, for both 가상계좌 and 환불: 신통보, UTF-8, resend 5 times after"
        " 1 minute",
        "refunds of virtual accounts (with the holder's phone number), EASY_PAY, tax-free goods,"
        " instalments, card points, escrow",
    ),
    "KPN": PgTasks(
        f"ask KPN's sales person to set {NOTICE}/kpn/virtual-account as 백노티 URL",
        "refunds of virtual accounts and of an earlier month's MOBILE, tax-free goods, a named"
        " easyPayProvider",
    ),
    "KSNET": PgTasks(
        "nothing to register: it is set by itself for MIDs that PortOne issued",
        "a mixed-tax MID (복합과세), deposit deadlines and refunds of virtual accounts (from 06:00"
        " to 23:00), MOBILE (its kind of goods), EASY_PAY, instalments, escrow",
    ),
    "WELCOME": PgTasks(
        f"ask PortOne whether {NOTICE}/welcome is to be registered: its page names it for V1 only",
        "refunds of virtual accounts, EASY_PAY, MOBILE (its kind of goods), tax-free goods,"
        " instalments, card points, escrow",
    ),
    "GALAXIA": PgTasks(
        "ask PortOne which address is to be registered: its page does not say",
        "refunds of virtual accounts",
    ),
    "KAKAOPAY": PgTasks(None, "custom_message"),
    "NAVERPAY": PgTasks(None, "Naver's review before the shop opens, useCfmYmdt, payReferrer"),
    "TOSSPAY_V2": PgTasks(),
    "EXIMBAY_V2": PgTasks(),
    "PAYLETTER_GLOBAL": PgTasks(),
    "PAYPAL_V2": PgTasks(),
    "INICIS_JP": PgTasks(),
    "KICC_V2": PgTasks(None, "the shop's domain, registered for WeChat Pay"),
    "PAYMENTWALL": PgTasks(
        None,
        f"a project made through PortOne's link, with the pingback URL {NOTICE}/paymentwall"
        " (type URL, signature version 3), and calls of the delivery API",
    ),
    "HECTO_GLOBAL": PgTasks(),
    "TRIPLE_A": PgTasks(),
}


def tasks_of(pg: str, offers_accounts: bool) -> list[str]:
    """Returns what is to be done for a PG of PGS, each with PortOne's page about it.

    offers_accounts: the shop offers virtual accounts.
    """
    notice, contracts = PGS[pg]
    page = f"{DOCUMENTS}/pg/v2/{pg.lower().replace('_', '-')}"
    tasks = [f"a contract or set-up at the PG for {contracts} ({page})"] if contracts else []
    if notice and offers_accounts:
        has = "a test channel has its deposit notice already; for a live one"
        tasks.append(f"{has} {notice} ({DEPOSIT_PAGE})")
    return tasks or [f"nothing that PortOne's page names ({page})"]
