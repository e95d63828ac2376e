"""Korean or English, and money in either."""

import re

from flask import g, request

from .korean import KOREAN

LANGUAGES = ("ko", "en")
NO_MINOR_UNIT = ("KRW", "JPY", "VND")


def prefer_language(language):
    """ "ko" or "en" for this page; None leaves it to the browser."""
    g.language = language


def language():
    """`?lang=`, else what the payment's request asks for, else the cookie that remembers it, else the browser's."""
    for choice in (request.args.get("lang"), g.get("language"), request.cookies.get("lang")):
        if choice in LANGUAGES:
            return choice
    return request.accept_languages.best_match(LANGUAGES) or "ko"


def remember(response):
    """Under the name that the merchant's site uses too: where both are one site, they are in one language."""
    if request.args.get("lang") in LANGUAGES:
        response.set_cookie("lang", request.args["lang"], max_age=365 * 86400, samesite="Lax")
    return response


def lang_of(text):
    """The language of a text that is not ours, such as an order's name."""
    return "ko" if re.search("[가-힣]", text) else "en"


def translate(text):
    """Templates say {{ _("Pay") }}, as with Flask-Babel."""
    return KOREAN[text] if language() == "ko" else text


def money(amount, currency):
    """1,000원, ₩1,000, or 6.00 USD; the amount is in the currency's minor unit."""
    if currency not in NO_MINOR_UNIT:
        return f"{amount / 100:,.2f} {currency}"
    if currency != "KRW":
        return f"{amount:,} {currency}"
    return f"{amount:,}원" if language() == "ko" else f"₩{amount:,}"
