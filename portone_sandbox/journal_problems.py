"""Why a signature or an authorization was refused: what was expected, and what was given.

The sandbox's own secrets are public, so they are shown. Any other one is masked by the caller.
"""

import base64
from collections.abc import Mapping
from os.path import commonprefix
from typing import TypedDict

from . import accounts
from .webhook_request import sign

SCHEME = "PortOne "
EXPECTED = SCHEME + accounts.API_SECRET


class Problem(TypedDict):
    """message: for the developer. expected, given: to compare byte for byte. how: how to check."""

    message: str
    expected: str
    given: str
    how: str


def problem_of_call(authorization: str | None, masked: str, store_id: str | None) -> Problem:
    """authorization: the header, None if there was none. masked: as it may be shown.

    store_id: of the query.
    """
    if authorization == EXPECTED:
        return {
            "message": "The storeId of the query is not the store's.",
            "expected": accounts.STORE_ID,
            "given": store_id or "",
            "how": "PORTONE_STORE_ID must be the sandbox's.",
        }
    return {
        "message": _what_differs(authorization),
        "expected": f"Authorization: {EXPECTED}",
        "given": "no Authorization" if authorization is None else f"Authorization: {masked}",
        "how": "PORTONE_API_SECRET must be the sandbox's, after 'PortOne' and one space.",
    }


def _what_differs(authorization: str | None) -> str:
    if authorization is None:
        return "The header Authorization is missing."
    scheme, _, secret = authorization.rpartition(" ")
    if secret == accounts.API_SECRET:
        if not scheme:
            return "The secret is right, but the scheme 'PortOne ' before it is missing."
        return f"The secret is right, but the scheme is '{scheme}' and must be 'PortOne'."
    if secret == accounts.WEBHOOK_SECRET or secret.startswith("whsec_"):
        return "That is a webhook secret. The API takes the API secret."
    if secret.strip("\"'") == accounts.API_SECRET:
        return "The secret is right, but has quotation marks around it."
    same = len(commonprefix([secret, accounts.API_SECRET]))
    if same == 0:
        return "The secret is another one: already its first character differs."
    counts = f"{len(secret)} instead of {len(accounts.API_SECRET)} characters"
    return f"The first {same} characters of the secret are right, then it differs ({counts})."


def problem_of_webhook(headers: Mapping[str, str], body: str) -> Problem:
    """A merchant answered that the signature is wrong, or that the webhook is. headers: as sent."""
    webhook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    key = base64.b64decode(accounts.WEBHOOK_SECRET.removeprefix("whsec_")).hex()
    return {
        "message": (
            "The merchant refused the webhook; its answer may say why. The signature is right. If"
            " the merchant finds it wrong, then its secret is another one, or it does not check the"
            " body exactly as it came."
        ),
        "expected": sign(webhook_id, timestamp, body),
        "given": headers.get("webhook-signature", ""),
        "how": (
            "The signature is 'v1,' and the base64 of HMAC-SHA256 of this text, with the bytes"
            f" {key} (hexadecimal; the part of {accounts.WEBHOOK_SECRET} after 'whsec_', decoded"
            f" from base64) as the key:\n{webhook_id}.{timestamp}.{body}"
        ),
    }
