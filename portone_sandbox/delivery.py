"""Sends the webhooks that are due, and tries again what failed.

Any number of processes may do so on the same database: each claims a webhook before it sends it.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable

from . import journal
from .database import Database
from .events import RETRY_MINUTES
from .store import Store
from .webhook_documents import Delivery, Webhook
from .webhook_request import MAX_SECONDS, WebhookRequest

# A process that has not stored its try by then has died, and another one sends the webhook.
CLAIM_SECONDS = MAX_SECONDS + 30
MAX_PARALLEL = 16
POLL_SECONDS = 0.5
WAIT_SECONDS = 10
CLOSE_SECONDS = 10

log = logging.getLogger(__name__)


class WebhookSender:
    """Threads that send webhooks, started when there is something to send.

    minute_seconds: how long a minute between two tries is. is_enabled: False sends nothing, for a
    command that ends before an answer comes: the server sends what it has stored.
    """

    def __init__(self, store: Store, minute_seconds: float = 60, is_enabled: bool = True) -> None:
        self._store = store
        self._minute_seconds = minute_seconds
        self._is_enabled = is_enabled
        self._lock = threading.Lock()
        self._is_closed = False
        self._has_work = threading.Event()
        self._free_slots = threading.BoundedSemaphore(MAX_PARALLEL)
        self._dispatcher: threading.Thread | None = None
        self._workers: dict[threading.Thread, WebhookRequest] = {}

    def start(self, always: bool) -> None:
        """Send what an earlier process has left.

        always: True also waits for what other processes will store.
        """
        with self._store.reading() as db:
            if always or db.has_webhooks_to_send():
                self.notify()

    def notify(self) -> None:
        """There may be something to send."""
        with self._lock:
            if not self._is_enabled or self._is_closed:
                return
            # After a fork the child has this object, but not its thread.
            if self._dispatcher is None or not self._dispatcher.is_alive():
                self._dispatcher = _thread("dispatcher", self._dispatch)
                self._dispatcher.start()
        self._has_work.set()

    def close(self) -> None:
        """End the threads. A webhook under way is given up; the next process sends it."""
        with self._lock:
            self._is_closed = True
        self._has_work.set()
        self._abort_all()  # the dispatcher may wait for one of them
        if self._dispatcher is not None:
            self._dispatcher.join(CLOSE_SECONDS)
        self._abort_all()  # it may have started one more
        for worker in list(self._workers):
            worker.join(CLOSE_SECONDS)

    def wait_until_sent(self, payment_id: str) -> None:
        """Return when each of the payment's due webhooks was tried, or after WAIT_SECONDS."""
        self.notify()
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline and not self._is_closed:
            with self._store.reading() as db:
                due_times = [due_at for _, due_at in db.list_webhooks(payment_id)]
            if not any(due_at and due_at <= time.time() for due_at in due_times):
                return
            time.sleep(0.02)

    def _abort_all(self, overdue_only: bool = False) -> None:
        for worker, request in list(self._workers.items()):
            # After a fork the child has the parent's requests in its memory, but not their threads.
            if worker.is_alive() and (request.is_overdue() or not overdue_only):
                request.abort()

    def _dispatch(self) -> None:
        while not self._is_closed:
            self._abort_all(overdue_only=True)
            if not self._free_slots.acquire(timeout=POLL_SECONDS):
                continue
            self._has_work.clear()
            claimed = self._claim()
            if claimed:
                request = WebhookRequest(claimed[0])
                worker = _thread("webhook", self._send, request, claimed[1])
                self._workers[worker] = request
                worker.start()
            else:
                self._free_slots.release()
                self._has_work.wait(POLL_SECONDS)

    def _claim(self) -> tuple[Webhook, float | None] | None:
        """The webhook that is due next and when it was due, for this process alone; or None."""
        try:
            now = time.time()
            with self._store.reading() as db:  # does not wait for a writer; mostly nothing is due
                if db.find_due_webhook(now) is None:
                    return None
            with self._store.writing() as db:
                webhook_id = db.find_due_webhook(now)
                if webhook_id is None:
                    return None
                db.claim_webhook(webhook_id, until=now + CLAIM_SECONDS)
                return db.find_webhook(webhook_id)
        except sqlite3.Error:
            log.exception("The sandbox's webhooks could not be read. Trying again.")
            return None

    def _send(self, request: WebhookRequest, due_at: float | None) -> None:
        try:
            delivery = request.send()
            with self._store.writing() as db:
                if self._is_closed and "response" not in delivery:
                    db.claim_webhook(request.webhook["id"], until=0)
                else:
                    self._save(db, request.webhook["id"], due_at, delivery)
        finally:
            self._workers.pop(threading.current_thread(), None)
            self._free_slots.release()
            self._has_work.set()

    def _save(
        self, db: Database, webhook_id: str, due_at: float | None, delivery: Delivery
    ) -> None:
        """Store the try, and when the next one is due."""
        found = db.find_webhook(webhook_id)
        if found is None:  # the sandbox was reset meanwhile
            return
        webhook, next_due_at = found
        webhook["deliveries"].append(delivery)
        journal.add_webhook(db, webhook, delivery)
        if next_due_at == due_at:  # else somebody has asked to send it again meanwhile
            webhook["isResend"] = False
            next_due_at = self._next_due_at(webhook["deliveries"])
        webhook["currentExecutionCount"] = len(webhook["deliveries"])
        webhook["triggeredAt"] = webhook["deliveries"][0]["request"]["requestedAt"]
        webhook["status"] = delivery["status"]
        webhook["trigger"] = delivery["trigger"]
        webhook["request"] = delivery["request"]
        webhook["response"] = delivery.get("response")
        db.save_webhook(webhook, next_due_at)

    def _next_due_at(self, deliveries: list[Delivery]) -> float | None:
        """When to try again, in seconds since 1970; None for never."""
        if deliveries[-1]["status"] == "SUCCEEDED":
            return None
        tries = sum(each["trigger"] != "MANUAL" for each in deliveries)
        if tries > len(RETRY_MINUTES):
            return None
        minutes = RETRY_MINUTES[max(tries, 1) - 1]
        return time.time() + minutes * self._minute_seconds


def _thread(name: str, target: Callable[..., None], *arguments: object) -> threading.Thread:
    """A daemon: the process may end while it runs."""
    name = f"portone-sandbox {name}"
    return threading.Thread(target=target, args=arguments, name=name, daemon=True)
