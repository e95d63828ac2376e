"""PortOne's V2 REST API (https://developers.portone.io/api/rest-v2). The only file that talks to PortOne."""

import base64
import hashlib
import hmac
import json
import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent import futures
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, urlencode

import requests

from .config import Settings

CONNECT_SECONDS, READ_SECONDS = 3, 10
CANCEL_READ_SECONDS = 60  # PortOne advises at least this: the PG is asked meanwhile
LOOKUPS_PER_MINUTE = 60  # of one payment, so that a flood of calls here is none at PortOne
SLOW_SECONDS, STAYS_SLOW_SECONDS = (
    1,
    3,
)  # an answer that takes longer makes PortOne slow, until a quick one or so long
SLOW_LOOKUPS = 2  # how many may wait for it then
WEBHOOK_TOLERANCE_SECONDS = 5 * 60
MAX_ANSWER_BYTES = 1_000_000
JSON = json.JSONDecoder(
    parse_float=str, parse_constant=str
)  # amounts are whole numbers, nothing is NaN

logger = logging.getLogger(__name__)


class PortOneUnavailable(Exception):
    """PortOne could not be asked, or its answer could not be understood. The truth is unknown: ask again later."""

    code = "PORTONE_UNAVAILABLE"


class PortOneRejected(Exception):
    """PortOne refused our credentials or our request. Asking again won't help; the log names what to look at.

    `type` is PortOne's error type, `message` its own or the PG's words.
    """

    code = "PORTONE_REJECTED"

    def __init__(self, status: int, answer: object):
        said = answer if isinstance(answer, dict) else {}
        self.status, self.type = status, str(said.get("type"))[:64]
        self.message = str(said.get("pgMessage") or said.get("message") or "")[:200]
        super().__init__(f"{status} {self.type}")


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
        # Only the address differs from one look-up to the next, so all else is prepared once.
        self._look_up = self._prepare("GET", "")
        self._lock = threading.Lock()
        self._minute, self._asked = 0, Counter()
        self._waiting, self._slow_until = [], 0.0  # since when each look-up waits

    def get_payment(self, payment_id: str, store_id: str) -> dict | None:
        """PortOne's record of a payment, or None if it has none yet because the payment window never opened.

        Raises PortOneUnavailable or PortOneRejected.
        """
        with self._turn(payment_id):
            try:
                look_up = self._look_up.copy()
                look_up.url = f"{self._url(payment_id)}?{urlencode({'storeId': store_id})}"
                record = self._call(look_up)
            except PortOneRejected as error:
                if (error.status, error.type) == (404, "PAYMENT_NOT_FOUND"):
                    return None
                raise
        if not _is_payment(record):
            raise PortOneUnavailable("the answer is not a payment as PortOne documents it")
        return record

    def close_virtual_account(self, payment_id: str, store_id: str) -> None:
        """Take back a virtual account, so that nothing can be paid into it any more."""
        self._call(
            self._prepare(
                "POST", payment_id, "/virtual-account/close", params={"storeId": store_id}
            )
        )

    def pre_register(self, payment_id: str, store_id: str, amount: int, currency: str) -> None:
        """Tell PortOne the amount beforehand: it then refuses another one (AmountNotEqualToPredefined)."""
        terms = {
            "storeId": store_id,
            "totalAmount": amount,
            "taxFreeAmount": 0,
            "currency": currency,
        }
        self._call(self._prepare("POST", payment_id, "/pre-register", json=terms))

    def cancel(self, payment_id: str, store_id: str, key: str, **request) -> dict:
        """Ask for a refund; `request` is {reason, amount?, currentCancellableAmount?, refundAccount?}.

        Returns PortOne's cancellation: {status: SUCCEEDED | REQUESTED | FAILED, …}. `key` is the idempotency key: the
        same refund asked for twice with it is made once.
        """
        headers = {"Idempotency-Key": f'"{key}"'}
        request["storeId"] = store_id
        cancel = self._prepare("POST", payment_id, "/cancel", headers=headers, json=request)
        answer = self._call(cancel, CANCEL_READ_SECONDS)
        if not isinstance(answer.get("cancellation"), dict):
            raise PortOneUnavailable("the answer is not a cancellation as PortOne documents it")
        return answer["cancellation"]

    @contextmanager
    def _turn(self, payment_id):
        """A place among the look-ups of this process, or PortOneUnavailable at once.

        Each of them takes up a thread of the web server. That does no harm as long as PortOne is quick; while it is
        slow they are bounded, so that threads are left for the pages.
        """
        started = time.monotonic()
        with self._lock:
            if started // 60 != self._minute:
                self._minute, self._asked = started // 60, Counter()
            if self._asked[payment_id] >= LOOKUPS_PER_MINUTE:
                raise PortOneUnavailable(
                    f"asked about {LOOKUPS_PER_MINUTE} times within this minute already"
                )
            is_slow = (
                started < self._slow_until
                or started - min(self._waiting, default=started) > SLOW_SECONDS
            )
            bound = self.settings.max_lookups or (SLOW_LOOKUPS if is_slow else float("inf"))
            if len(self._waiting) >= bound:
                raise PortOneUnavailable(
                    f"{bound} look-ups are waiting already (PORTONE_MAX_LOOKUPS)"
                )
            self._asked[payment_id] += 1
            self._waiting.append(started)
        try:
            yield
        finally:
            with self._lock:
                ended = time.monotonic()
                self._waiting.remove(started)
                self._slow_until = (
                    ended + STAYS_SLOW_SECONDS if ended - started > SLOW_SECONDS else 0.0
                )

    def _url(self, payment_id):
        return f"{self.settings.api_base}/payments/{quote(payment_id, safe='')}"

    def _prepare(self, method, payment_id, action="", **kwargs):
        return self.session.prepare_request(
            requests.Request(method, self._url(payment_id) + action, **kwargs)
        )

    def _call(self, request, read_seconds=None):
        try:
            status, body = self._exchange(request, (CONNECT_SECONDS, read_seconds or READ_SECONDS))
        except (requests.RequestException, futures.TimeoutError) as error:
            raise PortOneUnavailable(type(error).__name__) from error
        if status in {401, 403}:
            logger.error(
                "PortOne answered %s: check PORTONE_API_SECRET and PORTONE_STORE_ID", status
            )
            raise PortOneRejected(status, body)
        if not isinstance(body, dict):
            raise PortOneUnavailable(f"HTTP {status} without the JSON that PortOne documents")
        if status == 200:
            return body
        if (400 <= status < 500 and status != 429) or body.get("type") == "PG_PROVIDER":
            raise PortOneRejected(status, body)
        raise PortOneUnavailable(f"HTTP {status}")

    def _exchange(self, request, timeout):
        """One HTTP exchange, given up when its time is over.

        The time-outs of requests begin anew with every byte and don't count the look-up of the host's name, so it
        runs in a thread, which is waited for no longer than that.
        """
        answer = futures.Future()

        def exchange():
            try:
                # By the adapter: it follows no redirect, which would take the secret to another address.
                with self.session.get_adapter(request.url).send(
                    request, stream=True, timeout=timeout
                ) as response:
                    answer.set_result((response.status_code, _read(response)))
            except Exception as error:
                answer.set_exception(error)

        threading.Thread(target=exchange, daemon=True).start()
        return answer.result(sum(timeout))


def _read(response):
    """The JSON of an answer, or None if it is not JSON or too long to be PortOne's."""
    body = b""
    for chunk in response.iter_content(65_536):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return None
    try:
        return JSON.decode(body.decode())
    except (ValueError, RecursionError):
        return None


def _is_payment(record):
    """Has the record, in the documented types, what verification reads once money is involved?"""
    status, amount = record.get("status"), record.get("amount")
    if not isinstance(status, str):
        return False
    if status not in {"VIRTUAL_ACCOUNT_ISSUED", "PAID", "PARTIAL_CANCELLED", "CANCELLED"}:
        return True
    if not isinstance(amount, dict):
        return False
    numbers = (amount.get("total"), amount.get("cancelled", 0))
    return (
        all(
            isinstance(record.get(name), str) for name in ("id", "storeId", "orderName", "currency")
        )
        and isinstance(record.get("channel") or {}, dict)
        and all(type(number) is int and abs(number) < 2**31 for number in numbers)
    )


def parse_time(text: object) -> datetime | None:
    """PortOne's RFC 3339 time as UTC without a zone, or None. (Python 3.10's fromisoformat takes neither Z nor
    nanoseconds.)"""
    match = re.fullmatch(
        r"(2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", str(text)
    )
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
    if not id or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return False
    if abs(time.time() - int(timestamp)) > WEBHOOK_TOLERANCE_SECONDS:
        return False
    given = [
        part[3:]
        for part in headers.get("webhook-signature", "").split(" ")
        if part.startswith("v1,")
    ]
    signed = f"{id}.{timestamp}.".encode() + body
    expected = [base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)) for secret in secrets]
    return any(hmac.compare_digest(one.encode(), other) for one in given for other in expected)
