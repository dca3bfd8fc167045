"""From a cancel to the end of what it names, or of the worker."""

import asyncio
from collections.abc import Callable

RING_AGAIN_S = 0.1
"""Long enough for a model that heeds the first ring; doubles, so that no cleanup is pestered."""


class Grace:
    """Rings at the worker until `end`, and gives up on it after a while.

    One ring can go unheard: the kernel may hand the signal to another thread of the model's, or in
    the moment before a system call begins to block, and the main thread sleeps on.
    """

    def __init__(
        self, seconds: float, *, ring: Callable[[], None] | None, give_up: Callable[[], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._ring = ring
        self._limit = self._loop.call_later(seconds, self._give_up, give_up)
        self._again: asyncio.TimerHandle | None = None
        if ring is not None:
            self._ring_and_wait(RING_AGAIN_S)

    def end(self) -> None:
        """Leave the worker alone."""
        self._limit.cancel()
        if self._again is not None:
            self._again.cancel()

    def _ring_and_wait(self, pause_s: float) -> None:
        assert self._ring is not None
        self._ring()
        self._again = self._loop.call_later(pause_s, self._ring_and_wait, 2 * pause_s)

    def _give_up(self, give_up: Callable[[], None]) -> None:
        self.end()
        give_up()
