"""What a run sees of weights; here nothing else is, since every command knows the word."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Shown:
    """A tree of files, and where a run sees it."""

    tree: Path
    target: str
