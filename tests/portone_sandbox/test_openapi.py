"""The judge itself: what it would find, were it there."""

import pytest

from tests.portone_sandbox import openapi
from tests.portone_sandbox.client import make_payment, post_cancel

pytestmark = pytest.mark.skipif(
    openapi.PATH is None, reason="PORTONE_OPENAPI is not set: see tests/portone_sandbox/openapi.py"
)


def judged(record):
    return openapi.mistakes("GET", "/payments/{paymentId}", 200, record)


def test_it_finds_what_is_missing_or_of_another_type(base):
    paid = make_payment(base)
    assert judged(paid) == []
    for name in ("status", "paidAt", "amount", "channel", "disputes"):
        assert judged({key: value for key, value in paid.items() if key != name}), name
    for changes in (
        {"status": "DONE"},
        {"version": "V3"},
        {"amount": {**paid["amount"], "total": "1000"}},
    ):
        assert judged({**paid, **changes}), changes
    assert judged({**paid, "method": {**paid["method"], "type": "PaymentMethodBarter"}})
    assert openapi.mistakes("GET", "/payments/{paymentId}", 418, {"type": "TEAPOT"})
    assert openapi.mistakes("GET", "/payments/{paymentId}", 404, {"type": "ALREADY_PAID"})


def test_it_hears_every_answer(base, judge):
    make_payment(base)
    post_cancel(base, {"reason": "x"})
    post_cancel(base, {"reason": "x"})
    assert (judge.answers, judge.verdict) == (2, [])
