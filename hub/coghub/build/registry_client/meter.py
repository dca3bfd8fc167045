"""How far a push or pull is: bytes, rate, and the time that is left."""

import threading
import time
from collections import deque
from collections.abc import Callable

from coghub.build.events import Progress, Report, Step
from coghub.domain.size import size_text

SHOWN_EVERY_S = 0.1
SAID_EVERY_S = 10.0
"""Where nobody watches: a line each time, which `Report` passes on to a log file."""
WINDOW_S = 5.0
"""The rate is that of the last seconds, not of a whole hour."""
MINUTE_S = 60


class Meter:
    """Counts what travels; safe to use from many threads."""

    def __init__(
        self, verb: str, total: int, report: Report, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.verb = verb
        """Such as "Pushed"."""
        self.total = total
        self.moved = 0
        """Bytes that went over the wire, those that had to go twice included."""
        self.done = 0
        """Bytes that are at their place, wherever they came from."""
        self.spared = 0
        """Bytes that were there before."""
        self._report = report
        self._now = now
        self._lock = threading.Lock()
        self._shown_at = self._said_at = now()
        self._recent = deque([(self._shown_at, 0)])

    def advance(self, done: int, *, moved: int = 0) -> None:
        """Note bytes that are at their place, fewer when some have to go again."""
        with self._lock:
            self.done += done
            self.moved += moved
            self._tell()

    def spare(self, count: int) -> None:
        """Note bytes that were there before."""
        with self._lock:
            self.spared += count
        self.advance(count)

    def _tell(self) -> None:
        now = self._now()
        if now - self._said_at >= SAID_EVERY_S:
            self._said_at = self._shown_at = now
            self._report(Step(self._line(now)))
        elif now - self._shown_at >= SHOWN_EVERY_S:
            self._shown_at = now
            self._report(Progress(self._line(now)))

    def _line(self, now: float) -> str:
        self._recent.append((now, self.moved))
        while now - self._recent[0][0] > WINDOW_S:
            self._recent.popleft()
        began, before = self._recent[0]  # the point of now is always there
        rate = (self.moved - before) / max(now - began, 0.001)
        line = f"{self.verb} {size_text(self.done)} of {size_text(self.total)}"
        if not rate:
            return line
        return f"{line}, {size_text(rate)}/s, {_time_text((self.total - self.done) / rate)} left"


def _time_text(seconds: float) -> str:
    minutes = int(seconds) // MINUTE_S
    return f"{minutes} min" if minutes else f"{max(seconds, 0):.0f} s"
