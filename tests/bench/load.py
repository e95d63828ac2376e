"""The load, meant for a process of its own: requests over kept connections, and how long each of
them took.
"""

import itertools
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from statistics import median


def run(
    port: int,
    requests: list[bytes],
    connections: int,
    seconds: float,
    expected: bytes,
    again=False,
    anew=False,
) -> dict:
    """Send each of `requests` once (`again`: over and over) until they are used up or the time is
    over.

    requests: whole HTTP requests. expected: what the bytes of every good answer contain. anew: each
    request has a connection of its own, as those of a shop's buyers have.
    Returns {"rate": requests per second, "latency": median in ms, "p99": ms, "slowest": ms, "sent":
    number}. Raises RuntimeError when an answer is not the expected one.
    """
    queue = itertools.cycle(requests) if again else iter(requests)  # next() of either is atomic
    latencies, wrong = [], []
    ready = threading.Barrier(connections + 1, timeout=30)
    deadline = float("inf")

    def send():
        with ExitStack() as stack:
            connection = None if anew else stack.enter_context(connect(port))
            ready.wait()
            while time.perf_counter() < deadline and (request := next(queue, None)):
                sent = time.perf_counter()
                if anew:
                    with connect(port) as own:
                        answer = exchange(own, request)
                else:
                    answer = exchange(connection, request)
                latencies.append((time.perf_counter() - sent) * 1000)
                if expected not in answer:
                    wrong.append(answer)

    with ThreadPoolExecutor(connections) as pool:
        senders = [pool.submit(send) for _ in range(connections)]
        ready.wait()
        started = time.perf_counter()
        deadline = started + seconds
        for sender in senders:
            sender.result()
        elapsed = time.perf_counter() - started
    refuse(wrong, len(latencies))
    sent = len(latencies)
    return {
        "rate": sent / elapsed,
        "latency": median(latencies),
        "p99": sorted(latencies)[int(len(latencies) * 0.99)],
        "slowest": max(latencies),
        "sent": sent,
    }


def crowd(
    port: int,
    page: bytes,
    expected_page: bytes,
    requests: list,
    buyers: int,
    seconds: float,
    expected: bytes,
):
    """Ask for one page after another, as `run` does, while so many buyers each send one of
    `requests` at a time.

    A buyer who is answered 503 sends it again, once its Retry-After is over. Returns {"page": what
    `run` returns, "200": number of expected answers, "503": number}. Raises RuntimeError when an
    answer is neither.
    """
    queue, good, busy, wrong = iter(requests), [], [], []
    deadline = time.perf_counter() + seconds

    def buy():
        request = next(queue, None)
        while request and time.perf_counter() < deadline:
            with connect(
                port
            ) as connection:  # anew, since servers close one that waits as long as a buyer does
                answer = exchange(connection, request)
            if answer.startswith(b"HTTP/1.1 503") and (wait := header(answer, b"retry-after")):
                busy.append(answer)
                time.sleep(min(wait, max(0, deadline - time.perf_counter())))
            else:
                (good if expected in answer else wrong).append(answer)
                request = next(queue, None)

    with ThreadPoolExecutor(buyers) as pool:
        buying = [pool.submit(buy) for _ in range(buyers)]
        found = run(port, [page], 1, seconds, expected_page, True)
        for buyer in buying:
            buyer.result()
    refuse(wrong, len(good) + len(busy) + len(wrong))
    return {"page": found, "200": len(good), "503": len(busy)}


def refuse(wrong, sent):
    if wrong:
        raise RuntimeError(
            f"{len(wrong)} of {sent} answers are wrong, the first: {wrong[0][:2000]!r}"
        )


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=120)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def exchange(connection: socket.socket, request: bytes) -> bytes:
    """One request and its whole answer, headers included."""
    connection.sendall(request)
    answer, length = b"", None
    while length is None or len(answer) < length:
        received = connection.recv(65_536)
        if not received:
            raise ConnectionError(f"the connection was closed after {answer[:200]!r}")
        answer += received
        if length is None and (end := answer.find(b"\r\n\r\n")) > 0:
            length = end + 4 + header(answer, b"content-length")
    return answer


def header(answer, name):
    """The number in one of an answer's headers, 0 without it."""
    head = answer.partition(b"\r\n\r\n")[0].lower()
    return int(head.partition(b"\r\n" + name + b":")[2].split(b"\r\n", 1)[0] or 0)


def http(method: str, path: str, body: bytes = b"", headers: dict | None = None) -> bytes:
    """A whole HTTP/1.1 request; a body is JSON."""
    headers = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": len(body),
        **(headers or {}),
    }
    if not body:
        del headers["Content-Type"], headers["Content-Length"]
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
