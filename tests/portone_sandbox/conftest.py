"""A sandbox for each test, over real HTTP (`base`), and clients of it."""

import threading
from contextlib import ExitStack, contextmanager

import pytest
import requests
from portone_server_sdk import PaymentClient
from werkzeug.exceptions import Gone
from werkzeug.serving import make_server

import portone_sandbox
from tests.conftest import COMPILED_TEMPLATES
from tests.portone_sandbox import openapi
from tests.portone_sandbox.client import SECRET, STORE_ID
from tests.stand_in import PortOne as Server

JUDGE = openapi.Judge()


@contextmanager
def new_room(path, webhook_url=None):
    room = portone_sandbox.create_app(path, webhook_url)
    room.jinja_env.bytecode_cache = COMPILED_TEMPLATES
    if openapi.PATH:
        JUDGE.listen_to(room)
    yield room
    room.extensions["sandbox"].close()


@pytest.fixture
def make_room(tmp_path):
    with ExitStack() as rooms:
        yield lambda webhook_url=None, name="sandbox.db": rooms.enter_context(
            new_room(tmp_path / name, webhook_url)
        )


@pytest.fixture
def room(make_room, webhook_url):
    return make_room(webhook_url)


@pytest.fixture(autouse=openapi.PATH is not None)
def judge():
    yield JUDGE
    verdict = JUDGE.verdict
    JUDGE.begin()
    assert verdict == []


@pytest.fixture
def webhook_url(request):
    """Only a test that has a `merchant` is sent webhooks."""
    return (
        request.getfixturevalue("merchant").url + "/hook"
        if "merchant" in request.fixturenames
        else None
    )


@pytest.fixture
def merchant():
    """A merchant's server: `calls` are the webhooks it was sent."""
    with Server() as merchant:
        yield merchant


@contextmanager
def serve(app):
    """Serves it over real HTTP; gives the port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    yield server.port
    server.shutdown()
    thread.join()
    server.server_close()


class Address:
    """Where one test after another has its sandbox, so that a browser knows the place."""

    def __init__(self):
        self.room = Gone()

    def __call__(self, environ, start_response):
        return self.room(environ, start_response)


@pytest.fixture(scope="session")
def address():
    address = Address()
    with serve(address) as port:
        address.url = f"http://127.0.0.1:{port}"
        yield address


@pytest.fixture
def base(room, address):
    """The sandbox's address, served over real HTTP."""
    address.room = room
    yield address.url
    address.room = Gone()


@pytest.fixture
def portone(base):
    return PaymentClient(secret=SECRET, base_url=base, store_id=STORE_ID)


@pytest.fixture
def session(room):
    """A merchant's session, with no server anywhere."""
    session = requests.Session()
    session.mount(portone_sandbox.API_BASE, portone_sandbox.SandboxAdapter(room))
    return session
