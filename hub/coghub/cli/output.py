"""What a command says: results on stdout, everything else on stderr.

With colour (stderr is a terminal and nothing forbids it) lines carry icons and the step at work is
shown live; without, each line stands alone and is readable in a log file.
"""

import codecs
import io
import os
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from coghub.cli.live_line import LiveLine
from coghub.domain.errors import CoghubError

_RED, _YELLOW, _GREEN, _DIM, _RESET = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[2m", "\x1b[0m"


def may_colour(err: TextIO, environ: Mapping[str, str], *, is_refused: bool = False) -> bool:
    """Return whether icons, colours and live lines are wanted."""
    if is_refused or environ.get("NO_COLOR") or environ.get("COG_NO_COLOR"):
        return False
    if environ.get("TERM") == "dumb" or "utf" not in (err.encoding or "").lower():
        return False
    return err.isatty()


def standard_streams() -> tuple[TextIO, TextIO]:
    """Return stdout and stderr; nothing that a model says can be more than they can take.

    A stream that the caller has closed (`2>&-`) is replaced by one that goes nowhere.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name) or Path(os.devnull).open("w")  # noqa: SIM115 - kept open
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        setattr(sys, name, stream)
    return sys.stdout, sys.stderr


class Step:
    """A piece of work that the user waits for; see `Console.step`."""

    def __init__(self, console: "Console", text: str, live: LiveLine | None) -> None:
        self._console = console
        self._text = text
        self._live = live

    def tell(self, detail: str) -> None:
        """Show what goes on inside the step, in place of what was shown before."""
        if self._live:
            self._live.detail = detail

    def succeed(self, *, text: str | None = None, outcome: str = "", is_last: bool = False) -> None:
        """Leave a line that stays, on a terminal; without one the step has said its line.

        Args:
            text: what the line says in place of the step's own text.
            outcome: what came of it.
            is_last: what follows is set apart by an empty line.
        """
        self.hide()
        if self._console.is_rich:
            whole = f"{text or self._text} {outcome}".rstrip()
            self._console.say(f"{_GREEN}✓{_RESET} {whole}" + "\n" * is_last)

    def hide(self) -> None:
        """Show the step no longer, as when output begins to stream."""
        if self._live:
            self._live.close()


class Console:
    """The two streams of one command."""

    def __init__(self, out: TextIO, err: TextIO, *, is_rich: bool = False) -> None:
        self.is_rich = is_rich
        self._out = out
        self._err = err
        self._lock = threading.RLock()
        self._live: LiveLine | None = None
        self._log_decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._is_mid_line = False
        """A log has not ended its line."""
        self._is_result_mid_line = False
        """A result has not, on the terminal that shows the logs too."""

    @property
    def may_stream(self) -> bool:
        """Whether a person watches stdout, so that output is best shown piece by piece."""
        return self._out.isatty()

    def result(self, text: str) -> None:
        """Write to stdout, exactly this text; on a terminal not behind an unfinished log."""
        with self._lock:
            self._hide_live()
            if self._is_mid_line and self.may_stream:
                self._end_line()
            self._out.write(text)
            self._out.flush()
            if text and self.may_stream and self._err.isatty():
                self._is_result_mid_line = not text.endswith("\n")

    def say(self, text: str) -> None:
        """Write one line for people."""
        with self._lock:
            self._hide_live()
            if self._is_mid_line or self._is_result_mid_line:
                self._end_line()
            self._err.write(f"{text}\n")
            self._err.flush()

    def warn(self, text: str) -> None:
        self.say(f" {_YELLOW}⚠{_RESET} {text}" if self.is_rich else f"warning: {text}")

    def fail(self, error: CoghubError) -> None:
        """Say what went wrong, and on a line of its own what to do about it."""
        message, hint = error.message, error.hint
        self.say(f" {_RED}✗{_RESET} {message}" if self.is_rich else f"error: {message}")
        if hint:
            self.say(f"   {_DIM}{hint}{_RESET}" if self.is_rich else f"hint: {hint}")

    def log(self, content: bytes) -> None:
        """Pass on what the model printed, as it comes; it need not end with a line."""
        text = self._log_decoder.decode(content)
        if not text:
            return
        with self._lock:
            self._hide_live()
            if self._is_result_mid_line:
                self._end_line()
            self._err.write(text)
            self._err.flush()
            self._is_mid_line = not text.endswith("\n")

    @contextmanager
    def step(self, text: str, *, said_after_s: float = 0) -> Generator[Step]:
        """Show that work goes on: a line at its begin, or on a terminal one that moves.

        Args:
            text: what goes on.
            said_after_s: what is done sooner needs no line that stays.
        """
        if not self.is_rich:
            with self._said(text, said_after_s):
                yield Step(self, text, None)
            return
        live = LiveLine(text, self._draw)
        self._live = live
        try:
            with live:
                yield Step(self, text, live)
        finally:
            self._live = None

    @contextmanager
    def _said(self, text: str, after_s: float) -> Generator[None]:
        if not after_s:
            self.say(text)
            yield
            return
        timer = threading.Timer(after_s, self.say, [text])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _draw(self, line: str) -> None:
        """Put a line in place of the live one, unless the model is in the middle of its own."""
        with self._lock:
            if not self._is_mid_line:
                self._err.write(f"\r\x1b[K{line}")
                self._err.flush()

    def _end_line(self) -> None:
        self._is_mid_line = self._is_result_mid_line = False
        self._err.write("\n")
        self._err.flush()

    def _hide_live(self) -> None:
        if self._live and self._live.is_open:
            self._draw("")
