"""An SQLite database in memory, as most hosts' tests have it, loses nothing when the merchant is
mounted.
"""

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import QueuePool, StaticPool, create_engine, text

import merchant

ONE_CONNECTION = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
IN_MEMORY = [  # (URL, engine options): Flask-SQLAlchemy's own pool, and pools that a host sets
    ("sqlite://", {}),
    ("sqlite:///:memory:", {}),
    ("sqlite://", ONE_CONNECTION),
    ("sqlite:///file:host?mode=memory&cache=shared&uri=true", {"poolclass": QueuePool}),
]


def fill(database):
    """A table of the host with a row."""
    database.session.execute(text("CREATE TABLE user (name TEXT)"))
    database.session.execute(text("INSERT INTO user VALUES ('kim')"))
    database.session.commit()


def names(database):
    return database.session.scalars(text("SELECT name FROM user")).all()


@pytest.mark.parametrize(("url", "options"), IN_MEMORY)
def test_a_database_in_memory_keeps_the_hosts_rows_and_the_merchants_tables(
    config, buyer, url, options
):
    app = Flask(__name__)
    app.config.from_mapping(config, SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_ENGINE_OPTIONS=options)
    database = SQLAlchemy(app)
    with app.app_context():
        fill(database)
        merchant.init_app(app, "/shop")
        assert names(database) == ["kim"]
    buyer(app).pay()
    with app.app_context():
        assert names(database) == ["kim"]


def test_a_host_that_pushes_one_context_for_a_whole_test_can_pay_in_it(config, buyer):
    """setUp() of unittest pushes a context and creates the tables; tearDown() drops them."""
    app = Flask(__name__)
    app.config.from_mapping(config, SQLALCHEMY_DATABASE_URI="sqlite://")
    database = SQLAlchemy(app)
    merchant.init_app(app, "/shop")
    with app.app_context():
        database.create_all()
        fill(database)
        buyer(app).pay()
        database.session.remove()
        database.drop_all()
        assert names(database) == ["kim"]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_our_own_site_runs_on_a_database_in_memory(config, buyer, url):
    app = merchant.create_app({**config, "DATABASE_URL": url})
    buyer(app, "").pay()


def test_a_file_is_no_longer_connected_after_the_start(config, buyer, tmp_path):
    """A worker that is forked later must not share a connection."""
    app = Flask(__name__)
    app.config.from_mapping(config, SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/host.db")
    database = SQLAlchemy(app)
    merchant.init_app(app, "/shop")
    with app.app_context():
        assert database.engine.pool.checkedin() + database.engine.pool.checkedout() == 0
    buyer(app).pay()
    assert create_engine(f"sqlite:///{tmp_path}/host.db").connect()
