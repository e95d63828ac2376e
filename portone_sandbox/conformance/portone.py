"""The sandbox as the judge uses it: by `/control` only, and its own webhooks."""

import json
import os
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests

from .. import accounts
from ..webhook_request import sign

SECONDS = 30  # for one answer
SECRETS = {"the API secret": accounts.API_SECRET, "the webhook secret": accounts.WEBHOOK_SECRET}
Json = dict[str, Any]


class Unusable(Exception):
    """The sandbox, or the merchant, does not do what the judge must be able to rely on."""


def new_id() -> str:
    """A paymentId that no merchant has made."""
    return f"foreign{uuid.uuid4().hex}"[:32]


class Call(NamedTuple):
    """A call of the REST API by the merchant's server, from the journal."""

    at: str
    method: str
    path: str
    status: int | None

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status or 'without an answer'}"


class Answer(NamedTuple):
    """What the merchant answered to a webhook. status: None if there was no answer."""

    status: int | None
    text: str

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    def __str__(self) -> str:
        return f"{self.status}" if self.status else f"no answer ({self.text})"


class PortOne:
    """base: the address of a running sandbox. ip address and localhost are the same to it."""

    def __init__(self, base: str) -> None:
        self.base = base.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False

    def is_own(self, url: str) -> bool:
        """Whether the address is the sandbox's, so that it is not the merchant's."""
        return _spelled_alike(url).startswith(_spelled_alike(self.base) + "/")

    def set(self, switch: str, **setting: object) -> None:
        self._post(f"switches/{switch}", setting)

    def restore(self) -> None:
        """No outage, no outcome without a click."""
        self.set("outage", fault=None)
        self.set("window", outcome=None)

    def pay(self, request: Json, outcome: str) -> Json:
        """The payment, as if a buyer had ended a window for that request so."""
        return self._post("payments", {"request": request, "outcome": outcome})

    def act(self, payment_id: str, action: str, **body: object) -> Json:
        return self._post(f"payments/{payment_id}/{action}", body)

    def channels(self) -> list[Json]:
        channels: list[Json] = self._get("channels")
        return channels

    def calls(self, payment_id: str) -> list[Call] | None:
        """The merchant's calls about a payment, oldest first. None: there is no journal."""
        query = {"paymentId": payment_id, "kind": "API", "limit": "500"}
        answer = self._session.get(f"{self.base}/control/journal", params=query, timeout=SECONDS)
        if answer.status_code == 404:
            return None
        entries = _checked(answer)["entries"]
        return [
            Call(each["at"], each["method"], urlsplit(each["url"]).path, each["status"])
            for each in entries
        ]

    def _get(self, path: str) -> Any:
        answer = self._session.get(f"{self.base}/control/{path}", timeout=SECONDS)
        return _checked(answer)

    def _post(self, path: str, body: Json) -> Json:
        answer = self._session.post(f"{self.base}/control/{path}", json=body, timeout=SECONDS)
        checked: Json = _checked(answer)
        return checked


def _checked(answer: requests.Response) -> Any:
    if not answer.ok:
        raise Unusable(f"{answer.url} answered {answer.status_code}: {answer.text[:300]}")
    return answer.json()


def _spelled_alike(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.replace("127.0.0.1", "localhost").replace("[::1]", "localhost")
    return f"{host}{parts.path}"


class Webhooks:
    """Sends webhooks to the merchant, true and forged ones, one payment's each."""

    def __init__(self, url: str) -> None:
        self.url = url

    def send(
        self,
        payment_id: str,
        tx_id: str,
        type: str = "Transaction.Paid",
        signature: str | None = "valid",
        age: int = 0,
        id: str | None = None,
    ) -> Answer:
        """signature: "valid", "wrong", "of another body", or None for no header at all.

        age: seconds since it was signed.
        """
        timestamp = str(int(time.time()) - age)
        id = id or f"conformance-{uuid.uuid4().hex}"
        data = {"storeId": accounts.STORE_ID, "paymentId": payment_id, "transactionId": tx_id}
        event = {"type": type, "timestamp": _iso(int(timestamp)), "data": data}
        body = json.dumps(event)
        headers = {"Content-Type": "application/json"}
        if signature:
            signed = body.replace(payment_id, "other") if signature == "of another body" else body
            value = sign(id, timestamp, signed)
            if signature == "wrong":
                value = "v1," + "A" * 43 + "="
            headers |= {
                "webhook-id": id,
                "webhook-timestamp": timestamp,
                "webhook-signature": value,
            }
        return self._post(body, headers)

    def send_at_once(self, payment_id: str, tx_id: str, count: int) -> list[Answer]:
        """The same webhook, from several connections together."""
        id, start = f"conformance-{uuid.uuid4().hex}", threading.Barrier(count)

        def send() -> Answer:
            start.wait()
            return self.send(payment_id, tx_id, id=id)

        with ThreadPoolExecutor(count) as pool:
            return [each.result() for each in [pool.submit(send) for _ in range(count)]]

    def _post(self, body: str, headers: dict[str, str]) -> Answer:
        try:
            with requests.Session() as session:
                session.trust_env = False
                session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
                answer = session.post(
                    self.url,
                    body.encode(),
                    headers=headers,
                    timeout=SECONDS,
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            return Answer(None, type(error).__name__)
        return Answer(answer.status_code, answer.text[:200])


def _iso(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))
