"""Webhooks: what the merchant's server is sent about each change of a payment's status.

Version 2024-04-25: https://developers.portone.io/opi/ko/integration/webhook/readme-v2
A webhook is stored in the same transaction as the change, so that neither is there without the
other. delivery.py sends it.
"""

import json
import time
from collections.abc import Callable
from urllib.parse import urljoin

from . import clock, switches
from .database import Database
from .documents import Cancellation, Json, Payment
from .errors import Refused
from .identifiers import stable_id
from .payment_request import is_http_url
from .webhook_documents import ShownWebhook, Webhook

RETRY_MINUTES = (1, 4, 16, 64, 256)  # PortOne varies them at random; a test needs them fixed
REVERSED_SECONDS = 0.5  # between two webhooks of a payment that come in the wrong order
# A payment does not stay so: their webhooks can wait for that of the next status.
OPEN_STATUSES = ("READY", "PAY_PENDING", "VIRTUAL_ACCOUNT_ISSUED")
MAX_MANUAL_TRIES = 5  # that there is a limit is documented, which one is not

TYPES = {
    "READY": "Ready",
    "PAY_PENDING": "PayPending",
    "PAID": "Paid",
    "VIRTUAL_ACCOUNT_ISSUED": "VirtualAccountIssued",
    "FAILED": "Failed",
    "CANCELLED": "Cancelled",
    "PARTIAL_CANCELLED": "PartialCancelled",
}
TYPES_OF_CANCELLATIONS = ("Cancelled", "PartialCancelled", "CancelPending")


class Events:
    """Stores the webhooks of a payment.

    default_url: where they go unless the merchant's request has `noticeUrls`; None for nowhere.
    notify: is called after the commit, when there is something to send. keeps_all: stores a webhook
    without an address too, which is never sent.
    """

    def __init__(
        self, default_url: str | None, notify: Callable[[], None], keeps_all: bool = False
    ) -> None:
        self.default_url = default_url
        self._notify = notify
        self._keeps_all = keeps_all

    def save(
        self,
        db: Database,
        record: Payment,
        visible_at: str | None = None,
        trigger: str | None = None,
        is_quiet: bool = False,
        type: str | None = None,
    ) -> Payment:
        """Store a payment's change and its webhooks. Returns the record.

        visible_at: when the REST API shows the change, None for now. trigger: PaymentWebhookTrigger
        of portone-server-sdk. is_quiet: without webhooks. type: such as "CancelPending"; None for
        that of the payment's status.
        """
        db.save_payment(record, visible_at)
        if not is_quiet:
            self._add(db, record, visible_at, trigger, type or TYPES[record["status"]])
        return record

    def _add(
        self, db: Database, record: Payment, visible_at: str | None, trigger: str | None, type: str
    ) -> None:
        """Store one webhook for each address."""
        checkout = db.find_checkout(record["transactionId"])
        order = switches.webhook_order(db) or (checkout and checkout["plannedOrder"])
        if order == "off":
            return
        now = time.time()
        if order == "after":
            now += switches.webhook_seconds(db)
        if visible_at:
            now = max(now, clock.parse(visible_at).timestamp())
        is_held = order == "reversed" and record["status"] in OPEN_STATUSES
        due_at = None if is_held else now
        if not is_held:
            _release(db, record["id"], now)
        urls = self._urls(db, record) or ([""] if self._keeps_all else [])
        for url in urls:
            number = len(db.list_webhooks(record["id"]))
            id = stable_id(db.state().generation, record["id"], "webhook", number)
            webhook = _new_webhook(record, url, trigger, type, id)
            webhook["isHeld"], webhook["isRepeated"] = is_held, order == "twice"
            db.add_webhook(record["id"], webhook, due_at if url else None)
            db.after_commit.append(self._notify)

    def _urls(self, db: Database, record: Payment) -> list[str]:
        """A URL without a host is on the site whose page opened the payment window."""
        checkout = db.find_checkout(record["transactionId"])
        notice_urls = checkout["request"].get("noticeUrls") if checkout else None
        urls = notice_urls or ([self.default_url] if self.default_url else [])
        urls = [_absolute(record["origin"]["url"], url) for url in urls if url]
        return [url for url in urls if is_http_url(url)]

    def resend(self, db: Database, payment_id: str, webhook_id: str | None) -> str:
        """Have the payment's webhook sent once more, now. None: the newest. Returns its id.

        Refused when there is no such webhook, or when it was sent again too often.
        """
        webhooks = [each for each in db.list_webhooks(payment_id) if each[0]["url"]]
        if webhook_id is not None:
            webhooks = [each for each in webhooks if each[0]["id"] == webhook_id]
        if not webhooks:
            raise Refused("WEBHOOK_NOT_FOUND")
        webhook, due_at = webhooks[-1]
        manual = [each for each in webhook["deliveries"] if each["trigger"] == "MANUAL"]
        if len(manual) >= MAX_MANUAL_TRIES:
            raise Refused("MAX_WEBHOOK_RETRY_COUNT_REACHED")
        if not webhook["isResend"]:
            webhook["isResend"], webhook["retryAt"] = True, due_at
        db.save_webhook(webhook, due_at=time.time())
        db.after_commit.append(self._notify)
        return webhook["id"]


def _release(db: Database, payment_id: str, after: float) -> None:
    """The payment's webhooks that wait are due after this time, the newest first."""
    held = [webhook for webhook, _ in db.list_webhooks(payment_id) if webhook["isHeld"]]
    for number, webhook in enumerate(reversed(held), start=1):
        webhook["isHeld"], webhook["wasHeld"] = False, True
        db.save_webhook(webhook, after + number * REVERSED_SECONDS if webhook["url"] else None)


def _absolute(page: str, url: str) -> str:
    """page: whatever a merchant's page said that its address is."""
    try:
        return urljoin(page, url)
    except ValueError:
        return ""


def _new_webhook(record: Payment, url: str, trigger: str | None, type: str, id: str) -> Webhook:
    event_type = f"Transaction.{type}"
    event = {
        "type": event_type,
        "timestamp": record["updatedAt"],
        "data": _event_data(record, type),
    }
    return {
        "paymentStatus": record["status"],
        "id": id,
        "url": url,
        "isAsync": trigger is not None,
        "currentExecutionCount": 0,
        "maxExecutionCount": 1 + len(RETRY_MINUTES),
        "request": {"body": json.dumps(event, ensure_ascii=False)},
        "eventType": event_type,
        "eventTrigger": trigger,
        "isResend": False,
        "retryAt": None,
        "isHeld": False,
        "wasHeld": False,
        "isRepeated": False,
        "deliveries": [],
    }


def _event_data(record: Payment, type: str) -> Json:
    data = {
        "storeId": record["storeId"],
        "paymentId": record["id"],
        "transactionId": record["transactionId"],
    }
    if type in TYPES_OF_CANCELLATIONS:
        # A virtual account that was closed has no cancellation, but this type needs an id.
        cancellations = sorted(record["cancellations"], key=_time_of_change)
        closing_id = stable_id(record["transactionId"], "closing")
        data["cancellationId"] = cancellations[-1]["id"] if cancellations else closing_id
    return data


def _time_of_change(cancellation: Cancellation) -> str:
    return cancellation.get("cancelledAt", cancellation["requestedAt"])


def list_shown(db: Database, payment_id: str) -> list[ShownWebhook]:
    """The payment's webhooks as the REST API shows them, oldest first."""
    return [_shown(webhook) for webhook, _ in db.list_webhooks(payment_id) if webhook["url"]]


def _shown(webhook: Webhook) -> ShownWebhook:
    shown: ShownWebhook = {
        "paymentStatus": webhook["paymentStatus"],
        "id": webhook["id"],
        "url": webhook["url"],
        "isAsync": webhook["isAsync"],
        "currentExecutionCount": webhook["currentExecutionCount"],
        "maxExecutionCount": webhook["maxExecutionCount"],
        "request": webhook["request"],
    }
    if webhook.get("status"):
        shown["status"] = webhook["status"]
    if webhook.get("trigger"):
        shown["trigger"] = webhook["trigger"]
    if webhook.get("response"):
        shown["response"] = webhook["response"]
    if "triggeredAt" in webhook:
        shown["triggeredAt"] = webhook["triggeredAt"]
    return shown
