"""The sandbox's database: an SQLite file for several processes, or the memory of one.

    store = Store("sandbox.db")
    with store.writing() as db:
        db.save_payment(record)

database.py has the queries. A file survives a restart; ":memory:" ends with `close()`.
"""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .database import Database
from .tables import APPLICATION_ID, SCHEMA, SCHEMA_VERSION

MEMORY = ":memory:"
OLDER_TABLES = {"payments", "documents", "webhooks"}  # of the sandbox before it had a version
PACKAGE_FOLDERS = ("site-packages", "dist-packages")
BUSY_SECONDS = 30
SHRINK_MILLISECONDS = 2000  # how long it waits for other processes
MAX_FREE_BYTES = 1_000_000  # that a file keeps after a reset

log = logging.getLogger(__name__)


def default_path() -> Path:
    """Where the file is unless a setting says so.

    In a checkout of the repository, or a copy of it, `instance/sandbox.db`. Installed, it is in the
    user's data folder, as the XDG Base Directory Specification has it: packages are not a place
    for data.
    """
    folder = Path(__file__).parent.parent
    is_installed = folder.name in PACKAGE_FOLDERS or any(folder.glob("*.dist-info"))
    if not is_installed:
        return folder / "instance" / "sandbox.db"
    home = Path(os.environ.get("XDG_DATA_HOME", ""))
    if not home.is_absolute():  # the specification has such a value ignored
        home = Path.home() / ".local" / "share"
    return home / "portone-sandbox" / "sandbox.db"


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
            before = db.connection.total_changes
            yield db
            if db.connection.total_changes > before:
                db.count_change()
        for function in db.after_commit:
            function()

    def reset(self) -> None:
        """Delete everything, and give the disk space back unless another process is using it."""
        with self.writing() as db:
            db.delete_everything()
        with self.reading() as db:
            free = _pragma(db.connection, "freelist_count") * _pragma(db.connection, "page_size")
            if free > MAX_FREE_BYTES:
                _shrink(db.connection)


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


def _shrink(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA busy_timeout = {SHRINK_MILLISECONDS}")
    try:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        log.info("The file of the sandbox was not made smaller: %s", error)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


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
