"""The page's language, and times and amounts as its reader writes them."""

import re
from datetime import datetime, timedelta

from flask import Response, request

from ..catalog import PRODUCTS
from .korean import KOREAN

KOREA = timedelta(hours=9)  # after UTC, all year
# ISO 4217: how many digits the minor unit of a currency has, where it is not two.
MINOR_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
}


def language() -> str:
    """Returns ko or en: from `?lang=`, else from its cookie, else what the browser prefers."""
    for choice in (request.args.get("lang"), request.cookies.get("lang")):
        if choice in {"ko", "en"}:
            return choice
    return request.accept_languages.best_match(["ko", "en"], "ko")


def remember(response: Response) -> None:
    """Keep the language that `?lang=` chose in a cookie."""
    if request.args.get("lang") in {"ko", "en"}:
        year = 365 * 86400
        response.set_cookie("lang", request.args["lang"], max_age=year, samesite="Lax")


def translate(text: str) -> str:
    """Returns an English text of ours in the page's language."""
    return KOREAN.get(text, text) if language() == "ko" else text


def won(amount: int) -> str:
    return f"{amount:,}원" if language() == "ko" else f"₩{amount:,}"


def money(amount: int, currency: str) -> str:
    """Returns an amount in a currency's minor unit: 1,000원, ₩1,000, USD 10.00."""
    if currency == "KRW":
        return won(amount)
    digits = next((n for n, names in MINOR_DIGITS.items() if currency in names.split()), 2)
    return f"{currency} {amount / 10**digits:,.{digits}f}"


def time_left(seconds: int) -> str:
    """Returns how long a deadline is off, such as 23시간 12분 남음."""
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return translate("%s h %s min left") % (hours, minutes)
    return translate("%s min left") % minutes


def when(time: datetime) -> str:
    """Returns a stored time (UTC) in Korean time, in numbers: the same in every language."""
    return f"{time + KOREA:%Y-%m-%d %H:%M:%S} KST"


def date(time: datetime) -> str:
    """Returns a stored time (UTC) in Korean time, in the words of the page's language.

    2026년 11월 23일 15:04 (KST), or 23 Nov 2026, 15:04 KST.
    """
    time += KOREA
    if language() == "ko":
        return f"{time.year}년 {time.month}월 {time.day}일 {time:%H:%M} (KST)"
    return f"{time.day} {time:%b %Y, %H:%M} KST"


def language_of(text: object) -> str:
    """Returns the language of a text that is not ours, such as a PG's message."""
    return "ko" if re.search("[가-힣]", str(text)) else "en"


def english_name(product_id: str) -> str:
    """Returns a product's English name on an English page, "" otherwise or if it has none."""
    product = PRODUCTS.get(product_id)
    return product.name_en if product and language() == "en" else ""
