"""docs/production: a database of version 0.1.0 is moved by the statements of the page."""

import re
import sqlite3

import pytest

from tests.databases import sqlite_only
from tests.docs.pages import PAGES
from tests.money.commands import run

pytestmark = sqlite_only

STATEMENTS = {
    name: re.search(r"```sql\n(.*?)```", PAGES[f"docs/{name}"], re.DOTALL)[1]
    for name in ("production.md", "production.ko.md")
}
VERSION_0_1_0 = """
CREATE TABLE merchant_order (
  id VARCHAR(32) NOT NULL PRIMARY KEY, product_id VARCHAR(64) NOT NULL, name VARCHAR(64) NOT NULL,
  amount INTEGER NOT NULL, buyer_name VARCHAR(64) NOT NULL, buyer_email VARCHAR(128) NOT NULL,
  buyer_phone VARCHAR(32) NOT NULL, status VARCHAR(32) NOT NULL, payment_id VARCHAR(32) NOT NULL,
  created_at DATETIME NOT NULL, paid_at DATETIME, fulfilled_at DATETIME);
CREATE TABLE merchant_payment (
  id VARCHAR(32) NOT NULL PRIMARY KEY, order_id VARCHAR(32) NOT NULL REFERENCES merchant_order (id),
  store_id VARCHAR(64) NOT NULL, channel_key VARCHAR(64) NOT NULL, order_name VARCHAR(64) NOT NULL,
  amount INTEGER NOT NULL, currency VARCHAR(3) NOT NULL, pay_method VARCHAR(32) NOT NULL,
  window_type VARCHAR(16) NOT NULL, status VARCHAR(32) NOT NULL, reasons JSON NOT NULL,
  portone_status VARCHAR(40), portone_updated_at DATETIME, portone_amount INTEGER NOT NULL,
  cancelled_amount INTEGER NOT NULL, refund JSON, virtual_account JSON, failure VARCHAR(200),
  created_at DATETIME NOT NULL, asked_at DATETIME, version INTEGER NOT NULL);
CREATE TABLE merchant_payment_event (
  id INTEGER NOT NULL PRIMARY KEY, order_id VARCHAR(32) NOT NULL REFERENCES merchant_order (id),
  payment_id VARCHAR(32) NOT NULL, at DATETIME NOT NULL, event VARCHAR(32) NOT NULL,
  source VARCHAR(16) NOT NULL, portone_status VARCHAR(40), duration_ms INTEGER, checks JSON);
"""
AT = "2026-11-01 00:00:00.000000"
# (first characters of the ids, order's status, paid, fulfilled, payment's status, PortOne's)
ROWS = [
    ("a", "PAID", AT, AT, "PAID", "PAID"),
    ("b", "PAID", AT, None, "PAID", "PAID"),
    ("c", "MISMATCH", None, None, "MISMATCH", "PAID"),
    ("d", "PENDING", None, None, "PENDING", None),
    ("e", "CANCELLED", None, None, "CANCELLED", "CANCELLED"),
]


@pytest.fixture
def database(tmp_path):
    """The file of a shop of version 0.1.0."""
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.executescript(VERSION_0_1_0)
        for letter, status, paid_at, fulfilled_at, payment_status, portone_status in ROWS:
            order, payment = letter * 32, f"{letter * 31}1"
            database.execute(
                "INSERT INTO merchant_order VALUES (?, 'waffle-trainer', '신발', 1000, '홍길동',"
                " 'buyer@example.com', '010-1234-5678', ?, ?, ?, ?, ?)",
                (order, status, payment, AT, paid_at, fulfilled_at),
            )
            database.execute(
                "INSERT INTO merchant_payment VALUES (?, ?, 'store-1', 'channel-key-1', '신발', 1000,"
                " 'KRW', 'CARD', '', ?, '[]', ?, NULL, 1000, 0, NULL, NULL, NULL, ?, NULL, 2)",
                (payment, order, payment_status, portone_status, AT),
            )
            database.execute(
                "INSERT INTO merchant_payment_event VALUES (NULL, ?, ?, ?, 'ORDER_CREATED', 'shop',"
                " NULL, NULL, NULL)",
                (order, payment, AT),
            )
    return tmp_path / "shop.db"


def test_both_languages_have_the_same_statements():
    assert STATEMENTS["production.md"] == STATEMENTS["production.ko.md"]


def test_the_start_names_what_is_missing_and_where_it_is_explained(database, make_shop):
    with pytest.raises(RuntimeError, match=r"merchant_order\.tax_free.*docs/production"):
        make_shop()


def test_after_the_statements_the_shop_goes_on_and_lists_what_needs_a_person(database, make_shop):
    with sqlite3.connect(database) as connection:
        connection.executescript(STATEMENTS["production.md"])
    shop = make_shop()
    listed = run(shop, "orders", "--attention").output
    assert "c" * 31 in listed and "flask refund" in listed
    assert "b" * 31 in listed and "flask reconcile" in listed
    assert not [letter for letter in "ade" if letter * 31 in listed]
    for letter, status, *_ in ROWS:
        assert f'data-order-status="{status}"' in shop.client.get(f"/orders/{letter * 32}").text
    assert shop.order()["request"]["totalAmount"] == 1000
    retried = shop.client.post(f"/orders/{'d' * 32}/payments", json={})
    assert retried.json["error"]["code"] == "ORDER_EXPIRED", "its seven days are over"
