"""PortOne's V2 REST API (https://developers.portone.io/api/rest-v2). The only file that talks to PortOne."""

import base64
import hashlib
import hmac
import json
import logging
import re
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

import requests

from .config import Settings

CONNECT_SECONDS, READ_SECONDS = 3, 10
WEBHOOK_TOLERANCE_SECONDS = 5 * 60
MAX_ANSWER_BYTES = 1_000_000

logger = logging.getLogger(__name__)


class PortOneUnavailable(Exception):
    """PortOne could not be asked, or its answer could not be understood. The truth is unknown: ask again later."""

    code = "PORTONE_UNAVAILABLE"


class PortOneRejected(Exception):
    """PortOne refused our credentials or our request. Asking again won't help; the log names what to look at."""

    code = "PORTONE_REJECTED"

    def __init__(self, status: int, type: str):
        super().__init__(f"{status} {type}")
        self.type = type


class PortOne:
    """A client on one pooled session, shared by all threads."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.session = requests.Session()
        # Nothing from the environment: a .netrc entry would replace our Authorization header.
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"PortOne {settings.api_secret}"
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=64)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        self._free = threading.BoundedSemaphore(settings.max_lookups) if settings.max_lookups else None

    def get_payment(self, payment_id: str, store_id: str) -> dict | None:
        """PortOne's record of a payment, or None if it has none yet because the payment window never opened.

        Raises PortOneUnavailable or PortOneRejected.
        """
        with self._turn():
            try:
                record = self._call("GET", payment_id, params={"storeId": store_id})
            except PortOneRejected as error:
                if error.type == "PAYMENT_NOT_FOUND":
                    return None
                raise
        if not _is_payment(record):
            raise PortOneUnavailable("the answer is not a payment as PortOne documents it")
        return record

    def close_virtual_account(self, payment_id: str, store_id: str) -> None:
        """Take back a virtual account, so that nothing can be paid into it any more."""
        self._call("POST", payment_id, "/virtual-account/close", params={"storeId": store_id})

    def pre_register(self, payment_id: str, store_id: str, amount: int, currency: str) -> None:
        """Tell PortOne the amount beforehand: it then refuses another one (AmountNotEqualToPredefined)."""
        terms = {"storeId": store_id, "totalAmount": amount, "taxFreeAmount": 0, "currency": currency}
        self._call("POST", payment_id, "/pre-register", json=terms)

    @contextmanager
    def _turn(self):
        if self._free and not self._free.acquire(blocking=False):
            raise PortOneUnavailable("PORTONE_MAX_LOOKUPS look-ups are waiting already")
        try:
            yield
        finally:
            if self._free:
                self._free.release()

    def _call(self, method, payment_id, action="", **kwargs):
        url = f"{self.settings.api_base}/payments/{quote(payment_id, safe='')}{action}"
        try:
            # A redirect would take the secret to another address, so none is followed.
            with self.session.request(
                method, url, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, stream=True, **kwargs
            ) as response:
                body = _read(response)
        except requests.RequestException as error:
            raise PortOneUnavailable(type(error).__name__) from error
        status = response.status_code
        if status == 200 and isinstance(body, dict):
            return body
        if 400 <= status < 500 and status != 429 and isinstance(body, dict):
            refusal = PortOneRejected(status, str(body.get("type"))[:64])
            if status in {401, 403}:
                logger.error("PortOne answered %s: check PORTONE_API_SECRET and PORTONE_STORE_ID", refusal)
            raise refusal
        raise PortOneUnavailable(f"HTTP {status}")


def _read(response):
    """The JSON of an answer, or None if it is not JSON or too long to be PortOne's."""
    body = b""
    for chunk in response.iter_content(65_536):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _is_payment(record):
    """Has the record, in the documented types, what verification reads once money is involved?"""
    if record.get("status") not in {"VIRTUAL_ACCOUNT_ISSUED", "PAID", "PARTIAL_CANCELLED", "CANCELLED"}:
        return isinstance(record.get("status"), str)
    amount = record.get("amount")
    return (
        all(isinstance(record.get(name), str) for name in ("id", "storeId", "orderName", "currency"))
        and isinstance(record.get("channel") or {}, dict)
        and isinstance(amount, dict)
        and type(amount.get("total")) is int
        and type(amount.get("cancelled", 0)) is int
    )


def parse_time(text: object) -> datetime | None:
    """PortOne's RFC 3339 time as UTC without a zone, or None. (Python 3.10's fromisoformat takes neither Z nor
    nanoseconds.)"""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", str(text))
    if not match:
        return None
    seconds, fraction, zone = match.groups()
    try:
        time = datetime.fromisoformat(seconds + ("+00:00" if zone == "Z" else zone))
    except ValueError:
        return None
    micros = timedelta(microseconds=int((fraction or "0")[:6].ljust(6, "0")))
    return (time + micros).astimezone(timezone.utc).replace(tzinfo=None)


def is_signed(secrets: Iterable[bytes], headers: Mapping, body: bytes) -> bool:
    """Did one of our webhook secrets sign this body, within five minutes of now?

    PortOne signs as https://www.standardwebhooks.com says: HMAC-SHA256 over `id.timestamp.body`, in
    `webhook-signature` as `v1,<base64>`, several separated by spaces.
    """
    id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > WEBHOOK_TOLERANCE_SECONDS:
        return False
    given = [part[3:] for part in headers.get("webhook-signature", "").split(" ") if part.startswith("v1,")]
    signed = f"{id}.{timestamp}.".encode() + body
    expected = [base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)) for secret in secrets]
    return any(hmac.compare_digest(one.encode(), other) for one in given for other in expected)
