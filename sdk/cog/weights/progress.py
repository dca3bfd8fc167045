"""A bar on stderr, in the form that pages and terminals know: `name:  45%|####    | 1.8G/4.0G`."""

import sys
import threading
import time
from types import TracebackType

from cog.weights.partial import Partial

EVERY_S = 0.5
WIDTH = 20
MINUTE_S = 60
UNIT = 1000


class Progress:
    """Shows how much has come."""

    def __init__(self, name: str, size_bytes: int | None, part: Partial) -> None:
        self._name = name
        self._size = size_bytes
        self._before = part.there_bytes
        self._came = 0
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._shown = 0.0

    def add(self, count: int) -> None:
        """Count bytes that have come."""
        with self._lock:
            self._came += count
            now = time.monotonic()
            if now - self._shown < EVERY_S:
                return
            self._shown = now
        self._show()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._show("\n")

    def _show(self, end: str = "") -> None:
        came, took = self._before + self._came, max(time.monotonic() - self._began, 1e-3)
        rate = self._came / took
        if self._size:
            part = came / self._size
            bar = ("#" * int(WIDTH * part)).ljust(WIDTH)
            left = _clock((self._size - came) / rate) if rate else "?"
            shown = f"{part:4.0%}|{bar}| {_bytes(came)}/{_bytes(self._size)} [{_clock(took)}<{left}"
        else:
            shown = f"{_bytes(came)} [{_clock(took)}"
        sys.stderr.write(f"\r{self._name}: {shown}, {_bytes(rate)}B/s]{end}")
        sys.stderr.flush()


def _bytes(count: float) -> str:
    for unit in ("", "k", "M"):
        if count < UNIT:
            return f"{count:.0f}{unit}" if not unit else f"{count:.1f}{unit}"
        count /= UNIT
    return f"{count:.2f}G"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // MINUTE_S:02d}:{int(seconds) % MINUTE_S:02d}"
