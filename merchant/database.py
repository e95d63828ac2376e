"""One session, one transaction: all work runs on the session of the app's own Flask-SQLAlchemy."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection, event
from sqlalchemy.exc import SQLAlchemyError

from .models import session

# SQLite has one writer at a time. A connection that finds it busy sleeps up to 100 ms before it
# tries again. With this lock the threads of one process wake each other at once.
_sqlite_writer = threading.Lock()


class TransactionEnded(Exception):
    """The host's code committed or rolled back the transaction that it was called in."""


def release() -> None:
    """Commit what the host's code has pending, and give the connection back to the pool."""
    current = session()
    if current.in_transaction():
        current.commit()


@contextmanager
def write_transaction() -> Iterator[Connection]:
    """Commits at the end, or rolls back on an error. What was pending before is committed first.

    Keep it short: on SQLite the whole file is locked from its first statement on.
    """
    release()
    current = session()
    is_sqlite = current.get_bind().dialect.name == "sqlite"
    with _sqlite_writer if is_sqlite else nullcontext():
        try:
            yield current.connection()
            current.commit()
        except BaseException:
            current.rollback()
            raise


def run_in_savepoint(work: Callable[[], None]) -> Exception | None:
    """Run the host's function in a savepoint of the current transaction.

    Returns the error that it raised, with its database work undone, or None. `work` may not commit:
    the attempt is refused and returned as the error. Raises TransactionEnded if it rolled the whole
    transaction back.
    """
    current = session()
    savepoint = current.begin_nested()
    refused: list[Exception] = []

    def refuse_commit(_: object) -> None:
        # None: `work` rolled all back before, and would now commit its own part alone.
        if current.get_nested_transaction() in (savepoint, None):
            refused.append(TransactionEnded("fulfil() called commit()"))
            raise refused[0]

    event.listen(current, "before_commit", refuse_commit)
    error: Exception | None = None
    try:
        work()
        current.flush()
    except Exception as problem:
        error = problem
    finally:
        event.remove(current, "before_commit", refuse_commit)
    # A failed flush has undone the savepoint too, but it is still the current one.
    if not savepoint.is_active and current.get_nested_transaction() is not savepoint:
        raise TransactionEnded("fulfil() called rollback()") from error
    error = refused[0] if refused else error
    if error:
        savepoint.rollback()
        return error
    try:
        savepoint.commit()
    except SQLAlchemyError as problem:
        raise TransactionEnded("fulfil() went on after a failed statement") from problem
    return None
