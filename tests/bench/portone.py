"""A PortOne for the benchmark, in a process of its own: every payment is PAID, after a delay that
can be set.

`GET /payments/{id}` is answered with the full record of a PAID payment of that id. `GET
/control/{ms}` sets the delay, in ms, and answers what happened since the last time: {"calls":
number of payments asked about, "connections": the numbers of the connections that were used for it,
which count from 1 as they come}.
"""

import asyncio
import itertools
import json

from tests.stand_in import record

STORE, CHANNEL, SECRET = "store-bench", "channel-key-bench", "secret"
NAME, AMOUNT = "나이키 와플 트레이너 2 SD", 1_000
PAYMENT = {
    "paymentId": "PAYMENT-ID",
    "storeId": STORE,
    "channelKey": CHANNEL,
    "orderName": NAME,
    "totalAmount": AMOUNT,
    "currency": "KRW",
}


def paid_record():
    """The record in two halves of JSON: between them goes the payment's id."""
    paid = record({"request": PAYMENT}, "PAID")
    paid["channel"]["type"] = "LIVE"
    return json.dumps(paid, ensure_ascii=False).encode().split(b"PAYMENT-ID")


class Connection(asyncio.Protocol):
    """Plain HTTP/1.1 with keep-alive.

    Only the request line is read, so that this is never the slowest part.
    """

    before, after = paid_record()
    delay, calls = 0.0, 0  # seconds; of all connections
    numbers, used = itertools.count(1), set()

    def connection_made(self, transport):
        self.transport, self.received = transport, b""
        self.number = next(self.numbers)

    def data_received(self, data):
        self.received += data
        if not self.received.endswith(b"\r\n\r\n"):
            return
        path = self.received.split(b" ", 2)[1].partition(b"?")[0]
        self.received, kind, name = b"", *path[1:].split(b"/")
        if kind == b"control":
            body = json.dumps(
                {"calls": Connection.calls, "connections": sorted(self.used)}
            ).encode()
            Connection.delay, Connection.calls = float(name) / 1000, 0
            self.used.clear()
            return self.answer(body)
        Connection.calls += 1
        self.used.add(self.number)
        body = self.before + name + self.after
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self.answer, body)
        else:
            self.answer(body)

    def answer(self, body):
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % len(body)
        )
        self.transport.write(head + body)


async def main():
    """Serve on a free port of loopback, which is printed."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=128)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
