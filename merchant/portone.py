"""The only file that talks to PortOne. Source: https://developers.portone.io/api/rest-v2"""

import json
import logging
import os
import time
from typing import Any, cast
from urllib.parse import quote, urlencode

import requests
from urllib3.exceptions import HTTPError

from .config import Settings
from .errors import PortOneRejected, PortOneUnavailable
from .lookup_limit import LookupLimit
from .records import Record, decode, is_payment
from .rows import PaymentRow

CONNECT_SECONDS, READ_SECONDS = 3, 10
PG_READ_SECONDS = 60  # PortOne advises at least this for calls that reach the PG
MAX_ANSWER_BYTES = 1_000_000
MAX_LIST_BYTES = 50_000_000  # a page of 1,000 payments is about 1.5 MB

logger = logging.getLogger(__name__)


class PortOne:
    """A client with one connection pool, shared by all threads."""

    def __init__(self, settings: Settings) -> None:
        self.session = requests.Session()
        # A .netrc entry would replace our Authorization header.
        self.session.trust_env = False
        self._proxies = dict.fromkeys(("http", "https"), settings.proxy) if settings.proxy else {}
        # A private certificate authority, by the same variable as in every program with requests.
        self._verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        self.session.headers["Authorization"] = f"PortOne {settings.api_secret}"
        self.session.headers["Accept-Encoding"] = "gzip"
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=64)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        self._api_base = settings.api_base
        self._limit = LookupLimit(settings.max_lookups)
        self.date_header: str | None = None  # of the last answer: when it was, by PortOne's clock
        # Look-ups differ only in their address, so the rest is prepared once.
        self._look_up = self._prepare("GET", "")

    def get_payment(self, payment_id: str, store_id: str) -> Record | None:
        """Returns PortOne's record of a payment, or None if the payment window never opened.

        Raises PortOneUnavailable or PortOneRejected.
        """
        look_up = self._look_up.copy()
        look_up.url = f"{self._url(payment_id)}?{urlencode({'storeId': store_id})}"
        with self._limit.place(payment_id):
            try:
                record = self._call(look_up)
            except PortOneRejected as error:
                if (error.status, error.type) == (404, "PAYMENT_NOT_FOUND"):
                    return None
                raise
        if not is_payment(record):
            raise PortOneUnavailable("the answer is not a payment as PortOne documents it")
        return record

    def close_virtual_account(self, payment_id: str, store_id: str) -> None:
        """Close a virtual account, so that nobody can pay into it any more."""
        path = "/virtual-account/close"
        close = self._prepare("POST", payment_id, path, params={"storeId": store_id})
        self._call(close, PG_READ_SECONDS)

    def pre_register(self, payment: PaymentRow) -> None:
        """Tell PortOne the amount before the window opens; it then refuses any other amount."""
        terms = {
            "storeId": payment.store_id,
            "totalAmount": payment.amount,
            "taxFreeAmount": payment.tax_free,
            "currency": payment.currency,
        }
        self._call(self._prepare("POST", payment.id, "/pre-register", json=terms))

    def confirm(self, payment: PaymentRow, token: str, accepts_test: bool) -> None:
        """Approve a payment of a channel with manual approval (수동 승인).

        PortOne approves it on the stored terms only. A virtual account is issued by this call.
        Raises PortOneRejected: 400 INVALID_PAYMENT_TOKEN, 409 ALREADY_PAID, 409
        INFORMATION_MISMATCH (other terms: no money has moved), 502 PG_PROVIDER; PortOneUnavailable.
        Source: https://developers.portone.io/opi/ko/extra/manual-confirm/readme-v2
        """
        body = {
            "paymentToken": token,
            "storeId": payment.store_id,
            "totalAmount": payment.amount,
            "taxFreeAmount": payment.tax_free,
            "currency": payment.currency,
        }
        if not accepts_test:
            body["isTest"] = False
        self._call(self._prepare("POST", payment.id, "/confirm", json=body), PG_READ_SECONDS)

    def list_payments(self, query: dict[str, Any]) -> list[Record]:
        """Returns one page of PortOne's list of payments.

        query: {page: {number, size}, filter: {…}}, size 1,000 at most. Raises PortOneUnavailable or
        PortOneRejected.
        """
        url = f"{self._api_base}/payments"
        params = {"requestBody": json.dumps(query)}
        request = self.session.prepare_request(requests.Request("GET", url, params=params))
        items = self._call(request, PG_READ_SECONDS, MAX_LIST_BYTES).get("items")
        if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
            raise PortOneUnavailable("the answer is not a list of payments")
        return items

    def cancel(self, payment_id: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for a refund.

        key: the idempotency key. PortOne makes one refund for a key, however often we ask.
        body: {storeId, reason, amount?, currentCancellableAmount?, refundAccount?}.
        Returns PortOne's cancellation: {status: SUCCEEDED | REQUESTED | FAILED, …}.
        Raises PortOneUnavailable or PortOneRejected.
        """
        headers = {"Idempotency-Key": f'"{key}"'}
        cancel = self._prepare("POST", payment_id, "/cancel", headers=headers, json=body)
        answer = self._call(cancel, PG_READ_SECONDS)
        if not isinstance(answer.get("cancellation"), dict):
            raise PortOneUnavailable("the answer is not a cancellation as PortOne documents it")
        return cast(dict[str, Any], answer["cancellation"])

    def date(self, payment_id: str) -> str | None:
        """Returns the Date header of any answer of PortOne. Raises PortOneUnavailable."""
        look_up, timeout = self._prepare("GET", payment_id), (CONNECT_SECONDS, READ_SECONDS)
        try:
            with self._send(look_up, timeout) as response:
                return response.headers.get("Date")
        except requests.RequestException as error:
            raise PortOneUnavailable(type(error).__name__) from error

    def _url(self, payment_id: str) -> str:
        return f"{self._api_base}/payments/{quote(payment_id, safe='')}"

    def _prepare(
        self, method: str, payment_id: str, action: str = "", **parts: Any
    ) -> requests.PreparedRequest:
        url = self._url(payment_id) + action
        return self.session.prepare_request(requests.Request(method, url, **parts))

    def _call(
        self,
        request: requests.PreparedRequest,
        read_seconds: float | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> dict[str, Any]:
        timeout = (CONNECT_SECONDS, read_seconds or READ_SECONDS)
        try:
            status, body = self._exchange(request, timeout, max_bytes)
        except (requests.RequestException, HTTPError) as error:
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

    def _send(
        self, request: requests.PreparedRequest, timeout: tuple[float, float]
    ) -> requests.Response:
        # The adapter follows no redirect, which would carry the secret to another address.
        adapter = self.session.get_adapter(cast(str, request.url))
        return adapter.send(request, True, timeout, verify=self._verify, proxies=self._proxies)

    def _exchange(
        self, request: requests.PreparedRequest, timeout: tuple[float, float], max_bytes: int
    ) -> tuple[int, object]:
        """Returns the HTTP status, and the answer's JSON (None if it is not JSON or too long).

        The body is read as it arrives, against one deadline. A header that arrives byte by byte can
        still hold this thread for longer; LookupLimit bounds how many threads that can be.
        """
        deadline = time.monotonic() + sum(timeout)
        with self._send(request, timeout) as response:
            self.date_header = response.headers.get("Date")
            body = b""
            # read1 returns what has arrived. iter_content would wait until a whole piece is full.
            while piece := response.raw.read1(65_536, decode_content=False):
                body += piece
                if len(body) > max_bytes:
                    return response.status_code, None
                if time.monotonic() > deadline:
                    raise requests.ReadTimeout("the answer did not end in time")
        return response.status_code, decode(body, "Content-Encoding" in response.headers, max_bytes)
