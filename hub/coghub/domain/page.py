"""Lists that are given out in pages: a page goes on where the last one ended, not at a count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: behind, or before, the row with this moment and key."""

    moment: datetime
    key: str | int
    """Orders rows of the same moment, and is the row's own."""
    is_backward: bool = False
    """The page ends before the row, instead of beginning behind it."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, and where to go on in both directions."""

    items: Sequence[T]
    next: Cursor | None = None
    previous: Cursor | None = None
