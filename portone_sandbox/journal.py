"""The journal: each call of the REST API and each try to send a webhook, the refused ones too.

journal_calls.py has the hooks that store the calls; delivery.py stores the webhooks. The oldest
entries go, and a long body is cut.
"""

import json
import re
from collections.abc import Mapping
from typing import TypedDict, cast

from . import accounts, clock
from .database import Database
from .journal_problems import Problem, problem_of_webhook
from .webhook_documents import Delivery, Webhook

KEPT_ENTRIES = 2000
KEPT_BODY_CHARACTERS = 20_000
MAX_LISTED = 500
KINDS = ("API", "WEBHOOK")
HIDDEN_HEADERS = ("cookie", "set-cookie")
REFUSED = (400, 401, 403)
# The body of PortOne's POST /login/api-secret, which a merchant may call although it is not here.
SECRET_IN_BODY = re.compile(r'("apiSecret"\s*:\s*")([^"]*)')

INSERT = "INSERT INTO journal (paymentId, kind, entry) VALUES (?, ?, ?)"
DELETE_OLDEST = "DELETE FROM journal WHERE number <= (SELECT max(number) FROM journal) - ?"
SELECT = """
    SELECT number, entry FROM journal
    WHERE number > :since AND (:paymentId IS NULL OR paymentId = :paymentId)
        AND (:kind IS NULL OR kind = :kind)
    ORDER BY number
"""


class NewEntry(TypedDict):
    """One call, or one try to send a webhook.

    kind: one of KINDS. at: when it began. paymentId: None when it is about no single payment.
    status, responseHeaders, responseBody: None, {} and "" when there was no answer. fault: the
    fault of the API that the switch "outage" caused, or why a webhook had no answer, or None.
    problem: why a signature or an authorization was refused, or None. A secret that is not the
    sandbox's own is masked.
    """

    kind: str
    at: str
    paymentId: str | None
    method: str
    url: str
    requestHeaders: dict[str, str]
    requestBody: str
    status: int | None
    responseHeaders: dict[str, str]
    responseBody: str
    milliseconds: float
    fault: str | None
    problem: Problem | None


class Entry(NewEntry):
    """number: rises from entry to entry, also over a reset."""

    number: int


def add(db: Database, entry: NewEntry) -> None:
    text = json.dumps(entry, ensure_ascii=False)
    db.connection.execute(INSERT, (entry["paymentId"], entry["kind"], text))
    db.connection.execute(DELETE_OLDEST, (KEPT_ENTRIES,))


def entries(
    db: Database,
    payment_id: str | None = None,
    since: int = 0,
    kind: str | None = None,
    limit: int | None = None,
    newest_first: bool = False,
) -> list[Entry]:
    """The entries whose number is above `since`, oldest first.

    limit: how many at most; the newest of them with newest_first, else the oldest.
    """
    values = {"paymentId": payment_id, "since": since, "kind": kind}
    order = " DESC" if newest_first else ""
    rows = db.rows(f"{SELECT}{order} LIMIT {-1 if limit is None else limit}", values)
    return [cast(Entry, {"number": row["number"], **json.loads(row["entry"])}) for row in rows]


def add_webhook(db: Database, webhook: Webhook, delivery: Delivery) -> None:
    """Store one try to send a webhook, in the caller's transaction."""
    sent, response = delivery["request"], delivery.get("response")
    headers = _parsed(sent.get("header", ""))
    entry: NewEntry = {
        "kind": "WEBHOOK",
        "at": sent.get("requestedAt") or clock.now(),
        "paymentId": json.loads(sent["body"])["data"]["paymentId"],
        "method": "POST",
        "url": webhook["url"],
        "requestHeaders": headers,
        "requestBody": sent["body"],
        "status": int(response["code"]) if response else None,
        "responseHeaders": shown_headers(_parsed(response["header"])) if response else {},
        "responseBody": shown_body(response["body"]) if response else "",
        "milliseconds": round(delivery.get("seconds", 0.0) * 1000, 1),
        "fault": delivery.get("error"),
        "problem": None,
    }
    if entry["status"] in REFUSED:
        entry["problem"] = problem_of_webhook(headers, sent["body"])
    add(db, entry)


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Without cookies, and with a secret that is not the sandbox's masked."""
    shown = {name: value for name, value in headers.items() if name.lower() not in HIDDEN_HEADERS}
    for name in shown:
        if name.lower() == "authorization":
            shown[name] = masked_authorization(shown[name])
    return shown


def masked_authorization(value: str) -> str:
    """The header as it was given; of a secret that is not the sandbox's only the first part."""
    scheme, separator, secret = value.rpartition(" ")
    return f"{scheme}{separator}{masked(secret)}"


def masked(secret: str) -> str:
    if secret in (accounts.API_SECRET, accounts.WEBHOOK_SECRET):
        return secret  # public
    return f"{secret[:4]}… ({len(secret)} characters)" if secret else ""


def shown_body(text: str) -> str:
    text = SECRET_IN_BODY.sub(lambda match: match[1] + masked(match[2]), text)
    left = len(text) - KEPT_BODY_CHARACTERS
    return f"{text[:KEPT_BODY_CHARACTERS]}… ({left} more characters)" if left > 0 else text


def _parsed(lines: str) -> dict[str, str]:
    """Headers from the text that delivery.py stores."""
    pairs = (line.partition(": ") for line in lines.splitlines())
    return {name: value for name, _, value in pairs}
