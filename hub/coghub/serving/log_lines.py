"""What a hub logs: one line an event, on stderr.

A line is `key=value`, and a traceback follows it; or it is one JSON object with all of that. What
libraries log looks the same.

No token gets into the log, and no key of a URL, whoever wrote it into a value or a traceback.
"""

import asyncio
import json
import logging
import math
import re
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, TextIO

import structlog

from coghub.domain.audit import actor
from coghub.domain.ids import TOKEN_PREFIX

FIRST_KEYS = ("time", "level", "event")
TOKEN = re.compile(re.escape(TOKEN_PREFIX) + r"[\w-]+")
KEY = re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])")
"""As `new_key` makes them: the path of a file, of a stream, of an instance's callbacks."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
"""What could move a terminal's cursor, and so forge lines; not tab and newline."""

_Event = MutableMapping[str, Any]


def log_to(stream: TextIO, *, level: str, is_json: bool = False) -> None:
    """Send what this process logs to a stream, from this level on."""
    rendered = render_json if is_json else render
    number = logging.getLevelNamesMapping()[level.upper()]
    lines = _Lines(stream)
    structlog.configure(
        processors=[*PROCESSORS, rendered],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda: lines,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=rendered, foreign_pre_chain=PROCESSORS)
    )
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(max(number, logging.WARNING))
    # It warns of each malformed request: anyone could fill the disk.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    logging.getLogger("uvicorn.error").addFilter(is_no_stop)


def is_no_stop(record: logging.LogRecord) -> bool:
    """Tell whether a record is of more than a request that was cut off because the hub stops."""
    is_cut_off = bool(record.exc_info) and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not is_cut_off and not record.getMessage().startswith("Cancel ")


class _Lines:
    """Writes lines; a reader of the log that went away stops nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        with suppress(OSError, ValueError):  # ValueError: the stream is closed
            self._stream.write(f"{line}\n")
            self._stream.flush()

    debug = info = warning = error = critical = exception = write


def render(_logger: Any, _method: str, event: _Event) -> str:
    """Return the line of an event, and its traceback below it."""
    traceback = _own(event).pop("exception", None) or ""
    line = _logfmt(None, "", {name: _plain(value) for name, value in event.items()})
    text = "\n  ".join([line, *traceback.splitlines()])
    return CONTROL.sub(_escaped, redacted(text))


def render_json(_logger: Any, _method: str, event: _Event) -> str:
    """Return an event as one JSON object; a traceback is its `exception`."""
    first = {name: event.pop(name) for name in FIRST_KEYS if name in _own(event)}
    values = {name: _plain(value) for name, value in {**first, **event}.items()}
    return json.dumps(values, ensure_ascii=False)


def _own(event: _Event) -> _Event:
    """Return an event without what the library keeps in it."""
    event.pop("_record", None)
    event.pop("_from_structlog", None)
    return event


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, without secrets: escapes would hide them later."""
    is_plain = isinstance(value, bool | int | None)
    is_plain = is_plain or (isinstance(value, float) and math.isfinite(value))
    return value if is_plain else redacted(str(value))


def redacted(text: str) -> str:
    """Return a text without tokens and keys."""
    return KEY.sub("…", TOKEN.sub(f"{TOKEN_PREFIX}…", text))


def _escaped(match: re.Match[str]) -> str:
    return f"\\x{ord(match[0]):02x}"


def _with_actor(_logger: Any, _method: str, event: _Event) -> _Event:
    """Name the account whose request it is about, where nothing nearer does."""
    if (account_id := actor().account_id) is not None:
        event.setdefault("account_id", account_id)
    return event


def _loud(_logger: Any, _method: str, event: _Event) -> _Event:
    event["level"] = str(event["level"]).upper()
    return event


_logfmt = structlog.processors.LogfmtRenderer(
    key_order=FIRST_KEYS, drop_missing=True, bool_as_flag=False
)

PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    _with_actor,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%SZ", utc=True, key="time"),
    structlog.processors.format_exc_info,
    _loud,
]
