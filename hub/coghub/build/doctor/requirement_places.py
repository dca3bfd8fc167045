"""The lines of a project's requirements files, with the places where they stand."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coghub.build.doctor.texts import Text, TextUnreadable, read_text
from coghub.build.requirement_lines import options_of
from coghub.domain.errors import RequirementsInvalid

MAX_FILES = 50
_COMMENT = re.compile(r"(^|\s+)#.*$")


@dataclass(frozen=True, slots=True)
class Line:
    """One line that asks for a package."""

    path: str
    number: int
    start: int
    """Where what it says begins in the file's text."""
    text: str
    """Without comment and blanks around it."""
    is_whole: bool
    """It is not continued on the next."""


@dataclass(frozen=True, slots=True)
class RequirementsFile:
    """A file, and the lines that ask for packages."""

    path: str
    text: Text
    lines: tuple[Line, ...]
    is_constraints: bool


def read_files(project: Path, first: str) -> list[RequirementsFile]:
    """Return a requirements file and those of the project that it names."""
    found: list[RequirementsFile] = []
    waiting, seen = [(project / first, False)], set[tuple[Path, bool]]()
    while waiting and len(seen) < MAX_FILES:
        path, is_constraints = waiting.pop(0)
        mark = (path.resolve(), is_constraints)
        if mark in seen or not path.resolve().is_relative_to(project.resolve()):
            continue
        seen.add(mark)
        try:
            text = read_text(path)
        except TextUnreadable:
            continue
        shown = os.path.relpath(path, project)
        lines = [*_lines(shown, text)]
        packages = tuple(line for line in lines if not line.text.startswith("-"))
        found.append(RequirementsFile(shown, text, packages, is_constraints))
        for line in lines:
            waiting += _named(line.text, path.parent, is_constraints=is_constraints)
    return found


def _lines(path: str, text: Text) -> Iterator[Line]:
    is_continued = False
    for number in range(1, len(text.starts) + 1):
        raw = text.line(number)
        said = _COMMENT.sub("", raw).strip()
        continues = raw.rstrip().endswith("\\")
        if said and not is_continued:
            start = text.span(number)[0] + raw.index(said)
            yield Line(path, number, start, said.rstrip("\\").strip(), is_whole=not continues)
        is_continued = continues


def _named(text: str, folder: Path, *, is_constraints: bool) -> Iterator[tuple[Path, bool]]:
    """Yield the files that an option names, and whether they are constraints."""
    if not text.startswith("-"):
        return
    try:
        options = options_of(text)
    except RequirementsInvalid:
        return
    for option, value in options:
        if option in {"requirement", "constraint"} and value and "://" not in value:
            yield folder / value, is_constraints or option == "constraint"
