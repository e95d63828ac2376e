"""Whether the app's database can be trusted with money: for `flask doctor`."""

from collections.abc import Callable, Iterator

from sqlalchemy import Column, Connection, Dialect, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeEngine

from ..database import primary
from ..models import WRITE, Base, Order, session

WRITE_NOTHING = text(f"UPDATE {Order.__tablename__} SET id = id WHERE 1 = 0")


def database_name() -> str:
    """Returns which database it is, without a user or a password."""
    url = session.get_bind(clause=WRITE).engine.url
    return " ".join(filter(None, (url.get_backend_name(), url.host, url.database)))


def database_faults() -> list[str]:
    """Returns what is wrong with the app's database, each with what to do.

    It rolls back what the session has pending, and holds no connection afterwards.
    """
    try:
        connection = primary()
        faults = list(_table_faults(connection))
        if not faults:
            faults += _write_faults(connection)
        return faults + list(SERVERS.get(connection.dialect.name, _not_supported)(connection))
    except SQLAlchemyError as error:
        return [
            f"it can't be used: {_reason(error)}. Start it, or correct DATABASE_URL"
            " (SQLALCHEMY_DATABASE_URI in an app of yours)"
        ]
    finally:
        session.rollback()


def _reason(error: SQLAlchemyError) -> str:
    # The whole error would show the statement's values.
    return str(getattr(error, "orig", None) or type(error).__name__).partition("\n")[0]


def _table_faults(connection: Connection) -> Iterator[str]:
    found = inspect(connection)
    for table in Base.metadata.sorted_tables:
        if not found.has_table(table.name):
            yield f"the table {table.name} is missing: run your migrations, or start the site once"
            continue
        columns = {column["name"]: column for column in found.get_columns(table.name)}
        for column in table.columns:
            name = f"{table.name}.{column.name}"
            if column.name not in columns:
                yield f"the column {name} is missing: add it (merchant/models.py has its type)"
            elif _is_too_small(column, columns[column.name]["type"], connection.dialect):
                is_now = columns[column.name]["type"].compile(connection.dialect)
                wanted = column.type.compile(connection.dialect)
                yield f"the column {name} is {is_now}: change it to {wanted}"
        for name in set(columns) - set(table.columns.keys()):
            if not columns[name]["nullable"] and columns[name]["default"] is None:
                yield f"the column {table.name}.{name} must be filled, and is not known: drop it"


def _is_too_small(column: Column[object], found: TypeEngine[object], dialect: Dialect) -> bool:
    """Texts would be refused, or MySQL's and MariaDB's times lose the fraction of a second."""
    wanted = column.type.dialect_impl(dialect)
    length, fraction = getattr(found, "length", None), getattr(found, "fsp", 6) or 0
    is_too_short = length is not None and length < (getattr(wanted, "length", None) or 0)
    return is_too_short or fraction < (getattr(wanted, "fsp", None) or 0)


def _write_faults(connection: Connection) -> Iterator[str]:
    try:
        with connection.begin_nested():
            connection.execute(WRITE_NOTHING)
    except SQLAlchemyError as error:
        yield f"it can't be written: {_reason(error)}. The shop needs a user and a server that can"


def _sqlite_faults(connection: Connection) -> Iterator[str]:
    """Source: https://www.sqlite.org/pragma.html"""
    journal = connection.scalar(text("PRAGMA journal_mode"))
    synchronous = connection.scalar(text("PRAGMA synchronous"))
    if session.get_bind(clause=WRITE).engine.url.database in {None, "", ":memory:"}:
        yield "it is in memory, and lost when the process ends: set DATABASE_URL to a file"
    elif journal != "wal":
        yield (
            f"journal_mode is {journal}, so pages wait for whoever writes:"
            " run PRAGMA journal_mode=WAL once"
        )
    if synchronous not in {2, 3}:
        yield (
            f"synchronous is {synchronous}, so a power failure can lose a payment that was"
            " answered: let every connection run PRAGMA synchronous=FULL"
        )


def _postgresql_faults(connection: Connection) -> Iterator[str]:
    """Source: https://www.postgresql.org/docs/current/runtime-config-wal.html"""
    for setting in ("fsync", "synchronous_commit"):
        if connection.scalar(text(f"SHOW {setting}")) == "off":
            yield f"{setting} is off, so a crash can lose a payment that was answered: turn it on"
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        yield f"its encoding is {encoding}, which has no Korean: create the database with UTF8"


def _mysql_faults(connection: Connection) -> Iterator[str]:
    """Source: https://mariadb.com/kb/en/innodb-system-variables/, and MySQL's manual likewise."""
    tables = (
        "SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE()"
    )
    for table, engine in connection.execute(text(tables)):
        if table in Base.metadata.tables and engine != "InnoDB":
            change = f"ALTER TABLE {table} ENGINE=InnoDB"
            yield f"the table {table} is {engine}, without transactions: {change}"
    charsets = (
        "SELECT DISTINCT table_name, character_set_name FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND character_set_name IS NOT NULL"
    )
    for table, charset in connection.execute(text(charsets)):
        if table in Base.metadata.tables and charset != "utf8mb4":
            change = f"ALTER TABLE {table} CONVERT TO CHARACTER SET utf8mb4"
            yield f"the table {table} is {charset}, which lacks some characters: {change}"
    setting = "innodb_flush_log_at_trx_commit"
    for value in connection.scalars(text(f"SELECT @@{setting} FROM DUAL WHERE @@{setting} <> 1")):
        yield f"{setting} is {value}, so a crash can lose a payment that was answered: set it to 1"


def _not_supported(connection: Connection) -> Iterator[str]:
    yield f"{connection.dialect.name} is not supported: use PostgreSQL, MySQL, MariaDB or SQLite"


SERVERS: dict[str, Callable[[Connection], Iterator[str]]] = {
    "sqlite": _sqlite_faults,
    "postgresql": _postgresql_faults,
    "mysql": _mysql_faults,
    "mariadb": _mysql_faults,
}
