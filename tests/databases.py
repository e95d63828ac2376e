"""The databases that tests have: an empty one for each folder that asks, removed when the run ends.

Without DATABASE_URL they are SQLite files in those folders. With a URL of a PostgreSQL, MySQL or
MariaDB server they are on that server, each in a schema (PostgreSQL) or a database (MySQL, MariaDB)
of its own, named test_….

    DATABASE_URL=postgresql+psycopg://user@host/name
    DATABASE_URL=mysql+pymysql://user@host/

The user must be allowed to create them.
"""

import os
import subprocess
import sys
import uuid
from contextlib import contextmanager
from functools import cache

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

# Under another name, so that no test and no process of a test uses it by accident. pytest's own
# processes inherit it.
SERVER = os.environ.setdefault("TESTS_DATABASE_URL", os.environ.pop("DATABASE_URL", ""))
ON_POSTGRESQL = SERVER.startswith("postgresql")
ON_MYSQL = SERVER.startswith(("mysql", "mariadb"))
ON_SQLITE = not ON_POSTGRESQL and not ON_MYSQL
if SERVER and ON_SQLITE:
    raise pytest.UsageError("DATABASE_URL: a PostgreSQL, MySQL or MariaDB server, or nothing")

sqlite_only = pytest.mark.skipif(not ON_SQLITE, reason="about SQLite")

made = []  # names of what was made on the server so far


@cache
def new_database(folder):
    """The URL of an empty database for the shop; the same folder always has the same one.

    Child processes of a test are given the URL: only pytest's own processes make databases.
    """
    if ON_SQLITE:
        return f"sqlite:///{folder}/shop.db"
    name = f"test_{uuid.uuid4().hex}"
    if ON_POSTGRESQL:
        on_server(f"CREATE SCHEMA {name}")
        url = make_url(SERVER).update_query_dict({"options": f"-csearch_path={name}"})
    else:
        on_server(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        url = make_url(SERVER).set(database=name)
    made.append(name)
    return url.render_as_string(hide_password=False)


def on_server(*statements):
    """Run them one by one, each in a transaction of its own: a single one may lock only so many
    tables.
    """
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.fixture(scope="session", autouse=True)
def no_database_is_left():
    yield
    if made and ON_POSTGRESQL:
        on_server("SET lock_timeout = '10s'", *(f"DROP SCHEMA {name} CASCADE" for name in made))
    elif made:
        on_server("SET lock_wait_timeout = 10", *(f"DROP DATABASE {name}" for name in made))


def impatient_url(folder):
    """The same database; who connects with this URL waits for a lock only a moment."""
    if ON_SQLITE:
        return f"{new_database(folder)}?timeout=0.05"
    if ON_POSTGRESQL:
        return _with_option(folder, "lock_timeout=50")
    return _with_command(folder, "SET SESSION innodb_lock_wait_timeout = 1")  # seconds, the least


def read_only_url(folder):
    """The same database; who connects with this URL can't write, as on a server that only follows
    another.
    """
    if ON_SQLITE:
        return f"sqlite:///file:{make_url(new_database(folder)).database}?mode=ro&uri=true"
    if ON_POSTGRESQL:
        return _with_option(folder, "default_transaction_read_only=on")
    return _with_command(folder, "SET SESSION TRANSACTION READ ONLY")


def _with_option(folder, option):
    """PostgreSQL: the setting is made for each connection."""
    url = make_url(new_database(folder))
    options = f"{url.query['options']} -c{option}"
    return url.update_query_dict({"options": options}).render_as_string(hide_password=False)


def _with_command(folder, command):
    """MySQL: the command is run on each connection."""
    url = make_url(new_database(folder)).update_query_dict({"init_command": command})
    return url.render_as_string(hide_password=False)


LOCK_FILE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked_tables(folder, *tables):
    """Somebody else holds a lock that keeps everyone from writing to these tables; reading goes on."""
    url = make_url(new_database(folder))
    if ON_SQLITE:  # another process, since SQLite's locks are a process's
        command = [sys.executable, "-c", LOCK_FILE, url.database]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
            assert process.stdout.readline() == "locked\n"
            yield
            process.stdin.close()
        return
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        if ON_POSTGRESQL:
            connection.execute(text(f"LOCK TABLE {', '.join(tables)} IN SHARE MODE"))
        else:  # each row, and each gap in which a row could be put
            for table in tables:
                connection.execute(text(f"SELECT * FROM {table} FOR UPDATE")).all()
        yield
