"""Spans of time that lists can be narrowed to."""

from collections.abc import Mapping
from datetime import datetime, timedelta

TIMES: Mapping[str, tuple[str, timedelta]] = {
    "hour": ("Last hour", timedelta(hours=1)),
    "day": ("Last day", timedelta(days=1)),
    "week": ("Last week", timedelta(days=7)),
    "month": ("Last 30 days", timedelta(days=30)),
}
"""Word in the address → what people read, and how long it is."""


def since(word: str, now: datetime) -> datetime | None:
    """Return when a span began; None is ever since."""
    return now - TIMES[word][1] if word in TIMES else None
