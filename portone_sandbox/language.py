"""The pages' language, Korean or English, and amounts of money in it."""

import re

from flask import Response, g, request

from .korean import KOREAN

LANGUAGES = ("ko", "en")
CURRENCIES_WITHOUT_MINOR_UNIT = ("KRW", "JPY", "VND")
COOKIE = "portone_sandbox_lang"  # sites on localhost have their cookies in common
COOKIE_SECONDS = 365 * 86400


def prefer_language(language: str | None) -> None:
    """Set "ko" or "en" for this page; None leaves it to the browser."""
    g.language = language


def language() -> str:
    """`?lang=`, else the language of the payment request, else the cookie's, else the browser's.

    A site that has the sandbox under a path of its own has one language with it: its cookie `lang`
    counts before the browser's.
    """
    cookies = [request.cookies.get(COOKIE)]
    if request.script_root:
        cookies.append(request.cookies.get("lang"))
    for choice in (request.args.get("lang"), g.get("language"), *cookies):
        if choice in LANGUAGES:
            return str(choice)
    return request.accept_languages.best_match(LANGUAGES) or "ko"


def save_in_cookie(response: Response) -> Response:
    """Flask's after_request."""
    if request.args.get("lang") in LANGUAGES:
        response.set_cookie(COOKIE, request.args["lang"], max_age=COOKIE_SECONDS, samesite="Lax")
    return response


def lang_of(text: str) -> str:
    """The language of a text that is not the sandbox's, such as an order's name."""
    return "ko" if re.search("[가-힣]", text) else "en"


def translate(text: str) -> str:
    """Templates write {{ _("Pay") }}, as with Flask-Babel."""
    return KOREAN[text] if language() == "ko" else text


def money(amount: int, currency: str) -> str:
    """1,000원, ₩1,000, or 6.00 USD. amount: in the currency's minor unit."""
    if currency not in CURRENCIES_WITHOUT_MINOR_UNIT:
        return f"{amount / 100:,.2f} {currency}"
    if currency != "KRW":
        return f"{amount:,} {currency}"
    return f"{amount:,}원" if language() == "ko" else f"₩{amount:,}"
