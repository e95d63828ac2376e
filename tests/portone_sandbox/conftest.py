"""A sandbox for each test, over real HTTP (`base`), and clients of it."""

import threading

import pytest
import requests
from portone_server_sdk import PaymentClient
from werkzeug.serving import make_server

import portone_sandbox
from tests.portone_sandbox import openapi
from tests.portone_sandbox.client import SECRET, STORE_ID
from tests.stand_in import PortOne as Server


@pytest.fixture
def make_room(tmp_path):
    rooms = []

    def make_room(webhook_url=None, name="sandbox.db"):
        rooms.append(portone_sandbox.create_app(tmp_path / name, webhook_url))
        return rooms[-1]

    yield make_room
    for room in rooms:  # or its thread would look for webhooks during all other tests
        room.extensions["sandbox"].close()


@pytest.fixture
def room(make_room, webhook_url):
    return make_room(webhook_url)


@pytest.fixture(autouse=openapi.PATH is not None)
def judge(room):
    judge = openapi.Judge(room)
    yield judge
    assert judge.verdict == []


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


@pytest.fixture
def base(room):
    """The sandbox's address, served over real HTTP."""
    server = make_server("127.0.0.1", 0, room, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def portone(base):
    return PaymentClient(secret=SECRET, base_url=base, store_id=STORE_ID)


@pytest.fixture
def session(room):
    """A merchant's session, with no server anywhere."""
    session = requests.Session()
    session.mount(portone_sandbox.API_BASE, portone_sandbox.SandboxAdapter(room))
    return session
