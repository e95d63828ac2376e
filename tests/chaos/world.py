"""One shop and one sandbox in this process, for some runs, and the buyers of those runs."""

import logging
import os
import random
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from sqlalchemy import select

from merchant import fulfilment
from merchant.backoffice import reconciliation
from merchant.models import Order, Payment, db, session
from portone_sandbox import attempts, build_app, clock
from portone_sandbox.channels import MANUAL_CHANNEL
from portone_sandbox.errors import Refused, RequestError
from portone_sandbox.outcomes import possible_outcomes
from portone_sandbox.sandbox import Sandbox
from portone_sandbox.store import MEMORY
from portone_sandbox.testing import PortOne
from tests.chaos.judge import problems
from tests.conftest import COMPILED_TEMPLATES, Shop

# The shops: another one for each batch of runs, in turn.
SETTINGS = [
    {},
    {"PORTONE_CHANNEL_KEY": MANUAL_CHANNEL},
    {"PORTONE_PRE_REGISTER": "1"},
    {"PORTONE_PAY_METHODS": "CARD,TRANSFER"},
]
METHODS = ("CARD", "CARD", "TRANSFER", "VIRTUAL_ACCOUNT", "VIRTUAL_ACCOUNT")
STEPS = ("complete", "webhooks", "page", "bank", "retry", "cancel", "refund", "reconcile")
WEIGHTS = (5, 5, 2, 4, 3, 1, 1, 0.2)
BANK = ("deposit", "expire", "close", "approve", "decline", "approve-refund", "decline-refund")
# Where a commit costs nothing, if this system has it.
MEMORY_FOLDER = "/dev/shm" if os.path.isdir("/dev/shm") else None
SENT = 0.7  # how many of the webhooks that may come do come at a step
FAILS_ONCE = 0.05  # how many fulfilments fail at first


class World:
    """A shop, its PortOne and the command line of its staff."""

    def __init__(self, folder, settings):
        self.sandbox = Sandbox(MEMORY, keeps_all_webhooks=True)
        self.sandbox.pause = lambda seconds: None  # "slow" and "hang" need not take their time
        app = build_app(self.sandbox)
        app.jinja_env.bytecode_cache = COMPILED_TEMPLATES
        self.portone = PortOne("http://localhost", app, self.sandbox)
        self.shop = Shop(folder, PAYMENT_PANEL="0", **settings)
        self.shop.portone = app
        self.methods = self.shop.app.extensions["merchant"].settings.pay_methods
        self.fulfilled, self.failing = Counter(), set()

    def fulfil(self, order):
        """The shop's fulfilment: counts, and fails the first time for some orders."""
        if order.id in self.failing:
            self.failing.remove(order.id)
            raise RuntimeError("out of stock")
        self.fulfilled[order.id] += 1

    def command(self, *words):
        result = self.shop.app.test_cli_runner().invoke(args=list(words))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.output

    def wait_until_all_is_shown(self):
        """A slow approval is hidden from the API for a moment."""
        with self.sandbox.store.reading() as records:
            while records.count_hidden_payments(clock.now()):
                time.sleep(0.01)

    def close(self):
        with self.shop.app.app_context():
            db.engine.dispose()
        self.sandbox.close()


class Buyer:
    """One run: an order and all that happens to it, by a seed."""

    def __init__(self, world, seed):
        self.world, self.seed, self.random = world, seed, random.Random(f"buyer {seed}")
        self.delivered = Counter()
        self.log = []

    def run(self):
        world = self.world
        world.portone.switch("chaos", seed=self.seed)
        method = self.random.choice([each for each in METHODS if each in world.methods])
        self.attempts = [world.shop.order(payMethod=method)]
        self.order_id = self.attempts[0]["orderId"]
        if self.random.random() < FAILS_ONCE:
            world.failing.add(self.order_id)
        self.open_window()
        for _ in range(self.random.randint(1, 9)):
            step = self.random.choices(STEPS, WEIGHTS)[0]
            self.log.append(step)
            getattr(self, step)()
        for attempt in self.attempts:
            if self.random.random() < SENT:
                self.deliver(attempt["paymentId"])
        world.portone.switch("chaos", seed=None)

    def open_window(self, attempt=None):
        """The newest window, or that of an earlier attempt, ends in one way or another."""
        attempt = attempt or self.attempts[-1]
        outcomes = possible_outcomes(attempt["request"])
        weights = [8 if name in ("approve", "issue") else 1 for name in outcomes]
        outcome = self.random.choices(outcomes, weights)[0]
        self.log.append(f"{attempt['paymentId'][:6]} {outcome}")
        try:
            attempt["result"] = self.world.portone.pay(attempt["request"], outcome)
        except RequestError as error:  # what requestPayment throws, such as PaymentAlreadyPaid
            self.log.append(error.code)
            return
        if attempt["result"] is not None:
            self.complete(attempt)

    def complete(self, attempt=None):
        """The browser returns, with a token if the channel has manual approval."""
        attempt = attempt or self.random.choice(self.attempts)
        ids = {"orderId": self.order_id, "paymentId": attempt["paymentId"]}
        token = (attempt.get("result") or {}).get("paymentToken")
        path = "/payment/complete"
        if self.random.random() < 0.2:
            query = {"paymentId": ids["paymentId"], **({"paymentToken": token} if token else {})}
            self.answered(self.world.shop.client.get("/payment-redirect", query_string=query))
        else:
            body = {**ids, **({"paymentToken": token} if token else {})}
            self.answered(self.world.shop.client.post(path, json=body))

    def answered(self, answer):
        self.log.append(answer.status_code)
        if answer.status_code == 500:
            raise AssertionError("the shop answered 500")

    def webhooks(self):
        self.deliver(self.random.choice(self.attempts)["paymentId"])

    def deliver(self, payment_id):
        """Some of the webhooks that were not sent yet, mostly in their order."""
        webhooks = self.world.portone.webhooks_for(payment_id)[self.delivered[payment_id] :]
        self.delivered[payment_id] += len(webhooks)
        chosen = [each for each in webhooks if self.random.random() < SENT]
        if self.random.random() < 0.2:
            self.random.shuffle(chosen)
        for webhook in chosen:
            answer = self.world.shop.client.post(
                "/payment/webhook", data=webhook.body, headers=webhook.headers
            )
            self.answered(answer)

    def page(self):
        self.answered(self.world.shop.client.get(f"/orders/{self.order_id}"))

    def bank(self):
        """What a bank or a PG does next, if it can."""
        attempt, action = self.random.choice(self.attempts), self.random.choice(BANK)
        with suppress(Refused):
            self.world.portone.act(attempt["paymentId"], action)
            self.log.append(action)

    def retry(self):
        """Another attempt, or another window of an earlier one that is still open in a tab."""
        if self.random.random() < 0.3:
            self.open_window(self.random.choice(self.attempts))
            return
        path = f"/orders/{self.order_id}/payments"
        answer = self.world.shop.client.post(path, json={})
        self.answered(answer)
        if answer.status_code == 201:
            self.attempts.append(answer.json)
            self.open_window()

    def cancel(self):
        """In PortOne's console, the whole or a part."""
        attempt = self.random.choice(self.attempts)
        with suppress(Refused):
            self.world.portone.cancel(attempt["paymentId"], self.random.choice([None, 100]))
            self.log.append("cancelled")

    def refund(self):
        payment_id = self.random.choice(self.attempts)["paymentId"]
        self.world.command("refund", payment_id, "--reason", "변심", *REFUND_ACCOUNT)

    def reconcile(self):
        self.world.command("reconcile")

    def problems(self, attention):
        world = self.world
        with world.shop.app.app_context():
            order = session.get(Order, self.order_id)
            offers = "VIRTUAL_ACCOUNT" in world.methods
            of_order = select(Payment).where(Payment.order_id == self.order_id)
            payments = session.scalars(of_order).all()
            with world.sandbox.store.reading() as records:
                found = {each.id: records.find_payment(each.id) for each in payments}
            return problems(order, payments, found, world.fulfilled[order.id], attention, offers)


REFUND_ACCOUNT = (
    *("--refund-bank", "SHINHAN"),
    *("--refund-account", "110123456789"),
    *("--refund-holder", "홍길동"),
)


@contextmanager
def replaced(world):
    """What a project replaces, its fulfilment, and what only takes time."""
    with (
        patch.object(fulfilment, "fulfil", world.fulfil),
        patch.object(reconciliation, "LOOKUPS_PER_SECOND", 10_000),
        patch.object(attempts, "SLOW_SECONDS", 0.2),
    ):
        yield


def run(seeds, settings):
    """Make these runs in one world. Gives [(seed, what is wrong, what happened)] of the bad ones."""
    logging.disable(logging.CRITICAL)  # thousands of faults, all of them on purpose
    try:
        with TemporaryDirectory(dir=MEMORY_FOLDER) as folder:
            world = World(Path(folder), settings)
            try:
                with replaced(world):
                    return list(_judged(world, seeds))
            finally:
                world.close()
    finally:
        logging.disable(logging.NOTSET)


def _judged(world, seeds):
    buyers = [Buyer(world, seed) for seed in seeds]
    for buyer in buyers:
        try:
            buyer.run()
        except Exception as error:  # the seed is what counts: the others go on
            world.portone.switch("chaos", seed=None)
            yield buyer.seed, [f"{type(error).__name__}: {error}"], buyer.log
    world.wait_until_all_is_shown()
    # PortOne works again, and cron comes. Twice: what was fulfilled in vain has another chance.
    for _ in range(2):
        world.command("reconcile")
    attention = world.command("orders", "--attention")
    for buyer in buyers:
        found = buyer.problems(attention) if hasattr(buyer, "order_id") else []
        if found:
            yield buyer.seed, found, buyer.log


def batches(first, runs, size=40):
    """[(seeds, settings)] for so many runs. A seed always has the same shop."""
    of_shop = [[] for _ in SETTINGS]
    for seed in range(first, first + runs):
        of_shop[seed % len(SETTINGS)].append(seed)
    return [
        (seeds[start : start + size], settings)
        for seeds, settings in zip(of_shop, SETTINGS, strict=True)
        for start in range(0, len(seeds), size)
    ]
