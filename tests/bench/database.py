"""The orders that are stored before anything is measured: made once per size, copied for each site."""

import random
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import NullPool, create_engine, text

from merchant import create_app
from merchant.models import db, session

from .portone import AMOUNT, CHANNEL, NAME, SECRET, STORE

# SQL's own loops make a million orders, each with the 7 rows of a paid one, in half a minute.
ORDERS = """
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :total)
INSERT INTO merchant_order (id, payment_id, product_id, name, amount, buyer_name, buyer_email, buyer_phone, status,
  created_at, paid_at, fulfilled_at)
SELECT lower(hex(randomblob(16))), lower(hex(randomblob(16))), 'waffle-trainer', :name, :amount, '홍길동',
  'buyer@example.com', '010-1234-5678', iif(n <= :paid, 'PAID', 'PENDING'), :at, iif(n <= :paid, :at, NULL),
  iif(n <= :paid, :at, NULL)
FROM number
"""
PAYMENTS = """
INSERT INTO merchant_payment (id, order_id, store_id, channel_key, order_name, amount, currency, pay_method,
  window_type, status, reasons, portone_status, portone_updated_at, portone_amount, cancelled_amount,
  cancellations, paid_at, created_at, version)
SELECT payment_id, id, :store, :channel, name, amount, 'KRW', 'CARD', '', status, '[]', iif(paid_at, 'PAID', NULL),
  iif(paid_at, :updated_at, NULL), iif(paid_at, amount, 0), 0,
  '[]', paid_at, created_at, iif(paid_at, 2, 1)
FROM merchant_order ORDER BY rowid
"""
EVENTS = """
WITH happened(event, source, portone_status, duration_ms) AS (VALUES ('ORDER_CREATED', 'shop', NULL, NULL),
  ('ATTEMPT_OPENED', 'shop', NULL, NULL), ('SDK_RETURNED', 'sdk', NULL, NULL), ('LOOKED_UP', 'sdk', 'PAID', 50),
  ('ORDER_PAID', 'sdk', NULL, NULL))
INSERT INTO merchant_payment_event (order_id, payment_id, at, event, source, portone_status, duration_ms)
SELECT o.id, payment_id, created_at, event, source, portone_status, duration_ms
FROM merchant_order o CROSS JOIN happened WHERE paid_at OR source = 'shop' ORDER BY o.rowid
"""
UNPAY = """
UPDATE merchant_order SET status = 'PENDING', paid_at = NULL, fulfilled_at = NULL WHERE id = :order;
UPDATE merchant_payment SET status = 'PENDING', portone_status = NULL, portone_updated_at = NULL, portone_amount = 0,
  paid_at = NULL, cancellations = '[]', version = 1 WHERE id = :payment;
"""
FORGET = """
DELETE FROM merchant_payment WHERE order_id = :order;
DELETE FROM merchant_order WHERE id = :order;
"""
TIDY = {"sqlite": "PRAGMA wal_checkpoint(TRUNCATE)", "postgresql": "VACUUM ANALYZE; CHECKPOINT"}


@contextmanager
def create_tables(url: str):
    """Create the shop's tables; within the block, `session` is the shop's."""
    account = {
        "PORTONE_STORE_ID": STORE,
        "PORTONE_CHANNEL_KEY": CHANNEL,
        "PORTONE_API_SECRET": SECRET,
    }
    with create_app({**account, "DATABASE_URL": url}).app_context():
        yield
        session.remove()
        db.engine.dispose()


def make(file: Path, paid: int, unpaid: int) -> dict:
    """Create the shop's tables with so many orders.

    Returns what SQLite is set to, as the shop itself sees it: {"journal_mode": "wal",
    "synchronous": 2}, where 2 is FULL: every commit is on the disk before it is answered.
    """
    with create_tables(f"sqlite:///{file}"):
        modes = {
            name: session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")
        }
    values = {
        "total": paid + unpaid,
        "paid": paid,
        "name": NAME,
        "amount": AMOUNT,
        "store": STORE,
        "channel": CHANNEL,
        "at": "2026-01-01 00:00:00.000000",
        "updated_at": "2026-01-01 00:00:00.123456",
    }
    with closing(sqlite3.connect(file)) as database:
        database.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000")
        for statement in (ORDERS, PAYMENTS, EVENTS):
            database.execute(statement, values)
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the file alone is copied
    return modes


def ids(file: Path, paid: int) -> dict:
    """{"paid": at most 1,000 of the paid orders, "unpaid": all others}: pairs (order id, payment
    id).
    """
    orders = "SELECT id, payment_id FROM merchant_order WHERE rowid"
    some = random.Random(1).sample(range(1, paid + 1), min(paid, 1000))
    with closing(sqlite3.connect(file)) as database:
        return {
            "paid": [database.execute(f"{orders} = ?", (n,)).fetchone() for n in some],
            "unpaid": database.execute(f"{orders} > ?", (paid,)).fetchall(),
        }


class Orders:
    """The orders of one site's database. `unpaid`: as `ids` returns them."""

    def __init__(self, url: str, unpaid: list):
        self.engine = create_engine(url, poolclass=NullPool)
        self.unpaid = [{"order": order, "payment": payment} for order, payment in unpaid]
        with self.engine.connect() as database:
            self.last = {
                "last": database.scalar(text("SELECT max(id) FROM merchant_payment_event"))
            }

    def reset(self):
        """Everything as it was before the first request."""
        created = "SELECT order_id FROM merchant_payment_event WHERE event = 'ORDER_CREATED' AND id > :last"
        with self.engine.begin() as database:
            orders = [{"order": order} for order in database.scalars(text(created), self.last)]
            database.execute(text("DELETE FROM merchant_payment_event WHERE id > :last"), self.last)
            for statements, rows in ((FORGET, orders), (UNPAY, self.unpaid)):
                for statement in filter(str.strip, statements.split(";") if rows else ()):
                    database.execute(text(statement), rows)
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as database:
            for statement in TIDY[self.engine.name].split(
                ";"
            ):  # a site does not pay for what another left behind
                database.execute(text(statement))

    def count_paid(self) -> int:
        """How many of those that were unpaid are paid, and have an event that says so."""
        paid = (
            "SELECT count(*) FROM merchant_payment_event e JOIN merchant_order o ON o.id = e.order_id "
            "WHERE e.id > :last AND e.event = 'ORDER_PAID' AND o.status = 'PAID'"
        )
        with self.engine.connect() as database:
            return database.scalar(text(paid), self.last)
