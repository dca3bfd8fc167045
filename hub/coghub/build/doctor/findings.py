"""What a check says: where something is wrong, how bad it is, and what would mend it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """The model cannot be built, run or given away like this."""
    WARNING = "warning"
    """It may go wrong elsewhere, or later."""
    INFO = "info"
    """Good to know."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A part of a file's text gives way to another; equal ends insert."""

    path: str
    """Below the project, with slashes."""
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Rename:
    """A file gets another name, after its edits."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Changes that belong together."""

    description: str
    edits: tuple[Edit, ...]
    renames: tuple[Rename, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check says."""

    check: str
    """Its id, as in Cog where Cog has the check."""
    level: Level
    message: str
    path: str | None = None
    line: int | None = None
    hint: str | None = None
    fix: Fix | None = None

    @property
    def place(self) -> str:
        """Where it is, such as "predict.py:12"; "" if nowhere."""
        if self.path is None:
            return ""
        return self.path if self.line is None else f"{self.path}:{self.line}"


Findings = Iterator[Finding]
