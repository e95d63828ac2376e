"""A stand-in for PortOne's REST API: a real HTTP server on loopback that misbehaves on command.

    with PortOne() as portone:
        shop = make_shop(PORTONE_API_BASE=portone.url)
        order = shop.order()
        portone.records[order["paymentId"]] = record(order, "PAID")
        shop.complete(order)
        portone.fault = answer(500, {"type": "INTERNAL"})

A fault is any function of the call (`Call` below); it holds for every call until `portone.fault` is
None again.
"""

import itertools
import json
import socket
import threading
import time
from contextlib import suppress
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


class PortOne:
    """`records`: paymentId -> the JSON of GET /payments/{id}, which is a 404 without one; a POST
    gets `{}`.

    `calls`: what was asked, as (method, raw path, headers, body). `sent`: bytes of bodies and
    garbage that went out. `connections`: how many were accepted. `released`: once set, calls that
    hang go on.
    """

    def __init__(self, port=0):
        self.records, self.calls, self.fault = {}, [], None
        self.sent, self.connections = 0, 0
        self.released = threading.Event()
        self._port, self._open = port, set()

    def __enter__(self):
        self._server = _Server(("127.0.0.1", self._port), Call)
        self._server.portone = self
        self._port = self._server.server_port
        self.url = f"http://127.0.0.1:{self._port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        """Nobody listens any more, and what is connected is cut off.

        `with portone:` opens the same port again.
        """
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self.cut()

    def wait_for_calls(self, number, seconds=10):
        """Return once so many calls have come in."""
        deadline = time.monotonic() + seconds
        while len(self.calls) < number:
            assert time.monotonic() < deadline, f"{len(self.calls)} of {number} calls came in"
            time.sleep(0.005)

    def cut(self):
        """End every connection."""
        for connection in list(self._open):
            with suppress(OSError):  # it ended by itself
                connection.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A client that hangs up is what the tests are about."""


class Call(BaseHTTPRequestHandler):
    """One call at PortOne. A fault may use `answer`, `send`, and everything of the base class."""

    protocol_version = "HTTP/1.1"  # connections are kept, as PortOne keeps them

    def setup(self):
        super().setup()
        self.portone = self.server.portone
        self.portone.connections += 1
        self.portone._open.add(self.connection)

    def finish(self):
        self.portone._open.discard(self.connection)
        super().finish()

    def do_GET(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.portone.calls.append((self.command, self.path, dict(self.headers), self.body))
        (self.portone.fault or Call.answer_well)(self)

    do_POST = do_GET

    def answer_well(self):
        if self.command == "POST":
            return self.answer(200, {})
        if urlsplit(self.path).path == "/payments":
            return self.answer(200, self.listed())
        record = self.portone.records.get(unquote(urlsplit(self.path).path.rpartition("/")[2]))
        if record is None:
            return self.answer(404, {"type": "PAYMENT_NOT_FOUND", "message": "no such payment"})
        self.answer(200, record)

    def listed(self):
        """GET /payments: every record of the wanted status, whenever it changed, in one page."""
        query = parse_qs(urlsplit(self.path).query)["requestBody"][0]
        wanted = json.loads(query)["filter"].get("status")
        items = [
            each
            for each in self.portone.records.values()
            if isinstance(each, dict) and (not wanted or each.get("status") in wanted)
        ]
        return {"items": items, "page": {"number": 0, "size": 1000, "totalCount": len(items)}}

    def answer(self, status, body, headers=()):
        """`body`: bytes, or what json.dumps takes.

        `headers` may replace Content-Length and Content-Type.
        """
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": len(body), **dict(headers)}
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ['?'])[0]}"]
        lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
        self.close_connection = headers["Content-Length"] not in range(
            len(body) + 1
        )  # it is waited for, in vain
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def send(self, data):
        self.wfile.write(data)
        self.portone.sent += len(data)

    def log_message(self, *_):
        pass


def answer(status=200, body=b"", headers=()):
    """A fault: this answer to every call."""
    return lambda call: call.answer(status, body, headers)


def hang(call):
    """A fault: no byte until `portone.released` is set, then the answer that was due."""
    call.portone.released.wait()
    call.answer_well()


def stall(first):
    """A fault: these bytes, then nothing until `portone.released` is set, then the end of the
    connection."""

    def fault(call):
        call.close_connection = True
        call.send(first)
        call.portone.released.wait()

    return fault


def drip(first, drop, pause):
    """A fault: these bytes, then `drop` again and again, with a pause (seconds) between, until the
    client is gone."""

    def fault(call):
        call.close_connection = True
        call.send(first)
        while not call.portone.released.wait(pause):
            call.send(drop)

    return fault


_clock = itertools.count()


def record(order, status, **changes):
    """PortOne's full record of a payment, as of a second after the one before.

    order: the JSON that POST /orders or POST /orders/{id}/payments answered. changes: top-level
    fields instead. A CANCELLED one was paid and refunded; without its `paidAt` it is a virtual
    account that was closed.
    """
    request = order["request"]
    moment = (datetime(2026, 1, 1) + timedelta(seconds=next(_clock))).isoformat() + ".123456789Z"
    total = request["totalAmount"]
    cancelled = {"CANCELLED": total, "PARTIAL_CANCELLED": total // 4}.get(status, 0)
    vat = round(total / 11)
    cancellation = {
        "status": "SUCCEEDED",
        "id": "cancellation-1",
        "totalAmount": cancelled,
        "taxFreeAmount": 0,
        "vatAmount": 0,
        "reason": "refund",
        "requestedAt": moment,
        "cancelledAt": moment,
    }
    account = {
        "type": "PaymentMethodVirtualAccount",
        "bank": "SHINHAN",
        "accountNumber": "56001234567890",
        "accountType": "NORMAL",
        "remitteeName": "스토어",
        "issuedAt": moment,
        "expiredAt": "2099-12-31T14:59:59Z",
    }
    extra = {
        "VIRTUAL_ACCOUNT_ISSUED": {"method": account},
        "PAID": {"paidAt": moment, "disputes": []},
        "PARTIAL_CANCELLED": {
            "paidAt": moment,
            "cancelledAt": moment,
            "cancellations": [cancellation],
        },
        "CANCELLED": {"paidAt": moment, "cancelledAt": moment, "cancellations": [cancellation]},
        "FAILED": {
            "failedAt": moment,
            "failure": {"reason": "한도초과", "pgCode": "51", "pgMessage": "한도초과"},
        },
    }.get(status, {})
    return {
        "status": status,
        "id": request["paymentId"],
        "transactionId": "transaction-1",
        "merchantId": "merchant-1",
        "storeId": request["storeId"],
        "channel": {
            "type": "TEST",
            "id": "channel-1",
            "key": request["channelKey"],
            "name": "테스트",
            "pgProvider": "TOSSPAYMENTS",
            "pgMerchantId": "tosstest",
        },
        "version": "V2",
        "requestedAt": "2026-01-01T00:00:00Z",
        "updatedAt": moment,
        "statusChangedAt": moment,
        "orderName": request["orderName"],
        "amount": {
            "total": total,
            "taxFree": 0,
            "vat": vat,
            "supply": total - vat,
            "discount": 0,
            "paid": total,
            "cancelled": cancelled,
            "cancelledTaxFree": 0,
        },
        "currency": request["currency"],
        "customer": {
            "name": "홍길동",
            "email": "buyer@example.com",
            "phoneNumber": "010-1234-5678",
        },
        "origin": {
            "platformType": "PC",
            "ipAddress": "203.0.113.7",
            "url": "https://shop.example/",
        },
        "method": {
            "type": "PaymentMethodCard",
            "card": {"name": "신한카드"},
            "approvalNumber": "00000000",
        },
        **extra,
        **changes,
    }
