"""Bounds what is kept of a prediction's log: its head, its end, and how much was between."""

from collections import deque

HALF_CHARACTERS = 8 * 1024**2
"""Of the head, and as much of the end."""


class LogBudget:
    """Decides what of a growing log is kept."""

    def __init__(self, half: int = HALF_CHARACTERS) -> None:
        self._half = half
        self._left = half
        self._tail = deque[str]()
        self._tail_size = 0
        self._dropped = 0

    def take(self, text: str) -> str:
        """Return what of the next piece is kept now; the end of the log comes with `rest`."""
        head, tail = text[: self._left], text[self._left :]
        self._left -= len(head)
        if tail:
            self._tail.append(tail)
            self._tail_size += len(tail)
        while self._tail_size > self._half:
            self._drop(self._tail.popleft())
        return head

    def rest(self) -> str:
        """Return the end of the log, behind a line that says what is missing."""
        gap = f"\n[… {self._dropped} characters of logs dropped …]\n" if self._dropped else ""
        return gap + "".join(self._tail)

    def _drop(self, piece: str) -> None:
        excess = self._tail_size - self._half
        kept = piece[excess:]
        if kept:
            self._tail.appendleft(kept)
        self._tail_size -= len(piece) - len(kept)
        self._dropped += len(piece) - len(kept)
