"""The worker's standard output and error: flushed and usable again after each prediction."""

import io
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import TextIO


class StandardStreams:
    """The two pipes to the server, and what Python calls `sys.stdout` and `sys.stderr`."""

    def __init__(self) -> None:
        self._spares = (os.dup(1), os.dup(2))
        """For the case that user code closes 1 or 2; children do not inherit them."""
        self._ours = (sys.stdout, sys.stderr)
        self._modules_seen = 0
        self._flush_c: Callable[[], object] | None = None

    def prepare(self, *, is_routed: bool) -> None:
        """Write each line when it is whole, and never fail over a character.

        Before the model is imported: loggers keep the streams that they find then.
        `PYTHONUNBUFFERED`, which images set, would write each argument of a `print` by itself,
        and threads would print into each other's lines.
        """
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(
                    encoding="utf-8",
                    errors="backslashreplace",
                    line_buffering=True,
                    write_through=False,
                )
        if is_routed:
            from cog.worker import routing  # noqa: PLC0415 - most models do without

            routing.install()
        self._ours = (sys.stdout, sys.stderr)

    def settle(self) -> None:
        """Flush Python's and C's buffers, and open again what user code has closed."""
        try:
            os.get_inheritable(1)  # fails if it is closed, and is quicker than fstat
            os.get_inheritable(2)
            sys.stdout.flush()
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - user code may have put anything in their place
            self._restore()
        if len(sys.modules) != self._modules_seen:
            self._look_for_c_code()
        if self._flush_c is not None:
            self._flush_c()

    def _restore(self) -> None:
        for number, spare in enumerate(self._spares, start=1):
            if not _is_open(number):
                os.dup2(spare, number)
        stdout, stderr = self._ours
        sys.stdout, sys.stderr = _usable(sys.stdout, stdout, 1), _usable(sys.stderr, stderr, 2)
        self._ours = (sys.stdout, sys.stderr)

    def _look_for_c_code(self) -> None:
        """Load ctypes only once some module could have filled C's buffers."""
        self._modules_seen = len(sys.modules)
        if self._flush_c is None and any(map(_may_print_in_c, list(sys.modules.values()))):
            self._flush_c = _c_flush()


def _c_flush() -> Callable[[], object]:
    """Return what flushes C's stdout; its stderr has no buffer.

    All streams at once, `fflush(NULL)`, would wait for a thread that reads from one of them.
    """
    import ctypes  # noqa: PLC0415 - about 1 MB

    library = ctypes.CDLL(None)
    name = "__stdoutp" if sys.platform == "darwin" else "stdout"
    stdout = ctypes.c_void_p.in_dll(library, name)
    return lambda: library.fflush(stdout)


def _is_open(descriptor: int) -> bool:
    try:
        os.get_inheritable(descriptor)
    except OSError:
        return False
    return True


def _usable(stream: TextIO | None, original: TextIO | None, number: int) -> TextIO:
    """Return the first that can be written to, or else a new one."""
    for candidate in (stream, original):
        if candidate is not None and _can_flush(candidate):
            return candidate
    return io.TextIOWrapper(
        os.fdopen(number, "wb", closefd=False),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=True,
    )


def _can_flush(stream: TextIO) -> bool:
    try:
        stream.flush()
    except Exception:  # noqa: BLE001 - user code may have put anything in its place
        return False
    return True


def _may_print_in_c(module: object) -> bool:
    """Say whether a module is compiled code from outside of the standard library, or ctypes."""
    if not issubclass(type(module), ModuleType):
        return False
    # Not by `getattr`: a lazy module would load itself, or fail to.
    names = object.__getattribute__(module, "__dict__")
    path = names.get("__file__")
    is_compiled = isinstance(path, str) and path.endswith(".so") and "lib-dynload" not in path
    return is_compiled or names.get("__name__") == "ctypes"
