"""What the tests of the commands share.

The commands themselves are run by tests/money/commands.py.
"""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import event

from merchant.models import Payment
from tests.money.commands import change, rows
from tests.stand_in import answer, record


def make_older(shop, order, **age):
    payment = rows(shop, order)[1]
    change(shop, Payment, payment.id, created_at=payment.created_at - timedelta(**age))


def paid(shop, portone, **fields):
    """An order that was paid and verified; the calls so far are forgotten."""
    order = shop.order(**fields)
    portone.records[order["paymentId"]] = record(order, "PAID")
    assert shop.complete(order).json["status"] == "PAID"
    portone.calls.clear()
    return order


def looked_up(portone):
    """The paymentIds that PortOne was asked about one by one, in order."""
    paths = [urlsplit(path).path for method, path, *_ in portone.calls if method == "GET"]
    return [path.rpartition("/")[2] for path in paths if path != "/payments"]


def cancels(portone):
    """What was asked of PortOne's cancel: (idempotency key, body)."""
    return [
        (headers["Idempotency-Key"], json.loads(body))
        for method, path, headers, body in portone.calls
        if method == "POST" and path.endswith("/cancel")
    ]


def on_cancel(reply):
    """A fault for the cancel calls only."""
    return lambda call: reply(call) if call.path.endswith("/cancel") else call.answer_well()


def on_list(reply):
    """A fault for PortOne's list of payments only."""
    is_list = "/payments?requestBody"
    return lambda call: reply(call) if call.path.startswith(is_list) else call.answer_well()


def cancellation(status):
    return answer(200, {"cancellation": {"status": status, "id": "c-1"}})


@contextmanager
def just_before(shop, pattern, happen, moment="before_cursor_execute"):
    """Let something happen just before the first statement that matches, as if another process had
    been faster.

    pattern: a regular expression for the statement's beginning. moment: another event of
    SQLAlchemy's, such as after_cursor_execute.
    """

    def listen(connection, cursor, statement, *_):
        if re.match(pattern, statement, re.DOTALL) and not happened:
            happened.append(statement)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(happen).result()

    happened = []
    with shop.app.app_context():
        engine = shop.app.extensions["sqlalchemy"].engine
    event.listen(engine, moment, listen)
    yield
    event.remove(engine, moment, listen)
    assert happened, f"no statement matches {pattern}"
