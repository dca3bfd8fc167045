"""A model's OpenAPI document: asked of the model itself, and remembered while its sources stay.

Asking means to import the model's code, which with a large library takes seconds. The answer names
the project's files that were read on the way: it is good for as long as these are what they were.
"""

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coghub.build.files import is_read_only, write_atomically
from coghub.build.interrupts import uninterrupted
from coghub.build.lifeline import Lifeline
from coghub.domain.errors import ModelUnreadable
from coghub.engines.base import OnLog
from coghub.engines.hidden_modules import rename_hint
from coghub.settings import Settings

FORMAT = 1
"""Rises when what is kept, or how it is named, changes."""
_MISSING_MODULE = re.compile(r"ModuleNotFoundError: No module named '([^'.]+)")
MAX_HASHED_BYTES = 1024**2
"""A larger file is known by its size and the time of its last change."""


@dataclass(frozen=True, slots=True)
class Question:
    """Whose document is wanted, and how to ask for it."""

    command: tuple[str, ...]
    """Runs the module that answers, `cog.schema`."""
    folder: Path
    environ: Mapping[str, str]
    predict: str | None
    train: str | None
    environment_key: str
    sdk: Path

    @property
    def words(self) -> list[str]:
        """The command that prints the document and the files it came from."""
        references = (("--predict", self.predict), ("--train", self.train))
        flags = [part for flag, value in references if value for part in (flag, value)]
        return [*self.command, *flags]

    @property
    def digest(self) -> str:
        """Names the answer, but for the content of the project's files."""
        parts = (FORMAT, str(self.folder), self.predict, self.train, self.environment_key)
        sdk = sorted(fingerprint(path) for path in _sdk_sources(self.sdk))
        return hashlib.sha256(repr((parts, sdk)).encode("utf-8", "surrogateescape")).hexdigest()


class Documents:
    """The folder of documents that are known."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, question: Question) -> dict[str, Any] | None:
        """Return the document if it is known and its sources have not changed."""
        try:
            known = json.loads((self.folder / f"{question.digest}.json").read_bytes())
            sources, document = known["sources"], known["document"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return document if _fingerprints(question.folder, sources) == sources else None

    def ask(self, question: Question, on_log: OnLog) -> dict[str, Any]:
        """Return the document as the model's code says it now, and remember it where one may.

        Raises:
            ModelUnreadable: if the code cannot be imported, or its signature not be read.
            DiskFull: if no space is left in the cache folder.
        """
        answer = _answer(question, on_log)
        kept = {
            "sources": _fingerprints(question.folder, answer["sources"]),
            "document": answer["document"],
            "folder": str(question.folder),
            "environment_key": question.environment_key,
        }
        try:
            write_atomically(self.folder / f"{question.digest}.json", json.dumps(kept))
        except OSError as error:
            if not is_read_only(error):
                raise
        return answer["document"]

    def prune(self, environment_keys: Collection[str]) -> None:
        """Forget the documents whose project, or whose environment, is gone."""
        for path in self.folder.glob("*.json"):
            try:
                known = json.loads(path.read_bytes())
                is_of_use = known["environment_key"] in environment_keys
                is_of_use = is_of_use and Path(known["folder"]).is_dir()
            except (OSError, ValueError, KeyError, TypeError):
                is_of_use = False
            if not is_of_use:
                path.unlink(missing_ok=True)


def documents_of(settings: Settings) -> Documents:
    """Return the documents that are known on this machine."""
    return Documents(settings.cache_folder / "documents")


def read_document(path: Path) -> dict[str, Any]:
    """Return an OpenAPI document that the user wrote.

    Raises:
        ModelUnreadable: if it is none.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnreadable(f"Failed to read an OpenAPI document from {path}: {error}") from error
    if not isinstance(document, dict) or "components" not in document:
        raise ModelUnreadable(f"Not an OpenAPI document with components: {path}")
    return document


def fingerprint(path: Path) -> str:
    """Return a text that changes when the file does, or the names in the folder.

    What is missing has one too.
    """
    try:
        if path.is_dir():
            names = "\0".join(sorted(os.listdir(path)))  # noqa: PTH208 - names, not paths
            return hashlib.sha256(os.fsencode(names)).hexdigest()
        state = path.stat()
        if state.st_size > MAX_HASHED_BYTES:
            return f"{state.st_size}:{state.st_mtime_ns}"
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "missing"


def unreadable(folder: Path, last: str) -> ModelUnreadable:
    """Return the error for what stands on the last line, and what to do about it."""
    hint = rename_hint(folder, last) or _hint(last)
    return ModelUnreadable(last or "The model's code could not be imported", hint)


def _fingerprints(folder: Path, sources: Iterable[str]) -> dict[str, str]:
    return {name: fingerprint(folder / name) for name in sources}


def _sdk_sources(sdk: Path) -> Iterator[Path]:
    yield from (sdk / "cog").glob("*.py")
    yield from (sdk / "cog" / "schema").glob("*.py")


def _answer(question: Question, on_log: OnLog) -> dict[str, Any]:
    with uninterrupted():
        lifeline = Lifeline()
        process = subprocess.Popen(
            question.words,
            cwd=question.folder,
            env=question.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        lifeline.guard(process.pid)
    with process:
        try:
            answer, said = process.communicate()
        finally:
            process.kill()
            lifeline.close()
    if process.returncode == 0:
        return json.loads(answer)
    *story, last = said.decode("utf-8", "replace").rstrip().split("\n")
    if story:
        on_log("\n".join([*story, ""]).encode())
    raise unreadable(question.folder, last)


def _hint(error: str) -> str | None:
    missing = _MISSING_MODULE.match(error)
    if missing is None:
        return None
    return f"List the package that has `{missing[1]}` in cog.yaml, under `python_requirements`"
