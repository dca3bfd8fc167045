"""Where the output of a prediction goes: `-o PATH`, or `output` here."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from coghub.domain.errors import UsageError

_COUNTER = re.compile(r"\.[0-9]+")
"""What looks like a suffix but is a number: `frame.1` still wants its `.png`."""


@dataclass(frozen=True, slots=True)
class OutputPlace:
    """The `-o` of a command, or its default name."""

    wanted: str | None = None
    default: str = "output"

    @property
    def is_given(self) -> bool:
        return bool(self.wanted)

    @property
    def path(self) -> Path:
        """The path as wanted; in a folder that exists, the default name inside it."""
        path = Path((self.wanted or self.default).removeprefix("@"))
        return path / self.default if self.is_given and path.is_dir() else path

    def check(self, *, writes_files: bool) -> None:
        """Do nothing if a file can be written there.

        Raises:
            UsageError: if not, before a long prediction is lost.
        """
        if not self.is_given and not writes_files:
            return
        if not self.is_given and self.path.is_dir():
            raise UsageError(
                f'Default output name "{self.default}" conflicts with directory, provide --output'
            )
        folder = self.path.parent
        if not folder.is_dir() or not os.access(folder, os.W_OK) or not _may_replace(self.path):
            raise UsageError(f"Output path is not writable: {self.path}")

    def single(self, suffix: str) -> Path:
        """Return where one file goes; its own suffix counts where the path has none."""
        own = self.path.suffix
        if own and not _COUNTER.fullmatch(own):
            return self.path
        return self.path.with_name(self.path.name + suffix)

    def numbered(self, index: int, suffix: str) -> Path:
        """Return where one file of several goes, such as `output.0.png`."""
        own = "" if _COUNTER.fullmatch(self.path.suffix) else self.path.suffix
        stem = self.path.name.removesuffix(own)
        return self.path.with_name(f"{stem}.{index}{own or suffix}")

    def labelled(self, label: str, suffix: str) -> Path:
        """Return where a file inside an object goes, such as `output.image.png`."""
        own = "" if _COUNTER.fullmatch(self.path.suffix) else self.path.suffix
        return self.path.with_name(f"{self.path.name.removesuffix(own)}.{label}{suffix or own}")

    def beside_json(self) -> "OutputPlace":
        """Return where files go when `-o` names the JSON that tells of them."""
        if not self.is_given or self.path.suffix != ".json":
            return OutputPlace(None if not self.is_given else str(self.path), self.default)
        return OutputPlace(str(self.path.with_suffix("")), self.default)


def _may_replace(path: Path) -> bool:
    return not path.exists() or (path.is_file() and os.access(path, os.W_OK))
