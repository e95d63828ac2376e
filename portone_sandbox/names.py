"""What the console calls things, in the page's language: outcomes, methods, banks, PGs, times."""

from collections.abc import Mapping
from typing import NamedTuple

from . import channels, clock, switches
from .documents import Json, PaymentMethod
from .korean_problems import in_korean
from .language import language, translate
from .methods import BANKS, CARD_COMPANIES, PROVIDERS, rest_name

OUTCOMES = {
    "approve": "Approve",
    "issue": "Issue the account",
    "decline": "Decline",
    "cancel": "Cancel",
    "tamper": "Change the amount",
    "tamper-tax-free": "Change the tax-free part",
    "tamper-currency": "Change the currency",
    "tamper-name": "Change the order's name",
    "tamper-method": "Change the payment method",
    "tamper-channel": "Change the channel",
    "discount": "Approve with a discount",
    "refuse": "Refuse when it is confirmed",
    "abandon": "Never come back",
    "slow": "Approve slowly",
    "pend": "Decide later",
}
METHODS = {
    "Card": "Card",
    "VirtualAccount": "Virtual account",
    "Transfer": "Account transfer",
    "EasyPay": "Easy payment",
    "Mobile": "Mobile payment",
    "GiftCertificate": "Gift certificate",
    "ConvenienceStore": "Convenience store",
}
# By their names in the REST API. Those of the payment window, and the other banks for deposits.
BANK_NAMES = {
    **{rest_name(code): name for code, name in BANKS.items()},
    "STANDARD_CHARTERED": "SC First Bank",
    "CITI": "Citibank Korea",
    "KDB": "KDB Bank",
    "SUHYUP": "Suhyup Bank",
    "KWANGJU": "Kwangju Bank",
    "KYONGNAM": "Kyongnam Bank",
    "JEONBUK": "Jeonbuk Bank",
    "JEJU": "Jeju Bank",
    "KFCC": "KFCC (MG)",
    "SHINHYUP": "Shinhyup (CU)",
}
PROVIDER_NAMES = {rest_name(code): name for code, name in PROVIDERS.items()}


class AppliedSwitch(NamedTuple):
    """A switch that is not on its default. choice: as /control spells it. calls: of an outage."""

    name: str
    title: str
    choice: str
    meaning: str
    calls: int | None


def outcome_name(outcome: str) -> str:
    return _named(OUTCOMES, outcome)


def bank_name(bank: str) -> str:
    """bank: as the REST API names it."""
    return _named(BANK_NAMES, bank)


def method_name(method: PaymentMethod | None) -> str:
    """Such as "Easy payment · Kakao Pay". Empty while a record has no method."""
    if not method:
        return ""
    names = [_named(METHODS, method["type"].removeprefix("PaymentMethod"))]
    if "provider" in method:
        names.append(_named(PROVIDER_NAMES, method["provider"]))
    elif "card" in method:
        names.append(_named(CARD_COMPANIES, method["card"].get("publisher", "")))
    elif "bank" in method:
        names.append(bank_name(method["bank"]))
    return " · ".join(filter(None, names))


def pg_name(pg_provider: str) -> str:
    return channels.PGS[pg_provider]["name"][language()]


def problem_text(text: str) -> str:
    """text: one of journal_problems.Problem, which /control answers in English."""
    return in_korean(text) if language() == "ko" else text


def korean_time(timestamp: str) -> str:
    """In Korea, to the second: "2026-11-24 21:15:45". timestamp: RFC 3339."""
    moment = clock.parse(timestamp).astimezone(clock.KOREA)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def utc_time(timestamp: str) -> str:
    """The same in UTC, with the letters."""
    return f"{timestamp[:19].replace('T', ' ')} UTC"


def applied_switches(settings: Mapping[str, Json | None]) -> list[AppliedSwitch]:
    """settings: of switches.list_settings."""
    applied = []
    for name, setting in settings.items():
        if setting and name == switches.CHAOS:
            title, seed = translate("Random faults and webhooks, seed"), str(setting["seed"])
            applied.append(AppliedSwitch(name, title, seed, seed, None))
        elif setting:
            switch = switches.SWITCHES[name]
            choice = str(setting[switch.field])
            meaning = switch.choices.get(choice)
            shown = translate(meaning) if meaning else outcome_name(choice)
            calls = setting.get("calls")
            applied.append(AppliedSwitch(name, translate(switch.title), choice, shown, calls))
    return applied


def _named(names: Mapping[str, str], code: str) -> str:
    """A code that has no name stands for itself."""
    return translate(names[code]) if code in names else code
