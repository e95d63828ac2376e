"""The sandbox's database: an SQLite file for several processes, or the memory of one.

    store = Store("sandbox.db")
    with store.writing() as db:
        db.save_payment(record)

database.py has the queries. A file survives a restart; ":memory:" ends with `close()`.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .database import Database

MEMORY = ":memory:"
SCHEMA_VERSION = 4
APPLICATION_ID = 0x504F5358  # marks a file as the sandbox's
OLDER_TABLES = {"payments", "documents", "webhooks"}  # of the sandbox before it had a version
BUSY_SECONDS = 30

SCHEMA = (
    """
    CREATE TABLE payments (
        id TEXT PRIMARY KEY,
        status TEXT NOT NULL,
        requestedAt TEXT NOT NULL,
        statusChangedAt TEXT NOT NULL,
        record TEXT NOT NULL,
        visibleAt TEXT,
        earlier TEXT
    )
    """,
    "CREATE INDEX payments_by_request ON payments (requestedAt)",
    "CREATE INDEX payments_by_change ON payments (statusChangedAt)",
    "CREATE INDEX hidden_payments ON payments (visibleAt) WHERE visibleAt IS NOT NULL",
    """
    CREATE TABLE checkouts (
        txId TEXT PRIMARY KEY,
        paymentId TEXT NOT NULL,
        checkout TEXT NOT NULL
    )
    """,
    "CREATE INDEX checkouts_of_payment ON checkouts (paymentId)",
    "CREATE TABLE registered_terms (paymentId TEXT PRIMARY KEY, terms TEXT NOT NULL)",
    """
    CREATE TABLE idempotent_answers (
        key TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL,
        expiresAt REAL NOT NULL,
        status INTEGER,
        answer TEXT
    )
    """,
    "CREATE TABLE switches (name TEXT PRIMARY KEY, setting TEXT NOT NULL)",
    """
    CREATE TABLE webhooks (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        paymentId TEXT NOT NULL,
        dueAt REAL,
        claimedUntil REAL,
        webhook TEXT NOT NULL
    )
    """,
    "CREATE INDEX webhooks_of_payment ON webhooks (paymentId)",
    "CREATE INDEX due_webhooks ON webhooks (dueAt) WHERE dueAt IS NOT NULL",
    """
    CREATE TABLE journal (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        paymentId TEXT,
        kind TEXT NOT NULL,
        entry TEXT NOT NULL
    )
    """,
    "CREATE INDEX journal_of_payment ON journal (paymentId)",
)

log = logging.getLogger(__name__)


class Store:
    """The database of one sandbox.

    path: of the file, which is created when it is missing, or ":memory:". A file of an older
    version of the sandbox is emptied, with a warning in the log: what it holds are test payments.
    ValueError when the file is another program's or a newer version's.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._memory: sqlite3.Connection | None = None
        if path == MEMORY:
            # One connection for all threads, since each new one would have a memory of its own.
            self._memory = _connect(path)
            _create_schema(self._memory, path)
        else:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            _create_file(path)

    def close(self) -> None:
        """End the database in memory. A file has no connection open between two uses."""
        if self._memory is not None:
            with self._lock:
                self._memory.close()

    @contextmanager
    def reading(self) -> Iterator[Database]:
        """For queries. With a file it never waits for a writer; in memory it does."""
        if self._memory is not None:
            with self._lock:
                yield Database(self._memory)
            return
        # One connection per use: nothing is shared between threads or taken over a fork.
        connection = _connect(self.path)
        try:
            yield Database(connection)
        finally:
            connection.close()

    @contextmanager
    def writing(self) -> Iterator[Database]:
        """One transaction. It is the only writer from its start on; an exception rolls it back."""
        with self.reading() as db, _transaction(db.connection):
            yield db
        for function in db.after_commit:
            function()


@contextmanager
def _transaction(connection: sqlite3.Connection, mode: str = "IMMEDIATE") -> Iterator[None]:
    connection.execute(f"BEGIN {mode}")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=path != MEMORY
    )
    connection.row_factory = sqlite3.Row
    # It survives a killed process, though not a power cut, and is several times faster than FULL.
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _create_file(path: str) -> None:
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        connection = _connect(path)
        try:
            _create_schema(connection, path)
            return
        except sqlite3.OperationalError:
            # SQLite does not wait when another process is turning an empty file into a WAL one.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        finally:
            connection.close()


def _create_schema(connection: sqlite3.Connection, path: str) -> None:
    """Create the tables, unless they are there in their present version."""
    with _transaction(connection, "DEFERRED"):  # so that all queries see one state of the file
        if _is_present(connection):
            return
        _check_origin(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    with _transaction(connection):
        if _is_present(connection):  # another process was faster
            return
        tables = _tables(connection)
        if tables:
            log.warning(
                "%s was made by an older version of the sandbox (schema %s, now %s)."
                " Its test payments were deleted.",
                path,
                _pragma(connection, "user_version"),
                SCHEMA_VERSION,
            )
        for table in tables:
            connection.execute(f'DROP TABLE "{table}"')
        for statement in SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _check_origin(connection: sqlite3.Connection, path: str) -> None:
    """ValueError when the file must not be emptied."""
    version = _pragma(connection, "user_version")
    is_ours = _pragma(connection, "application_id") == APPLICATION_ID
    if is_ours and version > SCHEMA_VERSION:
        raise ValueError(
            f"{path} was made by a newer version of the sandbox (schema {version}, this version"
            f" has {SCHEMA_VERSION}). Update the sandbox, or delete the file."
        )
    tables = _tables(connection)
    if not is_ours and tables and not ("documents" in tables and tables <= OLDER_TABLES):
        raise ValueError(f"{path} is not a database of the sandbox. Choose another file.")


def _is_present(connection: sqlite3.Connection) -> bool:
    is_ours = _pragma(connection, "application_id") == APPLICATION_ID
    return is_ours and _pragma(connection, "user_version") == SCHEMA_VERSION


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _tables(connection: sqlite3.Connection) -> set[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    return {row["name"] for row in connection.execute(query)}
