"""docs/qa: its run sheet is complete, and its command reaches a phone."""

from tests.databases import new_database
from tests.docs.conftest import running
from tests.docs.pages import PHONE
from tests.visitor import free_port


def test_a_phone_reaches_it(clone):
    port = free_port()
    with running(
        PHONE, clone, port, FLASK_RUN_PORT=str(port), DATABASE_URL=new_database(clone)
    ) as page:
        assert page.status_code == 200 and 'id="order-form"' in page.text
    assert (
        f"http://0.0.0.0:{port}" in (clone / "log").read_text()
        or "all addresses" in (clone / "log").read_text()
    )
