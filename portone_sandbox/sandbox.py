"""One sandbox: its database, its payments and the sender of its webhooks."""

import threading
from typing import cast

from flask import current_app

from .attempts import Attempts
from .delivery import WebhookSender
from .documents import Checkout
from .events import Events
from .payment_method import Form
from .payments import Payments
from .store import Store


class Sandbox:
    """What an app of `create_app` has in `app.extensions["sandbox"]`.

    database: path of an SQLite file, or ":memory:". webhook_url: where webhooks go that have no
    address of their own, or None. minute_seconds: how long a minute between two tries of a webhook
    is. sends_webhooks: False leaves sending to another process. keeps_all_webhooks: also stores
    those that have no address; nobody sends them, but a test can read them.
    """

    def __init__(
        self,
        database: str,
        webhook_url: str | None = None,
        minute_seconds: float = 60,
        sends_webhooks: bool = True,
        keeps_all_webhooks: bool = False,
    ) -> None:
        self.webhook_url = webhook_url
        self._is_server = sends_webhooks
        self.store = Store(database)
        self.sender = WebhookSender(self.store, minute_seconds, sends_webhooks)
        self.events = events = Events(webhook_url, self.sender.notify, keeps_all_webhooks)
        self.attempts, self.payments = Attempts(events), Payments(events)
        self._closing = threading.Event()

    def start(self) -> None:
        """Send what is due. With a webhook_url every process sends what the others store, too."""
        if self._is_server:  # its pages may be others than those of the process before it
            with self.store.writing() as db:
                db.count_change()
        self.sender.start(always=bool(self.webhook_url))

    def end_checkout(
        self, tx_id: str, outcome: str, form: Form | None = None, code: str | None = None
    ) -> Checkout:
        """End a payment window, as Attempts.end does, in a transaction of its own.

        It returns after the webhook is sent, if the switch "webhooks" is set to "before"; while it
        is sent, with "concurrent".
        """
        with self.store.writing() as db:
            checkout = self.attempts.end(db, tx_id, outcome, form, code)
        if checkout["webhookOrder"] == "before":
            self.sender.wait_until_sent(checkout["paymentId"])
        if checkout["webhookOrder"] == "concurrent":
            self.sender.wait_until_started(checkout["paymentId"])
        return checkout

    def pause(self, seconds: float) -> None:
        """Wait, at most until the sandbox is closed."""
        self._closing.wait(seconds)

    def end_pauses(self) -> None:
        """Whoever waits in `pause` goes on, and nobody waits any more."""
        self._closing.set()

    def close(self) -> None:
        """End every thread that the sandbox started, and its database in memory."""
        self.end_pauses()
        self.sender.close()
        self.store.close()


def current_sandbox() -> Sandbox:
    """The sandbox of the request's app."""
    return cast(Sandbox, current_app.extensions["sandbox"])
