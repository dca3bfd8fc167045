"""How a hub's process is told to stop: once to finish what it does, twice to end at once."""

import asyncio
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager

import structlog

log = structlog.get_logger()

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
EXIT_AT_ONCE = 130


class Stop:
    """Is set by the first signal; remembers which."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.signal: signal.Signals | None = None

    def ask(self, number: signal.Signals) -> None:
        """Note the first wish to stop; at the second, end: a hub may be killed at any moment."""
        if self.signal is not None:
            log.warning("hub stopped at once", signal=number.name)
            os._exit(EXIT_AT_ONCE)
        self.signal = number
        log.info("hub stopping", signal=number.name)
        self.event.set()


@contextmanager
def signals_heard() -> Generator[Stop]:
    """Return what a signal to stop sets inside the block, in place of what it did before.

    What the caller has ignored (`nohup`) stays ignored.
    """
    stop, loop = Stop(), asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    before = {number: it for number, it in before.items() if it is not signal.SIG_IGN}
    for number in before:
        loop.add_signal_handler(number, stop.ask, number)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
