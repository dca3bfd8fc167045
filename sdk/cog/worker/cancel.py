"""Canceling synchronous user code: a `Cancel` frame says what to stop, a signal is the doorbell.

The signal's handler runs on the main thread, between two instructions of whatever runs there. It
may raise only while user code of a prediction is *armed*; while our own code runs it notes that the
bell rang, and we look at the socket before user code runs again. So a late cancel changes nothing.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol, TypeVar

from cog.errors import CancelationException

T = TypeVar("T")

RING_AGAIN_S = 0.005
"""Between two tries to raise an exception that got lost; short beside any cleanup."""


def cancel_signal() -> int:
    """Return the signal that server and worker use as the doorbell.

    A real-time signal: libraries take SIGUSR1 and SIGUSR2. macOS has none, and nobody uses its
    SIGURG, which Go picked for the same reason.
    """
    lowest: int | None = getattr(signal, "SIGRTMIN", None)
    return int(signal.SIGURG) if lowest is None else int(lowest) + 7


class Frames(Protocol):
    """What the bell needs of the connection."""

    def read_waiting(self) -> None: ...
    def take_cancel(self, seq: int) -> bool: ...


class CancelBell:
    """Runs user code so that the `Cancel` of its very prediction interrupts it, once."""

    def __init__(self, connection: Frames) -> None:
        self._connection = connection
        self._armed = 0
        """The seq whose user code runs now, or 0."""
        self._rang = False
        self._is_answering = False
        self._canceled = 0
        """The last seq that was canceled."""
        self._raised: CancelationException | None = None
        """What the armed call was told, or None: it is told once."""
        self._lost: CancelationException | None = None
        """What was raised where Python drops exceptions, such as in `__del__`."""
        self._main_thread = threading.get_ident()

    def install(self) -> None:
        """Take the signal; must run on the main thread."""
        signal.signal(cancel_signal(), self._ring)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {cancel_signal()})
        report, sys.unraisablehook = sys.unraisablehook, self._unraisable
        self._report_unraisable = report

    def uninstall(self) -> None:
        """Let go of the signal: nobody rings at a forked child."""
        signal.signal(cancel_signal(), signal.SIG_DFL)

    def call(self, seq: int, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Call user code of `seq`; ask `is_canceled` afterwards, however it ended.

        Raises:
            CancelationException: if it was canceled.
            BaseException: what user code raises.
        """
        self._armed = 0
        self._raised = self._lost = None
        try:
            self._armed = seq
            if self._rang:
                self._answer()
            return function(*args, **kwargs)
        finally:
            self._armed = 0

    def is_canceled(self, seq: int) -> bool:
        """Say whether `seq` was canceled, also by a bell that rang outside of user code."""
        if self._rang and self._canceled != seq:
            self._look(seq)
        return self._canceled == seq

    def look(self, seq: int) -> None:
        """Look for a `Cancel` that came together with its `Predict`."""
        if self._connection.take_cancel(seq):
            self._canceled = seq

    @contextmanager
    def shielded(self) -> Generator[None]:
        """Keep the bell from raising while user code is inside ours; on any thread."""
        if threading.get_ident() != self._main_thread:
            yield
            return
        armed, self._armed = self._armed, 0
        try:
            yield
        finally:
            self._armed = armed
            if self._rang:
                self._answer()

    def _ring(self, _signal: int, _frame: FrameType | None) -> None:
        self._rang = True
        self._answer()

    def _answer(self) -> None:
        """Raise if the armed prediction is canceled and was not told yet."""
        while self._rang and self._armed and not self._is_answering and self._raised is self._lost:
            seq = self._armed
            self._is_answering = True
            try:
                self._look(seq)
            finally:
                self._is_answering = False
            if self._canceled == seq:
                self._raised = CancelationException("The prediction was canceled")
                raise self._raised

    def _look(self, seq: int) -> None:
        self._rang = False
        if self._canceled != seq:
            self._connection.read_waiting()
            self.look(seq)

    def _unraisable(self, unraisable: "sys.UnraisableHookArgs") -> None:
        if unraisable.exc_value is None or unraisable.exc_value is not self._raised:
            self._report_unraisable(unraisable)
        elif self._armed:
            threading.Thread(
                target=self._ring_again, args=(self._armed, self._raised), daemon=True
            ).start()
            self._lost = self._raised

    def _ring_again(self, seq: int, lost: CancelationException) -> None:
        """Ring until it was raised anew; on a thread of its own, as the hook may not raise."""
        time.sleep(RING_AGAIN_S)
        while self._armed == seq and self._raised is lost:
            signal.pthread_kill(self._main_thread, cancel_signal())
            time.sleep(RING_AGAIN_S)
