"""Ctrl-C, SIGTERM and SIGHUP become exceptions, so that whoever started something also stops it."""

import signal
from types import FrameType


class Terminated(BaseException):
    """The process was told to end by SIGTERM or SIGHUP."""


def listen_for_termination() -> None:
    """Turn the two signals into `Terminated`, unless the caller has them ignored (`nohup`)."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _terminate)


def _terminate(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise Terminated
