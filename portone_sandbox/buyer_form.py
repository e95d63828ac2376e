"""The screens that a buyer of a real payment window fills in: their entries and their checks."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from .documents import Json
from .methods import SELECTIONS, installment_months, selected
from .request_documents import PaymentRequest

# How the buyer shows who pays, by payMethod. A virtual account's bank asks for nothing.
METHODS = {
    "CARD": "app",
    "VIRTUAL_ACCOUNT": None,
    "TRANSFER": "bank",
    "MOBILE": "sms",
    "EASY_PAY": "pay",
}
# Card companies that ask for the password of the ISP service, or for that of their 3-D Secure page
# (MPI). The others ask for the PIN of their app.
CARD_COMPANY_METHODS = {
    **dict.fromkeys(("BC_CARD", "KOOKMIN_CARD", "WOORI_CARD"), "isp"),
    **dict.fromkeys(("LOTTE_CARD", "HANA_CARD", "NH_CARD"), "mpi"),
}
DIGITS = {"app": 6, "bank": 4, "sms": 6, "pay": 6}

# What else the buyer enters, by payMethod: the field and its pattern.
ENTRIES = {
    "VIRTUAL_ACCOUNT": {"remitterName": r".*\S.*"},
    "MOBILE": {"phoneNumber": "01[0-9]-?[0-9]{3,4}-?[0-9]{4}", "birthDate": "[0-9]{6}-?[0-9]"},
}


class Authentication(NamedTuple):
    """kind: one of METHODS. digits: of its PIN; None for a password. Every value is accepted."""

    kind: str
    digits: int | None

    def accepts(self, secret: str) -> bool:
        if self.digits is None:
            return secret != ""
        return secret.isdecimal() and len(secret) == self.digits


def wrong_entry(params: PaymentRequest, form: Mapping[str, str]) -> str | None:
    """The first field of the first screen that is missing or wrong, or None."""
    pay_method = params["payMethod"]
    selection = SELECTIONS[pay_method]
    patterns = {"agree": "on", selection.field: "|".join(selection.options)}
    patterns.update(ENTRIES.get(pay_method, {}))
    if pay_method == "CARD":
        patterns["installment"] = "|".join(map(str, installment_months(params)))
    for field, pattern in patterns.items():
        if not re.fullmatch(pattern, form.get(field, "")):
            return field
    return None


def selection_values(params: PaymentRequest, form: Mapping[str, str]) -> Json:
    """What choice.html shows."""
    selection = SELECTIONS[params["payMethod"]]
    return {
        "name": selection.field,
        "options": selection.options,
        "selected": selected(params, form),
        "entries": ENTRIES.get(params["payMethod"]),
        "months": installment_months(params),
    }


def authentication(params: PaymentRequest, form: Mapping[str, str]) -> Authentication | None:
    """How this buyer is authenticated, or None. form: without a wrong entry."""
    selection = SELECTIONS[params["payMethod"]]
    kind = CARD_COMPANY_METHODS.get(form[selection.field], METHODS[params["payMethod"]])
    return Authentication(kind, DIGITS.get(kind)) if kind else None


def authentication_values(
    params: PaymentRequest, form: Mapping[str, str], authentication: Authentication
) -> Json:
    """What authentication.html shows."""
    selection = SELECTIONS[params["payMethod"]]
    code = form[selection.field]
    return {
        "name": selection.options[code],
        "brand": code,
        "kind": authentication.kind,
        "digits": authentication.digits,
    }
