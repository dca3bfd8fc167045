"""Bounds how often somebody may try: passwords cannot be guessed by the thousand."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from coghub.domain.errors import QueueFull

MAX_KEYS = 10_000


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


class Throttle:
    """Some attempts at once, and then one after the other; in memory, for each key."""

    def __init__(
        self, *, most: int, every_s: float, clock: Callable[[], float] = monotonic
    ) -> None:
        """Make it.

        Args:
            most: attempts that may follow each other at once.
            every_s: seconds until one more is allowed.
            clock: seconds, from anywhere on.
        """
        self._most = most
        self._every_s = every_s
        self._clock = clock
        self._buckets = OrderedDict[str, _Bucket]()

    def take(self, key: str) -> None:
        """Count an attempt.

        Raises:
            QueueFull: if there were too many; it says when to come again.
        """
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(self._most, now))
        self._buckets.move_to_end(key)
        bucket.left = min(self._most, bucket.left + (now - bucket.at_s) / self._every_s)
        bucket.at_s = now
        if len(self._buckets) > MAX_KEYS:
            self._buckets.popitem(last=False)
        if bucket.left < 1:
            wait_s = int((1 - bucket.left) * self._every_s) + 1
            raise QueueFull(f"Too many attempts; try again in {wait_s} s", wait_s)
        bucket.left -= 1

    def forget(self, key: str) -> None:
        """Let a key begin anew: the attempt was right."""
        self._buckets.pop(key, None)
