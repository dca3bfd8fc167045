"""What is said about user code's exceptions: a line for the client, a traceback for the logs."""

import os
import sys
from types import TracebackType

import cog

_PACKAGE = os.path.dirname(os.path.abspath(cog.__file__))  # noqa: PTH100, PTH120 - a text is wanted
OURS = (_PACKAGE + os.sep, "<frozen importlib.")
"""Frames of these files at the head of a traceback tell the user nothing."""

MAX_LENGTH = 64 * 1024
"""Characters of a message that clients get; all of it is in the logs."""


def describe(error: BaseException) -> str:
    """Return `Type: message`, also for an exception whose message cannot be made."""
    return f"{type(error).__qualname__}: {message(error)}"


def message(error: BaseException) -> str:
    """Return `str(error)`, or a word about its failure: `__str__` is user code."""
    try:
        return str(error)[:MAX_LENGTH]
    except BaseException:  # noqa: BLE001 - user code
        return "<exception str() failed>"


def print_traceback(error: BaseException) -> None:
    """Print the traceback on stderr without our own frames; never raises."""
    import traceback  # noqa: PLC0415 - most workers never need it

    try:
        lines = traceback.format_exception(type(error), error, _of_user(error.__traceback__))
        text = "".join(lines)
    except BaseException:  # noqa: BLE001 - out of memory, or user code: a __str__
        text = f"{describe(error)}\n"
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - user code may have replaced stderr
        os.write(2, text.encode(errors="replace"))


def _of_user(traceback: TracebackType | None) -> TracebackType | None:
    while traceback is not None and traceback.tb_frame.f_code.co_filename.startswith(OURS):
        traceback = traceback.tb_next
    return traceback
