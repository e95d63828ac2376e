"""The queries of the sandbox's database, on one open connection of store.py.

A payment is stored as the JSON document that the REST API answers. `Database` does not know what
the documents mean.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from .documents import Checkout, IdempotentAnswer, Json, Payment, RegisteredTerms
from .webhook_documents import Webhook

TABLES = (
    "payments",
    "checkouts",
    "registered_terms",
    "idempotent_answers",
    "switches",
    "webhooks",
    "journal",
)

SELECT_PAYMENT = "SELECT record, visibleAt, earlier FROM payments WHERE id = ?"
SAVE_PAYMENT = """
    INSERT OR REPLACE INTO payments
        (id, status, requestedAt, statusChangedAt, record, visibleAt, earlier)
    VALUES (:id, :status, :requestedAt, :statusChangedAt, :record, :visibleAt, :earlier)
"""
SELECT_CHECKOUTS_OF_PAYMENT = "SELECT checkout FROM checkouts WHERE paymentId = ? ORDER BY rowid"
SAVE_CHECKOUT = """
    INSERT INTO checkouts (txId, paymentId, checkout) VALUES (?, ?, ?)
    ON CONFLICT (txId) DO UPDATE SET checkout = excluded.checkout
"""
SAVE_ANSWER = """
    INSERT OR REPLACE INTO idempotent_answers (key, fingerprint, expiresAt, status, answer)
    VALUES (?, ?, ?, ?, ?)
"""
INSERT_WEBHOOK = "INSERT INTO webhooks (id, paymentId, dueAt, webhook) VALUES (?, ?, ?, ?)"
SELECT_WEBHOOKS_OF_PAYMENT = """
    SELECT webhook, dueAt FROM webhooks WHERE paymentId = ? ORDER BY number
"""
UPDATE_WEBHOOK = "UPDATE webhooks SET dueAt = ?, claimedUntil = NULL, webhook = ? WHERE id = ?"
SELECT_DUE_WEBHOOK = """
    SELECT id FROM webhooks WHERE dueAt <= :now AND coalesce(claimedUntil, 0) < :now
    ORDER BY dueAt LIMIT 1
"""


class Database:
    """The database inside a `reading()` or `writing()` block of a Store.

    after_commit: functions to call once the transaction is committed.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.after_commit: list[Callable[[], None]] = []

    def rows(self, query: str, values: Mapping[str, Any] | tuple[Any, ...]) -> list[sqlite3.Row]:
        return self.connection.execute(query, values).fetchall()

    def row(
        self, query: str, values: Mapping[str, Any] | tuple[Any, ...] = ()
    ) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self.connection.execute(query, values).fetchone()
        return row

    # Payments

    def find_payment(self, payment_id: str, visible_at: str | None = None) -> Payment | None:
        """The payment's record, or None.

        visible_at: a time, to get the record as the REST API shows it then (see save_payment).
        """
        row = self.row(SELECT_PAYMENT, (payment_id,))
        if row is None:
            return None
        is_hidden = visible_at and row["visibleAt"] and visible_at < row["visibleAt"]
        record: Payment = json.loads(row["earlier"] if is_hidden else row["record"])
        return record

    def save_payment(self, record: Payment, visible_at: str | None = None) -> None:
        """Insert or replace the payment.

        visible_at: until that time the REST API shows the record as it was before.
        """
        earlier = self.find_payment(record["id"]) if visible_at else None
        values = {
            "id": record["id"],
            "status": record["status"],
            "requestedAt": record["requestedAt"],
            "statusChangedAt": record["statusChangedAt"],
            "record": _dump(record),
            "visibleAt": visible_at,
            "earlier": _dump(earlier) if earlier else None,
        }
        self.connection.execute(SAVE_PAYMENT, values)

    # Payment windows

    def find_checkout(self, tx_id: str) -> Checkout | None:
        row = self.row("SELECT checkout FROM checkouts WHERE txId = ?", (tx_id,))
        checkout: Checkout | None = json.loads(row["checkout"]) if row else None
        return checkout

    def list_checkouts(self, payment_id: str) -> list[Checkout]:
        """The attempts at a payment, oldest first."""
        rows = self.rows(SELECT_CHECKOUTS_OF_PAYMENT, (payment_id,))
        return [json.loads(row["checkout"]) for row in rows]

    def save_checkout(self, checkout: Checkout) -> None:
        values = (checkout["txId"], checkout["paymentId"], _dump(checkout))
        self.connection.execute(SAVE_CHECKOUT, values)

    # Registered terms

    def find_terms(self, payment_id: str) -> RegisteredTerms | None:
        row = self.row("SELECT terms FROM registered_terms WHERE paymentId = ?", (payment_id,))
        terms: RegisteredTerms | None = json.loads(row["terms"]) if row else None
        return terms

    def save_terms(self, payment_id: str, terms: RegisteredTerms) -> None:
        insert = "INSERT OR REPLACE INTO registered_terms (paymentId, terms) VALUES (?, ?)"
        self.connection.execute(insert, (payment_id, _dump(terms)))

    # Answers to an Idempotency-Key

    def find_answer(self, key: str, now: float) -> IdempotentAnswer | None:
        """None when there is none, or when its time is over."""
        query = "SELECT * FROM idempotent_answers WHERE key = ? AND expiresAt > ?"
        row = self.row(query, (key, now))
        if row is None:
            return None
        return {
            "fingerprint": row["fingerprint"],
            "expires_at": row["expiresAt"],
            "status": row["status"],
            "answer": json.loads(row["answer"]),
        }

    def save_answer(self, key: str, answer: IdempotentAnswer) -> None:
        values = (
            key,
            answer["fingerprint"],
            answer["expires_at"],
            answer["status"],
            _dump(answer["answer"]),
        )
        self.connection.execute(SAVE_ANSWER, values)

    # Switches

    def find_switch(self, name: str) -> Json | None:
        row = self.row("SELECT setting FROM switches WHERE name = ?", (name,))
        setting: Json | None = json.loads(row["setting"]) if row else None
        return setting

    def save_switch(self, name: str, setting: Json | None) -> None:
        """None removes it."""
        self.connection.execute("DELETE FROM switches WHERE name = ?", (name,))
        if setting is not None:
            insert = "INSERT INTO switches (name, setting) VALUES (?, ?)"
            self.connection.execute(insert, (name, _dump(setting)))

    # Webhooks. dueAt: when to send it, in seconds since 1970; None for never.

    def add_webhook(self, payment_id: str, webhook: Webhook, due_at: float | None) -> None:
        values = (webhook["id"], payment_id, due_at, _dump(webhook))
        self.connection.execute(INSERT_WEBHOOK, values)

    def find_webhook(self, webhook_id: str) -> tuple[Webhook, float | None] | None:
        row = self.row("SELECT webhook, dueAt FROM webhooks WHERE id = ?", (webhook_id,))
        return (json.loads(row["webhook"]), row["dueAt"]) if row else None

    def list_webhooks(self, payment_id: str) -> list[tuple[Webhook, float | None]]:
        """The payment's webhooks and when each is due, oldest first."""
        rows = self.rows(SELECT_WEBHOOKS_OF_PAYMENT, (payment_id,))
        return [(json.loads(row["webhook"]), row["dueAt"]) for row in rows]

    def has_webhooks_to_send(self) -> bool:
        return self.row("SELECT 1 FROM webhooks WHERE dueAt IS NOT NULL") is not None

    def find_due_webhook(self, now: float) -> str | None:
        """The id of the webhook that has been due for the longest and is claimed by nobody."""
        row = self.row(SELECT_DUE_WEBHOOK, {"now": now})
        return row["id"] if row else None

    def claim_webhook(self, webhook_id: str, until: float) -> None:
        """Until that time no other process sends it."""
        update = "UPDATE webhooks SET claimedUntil = ? WHERE id = ?"
        self.connection.execute(update, (until, webhook_id))

    def save_webhook(self, webhook: Webhook, due_at: float | None) -> None:
        self.connection.execute(UPDATE_WEBHOOK, (due_at, _dump(webhook), webhook["id"]))

    def delete_everything(self) -> None:
        for table in TABLES:
            self.connection.execute(f"DELETE FROM {table}")


def _dump(document: object) -> str:
    return json.dumps(document, ensure_ascii=False)
