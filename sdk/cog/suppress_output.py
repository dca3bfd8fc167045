"""Silence around code that prints too much, C code and child processes included."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout


@contextmanager
def suppress_output() -> Generator[None, None, None]:
    """Throw away what is written to standard output and error until the block ends.

    It holds for the whole process: other threads are silenced too.
    """
    _flush()
    kept = [(number, os.dup(number)) for number in (1, 2)]
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a text
        try:
            for number, _ in kept:
                os.dup2(nowhere.fileno(), number)
            with redirect_stdout(nowhere), redirect_stderr(nowhere):
                yield
        finally:
            _flush()
            for number, copy in kept:
                os.dup2(copy, number)
                os.close(copy)


def _flush() -> None:
    """Write what Python still buffers, so that it goes where it was meant to go."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
