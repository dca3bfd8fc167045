"""The templates of pages, and how values look in them."""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from coghub.domain.clock import iso
from coghub.domain.size import size_text

FOLDER = Path(__file__).with_name("templates")
SHORT_CHARACTERS = 120
MINUTE_S = 60
MILLISECONDS = 1000


def environment(*folders: Path) -> Environment:
    """Return the templates of some folders, and of those that all pages share."""
    made = Environment(
        loader=FileSystemLoader([*folders, FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        iso=iso,
        time=_time,
        json=to_json,
        pretty=_pretty,
        shortened=_shortened,
        unquoted=_unquoted,
        seconds=_seconds,
        bytes=size_text,
        logs=_logs,
    )
    return made


def _time(moment: datetime | None) -> Markup:
    """Return a moment that a script puts in the reader's own words."""
    if moment is None:
        return Markup("")
    text = escape(iso(moment))
    shown = escape(f"{moment:%Y-%m-%d %H:%M} UTC")
    return Markup('<time datetime="{}">{}</time>').format(text, shown)


def to_json(value: Any) -> str:
    """Return a value as JSON."""
    return msgspec.json.encode(value).decode()


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _shortened(text: str) -> str:
    return text if len(text) <= SHORT_CHARACTERS else f"{text[:SHORT_CHARACTERS]}…"


def _unquoted(text: str) -> str:
    """Return a text that stands there as JSON as it is meant; other JSON stays."""
    try:
        value = msgspec.json.decode(text) if text else ""
    except msgspec.DecodeError:
        return text
    return value if isinstance(value, str) else text


def _seconds(value: float) -> str:
    if value < MINUTE_S:
        return f"{value:.1f} s" if value >= 1 else f"{value * MILLISECONDS:.0f} ms"
    minutes, seconds = divmod(round(value), MINUTE_S)
    hours, minutes = divmod(minutes, MINUTE_S)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def _logs(text: str) -> str:
    """Return logs as a terminal shows them: a carriage return writes over the line."""
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    parts = [part for part in line.split("\r") if part]
    return parts[-1] if parts else ""
