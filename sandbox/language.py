"""Korean or English, and money in either."""

from flask import g, request

from .korean import KOREAN

NO_MINOR_UNIT = ("KRW", "JPY", "VND")


def prefer_language(language):
    """"ko" or "en" for this page; None leaves it to the browser."""
    g.language = language


def language():
    return g.get("language") or request.accept_languages.best_match(["ko", "en"]) or "ko"


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
