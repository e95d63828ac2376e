"""One try to send a webhook: its signature, its HTTP request, and what came of it.

The signature is that of Standard Webhooks: https://www.standardwebhooks.com
"""

import base64
import hashlib
import hmac
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from . import accounts, clock
from .webhook_documents import Delivery, Webhook, WebhookResponse

TIMEOUT_SECONDS = 30  # without a byte
MAX_SECONDS = 60  # in all
KEPT_BODY_BYTES = 2000
# Variables that name a file, or a folder, of certificates to trust; the last two are requests' own.
CA_VARIABLES = ("SANDBOX_WEBHOOK_CA", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def sign(webhook_id: str, timestamp: str, body: str) -> str:
    """The header `webhook-signature`. timestamp: seconds since 1970, as text."""
    key = base64.b64decode(accounts.WEBHOOK_SECRET.removeprefix("whsec_"))
    content = f"{webhook_id}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def trusted_certificates() -> str | None:
    """The certificates that a receiver's must be signed by; None for those that requests has.

    ValueError when the setting SANDBOX_WEBHOOK_CA names no file.
    """
    for variable in CA_VARIABLES:
        path = os.environ.get(variable)
        if path and os.path.exists(path):
            return path
        if path and variable == CA_VARIABLES[0]:
            raise ValueError(f"{variable} must be a file of certificates, not {path!r}.")
    return None


class WebhookRequest:
    """`send()` waits for the answer; `abort()` ends that from another thread."""

    def __init__(self, webhook: Webhook) -> None:
        self.webhook = webhook
        self.started = time.monotonic()
        self._socket: socket.socket | None = None
        self._is_aborted = False
        self._lock = threading.Lock()

    def is_overdue(self) -> bool:
        return time.monotonic() > self.started + MAX_SECONDS

    def abort(self) -> None:
        """End the connection: send() then returns a failure at once."""
        with self._lock:
            self._is_aborted = True
            if self._socket is not None:
                _shut_down(self._socket)

    def _watch(self, connection: socket.socket) -> None:
        with self._lock:
            self._socket = connection
            if self._is_aborted:
                _shut_down(connection)

    def send(self) -> Delivery:
        """The try, as the console shows it. It raises nothing that the receiver can cause."""
        webhook, body = self.webhook, self.webhook["request"]["body"]
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": webhook["id"],
            "webhook-timestamp": timestamp,
            "webhook-signature": sign(webhook["id"], timestamp, body),
        }
        delivery: Delivery = {
            "trigger": "MANUAL" if webhook["isResend"] else webhook["eventTrigger"],
            "request": {"header": _lines(headers), "body": body, "requestedAt": clock.now()},
        }
        try:
            response = self._post(headers, body)
            if self._is_aborted:  # half a header can look like a whole one
                raise TimeoutError(f"There was no complete answer within {MAX_SECONDS} seconds.")
            is_success = response["code"].startswith("2")
            delivery["response"] = response
            delivery["status"] = "SUCCEEDED" if is_success else "FAILED_NOT_OK_RESPONSE"
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            # HTTPError: urllib3 raises some of its own, for a host such as "a..b".
            delivery["status"] = "FAILED_UNEXPECTED_ERROR"
            delivery["error"] = str(error)
        delivery["seconds"] = round(time.monotonic() - self.started, 3)
        return delivery

    def _post(self, headers: dict[str, str], body: str) -> WebhookResponse:
        with requests.Session() as session:
            session.trust_env = False  # a merchant's server on this machine is not behind a proxy
            session.verify = trusted_certificates() or True
            for prefix in ("http://", "https://"):
                session.mount(prefix, _WatchedAdapter(self._watch))
            answer = session.post(
                self.webhook["url"],
                body.encode(),
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            )
            content = next(answer.iter_content(KEPT_BODY_BYTES), b"")
            return {
                "code": str(answer.status_code),
                "header": _lines(answer.headers),
                "body": content.decode(errors="replace"),
                "respondedAt": clock.now(),
            }


class _WatchedAdapter(HTTPAdapter):
    """Calls watch(socket) as soon as a connection is open."""

    def __init__(self, watch: Callable[[socket.socket], None]) -> None:
        self._watch = watch
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        watch = self._watch

        class WatchedConnection(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                watch(self.sock)

        class WatchedTlsConnection(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                watch(self.sock)

        class Pool(HTTPConnectionPool):
            ConnectionCls = WatchedConnection

        class TlsPool(HTTPSConnectionPool):
            ConnectionCls = WatchedTlsConnection

        self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}


def _shut_down(connection: socket.socket) -> None:
    with suppress(OSError):  # the other side, or send(), was faster
        connection.shutdown(socket.SHUT_RDWR)


def _lines(headers: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())
