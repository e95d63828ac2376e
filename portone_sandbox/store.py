"""The sandbox's memory: one SQLite file that several processes may use at once and that survives a restart.

A payment is the JSON document which the REST API answers with. Other documents, by kind and id: "checkout", one
opened payment window, by txId; "terms", what was pre-registered, by paymentId; "answer", by Idempotency-Key;
"switch", what was set in the console, by its name. Webhooks, sent or still to send, have a table of their own.
Every function takes the `db` of a `reading()` or `writing()` block.
"""

import json
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path

from flask import current_app

SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
    id TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    requestedAt TEXT NOT NULL,
    updatedAt TEXT NOT NULL,
    record TEXT NOT NULL,
    visibleAt TEXT,
    earlier TEXT
);
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX IF NOT EXISTS attempts ON documents (json_extract(document, '$.paymentId')) WHERE kind = 'checkout';
CREATE TABLE IF NOT EXISTS webhooks (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    paymentId TEXT NOT NULL,
    dueAt REAL,
    claimedUntil REAL,
    webhook TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS webhooks_of_payment ON webhooks (paymentId);
CREATE INDEX IF NOT EXISTS due_webhooks ON webhooks (dueAt) WHERE dueAt IS NOT NULL;
"""

BUSY_SECONDS = 30


def create(path):
    """Make the file and its tables, unless they are there."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        db = _connect(path)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(SCHEMA)
            return
        except sqlite3.OperationalError:
            # SQLite does not use its busy time-out while another process turns an empty file into a WAL one.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        finally:
            db.close()


def _connect(path):
    # One connection per use: nothing is shared between threads or carried over a fork.
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    db.row_factory = sqlite3.Row
    # Outlives a killed process, though not a power cut, and is several times faster.
    db.execute("PRAGMA synchronous = NORMAL")
    return db


@contextmanager
def reading():
    db = _connect(current_app.config["DATABASE"])
    try:
        yield db
    finally:
        db.close()


@contextmanager
def writing():
    """One transaction, alone among writers from its first statement on; an exception takes it back."""
    with reading() as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


def find_payment(db, payment_id, visible_at=None):
    """The payment's record as it truly is, or as the REST API shows it at that time, or None."""
    row = db.execute(
        "SELECT record, visibleAt, earlier FROM payments WHERE id = ?", (payment_id,)
    ).fetchone()
    if row is None:
        return None
    is_hidden = visible_at and row["visibleAt"] and visible_at < row["visibleAt"]
    return json.loads(row["earlier"] if is_hidden else row["record"])


def save_payment(db, record, visible_at=None):
    """Put a payment into its new state: the one way a payment comes to be or changes.

    visible_at: until then the REST API answers with what it was before.
    """
    earlier = find_payment(db, record["id"]) if visible_at else None
    row = {name: record[name] for name in ("id", "status", "requestedAt", "updatedAt")}
    row.update(record=_dump(record), visibleAt=visible_at, earlier=earlier and _dump(earlier))
    db.execute(
        "INSERT OR REPLACE INTO payments (id, status, requestedAt, updatedAt, record, visibleAt, earlier)"
        " VALUES (:id, :status, :requestedAt, :updatedAt, :record, :visibleAt, :earlier)",
        row,
    )


def find_document(db, kind, id):
    row = db.execute(
        "SELECT document FROM documents WHERE kind = ? AND id = ?", (kind, id)
    ).fetchone()
    return row and json.loads(row["document"])


def save_document(db, kind, id, document):
    values = (kind, id, _dump(document))
    insert = "INSERT INTO documents (kind, id, document) VALUES (?, ?, ?)"
    db.execute(
        f"{insert} ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document", values
    )


def list_checkouts(db, payment_id):
    """The attempts at a payment, oldest first."""
    query = "SELECT document FROM documents WHERE kind = 'checkout' AND json_extract(document, '$.paymentId') = ?"
    return [
        json.loads(row["document"]) for row in db.execute(f"{query} ORDER BY rowid", (payment_id,))
    ]


def add_webhook(db, payment_id, webhook, due_at):
    values = (webhook["id"], payment_id, due_at, _dump(webhook))
    db.execute("INSERT INTO webhooks (id, paymentId, dueAt, webhook) VALUES (?, ?, ?, ?)", values)


def find_webhook(db, id):
    """The webhook, and when it is due (seconds since 1970), or None for never; or None for both."""
    row = db.execute("SELECT webhook, dueAt FROM webhooks WHERE id = ?", (id,)).fetchone()
    return (json.loads(row["webhook"]), row["dueAt"]) if row else (None, None)


def list_webhooks(db, payment_id):
    """As find_webhook, all of the payment, oldest first."""
    rows = db.execute(
        "SELECT webhook, dueAt FROM webhooks WHERE paymentId = ? ORDER BY number", (payment_id,)
    )
    return [(json.loads(row["webhook"]), row["dueAt"]) for row in rows]


def has_webhooks_to_send(db):
    return db.execute("SELECT 1 FROM webhooks WHERE dueAt IS NOT NULL").fetchone() is not None


def save_webhook(db, webhook, due_at):
    values = (due_at, _dump(webhook), webhook["id"])
    db.execute(
        "UPDATE webhooks SET dueAt = ?, claimedUntil = NULL, webhook = ? WHERE id = ?", values
    )


def claim_webhook(now, seconds):
    """As find_webhook, the one that has been due for the longest, for this caller alone and for that time; or None."""
    due = "SELECT id FROM webhooks WHERE dueAt <= :now AND coalesce(claimedUntil, 0) < :now ORDER BY dueAt LIMIT 1"
    with reading() as db:  # which waits for nobody; most times nothing is due
        if db.execute(due, {"now": now}).fetchone() is None:
            return None
    with writing() as db:
        row = db.execute(due, {"now": now}).fetchone()
        if row is None:
            return None
        db.execute("UPDATE webhooks SET claimedUntil = ? WHERE id = ?", (now + seconds, row["id"]))
        return find_webhook(db, row["id"])


def forget_everything(db):
    for table in ("payments", "documents", "webhooks"):
        db.execute(f"DELETE FROM {table}")


def _dump(document):
    return json.dumps(document, ensure_ascii=False)
