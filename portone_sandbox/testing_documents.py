"""What a test reads from a sandbox: calls, and webhooks to hand to an app without a server."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .journal import Entry
from .journal_problems import Problem
from .webhook_documents import Webhook
from .webhook_request import sign


@dataclass(frozen=True)
class Call:
    """One call of the REST API (kind "API"), or one try to send a webhook (kind "WEBHOOK").

    The fields are those of journal.NewEntry. url: of a call its path and query.
    """

    kind: str
    at: str
    payment_id: str | None
    method: str
    url: str
    request_headers: dict[str, str]
    request_body: str
    status: int | None
    response_headers: dict[str, str]
    response_body: str
    milliseconds: float
    fault: str | None
    problem: Problem | None

    @property
    def path(self) -> str:
        """Of a call: without the query."""
        return self.url.partition("?")[0]

    @property
    def request_json(self) -> Any:
        """ValueError when the body is no JSON."""
        return json.loads(self.request_body)

    @property
    def response_json(self) -> Any:
        """ValueError when the body is no JSON."""
        return json.loads(self.response_body)

    def __str__(self) -> str:
        answer = f"{self.status or 'no answer'}"
        line = f"{self.at[11:23]} {self.kind} {self.method} {self.url} -> {answer}"
        reasons = [self.fault or "", self.problem["message"] if self.problem else ""]
        return " | ".join([line, *filter(None, reasons)])


def call(entry: Entry) -> Call:
    return Call(
        kind=entry["kind"],
        at=entry["at"],
        payment_id=entry["paymentId"],
        method=entry["method"],
        url=entry["url"],
        request_headers=entry["requestHeaders"],
        request_body=entry["requestBody"],
        status=entry["status"],
        response_headers=entry["responseHeaders"],
        response_body=entry["responseBody"],
        milliseconds=entry["milliseconds"],
        fault=entry["fault"],
        problem=entry["problem"],
    )


@dataclass(frozen=True)
class SignedWebhook:
    """A webhook to post to the app under test. type: such as "Transaction.Paid"."""

    type: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def signed_webhook(webhook: Webhook) -> SignedWebhook:
    """The webhook with a signature of now."""
    body, timestamp = webhook["request"]["body"], str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": webhook["id"],
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(webhook["id"], timestamp, body),
    }
    return SignedWebhook(webhook["eventType"], headers, body.encode())


def in_order(webhooks: Iterable[Webhook]) -> Iterator[Webhook]:
    """A payment's webhooks, oldest first -> as they are sent, without those that still wait."""
    sent = [each for each in webhooks if not each["isHeld"]]
    late = [each for each in sent if each["wasHeld"]]
    for webhook in (*(each for each in sent if not each["wasHeld"]), *reversed(late)):
        yield webhook
        if webhook["isRepeated"]:
            yield webhook
