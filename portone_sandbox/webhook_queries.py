"""The queries of the webhooks in the sandbox's database, and what all queries use."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from .webhook_documents import Webhook

INSERT_WEBHOOK = """
    INSERT INTO webhooks (id, paymentId, receiver, dueAt, webhook) VALUES (?, ?, ?, ?, ?)
"""
SELECT_WEBHOOKS_OF_PAYMENT = """
    SELECT webhook, dueAt FROM webhooks WHERE paymentId = ? ORDER BY number
"""
SELECT_DUE_WEBHOOK = """
    SELECT id FROM webhooks
    WHERE dueAt <= ? AND coalesce(claimedUntil, 0) < ? AND receiver NOT IN ({busy})
    ORDER BY dueAt LIMIT 1
"""


class Queries:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def rows(self, query: str, values: Mapping[str, Any] | tuple[Any, ...]) -> list[sqlite3.Row]:
        return self.connection.execute(query, values).fetchall()

    def row(
        self, query: str, values: Mapping[str, Any] | tuple[Any, ...] = ()
    ) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self.connection.execute(query, values).fetchone()
        return row


class WebhookQueries(Queries):
    """dueAt: when to send a webhook, in seconds since 1970; None for never."""

    def add_webhook(self, payment_id: str, webhook: Webhook, due_at: float | None) -> None:
        receiver = urlsplit(webhook["url"]).netloc
        values = (webhook["id"], payment_id, receiver, due_at, dump(webhook))
        self.connection.execute(INSERT_WEBHOOK, values)

    def list_webhooks(self, payment_id: str) -> list[tuple[Webhook, float | None]]:
        """The payment's webhooks and when each is due, oldest first."""
        rows = self.rows(SELECT_WEBHOOKS_OF_PAYMENT, (payment_id,))
        return [(json.loads(row["webhook"]), row["dueAt"]) for row in rows]

    def save_webhook(self, webhook: Webhook, due_at: float | None) -> None:
        update = "UPDATE webhooks SET dueAt = ?, webhook = ? WHERE id = ?"
        self.connection.execute(update, (due_at, dump(webhook), webhook["id"]))

    def has_webhooks_to_send(self) -> bool:
        return self.row("SELECT 1 FROM webhooks WHERE dueAt IS NOT NULL") is not None

    def has_unclaimed_webhook(self, payment_id: str, now: float) -> bool:
        """Whether one of the payment's webhooks is due, and nobody is sending it yet."""
        query = "SELECT 1 FROM webhooks WHERE paymentId = ? AND dueAt <= ? AND claim IS NULL"
        return self.row(query, (payment_id, now)) is not None

    def find_due_webhook(self, now: float, busy: Collection[str] = ()) -> str | None:
        """The id of the webhook that has been due for the longest and is claimed by nobody.

        busy: receivers (host and port) that are to get no further webhook now.
        """
        query = SELECT_DUE_WEBHOOK.format(busy=", ".join("?" * len(busy)))
        row = self.row(query, (now, now, *busy))
        return row["id"] if row else None

    def claim_webhook(self, webhook_id: str, claim: str, until: float) -> None:
        """Until that time, which renew_claims puts off, only the holder of the claim sends it.

        claim: a text that nobody else has.
        """
        update = "UPDATE webhooks SET claim = ?, claimedUntil = ? WHERE id = ?"
        self.connection.execute(update, (claim, until, webhook_id))

    def find_claimed_webhook(self, claim: str) -> tuple[Webhook, float | None] | None:
        """The webhook and when it was due. None when the claim has been lost."""
        row = self.row("SELECT webhook, dueAt FROM webhooks WHERE claim = ?", (claim,))
        return (json.loads(row["webhook"]), row["dueAt"]) if row else None

    def renew_claims(self, claims: Iterable[str], until: float) -> None:
        update = "UPDATE webhooks SET claimedUntil = ? WHERE claim = ?"
        self.connection.executemany(update, [(until, claim) for claim in claims])

    def end_claim(self, claim: str) -> None:
        update = "UPDATE webhooks SET claim = NULL, claimedUntil = NULL WHERE claim = ?"
        self.connection.execute(update, (claim,))


def dump(document: object) -> str:
    return json.dumps(document, ensure_ascii=False)
