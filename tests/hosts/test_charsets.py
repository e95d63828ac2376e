"""MySQL and MariaDB: the merchant's tables hold Korean, whatever character set the database has by
default.
"""

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import make_url, text

import merchant
from merchant.models import Order
from tests.conftest import BUYER
from tests.databases import ON_MYSQL, on_server

pytestmark = [
    pytest.mark.database,
    pytest.mark.skipif(not ON_MYSQL, reason="about MySQL and MariaDB"),
]


@pytest.fixture(params=["latin1", "euckr", "utf8mb3"])
def app(config, request):
    """A host on a database as an old server has it."""
    name = make_url(config["SQLALCHEMY_DATABASE_URI"]).database
    on_server(f"ALTER DATABASE {name} CHARACTER SET {request.param}")
    app = Flask(__name__)
    app.config.from_mapping(config)
    SQLAlchemy(app)
    merchant.init_app(app, "/shop")
    return app


def test_a_buyers_name_is_stored_as_it_was_written(app, buyer):
    name = "홍길동 สมชาย"
    order = buyer(app).pay(buyer={**BUYER, "name": name})
    with app.app_context():
        session = app.extensions["sqlalchemy"].session
        assert session.get(Order, order["orderId"]).buyer_name == name
        tables = (
            "SELECT table_collation FROM information_schema.tables WHERE table_schema = DATABASE()"
        )
        assert all(each.startswith("utf8mb4") for each in session.scalars(text(tables)))
