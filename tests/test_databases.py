"""The tests' databases are where DATABASE_URL says, and the shop's rows are in them."""

import pytest
from sqlalchemy import NullPool, create_engine, inspect, make_url, text

from merchant.models import Order, db
from tests.databases import ON_MYSQL, SERVER, new_database

pytestmark = pytest.mark.database


def test_the_shops_rows_are_on_the_server_that_the_run_was_given(shop, tmp_path):
    order = shop.order()
    with shop.app.app_context():
        used = db.engine.url
    wanted = make_url(SERVER or "sqlite://")
    assert used.get_backend_name() == wanted.get_backend_name()
    assert (used.host, used.port) == (wanted.host, wanted.port)
    engine = create_engine(new_database(tmp_path), poolclass=NullPool)
    with engine.connect() as connection:
        rows = connection.execute(text(f"SELECT id FROM {Order.__tablename__}")).all()
    assert rows == [(order["orderId"],)]


def test_each_folder_has_an_empty_database_of_its_own(tmp_path_factory):
    folders = [tmp_path_factory.mktemp("folder") for _ in range(2)]
    urls = [new_database(folder) for folder in folders]
    assert urls[0] != urls[1] and [new_database(folder) for folder in folders] == urls
    for url in urls:
        assert inspect(create_engine(url, poolclass=NullPool)).get_table_names() == []


@pytest.mark.skipif(not ON_MYSQL, reason="about MySQL and MariaDB")
def test_transactions_have_the_isolation_that_such_a_server_has_by_default(shop):
    with shop.app.app_context(), db.engine.connect() as connection:
        variables = dict(connection.execute(text("SHOW VARIABLES LIKE '%isolation'")).all())
    assert "REPEATABLE-READ" in variables.values(), variables
