"""One session, one transaction: all work runs on the session of the app's own Flask-SQLAlchemy."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import cast

from flask import current_app
from sqlalchemy import Connection, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, scoped_session

from .models import WRITE

# SQLite has one writer at a time. A connection that finds it busy sleeps up to 100 ms before it
# tries again. With this lock the threads of one process wake each other at once.
_sqlite_writer = threading.Lock()


class TransactionEnded(Exception):
    """The host's code committed or rolled back the transaction that it was called in."""


def own_session() -> Session:
    """The session itself, not a registry of sessions.

    Flask-SQLAlchemy has a registry, Flask-SQLAlchemy-Lite has a session for each request.
    """
    found = current_app.extensions["sqlalchemy"].session
    return cast(Session, found() if isinstance(found, scoped_session) else found)


def release() -> None:
    """Commit what the host's code has pending, and give the connection back to the pool."""
    current = own_session()
    if current.in_transaction():
        current.commit()


def primary() -> Connection:
    """The session's connection to the database that is written to, for reading as well.

    A host's session may send what does not write to a replica, which lags behind: a payment is
    decided on the row that was written last.
    """
    current = own_session()
    if not current.in_transaction():
        current.begin()  # a host's session may begin nothing by itself (autobegin=False)
    return current.connection(bind_arguments={"clause": WRITE})


@contextmanager
def write_transaction() -> Iterator[Connection]:
    """Commits at the end, or rolls back on an error. What was pending before is committed first.

    Keep it short: on SQLite the whole file is locked from its first statement on.
    """
    release()
    current = own_session()
    is_sqlite = current.get_bind(clause=WRITE).dialect.name == "sqlite"
    with _sqlite_writer if is_sqlite else nullcontext():
        try:
            yield primary()
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
    current = own_session()
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
