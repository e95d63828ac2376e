"""What must always hold, over any order of events: PortOne's payments change, and somebody asks
about them, early, late, twice, or while PortOne can't be asked. The shop and its database are real,
PortOne is a stand-in on the shop's session.
"""

import json
from contextlib import nullcontext
from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import select

import portone_sandbox
from merchant import settlement
from merchant.errors import PortOneUnavailable
from merchant.models import Order, Payment, PaymentEvent, session
from tests.merchant.test_webhook import body_of, signed
from tests.stand_in import record

# What a payment may become at PortOne, what matters most twice. Nothing there yet is a 404.
AT_PORTONE = {
    "NOTHING": ["PAID", "PAID", "READY", "FAILED", "VIRTUAL_ACCOUNT_ISSUED"],
    "READY": ["PAID", "PAID", "FAILED", "PAY_PENDING", "VIRTUAL_ACCOUNT_ISSUED"],
    "PAY_PENDING": ["PAID", "FAILED"],
    "FAILED": ["PAID", "READY"],
    "VIRTUAL_ACCOUNT_ISSUED": ["PAID", "CLOSED"],
    "PAID": ["PARTIAL_CANCELLED", "CANCELLED"],
    "PARTIAL_CANCELLED": ["PARTIAL_CANCELLED", "CANCELLED"],
    "CANCELLED": [],
    # A virtual account that nobody paid into. A later deposit: tests/money/test_final_states.py.
    "CLOSED": [],
}
# What a payment may become here. CLOSED is a CANCELLED that was never paid.
MONEY = {"PAID", "PARTIAL_CANCELLED", "CANCELLED"}
MOVES = {
    "PENDING": {"FAILED", "VIRTUAL_ACCOUNT_ISSUED", "MISMATCH"} | MONEY,
    "FAILED": {"PENDING", "VIRTUAL_ACCOUNT_ISSUED", "MISMATCH"} | MONEY,
    "VIRTUAL_ACCOUNT_ISSUED": {"PENDING", "FAILED", "MISMATCH"} | MONEY,
    "MISMATCH": {"FAILED", "VIRTUAL_ACCOUNT_ISSUED"} | MONEY,
    "CLOSED": {"PAID", "PARTIAL_CANCELLED", "MISMATCH"},
    "PAID": {"PARTIAL_CANCELLED", "CANCELLED"},
    "PARTIAL_CANCELLED": {"CANCELLED"},
    "CANCELLED": set(),
}
HERE = {"NOTHING": "PENDING", "READY": "PENDING", "PAY_PENDING": "PENDING", "CLOSED": "CANCELLED"}
PAYMENT = [
    column for column in Payment.__table__.c if column.name != "asked_at"
]  # which every page may change
SOURCES = ["sdk", "redirect", "webhook", "page", "cli"]
ANSWERS = {
    "newest": -1,
    "older": -2,
    "oldest": -99,
    "500": None,
}  # which of PortOne's records of the payment


@st.composite
def stories(draw):
    """What happens to an order with one payment or more, as a list of steps.

    ("portone", n, status) payment number n changes at PortOne (source, n, answer, times) somebody
    asks about payment n, and PortOne's answer is its newest record, an
                                   older one (late), or an error
    ("retry", answer) the buyer tries again: a new attempt, if the shop allows one
    """
    steps = draw(st.sampled_from([[("retry", "newest")], [("retry", "newest")], []]))[
        :
    ]  # mostly two payments
    statuses = ["NOTHING", "NOTHING"]
    for _ in range(draw(st.integers(1, 16))):
        n = draw(st.integers(0, 1))
        kind = draw(st.sampled_from([*["portone"] * 4, *["ask"] * 6, "retry"]))
        answer = draw(st.sampled_from([*["newest"] * 3, "older", *ANSWERS]))
        if kind == "retry":
            steps.append(("retry", answer))
        elif kind == "ask":
            steps.append(
                (draw(st.sampled_from(SOURCES)), n, answer, draw(st.sampled_from([1, 1, 2])))
            )
        elif AT_PORTONE[statuses[n]]:
            statuses[n] = draw(st.sampled_from(AT_PORTONE[statuses[n]]))
            steps.append(("portone", n, statuses[n]))
    return steps


class Story:
    """One order, and PortOne's side of it."""

    def __init__(self, shop, tampered):
        self.shop = shop
        self.tampered = tampered  # numbers of the payments that are made over another amount
        self.attempts = [shop.order(payMethod="VIRTUAL_ACCOUNT")]
        self.order_id = self.attempts[0]["orderId"]
        self.history = {self.attempts[0]["paymentId"]: [("NOTHING", None)]}
        self.late = {}  # paymentId: how PortOne answers about it, if not with its newest record
        self.calls = 0
        self.seen = []  # (paymentId, PortOne's status, updatedAt) of every record that it answered
        merchant = shop.app.extensions["merchant"]
        merchant.portone.session.mount(
            merchant.settings.api_base, portone_sandbox.SandboxAdapter(self.portone)
        )

    def portone(self, environ, start_response):
        """The REST API: GET a payment, or POST …/virtual-account/close."""
        _, _, id, *action = environ["PATH_INFO"].split("/")
        self.calls += 1
        answer = self.late.get(id, "newest")
        if answer == "500":
            return reply(start_response, 500, {"type": "INTERNAL", "message": ""})
        if action:
            is_open = self.history[id][-1][0] == "VIRTUAL_ACCOUNT_ISSUED"
            self.change(self.number(id), "CLOSED")
            refusal = {"type": "PAYMENT_NOT_WAITING_FOR_DEPOSIT", "message": ""}
            return (
                reply(start_response, 200, {}) if is_open else reply(start_response, 409, refusal)
            )
        records = self.history[id]
        status, body = records[max(ANSWERS[answer], -len(records))]
        if status == "NOTHING":
            return reply(start_response, 404, {"type": "PAYMENT_NOT_FOUND", "message": ""})
        self.seen.append((id, status, body["updatedAt"]))
        return reply(start_response, 200, body)

    def number(self, id):
        return [attempt["paymentId"] for attempt in self.attempts].index(id)

    def change(self, n, status):
        """Payment n becomes this at PortOne, if it can."""
        if n >= len(self.attempts) or status not in AT_PORTONE[self.at_portone(n)]:
            return
        changes = {"amount": {"total": 100}} if n in self.tampered else {}
        if status == "CLOSED":  # as the sandbox has it: nothing was paid, so nothing was returned
            total = self.attempts[n]["request"]["totalAmount"]
            changes = {"amount": {"total": total, "cancelled": 0}, "cancellations": []} | changes
            body = record(self.attempts[n], "CANCELLED", **changes)
            del body["paidAt"]
        else:
            body = record(self.attempts[n], status, **changes)
        self.history[self.attempts[n]["paymentId"]].append((status, body))

    def at_portone(self, n):
        return self.history[self.attempts[n]["paymentId"]][-1][0]

    def retry(self, answer):
        self.late = {attempt["paymentId"]: answer for attempt in self.attempts}
        response = self.shop.client.post(f"/orders/{self.order_id}/payments", json={})
        self.late = {}
        note(f"      {response.status_code}")
        assert response.status_code in {201, 409, 503 if answer == "500" else 409}
        if response.status_code == 201:
            assert who_paid(self)[0] is None, "no attempt at a paid order"
            honest = {
                self.at_portone(n) for n in range(len(self.attempts)) if n not in self.tampered
            }
            assert answer != "newest" or honest <= {"NOTHING", "READY", "FAILED", "CLOSED"}, (
                "no second way to pay"
            )
            self.attempts.append(response.json)
            self.history[response.json["paymentId"]] = [("NOTHING", None)]

    def ask(self, source, n, answer="newest"):
        """Somebody asks about payment n, and is answered what is stored then."""
        if n >= len(self.attempts):
            return
        attempt, client = self.attempts[n], self.shop.client
        self.late = {attempt["paymentId"]: answer}
        if source == "sdk":
            response = self.shop.complete(attempt)
            code = response.json.get("status") or response.json["error"]["code"]
            stored = self.stored().payments[attempt["paymentId"]].status
            assert code in {stored, "PORTONE_UNAVAILABLE"} or (code, stored) == (
                "PAYMENT_MISMATCH",
                "MISMATCH",
            )
        elif source == "redirect":
            assert (
                client.get(f"/payment-redirect?paymentId={attempt['paymentId']}").status_code == 303
            )
        elif source == "page":
            page = self.shop.page(attempt)
            assert f'data-order-status="{self.stored().order.status}"' in page
        elif source == "webhook":
            body, calls = body_of(attempt), self.calls
            response = client.post(
                "/payment/webhook", data=body, headers=signed(body), content_type="application/json"
            )
            assert response.status_code == (503 if answer == "500" else 200)
            assert self.calls == calls + 1, "a webhook always asks"
        else:
            calls = self.calls
            with (
                self.shop.app.app_context(),
                pytest.raises(PortOneUnavailable) if answer == "500" else nullcontext(),
            ):
                settlement.settle(attempt["paymentId"], "cli")
            assert self.calls == calls + 1, "the command line always asks"
        self.late = {}

    def stored(self):
        """What the shop has stored, as plain values."""
        order = select(*Order.__table__.c).where(Order.id == self.order_id)
        payments = select(*PAYMENT).where(Payment.order_id == self.order_id)
        events = (
            select(PaymentEvent.event)
            .where(PaymentEvent.order_id == self.order_id)
            .order_by(PaymentEvent.id)
        )
        with self.shop.app.app_context():
            return SimpleNamespace(
                order=session.execute(order).one(),
                payments={row.id: row for row in session.execute(payments)},
                events=session.scalars(events).all(),
            )


def reply(start_response, status, body):
    start_response(f"{status} -", [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]


def who_paid(story):
    """(paymentId or None, is it to be fulfilled?): what the records that the shop was given say,
    one after another."""
    newest = {}
    for id, status, updated_at in story.seen:
        if updated_at < newest.get(id, ""):
            continue  # late
        newest[id] = updated_at
        if status in MONEY and story.number(id) not in story.tampered:
            return (
                id,
                status != "CANCELLED",
            )  # paid and refunded before anybody asked: nothing to fulfil
    return None, False


def state_of(payment):
    return "CLOSED" if payment.status == "CANCELLED" and not payment.paid_at else payment.status


def check_step(before, after):
    """What must hold between two moments."""
    for id, payment in before.payments.items():
        now = after.payments[id]
        assert now.status == payment.status or now.status in MOVES[state_of(payment)]
        if payment.portone_updated_at:
            assert now.portone_updated_at >= payment.portone_updated_at, (
                "no older record overwrites a newer one"
            )
    if before.order.paid_at:
        fixed = ("paid_at", "payment_id", "fulfilled_at", "amount")
        assert [getattr(after.order, name) for name in fixed] == [
            getattr(before.order, name) for name in fixed
        ]
        assert after.order.status in {before.order.status} | MOVES[before.order.status]
    assert after.events[: len(before.events)] == before.events


def check_state(story, stored, fulfilled):
    """What must hold at any moment. fulfilled: ids of orders, one for each time that one was
    fulfilled."""
    order, payments = stored.order, stored.payments
    payer, is_to_be_fulfilled = who_paid(story)
    assert (order.payment_id if order.paid_at else None) == payer, (
        "paid once, by the payment that paid first"
    )
    assert (
        fulfilled.count(story.order_id)
        == (1 if is_to_be_fulfilled else 0)
        == stored.events.count("ORDER_PAID")
    )
    assert (order.fulfilled_at is not None) == is_to_be_fulfilled
    assert order.status == payments[order.payment_id].status, "an order follows one payment"
    accepted = [
        id for id, payment in payments.items() if payment.status in {"PAID", "PARTIAL_CANCELLED"}
    ]
    assert accepted in ([], [payer]), "no second payment is ever accepted"
    for id, payment in payments.items():
        if payment.status == "MISMATCH":
            assert payment.reasons == (
                ["AMOUNT"] if story.number(id) in story.tampered else ["DUPLICATE"]
            )


def check_end(story, stored):
    """Once a webhook has come about each payment, the end state is PortOne's."""
    payer, _ = who_paid(story)
    for n, attempt in enumerate(story.attempts):
        id, status = attempt["paymentId"], story.at_portone(n)
        expected = (HERE.get(status, status), [])
        if n in story.tampered and status in {
            "VIRTUAL_ACCOUNT_ISSUED",
            "PAID",
            "PARTIAL_CANCELLED",
        }:
            expected = ("MISMATCH", ["AMOUNT"])
        elif status in {"PAID", "PARTIAL_CANCELLED"} and id != payer:
            expected = ("MISMATCH", ["DUPLICATE"])
        elif expected[0] == "CANCELLED":
            expected = ("CANCELLED", ["AMOUNT"] if n in story.tampered else [])
        assert (n, stored.payments[id].status, stored.payments[id].reasons) == (n, *expected)
    assert stored.order.paid_at is None or stored.order.status in MONEY


def take(story, before, fulfilled, step):
    """Take one step, look at what the shop has stored then, and return that."""
    note(f"{step}")
    kind, *rest = step
    if kind == "portone":
        story.change(*rest)
        return before
    if kind == "retry":
        story.retry(*rest)
    else:
        story.ask(kind, *rest[:2])
    after = story.stored()
    statuses = [payment.status for payment in after.payments.values()]
    note(f"      order {after.order.status}, payments {statuses}")
    check_step(before, after)
    check_state(story, after, fulfilled)
    if rest[2:] == [2]:
        story.ask(kind, *rest[:2])
        assert story.stored() == after, (
            "an unchanged repeat changes nothing and adds no row to the trail"
        )
    return after


def check(shop, fulfilled, steps, tampered):
    fulfilled.clear()
    story = Story(shop, tampered)
    stored = story.stored()
    for step in steps:
        stored = take(story, stored, fulfilled, step)
    for n in range(len(story.attempts)):
        stored = take(story, stored, fulfilled, ("webhook", n, "newest", 2))
    check_end(story, stored)


@pytest.fixture
def fulfilled(monkeypatch):
    """Ids of the orders that were fulfilled, one for each time."""
    ids = []
    monkeypatch.setattr("merchant.fulfilment.fulfil", lambda order: ids.append(order.id))
    return ids


@pytest.fixture
def eager_page(monkeypatch):
    """The result page asks each time it is shown, and not only every three seconds."""
    monkeypatch.setattr("merchant.settlement.PAGE_INTERVAL", timedelta(0))


# One shop serves all examples, with a fresh order for each.
core = settings(
    max_examples=15,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TAMPERED = st.sampled_from([set(), set(), set(), {0}, {1}])
# Stories that every run has.
FAILED_THEN_LATE = [
    ("portone", 0, "READY"),
    ("portone", 0, "FAILED"),
    ("sdk", 0, "newest", 1),
    ("sdk", 0, "older", 2),
]
APPROVED_AFTER_ALL = [
    ("portone", 0, "FAILED"),
    ("sdk", 0, "newest", 1),
    ("portone", 0, "PAID"),
    ("page", 0, "newest", 1),
]
LATE_404 = [
    ("portone", 0, "VIRTUAL_ACCOUNT_ISSUED"),
    ("sdk", 0, "newest", 1),
    ("sdk", 0, "oldest", 2),
    ("portone", 0, "PAID"),
    ("cli", 0, "newest", 1),
    ("cli", 0, "oldest", 2),
]
PAID_BOTH = [
    ("portone", 0, "PAID"),
    ("portone", 1, "PAID"),
    ("page", 1, "newest", 2),
    ("cli", 0, "newest", 2),
]
PAID_TWICE = [("retry", "newest"), *PAID_BOTH]
REFUNDED_TWICE = [
    *PAID_TWICE,
    ("portone", 0, "CANCELLED"),
    ("portone", 1, "CANCELLED"),
    ("webhook", 0, "newest", 2),
]
PARTLY_REFUNDED_UNSEEN = [
    ("portone", 0, "PAID"),
    ("portone", 0, "PARTIAL_CANCELLED"),
    ("redirect", 0, "newest", 1),
]
REFUNDED_UNSEEN = [
    ("retry", "newest"),
    ("portone", 0, "PAID"),
    ("portone", 0, "CANCELLED"),
    ("cli", 0, "newest", 1),
    ("portone", 1, "PAID"),
    ("sdk", 1, "newest", 1),
]
CLOSED_THEN_PAID = [
    ("portone", 0, "VIRTUAL_ACCOUNT_ISSUED"),
    ("page", 0, "newest", 1),
    ("retry", "newest"),
    ("portone", 1, "PAID"),
    ("sdk", 1, "newest", 1),
]
RETRIED_WHILE_PAID = [
    ("portone", 0, "READY"),
    ("portone", 0, "PAID"),
    ("retry", "500"),
    ("retry", "older"),
    *PAID_BOTH,
]
PARTLY_REFUNDED = [
    ("portone", 0, "PAID"),
    ("redirect", 0, "500", 2),
    ("cli", 0, "newest", 1),
    ("portone", 0, "PARTIAL_CANCELLED"),
    ("sdk", 0, "newest", 2),
    ("webhook", 0, "older", 2),
]


@pytest.mark.database
@core
@example(steps=FAILED_THEN_LATE, tampered=set())
@example(steps=APPROVED_AFTER_ALL, tampered=set())
@example(steps=LATE_404, tampered=set())
@example(steps=PARTLY_REFUNDED_UNSEEN, tampered=set())
@example(steps=PAID_TWICE, tampered=set())
@example(steps=PAID_TWICE, tampered={1})
@example(steps=REFUNDED_TWICE, tampered=set())
@example(steps=REFUNDED_UNSEEN, tampered=set())
@example(steps=CLOSED_THEN_PAID, tampered=set())
@example(steps=RETRIED_WHILE_PAID, tampered=set())
@example(steps=PARTLY_REFUNDED, tampered=set())
@given(steps=stories(), tampered=TAMPERED)
def test_the_order_reaches_its_true_state_once_whatever_comes_in_whatever_order(
    shop, fulfilled, eager_page, steps, tampered
):
    check(shop, fulfilled, steps, tampered)


@pytest.mark.long
@settings(core, max_examples=500)
@given(steps=stories(), tampered=TAMPERED)
def test_the_order_reaches_its_true_state_once_over_many_more_stories(
    shop, fulfilled, eager_page, steps, tampered
):
    check(shop, fulfilled, steps, tampered)
