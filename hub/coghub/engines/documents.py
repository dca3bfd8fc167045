"""A model's OpenAPI document: asked of the model itself, and remembered while its sources stay.

Asking means to import the model's code, which for a large library takes seconds; so the answer is
kept under a digest of everything that it is likely to depend on.
"""

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coghub.domain.errors import ModelUnreadable
from coghub.engines.base import OnLog
from coghub.engines.interrupts import uninterrupted

FORMAT = 1
"""Rises when what is kept, or how it is named, changes."""
SUFFIXES = frozenset({".py", ".json", ".yaml", ".yml", ".toml", ".txt", ".csv"})
"""Sources, and the small files that choices and defaults are commonly read from."""
MAX_HASHED_BYTES = 1024**2
MAX_ENTRIES = 20_000
"""A project with more files than this is not searched to the end."""
SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages"})


@dataclass(frozen=True, slots=True)
class Question:
    """What the document depends on, and how to ask for it."""

    python: Path
    folder: Path
    environ: Mapping[str, str]
    predict: str | None
    train: str | None
    environment_key: str
    sdk: Path

    @property
    def command(self) -> list[str]:
        """The command that prints the document."""
        references = (("--predict", self.predict), ("--train", self.train))
        flags = [part for flag, value in references if value for part in (flag, value)]
        return [str(self.python), "-m", "cog.schema", *flags]

    @property
    def digest(self) -> str:
        """Equal as long as the answer is most likely the same."""
        summary = hashlib.sha256()
        schema_code = self.sdk / "cog" / "schema"
        parts = (FORMAT, self.folder, self.predict, self.train, self.environment_key, self.sdk)
        summary.update(repr(parts).encode("utf-8", "surrogateescape"))
        for path in sorted([*_sources(self.folder), *_sources(schema_code)]):
            summary.update(os.fsencode(path) + b"\0")
            summary.update(hashlib.sha256(_content(path)).digest())
        return summary.hexdigest()


class Documents:
    """The folder of documents that are known."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, question: Question) -> dict[str, Any] | None:
        """Return the document if it is known."""
        try:
            content = (self.folder / f"{question.digest}.json").read_bytes()
            document = json.loads(content)
        except (OSError, ValueError):
            return None
        return document if isinstance(document, dict) else None

    def ask(self, question: Question, on_log: OnLog) -> dict[str, Any]:
        """Return the document as the model's code says it now, and remember it.

        Raises:
            ModelUnreadable: if the code cannot be imported, or its signature not be read.
        """
        digest = question.digest
        document = _answer(question, on_log)
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor, path = tempfile.mkstemp(dir=self.folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file)
        Path(path).replace(self.folder / f"{digest}.json")
        return document


def _answer(question: Question, on_log: OnLog) -> dict[str, Any]:
    with uninterrupted():
        process = subprocess.Popen(
            question.command,
            cwd=question.folder,
            env=question.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    with process:
        try:
            answer, said = process.communicate()
        finally:
            process.kill()
    if process.returncode == 0:
        return json.loads(answer)
    *story, last = said.decode("utf-8", "replace").rstrip().split("\n")
    if story:
        on_log("\n".join([*story, ""]).encode())
    raise ModelUnreadable(last or "The model's code could not be imported")


def _sources(folder: Path) -> Iterator[Path]:
    waiting, entries = [folder], 0
    while waiting and entries < MAX_ENTRIES:
        for entry in _entries(waiting.pop()):
            entries += 1
            if entry.is_dir(follow_symlinks=False):
                waiting += [Path(entry.path)] * _is_own(entry)
            elif Path(entry.name).suffix in SUFFIXES and entry.is_file():
                yield Path(entry.path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _is_own(entry: os.DirEntry[str]) -> bool:
    """Return whether a folder holds the project's own files, not packages."""
    is_skipped = entry.name in SKIPPED or entry.name.startswith(".")
    return not is_skipped and not Path(entry.path, "pyvenv.cfg").exists()


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_HASHED_BYTES)
    except OSError:
        return b""
