"""Which of several concurrent predictions a printed text belongs to: a context variable says.

What is printed without one, by a plain thread for instance, stays with the instance: no guess.
Only workers with more than one slot need this; for the others each byte of the pipes is the
prediction's.
"""

import io
import sys
import threading
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, TextIO

from cog.worker.connection import Connection
from cog.worker.messages import Log

MAX_TEXT = 256 * 1024
"""Characters in one message; more would go through a file."""
MAX_WAITING = 4096
"""Characters without a line's end that are kept back, at most."""


class PredictionLog:
    """What one prediction prints, sent line by line."""

    def __init__(self, seq: int, connection: Connection) -> None:
        self._seq = seq
        self._connection = connection
        self._waiting: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._lock = threading.RLock()
        self._is_ended = False

    @property
    def is_ended(self) -> bool:
        """Text goes to the pipes: the prediction has ended, or this is a forked child of it."""
        return self._is_ended or self._connection.is_foreign

    def write(self, stream: str, text: str) -> None:
        with self._lock:
            waiting = self._waiting[stream]
            waiting.append(text)
            if "\n" in text or len(waiting) > MAX_WAITING or len(text) > MAX_WAITING:
                self.flush(stream)

    def flush(self, stream: str) -> None:
        with self._lock:
            text = "".join(self._waiting[stream])
            self._waiting[stream] = []
            for start in range(0, 0 if self.is_ended else len(text), MAX_TEXT):
                part = text[start : start + MAX_TEXT]
                self._connection.send(Log(self._seq, stream, part))

    def end(self) -> None:
        """Send what waits; later text of this prediction's threads and tasks is the instance's."""
        with self._lock:
            self.flush("stdout")
            self.flush("stderr")
            self._is_ended = True


current: ContextVar[PredictionLog | None] = ContextVar("cog_prediction_log", default=None)
"""The log of the prediction that this task, or thread with its context, works for."""


def _log() -> PredictionLog | None:
    log = current.get()
    return None if log is None or log.is_ended else log


class RoutedStream(io.TextIOBase):
    """Stands in for `sys.stdout` or `sys.stderr`."""

    def __init__(self, name: str, pipe: TextIO) -> None:
        self._stream = name
        self._pipe = pipe
        self.buffer = RoutedBytes(self)
        """What programs write bytes to."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    def write(self, text: str) -> int:
        log = _log()
        if log is None:
            return self._pipe.write(text)
        log.write(self._stream, text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        log = _log()
        if log is None:
            self._pipe.flush()
        else:
            log.flush(self._stream)

    def fileno(self) -> int:
        return self._pipe.fileno()

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def reconfigure(self, **_options: Any) -> None:
        """Accept what `TextIOWrapper` accepts: there is nothing to choose."""

    def close(self) -> None:
        """Stay open: the other predictions print too."""


class RoutedBytes(io.RawIOBase):
    """Bytes for a `RoutedStream`."""

    def __init__(self, stream: RoutedStream) -> None:
        self._text = stream

    def write(self, content: Any) -> int:
        size: int = memoryview(content).nbytes
        self._text.write(bytes(content).decode(errors="replace"))
        return size

    def flush(self) -> None:
        self._text.flush()

    def fileno(self) -> int:
        return self._text.fileno()

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """Stay open, as the stream does."""


def install() -> None:
    """Put both streams in place of Python's own."""
    sys.stdout = RoutedStream("stdout", sys.stdout)
    sys.stderr = RoutedStream("stderr", sys.stderr)
