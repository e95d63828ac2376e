"""The load, meant for a process of its own: requests over kept connections, and how long each of them took."""

import itertools
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median


def run(port: int, requests: list[bytes], connections: int, seconds: float, expected: bytes, again=False) -> dict:
    """Send each of `requests` once (`again`: over and over) until they are used up or the time is over.

    requests: whole HTTP requests. expected: what the bytes of every good answer contain.
    Returns {"rate": requests per second, "latency": median in ms, "sent": number}. Raises RuntimeError when an answer
    is not the expected one.
    """
    queue = itertools.cycle(requests) if again else iter(requests)  # next() of either is atomic
    latencies, wrong = [], []
    ready = threading.Barrier(connections + 1, timeout=30)
    deadline = float("inf")

    def send():
        with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ready.wait()
            while time.perf_counter() < deadline and (request := next(queue, None)):
                sent = time.perf_counter()
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
    if wrong:
        raise RuntimeError(f"{len(wrong)} of {len(latencies)} answers are wrong, the first: {wrong[0][:2000]!r}")
    return {"rate": len(latencies) / elapsed, "latency": median(latencies), "sent": len(latencies)}


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
            head = answer[:end].lower()
            length = end + 4 + int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
    return answer


def http(method: str, path: str, body: bytes = b"", headers: dict | None = None) -> bytes:
    """A whole HTTP/1.1 request; a body is JSON."""
    headers = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": len(body), **(headers or {})}
    if not body:
        del headers["Content-Type"], headers["Content-Length"]
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
