"""The payment window's screens: what a buyer sees and enters, and what of it lands in the payment's
record."""

import html
import re
from pathlib import Path

import pytest
import requests
from portone_server_sdk import payment as shapes

from portone_sandbox import methods
from portone_sandbox.channels import KEYS_BY_PG
from tests.portone_sandbox.client import choose, open_window, pay

CHOSEN = {  # payMethod: what the buyer enters on the first screen, and on the second
    "CARD": ({"cardCompany": "SAMSUNG_CARD", "installment": "0"}, "123456"),
    "TRANSFER": ({"bankCode": "KAKAO_BANK"}, "1234"),
    "MOBILE": (
        {"carrier": "KT", "phoneNumber": "010-1234-5678", "birthDate": "900101-1"},
        "123456",
    ),
    "EASY_PAY": ({"easyPayProvider": "NAVERPAY"}, "123456"),
}
ACCOUNT = {"bankCode": "TOSS_BANK", "remitterName": "성춘향"}


@pytest.fixture
def window(base):
    """window(payMethod, …) -> the address of its screens for buyers."""

    def window(pay_method="CARD", **changes):
        return f"{base}{open_window(base, payMethod=pay_method, **changes).json()['url']}/buyer"

    return window


def enter(url, agree="on", **fields):
    """Send a screen's form; gives the answer."""
    return requests.post(
        url, data={"agree": agree, **fields}, headers={"Accept-Language": "en"}, timeout=10
    )


def hidden(page):
    fields = re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)">', page.text)
    return {name: html.unescape(value) for name, value in fields}


def mistake(page):
    shown = re.search(r'<p class="mistake" id="mistake" role="alert">(.*?)</p>', page.text)
    return shown and html.unescape(shown[1])


def checked(page):
    return re.findall(r'value="(\w+)"[^>]*checked', page.text)


# A buyer's way


@pytest.mark.parametrize("pay_method", CHOSEN)
def test_a_buyer_agrees_chooses_authenticates_and_pays(window, portone, pay_method):
    url = window(pay_method)
    fields, secret = CHOSEN[pay_method]
    second = enter(url, **fields)
    assert hidden(second) == {"agree": "on", **fields}
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.ReadyPayment)
    done = enter(url, **hidden(second), secret=secret)
    assert 'class="done"' in done.text
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)


def test_a_virtual_account_is_issued_without_an_authentication(window, portone):
    assert 'class="done"' in enter(window("VIRTUAL_ACCOUNT"), **ACCOUNT).text
    method = portone.get_payment(payment_id="payment1").method
    assert (method.bank, method.remitter_name) == ("TOSS", "성춘향")


@pytest.mark.parametrize(
    ("company", "title"),
    [("BC_CARD", "(ISP)"), ("LOTTE_CARD", "(MPI)"), ("SHINHAN_CARD", "App card")],
)
def test_each_card_company_authenticates_in_its_own_way(window, portone, company, title):
    url = window()
    second = enter(url, cardCompany=company, installment="0")
    assert title in second.text
    enter(url, **hidden(second), secret="123456")
    assert portone.get_payment(payment_id="payment1").method.card.issuer == company


@pytest.mark.parametrize(
    ("easy_pay_method", "shape"),
    [("CARD", shapes.PaymentMethodCard), ("CHARGE", shapes.PaymentMethodEasyPayMethodCharge)],
)
def test_an_easy_payment_is_made_from_a_card_or_a_balance(window, portone, easy_pay_method, shape):
    enter(
        window("EASY_PAY"),
        easyPayProvider="TOSSPAY",
        easyPayMethod=easy_pay_method,
        secret="123456",
    )
    method = portone.get_payment(payment_id="payment1").method
    assert method.provider == "TOSSPAY"
    assert isinstance(method.easy_pay_method, shape)


def test_what_the_buyer_chose_is_in_the_record(window, portone):
    enter(window("TRANSFER"), bankCode="INDUSTRIAL_BANK_OF_KOREA", secret="1234")
    assert portone.get_payment(payment_id="payment1").method.bank == "IBK"


def test_a_mobile_payments_record_has_the_number_that_was_entered(window, portone):
    fields, secret = CHOSEN["MOBILE"]
    enter(window("MOBILE"), **fields, secret=secret)
    assert portone.get_payment(payment_id="payment1").method.phone_number == "01012345678"


def test_what_was_typed_and_is_not_in_the_record_is_not_kept(window, room):
    fields, _ = CHOSEN["MOBILE"]
    enter(window("MOBILE"), **{**fields, "birthDate": "711223-4"}, secret="271828")
    stored = b"".join(
        path.read_bytes()
        for path in Path(room.extensions["sandbox"].store.path).parent.glob("sandbox.db*")
    )
    assert b"01012345678" in stored
    assert b"711223" not in stored and b"271828" not in stored


@pytest.mark.parametrize(
    ("pay_method", "changes", "code"),
    [
        ("CARD", {"card": {"cardCompany": "CARD_COMPANY_NH_CARD"}}, "NH_CARD"),
        ("VIRTUAL_ACCOUNT", {"virtualAccount": {"bankCode": "KOOKMIN_BANK"}}, "KOOKMIN_BANK"),
        ("TRANSFER", {"transfer": {"bankCode": "K_BANK"}}, "K_BANK"),
        ("MOBILE", {"mobile": {"carrier": "LGU"}}, "LGU"),
        ("EASY_PAY", {"easyPay": {"easyPayProvider": "PAYCO"}}, "PAYCO"),
        ("CARD", {}, "SHINHAN_CARD"),
    ],
)
def test_the_merchants_choice_is_chosen_already(window, pay_method, changes, code):
    assert checked(requests.get(window(pay_method, **changes), timeout=10)) == [code]


def test_back_gives_the_choice_again_as_it_was(window):
    url = window(totalAmount=50_000)
    page = enter(url, cardCompany="HANA_CARD", installment="3", back="")
    assert "HANA_CARD" in checked(page) and mistake(page) is None
    assert re.search(r'value="3" selected', page.text)


def test_a_window_that_has_ended_leads_to_its_end(base, window):
    url = window()
    choose(base, url.removeprefix(base).removesuffix("/buyer"), "cancel")
    for page in (
        requests.get(url, timeout=10),
        enter(url, cardCompany="BC_CARD", installment="0", secret="1"),
    ):
        assert page.url.endswith("/done")


# What is wrong is said, and nothing is lost


@pytest.mark.parametrize(
    ("pay_method", "change", "said"),
    [
        ("CARD", {"agree": ""}, "Agree"),
        ("CARD", {"cardCompany": "BANK_CARD"}, "Card company"),
        ("CARD", {"installment": "7"}, "instalments"),
        ("TRANSFER", {"bankCode": ""}, "Bank"),
        ("MOBILE", {"carrier": "KTF"}, "Carrier"),
        ("MOBILE", {"phoneNumber": "02-123-4567"}, "010-1234-5678"),
        ("MOBILE", {"birthDate": "900101"}, "900101-1"),
        ("EASY_PAY", {"easyPayProvider": "NONE"}, "Easy payment"),
        ("VIRTUAL_ACCOUNT", {"remitterName": "  "}, "name"),
    ],
)
def test_a_wrong_entry_is_named_and_the_others_stay(window, portone, pay_method, change, said):
    fields = ACCOUNT if pay_method == "VIRTUAL_ACCOUNT" else CHOSEN[pay_method][0]
    page = enter(window(pay_method), **{**fields, **change}, secret="123456")
    assert said in mistake(page)
    assert all(
        f'value="{value}"' in page.text for name, value in fields.items() if name not in change
    )
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.ReadyPayment)


@pytest.mark.parametrize(
    ("pay_method", "secret", "said"),
    [
        ("CARD", "12345", "6 digits"),
        ("CARD", "1234567", "6 digits"),
        ("CARD", "12345a", "6 digits"),
        ("MOBILE", "", "6 digits"),
        ("TRANSFER", "123", "4 digits"),
    ],
)
def test_a_wrong_secret_says_what_is_expected_and_the_choice_stays(
    window, portone, pay_method, secret, said
):
    fields, right = CHOSEN[pay_method]
    url = window(pay_method)
    page = enter(url, **fields, secret=secret)
    assert said in mistake(page)
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.ReadyPayment)
    enter(url, **hidden(page), secret=right)
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)


def test_an_empty_password_is_none(window):
    assert "password" in mistake(enter(window(), cardCompany="BC_CARD", installment="0", secret=""))


# Instalments


def months(**option):
    return {"installment": {"monthOption": option}}


@pytest.mark.parametrize(
    ("changes", "offered"),
    [
        ({"totalAmount": 49_999}, [0]),
        ({"totalAmount": 50_000}, [0, *range(2, 13)]),
        ({"totalAmount": 50_000, "currency": "USD", "channelKey": KEYS_BY_PG["NICE_V2"]}, [0]),
        ({"totalAmount": 50_000, "card": months(fixedMonth=5)}, [5]),
        ({"totalAmount": 49_999, "card": months(fixedMonth=5)}, [0]),
        ({"totalAmount": 50_000, "card": months(availableMonthList=[2, 4])}, [0, 2, 3, 4]),
        ({"totalAmount": 50_000, "card": months(availableMonthList=[0])}, [0]),
    ],
)
def test_the_months_that_are_offered(window, changes, offered):
    page = requests.get(window(**changes), timeout=10)
    assert re.findall(r'<option value="(\d+)"', page.text) == list(map(str, offered))


def test_the_chosen_months_are_in_the_record(window, portone):
    enter(window(totalAmount=50_000), cardCompany="SHINHAN_CARD", installment="3", secret="123456")
    assert portone.get_payment(payment_id="payment1").method.installment.month == 3


# One click


@pytest.mark.parametrize("pay_method", sorted(methods.METHOD_TYPES.keys() - {"VIRTUAL_ACCOUNT"}))
def test_every_method_is_paid_with_one_click(base, portone, pay_method):
    assert "code" not in pay(base, "approve", payMethod=pay_method, productType="REAL")
    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.PaidPayment)
    assert type(payment.method).__name__ == methods.METHOD_TYPES[pay_method]


@pytest.mark.parametrize("pay_method", methods.METHOD_TYPES)
def test_the_first_screen_leads_to_the_others_where_there_are_some(base, pay_method):
    url = open_window(base, payMethod=pay_method).json()["url"]
    is_offered = f'href="{url}/buyer"' in requests.get(base + url, timeout=10).text
    assert is_offered == (requests.get(f"{base}{url}/buyer", timeout=10).status_code == 200)
    assert is_offered == (pay_method in CHOSEN or pay_method == "VIRTUAL_ACCOUNT")


# The PG decides later


@pytest.mark.parametrize("pay_method", sorted(methods.METHOD_TYPES.keys() - {"VIRTUAL_ACCOUNT"}))
def test_a_pending_payment_is_a_plain_result_and_no_other_window_opens(base, portone, pay_method):
    result = pay(base, "pend", payMethod=pay_method)
    payment = portone.get_payment(payment_id="payment1")
    assert isinstance(payment, shapes.PayPendingPayment)
    assert result == {
        "transactionType": "PAYMENT",
        "txId": payment.transaction_id,
        "paymentId": "payment1",
    }
    refused = open_window(base)
    assert (refused.status_code, refused.json()["code"]) == (409, "InvalidEntityState")


def test_a_virtual_account_never_waits_for_the_pg(base):
    url = open_window(base, payMethod="VIRTUAL_ACCOUNT").json()["url"]
    assert choose(base, url, "pend").status_code == 400


# Languages


@pytest.mark.parametrize("pay_method", [*CHOSEN, "VIRTUAL_ACCOUNT"])
@pytest.mark.parametrize(
    ("language", "other"), [("ko", r"Agree|Next|Cancel|Pay "), ("en", r"동의|다음|취소|결제")]
)
def test_every_screen_is_in_one_language(window, pay_method, language, other):
    url = window(pay_method, orderName="x", customer={})
    headers = {"Accept-Language": language}
    pages = [requests.get(url, headers=headers, timeout=10)]
    if pay_method in CHOSEN:
        fields = {"agree": "on", **CHOSEN[pay_method][0]}
        pages += [requests.post(url, data=fields, headers=headers, timeout=10)]
        pages += [requests.post(url, data={**fields, "secret": ""}, headers=headers, timeout=10)]
    for page in pages:
        assert page.status_code == 200 and f'<html lang="{language}">' in page.text
        assert not re.search(other, re.sub(r"<[^>]*>", "", page.text))


# In a real browser


@pytest.fixture
def visit(window, open_tab):
    """visit(payMethod, …) -> a page with the window's first screen. options: of `open_tab`."""

    def visit(pay_method="CARD", device=None, request=None, **options):
        page = open_tab(device, **{"locale": "en-US", **options})
        page.goto(window(pay_method, **(request or {})).removesuffix("/buyer"))
        page.click("text=Pay as a buyer would")
        page.wait_for_url("**/buyer")
        return page

    return visit


def press_digits(page, digits):
    for digit in digits:
        page.get_by_role("button", name=digit, exact=True).click()


def go_on(page, to="[name=secret]"):
    page.check("[name=agree]")
    page.click(".primary")
    page.wait_for_selector(to)


browser = pytest.mark.browser
long = pytest.mark.long


@browser
@pytest.mark.parametrize(
    ("pay_method", "device"),
    [
        *(pytest.param(each, None, marks=long) for each in CHOSEN),
        ("CARD", "iPhone 13"),
    ],
)
def test_a_buyer_pays_in_a_browser(visit, portone, pay_method, device):
    page = visit(pay_method, device)
    go_on(page)
    page.fill("[name=secret]", CHOSEN[pay_method][1])
    page.click(".primary")
    page.wait_for_selector(".done")
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)


@browser
def test_a_buyer_is_given_an_account_in_a_browser(visit, portone):
    go_on(visit("VIRTUAL_ACCOUNT"), ".done")
    assert isinstance(
        portone.get_payment(payment_id="payment1"), shapes.VirtualAccountIssuedPayment
    )


@browser
@pytest.mark.long
def test_the_pin_pad_by_mouse(visit, portone):
    page = visit()
    go_on(page)
    press_digits(page, "0123456")
    assert page.input_value("[name=secret]") == "012345", "a seventh digit is one too many"
    page.click("[data-erase=last]")
    assert page.input_value("[name=secret]") == "01234"
    page.click("[data-erase=all]")
    press_digits(page, "987654")
    page.click(".primary")
    page.wait_for_selector(".done")
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)


@browser
def test_the_whole_way_by_keyboard(visit, portone):
    page = visit()

    def tab_to(selector):
        for _ in range(40):
            if page.evaluate("selector => document.activeElement?.matches(selector)", selector):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"{selector} is not reached by Tab")

    tab_to("[name=agree]")
    page.keyboard.press("Space")
    tab_to("[name=cardCompany]")
    page.keyboard.press("ArrowRight")
    tab_to(".primary")
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=secret]")
    tab_to("[name=secret]")
    page.keyboard.type("123456")
    page.keyboard.press("Enter")
    page.wait_for_selector(".done")
    assert portone.get_payment(payment_id="payment1").method.card.issuer == "SAMSUNG_CARD"


@browser
@pytest.mark.long
def test_the_pads_digits_are_all_there_and_elsewhere_each_time(visit):
    page = visit()
    orders = set()
    for _ in range(2):
        go_on(page)
        orders.add("".join(page.locator("[data-digit]").all_inner_texts()))
        page.click("[name=back]")
    assert len(orders) > 1
    assert all(sorted(order) == list("0123456789") for order in orders)


@long
@browser
@pytest.mark.parametrize("pay_method", ["CARD", "MOBILE"])
def test_the_screens_work_without_javascript(visit, portone, pay_method):
    page = visit(pay_method, java_script_enabled=False)
    go_on(page)
    assert page.locator(".keypad button:visible").count() == 0
    page.fill("[name=secret]", CHOSEN[pay_method][1])
    page.click(".primary")
    page.wait_for_selector(".done")
    assert isinstance(portone.get_payment(payment_id="payment1"), shapes.PaidPayment)


@browser
@pytest.mark.parametrize(
    ("pay_method", "locale"),
    [
        ("CARD", "ko-KR"),
        *(pytest.param(each, "en-US", marks=long) for each in (*CHOSEN, "VIRTUAL_ACCOUNT")),
    ],
)
def test_a_narrow_phone_scrolls_only_down_and_thumbs_find_everything(
    window, open_tab, pay_method, locale
):
    page = open_tab(locale=locale, viewport={"width": 320, "height": 568})
    url = window(pay_method, totalAmount=1_234_567)

    def look():
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        for target in page.locator("a, button, label, select, summary, .field input").all():
            box = target.bounding_box()
            assert box is None or box["height"] >= 44, target.evaluate(
                "element => element.outerHTML"
            )

    page.goto(url.removesuffix("/buyer"))
    look()
    page.goto(url)
    look()
    if pay_method in CHOSEN:
        go_on(page)
        look()
