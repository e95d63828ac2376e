"""Sends the webhooks that are due, and tries again what failed.

Any number of processes may do so on the same database: each claims a webhook before it sends it,
and renews the claim while it waits for the answer.
"""

import logging
import sqlite3
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from . import journal
from .database import Database
from .events import RETRY_MINUTES
from .store import Store
from .webhook_documents import Delivery
from .webhook_request import WebhookRequest

# A process that has not renewed its claim by then has died, and another one sends the webhook.
CLAIM_SECONDS = 6
RENEW_SECONDS = 1.5
MAX_PARALLEL = 64
MAX_PARALLEL_TO_ONE = 8  # so that a receiver that does not answer keeps no other one waiting
POLL_SECONDS = 0.5
WAIT_SECONDS = 10
CLOSE_SECONDS = 10

log = logging.getLogger(__name__)


class _Job(NamedTuple):
    """A webhook that this process is sending. due_at: when it was due."""

    claim: str
    request: WebhookRequest
    due_at: float | None


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
        self._workers: dict[threading.Thread, _Job] = {}
        self._renewed_at = 0.0

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

    def wait_until_started(self, payment_id: str) -> None:
        """Return when somebody is sending each of the payment's due webhooks."""
        self.notify()
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline and not self._is_closed:
            with self._store.reading() as db:
                if not db.has_unclaimed_webhook(payment_id, time.time()):
                    return
            time.sleep(0.005)

    def _jobs(self) -> list[_Job]:
        # After a fork the child has the parent's jobs in its memory, but not their threads.
        return [job for worker, job in list(self._workers.items()) if worker.is_alive()]

    def _abort_all(self, overdue_only: bool = False) -> None:
        for job in self._jobs():
            if job.request.is_overdue() or not overdue_only:
                job.request.abort()

    def _dispatch(self) -> None:
        while not self._is_closed:
            self._abort_all(overdue_only=True)
            self._renew_claims()
            if not self._free_slots.acquire(timeout=POLL_SECONDS):
                continue
            self._has_work.clear()
            job = self._claim()
            if job:
                worker = _thread("webhook", self._send, job)
                self._workers[worker] = job
                worker.start()
            else:
                self._free_slots.release()
                self._has_work.wait(POLL_SECONDS)

    def _renew_claims(self) -> None:
        claims = [job.claim for job in self._jobs()]
        if not claims or time.monotonic() < self._renewed_at + RENEW_SECONDS:
            return
        try:
            with self._store.writing() as db:
                db.renew_claims(claims, time.time() + CLAIM_SECONDS)
            self._renewed_at = time.monotonic()
        except sqlite3.Error:
            log.exception("The claims of the sandbox's webhooks were not renewed. Trying again.")

    def _busy_receivers(self) -> list[str]:
        counts = Counter(urlsplit(job.request.webhook["url"]).netloc for job in self._jobs())
        return [receiver for receiver, count in counts.items() if count >= MAX_PARALLEL_TO_ONE]

    def _claim(self) -> _Job | None:
        """The webhook that is due next, for this process alone; or None."""
        busy = self._busy_receivers()
        try:
            now, claim = time.time(), uuid.uuid4().hex
            with self._store.reading() as db:  # does not wait for a writer; mostly nothing is due
                if db.find_due_webhook(now, busy) is None:
                    return None
            with self._store.writing() as db:
                webhook_id = db.find_due_webhook(now, busy)
                if webhook_id is None:
                    return None
                db.claim_webhook(webhook_id, claim, until=time.time() + CLAIM_SECONDS)
                found = db.find_claimed_webhook(claim)
            return _Job(claim, WebhookRequest(found[0]), found[1]) if found else None
        except sqlite3.Error:
            log.exception("The sandbox's webhooks could not be read. Trying again.")
            return None

    def _send(self, job: _Job) -> None:
        try:
            delivery = job.request.send()
            with self._store.writing() as db:
                if not self._is_closed or "response" in delivery:
                    self._save(db, job, delivery)
                db.end_claim(job.claim)
        finally:
            self._workers.pop(threading.current_thread(), None)
            self._free_slots.release()
            self._has_work.set()

    def _save(self, db: Database, job: _Job, delivery: Delivery) -> None:
        """Store the try, and when the next one is due."""
        found = db.find_claimed_webhook(job.claim)
        if found is None:  # the sandbox was reset, or another process has taken the webhook over
            return
        webhook, due_at = found
        webhook["deliveries"].append(delivery)
        journal.add_webhook(db, webhook, delivery)
        if delivery["trigger"] != "MANUAL":
            webhook["retryAt"] = self._next_due_at(webhook["deliveries"])
        elif delivery["status"] == "SUCCEEDED":
            webhook["retryAt"] = None
        if due_at == job.due_at:  # else somebody has asked to send it again meanwhile
            webhook["isResend"] = False
            due_at = webhook["retryAt"]
        if webhook["isRepeated"]:
            webhook["isRepeated"] = False
            due_at = time.time()
        webhook["currentExecutionCount"] = len(webhook["deliveries"])
        webhook["triggeredAt"] = webhook["deliveries"][0]["request"]["requestedAt"]
        webhook["status"] = delivery["status"]
        webhook["trigger"] = delivery["trigger"]
        webhook["request"] = delivery["request"]
        webhook["response"] = delivery.get("response")
        db.save_webhook(webhook, due_at)

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
