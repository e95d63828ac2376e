"""Webhooks: what PortOne tells a merchant's server of each change of a payment, and when it tries again.

Version 2024-04-25 and its retries: https://developers.portone.io/opi/ko/integration/webhook/readme-v2; the signature:
https://www.standardwebhooks.com. A webhook is stored with the change that it tells of, so that neither is without the
other, and is kept as `PaymentWebhook` of portone-server-sdk, with `tries` for the console.
"""

import base64
import hashlib
import hmac
import json
import sqlite3
import threading
import time
from datetime import datetime
from urllib.parse import urljoin

import click
import requests
from flask import after_this_request, current_app

from . import accounts, records, store
from .errors import Refused

RETRY_MINUTES = (1, 4, 16, 64, 256)  # PortOne spreads them at random; a test would rather know
TIMEOUT_SECONDS = 30
# Claimed by a process that has not come back by then: it died, and another one sends it.
CLAIMED_SECONDS = 3 * TIMEOUT_SECONDS
SENT_AT_ONCE = 16
POLL_SECONDS = 0.5
BEFORE_SECONDS = 10
AFTER_SECONDS = 3
KEPT_BODY_BYTES = 2000
MAX_MANUAL_TRIES = 5  # that there is a limit is documented, not which

# When the merchant's server hears, and when its page in the browser. As usual it is both at once, as at PortOne.
ORDERS = {
    "before": "The webhook first.",
    "after": "The browser first, the webhook 3 seconds later.",
    "without": "The webhook only: the browser does not return.",
    "off": "The browser only: no webhook.",
}

TYPES = {
    "READY": "Ready",
    "PAY_PENDING": "PayPending",
    "PAID": "Paid",
    "VIRTUAL_ACCOUNT_ISSUED": "VirtualAccountIssued",
    "FAILED": "Failed",
    "CANCELLED": "Cancelled",
    "PARTIAL_CANCELLED": "PartialCancelled",
}


def save_payment(db, record, visible_at=None, trigger=None, is_quiet=False):
    """`store.save_payment`, and the webhook that tells of it: the one way a payment comes to a new status.

    trigger: PaymentWebhookTrigger of portone-server-sdk. is_quiet: tell nobody.
    """
    store.save_payment(db, record, visible_at)
    order = find_order(db)
    if is_quiet or order == "off":
        return
    due_at = time.time()
    if order == "after":
        due_at += AFTER_SECONDS
    if visible_at:
        due_at = max(due_at, datetime.fromisoformat(visible_at.replace("Z", "+00:00")).timestamp())
    urls = _urls(db, record)
    for url in urls:
        _add(db, record, url, trigger, due_at)
    if urls:
        wake_after_request()


def find_order(db):
    """One of ORDERS, or None."""
    return (store.find_document(db, "switch", "webhooks") or {}).get("order")


def wake_after_request():
    """Not before: the transaction that has something to send is still open."""

    @after_this_request
    def wake(response):
        current_app.extensions["webhooks"].wake()
        return response


def _urls(db, record):
    """The request's own, else the sandbox's. One without a host is on the site whose page opened the window."""
    checkout = store.find_document(db, "checkout", record["transactionId"])
    urls = checkout["request"].get("noticeUrls") or [current_app.config["WEBHOOK_URL"]]
    urls = [urljoin(record["origin"]["url"], url) for url in urls if url]
    return [url for url in urls if url.startswith(("http://", "https://"))]


def _add(db, record, url, trigger, due_at):
    data = {
        "storeId": record["storeId"],
        "paymentId": record["id"],
        "transactionId": record["transactionId"],
    }
    if record["status"] in ("CANCELLED", "PARTIAL_CANCELLED"):
        # An account that was closed has no cancellation, but a webhook of this type has its id.
        closing = {"id": records.made_up(record["transactionId"], "closing")}
        data["cancellationId"] = (record["cancellations"] or [closing])[-1]["id"]
    event = {
        "type": f"Transaction.{TYPES[record['status']]}",
        "timestamp": record["statusChangedAt"],
        "data": data,
    }
    webhook = {
        "paymentStatus": record["status"],
        "id": records.made_up(record["id"], "webhook", len(store.list_webhooks(db, record["id"]))),
        "url": url,
        "isAsync": trigger is not None,
        "currentExecutionCount": 0,
        "maxExecutionCount": 1 + len(RETRY_MINUTES),
        "request": {"body": json.dumps(event, ensure_ascii=False)},
        "cause": trigger,
        "tries": [],
    }
    store.add_webhook(db, record["id"], webhook, due_at)


def told(db, payment_id):
    """The payment's webhooks as PortOne shows them, oldest first."""
    return [_shown(webhook) for webhook, _ in store.list_webhooks(db, payment_id)]


def _shown(webhook):
    own = ("cause", "isAskedFor", "tries")
    return {name: value for name, value in webhook.items() if value is not None and name not in own}


def resend(db, payment_id, webhook_id=None):
    """The payment's webhook, by default the newest, is to be sent once more."""
    webhooks = [webhook for webhook, _ in store.list_webhooks(db, payment_id)]
    webhook = next((each for each in reversed(webhooks) if webhook_id in (None, each["id"])), None)
    if webhook is None:
        raise Refused("WEBHOOK_NOT_FOUND")
    if sum(each["trigger"] == "MANUAL" for each in webhook["tries"]) >= MAX_MANUAL_TRIES:
        raise Refused("MAX_WEBHOOK_RETRY_COUNT_REACHED")
    store.save_webhook(db, {**webhook, "isAskedFor": True}, due_at=time.time())
    return _shown(webhook)


def wait_until_sent(payment_id):
    """Until each of the payment's webhooks that are due has been tried, or the time is over."""
    current_app.extensions["webhooks"].wake()
    deadline = time.monotonic() + BEFORE_SECONDS
    while time.monotonic() < deadline:
        with store.reading() as db:
            if not any(
                due_at and due_at <= time.time()
                for _, due_at in store.list_webhooks(db, payment_id)
            ):
                return
        time.sleep(0.02)


def sign(webhook_id, timestamp, body):
    """The header `webhook-signature`. timestamp: seconds since 1970, as text."""
    key = base64.b64decode(accounts.WEBHOOK_SECRET.removeprefix("whsec_"))
    signed = f"{webhook_id}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class Sender:
    """Sends what is due, in threads of its own. Any number of processes may have one on the same file."""

    def __init__(self, app):
        self.app = app
        self.news = threading.Event()
        self.room = threading.BoundedSemaphore(SENT_AT_ONCE)
        self.thread = None
        # A command such as `flask reconcile` is over before an answer comes: the server sends what it has stored.
        context = click.get_current_context(silent=True)
        self.is_serving = context is None or context.info_name == "run"

    def go_on(self):
        """With what an earlier process has left, and, where every payment has a webhook, with what others will."""
        with self.app.app_context(), store.reading() as db:
            if self.app.config["WEBHOOK_URL"] or store.has_webhooks_to_send(db):
                self.wake()

    def wake(self):
        """There may be something to send."""
        # A fork takes the memory of a thread along, but not the thread.
        if self.is_serving and not (self.thread and self.thread.is_alive()):
            self.thread = threading.Thread(target=self._run, daemon=True)
            self.thread.start()
        self.news.set()

    def _run(self):
        with self.app.app_context():
            while self.is_serving:
                self.room.acquire()
                self.news.clear()
                if claimed := self._claim():
                    threading.Thread(target=self._send, args=claimed, daemon=True).start()
                else:
                    self.room.release()
                    self.news.wait(POLL_SECONDS)

    def _claim(self):
        try:
            return store.claim_webhook(time.time(), CLAIMED_SECONDS)
        except sqlite3.Error:
            self.app.logger.exception("The sandbox's webhooks could not be read. Trying again.")

    def _send(self, webhook, due_at):
        try:
            with self.app.app_context():
                made = _post(webhook)
                with store.writing() as db:
                    _keep(db, webhook["id"], due_at, made)
        finally:
            self.room.release()
            self.news.set()


def _keep(db, webhook_id, due_at, made):
    """The try, and when the next one is due."""
    webhook, next_due_at = store.find_webhook(db, webhook_id)
    if webhook is None:  # everything was forgotten meanwhile
        return
    webhook["tries"].append(made)
    if next_due_at == due_at:  # else somebody asked for it meanwhile
        webhook["isAskedFor"] = False
        failures = sum(each["trigger"] != "MANUAL" for each in webhook["tries"])
        is_over = made["status"] == "SUCCEEDED" or failures > len(RETRY_MINUTES)
        minutes = 0 if is_over else RETRY_MINUTES[max(failures, 1) - 1]
        next_due_at = (
            time.time() + minutes * current_app.config["WEBHOOK_MINUTE"] if minutes else None
        )
    webhook["currentExecutionCount"] = len(webhook["tries"])
    webhook["triggeredAt"] = webhook["tries"][0]["request"]["requestedAt"]
    webhook.update((name, made.get(name)) for name in ("status", "trigger", "request", "response"))
    store.save_webhook(db, webhook, next_due_at)


def _post(webhook):
    """One try, as it is shown in the console."""
    body, timestamp = webhook["request"]["body"], str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": webhook["id"],
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(webhook["id"], timestamp, body),
    }
    made = {
        "trigger": "MANUAL" if webhook.get("isAskedFor") else webhook["cause"],
        "request": {"header": _lines(headers), "body": body, "requestedAt": records.now()},
    }
    started = time.monotonic()
    try:
        with requests.Session() as session:
            session.trust_env = False  # a merchant's server on this machine is not behind a proxy
            answer = session.post(
                webhook["url"],
                body.encode(),
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            )
            made["response"] = {
                "code": str(answer.status_code),
                "header": _lines(answer.headers),
                "body": next(answer.iter_content(KEPT_BODY_BYTES), b"").decode(errors="replace"),
                "respondedAt": records.now(),
            }
        made["status"] = (
            "SUCCEEDED" if 200 <= answer.status_code < 300 else "FAILED_NOT_OK_RESPONSE"
        )
    except requests.RequestException as error:
        made.update(status="FAILED_UNEXPECTED_ERROR", error=str(error))
    return {**made, "seconds": round(time.monotonic() - started, 3)}


def _lines(headers):
    return "\n".join(f"{name}: {value}" for name, value in headers.items())
