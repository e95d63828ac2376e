"""A PostgreSQL server of the benchmark's own, as durable as PostgreSQL is by default: every commit
is synced.
"""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from . import database

TABLES = ("merchant_order", "merchant_payment", "merchant_payment_event")


def programs() -> Path | None:
    """The folder of PostgreSQL's server programs, which Debian keeps off the PATH; None if there
    are none.
    """
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    initdb = shutil.which("initdb") or max(debian, default=None)
    return initdb and Path(initdb).resolve().parent


class Server:
    """A new server, on a socket that only its own user and root can reach; it goes away with
    `stack`.
    """

    def __init__(self, stack, programs: Path):
        # Not next to the results: PostgreSQL refuses to run as root, and another user may not get
        # there. /var/tmp outlives a restart of the machine, so it is not in memory.
        self.folder = stack.enter_context(TemporaryDirectory(dir="/var/tmp"))
        self.program, self.user = programs / "pg_ctl", {}
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            self.user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        self.pg_ctl(
            "initdb", "--options", "--username postgres --auth trust --encoding UTF8 --locale C"
        )
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder}"
        self.pg_ctl("start", "--log", f"{self.folder}/log", "--options", options)
        stack.callback(self.pg_ctl, "stop", "--mode", "fast")

    def pg_ctl(self, *arguments):
        command = [
            self.program,
            "--pgdata",
            f"{self.folder}/data",
            "--wait",
            "--silent",
            *arguments,
        ]
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL, **self.user)

    def address(self, database):
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def copy(self, file: Path, name: str) -> str:
        """A new database with the orders of an SQLite file; returns SQLAlchemy's URL of it."""
        name = name.replace("-", "_")
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = self.address(name).replace("://", "+psycopg://")
        with database.create_tables(url):
            fill(self.address(name), file)
        return url

    def settings(self) -> dict:
        names = ("server_version", "fsync", "synchronous_commit")
        with psycopg.connect(self.address("postgres")) as connection:
            return {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in names}


def fill(address: str, file: Path):
    """Copy the rows of an SQLite file into the empty tables of a PostgreSQL database."""
    with closing(sqlite3.connect(file)) as source, psycopg.connect(address) as target:
        for table in TABLES:
            rows = source.execute(f"SELECT * FROM {table}")
            columns = ", ".join(column[0] for column in rows.description)
            with target.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        target.execute(
            "SELECT setval('merchant_payment_event_id_seq', max(id)) FROM merchant_payment_event"
        )
