"""The queries of the sandbox's database, on one open connection of store.py.

A payment is stored as the JSON document that the REST API answers. `Database` does not know what
the documents mean.
"""

import json
import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from .documents import Checkout, IdempotentAnswer, Json, Payment, RegisteredTerms
from .search_fields import searchable_text
from .tables import TABLES
from .webhook_queries import WebhookQueries, dump

SELECT_PAYMENT = "SELECT record, visibleAt, earlier FROM payments"
SAVE_PAYMENT = """
    INSERT INTO payments (id, status, requestedAt, statusChangedAt, visibleAt, record, earlier)
    VALUES (:id, :status, :requestedAt, :statusChangedAt, :visibleAt, :record, :earlier)
    ON CONFLICT (id) DO UPDATE SET
        status = excluded.status, requestedAt = excluded.requestedAt,
        statusChangedAt = excluded.statusChangedAt, visibleAt = excluded.visibleAt,
        record = excluded.record, earlier = excluded.earlier
"""
SAVE_TEXT = """
    INSERT OR REPLACE INTO payment_texts (number, text)
    SELECT number, ? FROM payments WHERE id = ?
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


class State(NamedTuple):
    """identity: of this database. generation: how often it was reset. changes: how often it was
    changed. The last two never become lower.
    """

    identity: str
    generation: int
    changes: int


class Database(WebhookQueries):
    """The database inside a `reading()` or `writing()` block of a Store.

    after_commit: functions to call once the transaction is committed.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.after_commit: list[Callable[[], None]] = []

    def state(self) -> State:
        row = self.connection.execute("SELECT * FROM state").fetchone()
        return State(row["identity"], row["generation"], row["changes"])

    def count_change(self) -> None:
        self.connection.execute("UPDATE state SET changes = changes + 1")

    # Payments

    def find_payment(self, payment_id: str, visible_at: str | None = None) -> Payment | None:
        """The payment's record, or None.

        visible_at: a time, to get the record as the REST API shows it then (see save_payment).
        """
        return _record(self.row(f"{SELECT_PAYMENT} WHERE id = ?", (payment_id,)), visible_at)

    def find_payment_by_number(self, number: int, visible_at: str | None = None) -> Payment | None:
        """number: of its row."""
        return _record(self.row(f"{SELECT_PAYMENT} WHERE number = ?", (number,)), visible_at)

    def count_hidden_payments(self, now: str) -> int:
        """Those that the REST API shows at that time as they were before (see save_payment)."""
        row = self.row("SELECT count(*) AS hidden FROM payments WHERE visibleAt > ?", (now,))
        return row["hidden"] if row else 0

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
            "record": dump(record),
            "visibleAt": visible_at,
            "earlier": dump(earlier) if earlier else None,
        }
        self.connection.execute(SAVE_PAYMENT, values)
        self.connection.execute(SAVE_TEXT, (searchable_text(record), record["id"]))

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
        values = (checkout["txId"], checkout["paymentId"], dump(checkout))
        self.connection.execute(SAVE_CHECKOUT, values)

    # Registered terms

    def find_terms(self, payment_id: str) -> RegisteredTerms | None:
        row = self.row("SELECT terms FROM registered_terms WHERE paymentId = ?", (payment_id,))
        terms: RegisteredTerms | None = json.loads(row["terms"]) if row else None
        return terms

    def save_terms(self, payment_id: str, terms: RegisteredTerms) -> None:
        insert = "INSERT OR REPLACE INTO registered_terms (paymentId, terms) VALUES (?, ?)"
        self.connection.execute(insert, (payment_id, dump(terms)))

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
            dump(answer["answer"]),
        )
        self.connection.execute(SAVE_ANSWER, values)

    def delete_old_answers(self, now: float) -> None:
        self.connection.execute("DELETE FROM idempotent_answers WHERE expiresAt <= ?", (now,))

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
            self.connection.execute(insert, (name, dump(setting)))

    def delete_everything(self) -> None:
        """The next payments get other ids: what was under way must not be taken for theirs."""
        for table in TABLES:
            self.connection.execute(f"DELETE FROM {table}")
        self.connection.execute("UPDATE state SET generation = generation + 1")


def _record(row: sqlite3.Row | None, visible_at: str | None) -> Payment | None:
    if row is None:
        return None
    is_hidden = visible_at and row["visibleAt"] and visible_at < row["visibleAt"]
    record: Payment = json.loads(row["earlier"] if is_hidden else row["record"])
    return record
