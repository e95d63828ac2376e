"""A sandbox for each test, over real HTTP (`base`), and clients of it."""

import threading

import pytest
import requests
from portone_server_sdk import PaymentClient
from werkzeug.serving import make_server

import sandbox
from tests.sandbox.client import SECRET, STORE_ID


@pytest.fixture
def room(tmp_path):
    return sandbox.create_app(tmp_path / "sandbox.db")


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
    session.mount(sandbox.API_BASE, sandbox.SandboxAdapter(room))
    return session
