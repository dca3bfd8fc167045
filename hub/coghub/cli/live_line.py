"""The line at the bottom of a terminal that says what is being waited for, and for how long."""

import os
import threading
import time
from collections.abc import Callable
from types import TracebackType

INTERVAL_S = 0.1
ELAPSED_FROM_S = 1.0
"""Shorter waits need no clock."""
DEFAULT_COLUMNS = 80
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class LiveLine:
    """Draws itself again and again until it is closed."""

    def __init__(self, text: str, draw: Callable[[str], None]) -> None:
        self.text = text
        self.detail = ""
        self._draw = draw
        self._closed = threading.Event()
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="live line", daemon=True)

    @property
    def is_open(self) -> bool:
        return not self._closed.is_set()

    def __enter__(self) -> "LiveLine":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop drawing and clear the line; may be called twice."""
        if not self._closed.is_set():
            self._closed.set()
            self._thread.join()
            self._draw("")

    def _run(self) -> None:
        frame = 0
        while not self._closed.wait(INTERVAL_S):
            self._draw(line(self.text, self.detail, time.monotonic() - self._started, frame))
            frame += 1


def line(text: str, detail: str, elapsed_s: float, frame: int) -> str:
    """Return the line as drawn after some time, cut to the terminal's width."""
    spinner = _FRAMES[frame % len(_FRAMES)]
    clock = f" {elapsed_s:.0f} s" if elapsed_s >= ELAPSED_FROM_S else ""
    whole = f"{spinner} {text}{clock}" + (f" · {detail}" if detail else "")
    return whole[: _columns() - 1]


def _columns() -> int:
    try:
        return os.get_terminal_size(2).columns or DEFAULT_COLUMNS
    except OSError:
        return DEFAULT_COLUMNS
