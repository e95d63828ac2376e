"""A host with Flask-Migrate has the merchant's tables in its own migrations. Our own site checks
its tables.
"""

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import NullPool, create_engine, insert, inspect, select, text

import merchant
from tests.databases import new_database
from tests.hosts.apps import migrated

pytestmark = pytest.mark.database

ROOT = Path(__file__).parents[2]
# Each command is run as `flask db …` runs it, one after another in one process, which costs a
# second less for each.
COMMANDS = """
import shlex, sys
from flask.cli import FlaskGroup
flask = FlaskGroup()
for line in sys.argv[1:]:
    flask.main(["--app", "tests.hosts.apps.migrated", *shlex.split(line)], standalone_mode=False)
"""
TABLES = {"merchant_order", "merchant_payment", "merchant_payment_event"}


def lines_for_env_py(page):
    """What the page's row about Flask-Migrate has in code after the file's name."""
    row = next(line for line in page.read_text().splitlines() if "| Flask-Migrate" in line)
    code = re.findall("`([^`]+)`", row.partition("`migrations/env.py`")[2])
    return code[0], next(each for each in code if each.startswith("return "))


class Host:
    """A host with Flask-Migrate, its database and the folder with its migrations."""

    def __init__(self, folder, config):
        self.config = {**config, "MIGRATIONS": str(folder / "migrations")}
        self.engine = create_engine(config["SQLALCHEMY_DATABASE_URI"], poolclass=NullPool)
        self.env = folder / "migrations" / "env.py"

    def flask(self, *commands, has_shop=True):
        """Run `flask COMMAND` for each of them; returns what they printed."""
        settings = {**self.config, "HAS_SHOP": "1" if has_shop else "0"}
        env = {name: value for name, value in os.environ.items() if not name.startswith("PORTONE_")}
        env |= {
            name if name.startswith("PORTONE_") else f"HOST_{name}": value
            for name, value in settings.items()
        }
        command = [sys.executable, "-c", COMMANDS, *commands]
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def tell_migrations_of_the_merchant(self):
        """The two lines of env.py, as docs/copy has them."""
        source = self.env.read_text()
        own = "return target_db.metadatas[None]"
        assert own in source
        both = lines_for_env_py(ROOT / "docs" / "copy.md")
        assert both == lines_for_env_py(ROOT / "docs" / "copy.ko.md")
        imports, returns = both
        self.env.write_text(f"{imports}\n" + source.replace(own, returns))

    def tables(self):
        return set(inspect(self.engine).get_table_names())

    def own_tables(self):
        return {name for name in self.tables() if not name.startswith("merchant_")}

    def run(self, statement):
        with self.engine.begin() as connection:
            connection.execute(text(statement))

    def users(self):
        with self.engine.connect() as connection:
            return connection.scalars(select(migrated.User.name)).all()

    def add_user(self, name):
        with self.engine.begin() as connection:
            connection.execute(insert(migrated.User), {"name": name})


@pytest.fixture
def host(tmp_path, config):
    return Host(tmp_path, config)


@pytest.mark.long
def test_upgrade_and_downgrade_on_an_empty_database(host, buyer):
    host.flask("db init")
    host.tell_migrations_of_the_merchant()
    printed = host.flask("db migrate -m both", "db upgrade", "db check")
    assert "No new upgrade operations detected" in printed
    assert host.tables() >= TABLES and host.own_tables() == {"user", "alembic_version"}
    buyer(migrated.create_app(host.config)).pay()
    host.flask("db downgrade")
    assert host.tables() == {"alembic_version"}
    host.flask("db upgrade")
    buyer(migrated.create_app(host.config)).pay()


def test_upgrade_and_downgrade_on_a_filled_database_leave_the_hosts_rows(host, buyer):
    host.flask("db init", "db migrate -m host", "db upgrade", has_shop=False)
    host.add_user("kim")
    host.tell_migrations_of_the_merchant()
    assert not TABLES & host.tables()  # the merchant is mounted, and has created nothing
    host.flask("db migrate -m shop", "db upgrade")
    buyer(migrated.create_app(host.config)).pay()
    host.flask("db downgrade", "db upgrade", "db downgrade")
    assert not TABLES & host.tables()
    assert host.users() == ["kim"]


@pytest.mark.parametrize(
    ("table", "column"),
    [("merchant_payment", "virtual_account"), ("merchant_order", "fulfilled_at")],
)
def test_our_own_site_names_the_column_that_its_tables_lack_and_does_not_start(
    config, tmp_path, table, column
):
    settings = {**config, "DATABASE_URL": new_database(tmp_path)}
    merchant.create_app(settings)
    engine = create_engine(settings["DATABASE_URL"], poolclass=NullPool)
    with engine.begin() as connection:  # as a version before left it
        connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
    with pytest.raises(RuntimeError, match=rf"(?s){table}\.{column}.*docs/production"):
        merchant.create_app(settings)


@pytest.mark.long
def test_a_host_whose_migrations_were_not_run_yet_can_run_them(host):
    """`flask db upgrade` creates the app first, so a start on an older database must not fail."""
    merchant.create_app({**host.config, "DATABASE_URL": host.config["SQLALCHEMY_DATABASE_URI"]})
    host.run("ALTER TABLE merchant_payment DROP COLUMN virtual_account")
    host.flask("db init")
    host.tell_migrations_of_the_merchant()
    host.flask("db migrate -m newer", "db upgrade")
    columns = inspect(host.engine).get_columns("merchant_payment")
    assert "virtual_account" in {column["name"] for column in columns}


def warned_of_migrations(caplog):
    return [
        each
        for each in caplog.records
        if each.levelno == logging.WARNING and "create_tables=False" in each.getMessage()
    ]


def host_that_creates_tables(config, **options):
    app = Flask(__name__)
    app.config.from_mapping(config)
    database = SQLAlchemy(app)
    merchant.init_app(app, "/shop", **options)
    return app, database


def test_tables_that_migrations_do_not_know_are_warned_of(config, caplog):
    """The host's next `flask db migrate` would write the removal of the payments."""
    app = Flask(__name__)
    app.config.from_mapping(config)
    Migrate(app, SQLAlchemy(app))
    merchant.init_app(app, "/shop")
    assert len(warned_of_migrations(caplog)) == 1


def test_they_are_warned_of_once_when_migrations_are_set_up_later(config, caplog, buyer):
    app, database = host_that_creates_tables(config)
    Migrate(app, database)
    for _ in range(2):
        buyer(app).pay()
    assert len(warned_of_migrations(caplog)) == 1


def test_nobody_else_is_warned_of_migrations(config, caplog, buyer):
    app, _ = host_that_creates_tables(config)
    buyer(app).pay()
    app, database = host_that_creates_tables(config, create_tables=False)
    Migrate(app, database)
    buyer(app).pay()
    assert warned_of_migrations(caplog) == []
