"""The shop and the sandbox as a test has them: apps of its own, on databases of its own, no server.

Where those databases are: tests/databases.py.
"""

import shutil
import ssl
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from jinja2 import FileSystemBytecodeCache

import portone_sandbox
from merchant import create_app
from merchant.models import db
from tests.browser import (  # noqa: F401 - fixtures
    chromium,
    listen,
    new_context,
    open_tab,
    playwright,
    tabs,
)
from tests.databases import ON_SQLITE, new_database, no_database_is_left  # noqa: F401
from tests.stand_in import PortOne
from tests.visitor import page, site, visit  # noqa: F401 - fixtures

BUYER = {"name": "홍길동", "email": "buyer@example.com", "phone": "010-1234-5678"}
FOLDER = TemporaryDirectory()
COMPILED_TEMPLATES = FileSystemBytecodeCache(
    FOLDER.name
)  # shared, or every shop would compile its own


@pytest.fixture(scope="session", autouse=True)
def one_ssl_context():
    """PortOne's own client reads the system's certificates a dozen times, which takes longer than
    most tests do.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@cache
def empty_database():
    """An SQLite file with the shop's tables and nothing in them."""
    file = Path(FOLDER.name) / "empty.db"
    create_app({**portone_sandbox.settings("/sandbox"), "DATABASE_URL": f"sqlite:///{file}"})
    return file


class Shop:
    """A merchant site and its PortOne. What a browser would do is done by two test clients."""

    def __init__(self, folder, **settings):
        self.folder = folder
        if ON_SQLITE and not (folder / "shop.db").exists():
            shutil.copy(
                empty_database(), folder / "shop.db"
            )  # several times faster than creating the tables
        self.app = create_app(
            {
                **portone_sandbox.settings("/sandbox"),
                "DATABASE_URL": new_database(folder),
                "PAYMENT_PANEL": "1",
                **settings,
            }
        )
        self.app.jinja_env.bytecode_cache = COMPILED_TEMPLATES
        session = self.app.extensions["merchant"].portone.session
        session.mount(
            portone_sandbox.API_BASE,
            portone_sandbox.SandboxAdapter(lambda *call: self.portone(*call)),
        )
        self.client = self.app.test_client()

    @cached_property
    def portone(self):
        """The sandbox, for the tests that need it."""
        app = portone_sandbox.create_app(self.folder / "sandbox.db")
        app.jinja_env.bytecode_cache = COMPILED_TEMPLATES
        return app

    @cached_property
    def window(self):
        return self.portone.test_client()

    def order(self, **fields):
        """Place an order; returns the answer's JSON: orderId, paymentId, request."""
        body = {
            "productId": "waffle-trainer",
            "payMethod": "CARD",
            "windowType": "",
            "buyer": BUYER,
            **fields,
        }
        answer = self.client.post("/orders", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json

    def open_window(self, request):
        """What PortOne.requestPayment does: tell PortOne about the payment, and get the window's
        txId.
        """
        answer = self.window.post(
            "/checkout/",
            json={"request": request, "windowType": "IFRAME", "page": "http://localhost/"},
            headers={"Origin": "http://localhost"},
        )
        assert answer.status_code == 200, answer.text
        return answer.json["txId"]

    def pay(self, request, outcome="approve"):
        """Open the payment window and end it as its button `data-outcome` says."""
        tx_id = self.open_window(request)
        answer = self.window.post(f"/checkout/{tx_id}/outcome", data={"outcome": outcome})
        assert answer.status_code < 400, answer.text

    def complete(self, order):
        ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
        return self.client.post("/payment/complete", json=ids)

    def page(self, order):
        answer = self.client.get(f"/orders/{order['orderId']}")
        assert answer.status_code == 200
        return answer.text

    def trail(self, order):
        from merchant.models import PaymentEvent, session

        with self.app.app_context():
            events = (
                session.query(PaymentEvent)
                .filter_by(order_id=order["orderId"])
                .order_by(PaymentEvent.id)
            )
            return [event.event for event in events]


@pytest.fixture
def make_shop(tmp_path):
    shops = []

    def make_shop(**settings):
        shops.append(Shop(tmp_path, **settings))
        return shops[-1]

    yield make_shop
    for shop in shops:  # a server takes so many connections, and those of a shop would stay open
        with shop.app.app_context():
            db.engine.dispose()


@pytest.fixture
def shop(make_shop):
    return make_shop()


@pytest.fixture
def portone():
    """A PortOne that says what the test tells it to say, and counts what it is asked."""
    with PortOne() as portone:
        yield portone


@pytest.fixture
def asking_shop(make_shop, portone):
    """A shop that asks `portone`."""
    return make_shop(PORTONE_API_BASE=portone.url)
