"""Keeps threads free for the pages while PortOne is slow."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import PortOneUnavailable

LOOKUPS_PER_MINUTE = 60  # of one payment: a flood of requests must not reach PortOne
SLOW_SECONDS = 1  # PortOne is slow if an answer takes longer …
BURST_ANSWERS = 10  # … unless so many others came meanwhile: then our own machine is busy
STAYS_SLOW_SECONDS = 3  # after a slow answer it counts as slow so long, or until a fast one
SLOW_LOOKUPS = 2  # how many look-ups may wait while it is slow


class LookupLimit:
    """Limits how many look-ups of one process wait for PortOne at the same time.

    Each of them occupies a thread of the web server. While PortOne is fast that does no harm; while
    it is slow, threads must be left for the pages.
    """

    def __init__(self, max_lookups: int | None) -> None:
        self._max_lookups = max_lookups
        self._lock = threading.Lock()
        self._minute = 0
        self._asked: Counter[str] = Counter()  # look-ups of each payment in this minute
        self._waiting: list[tuple[float, int]] = []  # (when it started, answers until then)
        self._answers = 0
        self._slow_until = 0.0

    @contextmanager
    def place(self, payment_id: str) -> Iterator[None]:
        """Takes a place for one look-up. Raises PortOneUnavailable at once if none is free."""
        started = time.monotonic()
        with self._lock:
            if started // 60 != self._minute:
                self._minute, self._asked = int(started // 60), Counter()
            if self._asked[payment_id] >= LOOKUPS_PER_MINUTE:
                raise PortOneUnavailable(f"looked up {LOOKUPS_PER_MINUTE} times in this minute")
            limit = self._max_lookups or (SLOW_LOOKUPS if self._is_slow(started) else None)
            if limit and len(self._waiting) >= limit:
                raise PortOneUnavailable(f"{limit} look-ups are waiting (PORTONE_MAX_LOOKUPS)")
            self._asked[payment_id] += 1
            place = (started, self._answers)
            self._waiting.append(place)
        try:
            yield
        finally:
            with self._lock:
                ended = time.monotonic()
                self._waiting.remove(place)
                was_slow = self._took_too_long(place, ended)
                self._slow_until = ended + STAYS_SLOW_SECONDS if was_slow else 0.0
                self._answers += 1

    def _is_slow(self, now: float) -> bool:
        return now < self._slow_until or any(
            self._took_too_long(place, now) for place in self._waiting
        )

    def _took_too_long(self, place: tuple[float, int], now: float) -> bool:
        started, answers = place
        return now - started > SLOW_SECONDS and self._answers - answers < BURST_ANSWERS
