"""The text of a file as people edit it: its encoding, mark and line ends survive a change."""

import codecs
import io
import re
import stat
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coghub.build.doctor.findings import Edit

MAX_BYTES = 1024**2
_LINE_END = re.compile(r"\r\n|\r|\n")


class TextUnreadable(Exception):
    """A file whose text cannot be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Text:
    """A file's text, and how it becomes bytes again."""

    content: str
    encoding: str = "utf-8"
    mark: bytes = b""
    """The byte order mark that it began with."""
    starts: list[int] = field(default_factory=list)
    """Where each line begins."""

    def encoded(self, content: str) -> bytes:
        """Return another text as bytes in the same way.

        Raises:
            UnicodeEncodeError: if the encoding lacks a character.
        """
        return self.mark + content.encode(self.encoding)

    @property
    def line_end(self) -> str:
        """What its lines end with, by the first one."""
        found = _LINE_END.search(self.content)
        return found[0] if found else "\n"

    def line(self, number: int) -> str:
        """Return a line by its number, from 1, without its end."""
        start, end = self.span(number)
        return self.content[start:end].rstrip("\r\n")

    def span(self, number: int, last: int | None = None) -> tuple[int, int]:
        """Return where a line, or the lines up to another, begin and end with their end."""
        after = last or number
        end = self.starts[after] if after < len(self.starts) else len(self.content)
        return self.starts[number - 1], end

    def offset(self, line: int, column_bytes: int) -> int:
        """Return a place that Python's parser gave as a line and a column in UTF-8."""
        before = self.line(line).encode()[:column_bytes]
        return self.starts[line - 1] + len(before.decode("utf-8", "ignore"))


def read_text(path: Path, *, is_python: bool = False) -> Text:
    """Return the text of a regular file.

    Raises:
        TextUnreadable: if it is too large, no text, or cannot be read.
    """
    content = read_bytes(path)
    try:
        return decoded(content, is_python=is_python)
    except (UnicodeError, SyntaxError, LookupError) as error:
        raise TextUnreadable(f"not text: {error}") from error


def read_bytes(path: Path) -> bytes:
    """Return the content of a regular file that is not too large.

    Raises:
        TextUnreadable: if it is anything else.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise TextUnreadable("not a regular file")
        if status.st_size > MAX_BYTES:
            raise TextUnreadable(f"larger than {MAX_BYTES // 1024} KiB")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise TextUnreadable(getattr(error, "strerror", None) or str(error)) from error


def is_file(path: Path) -> bool:
    """Tell whether there is a regular file, also of a name that none can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def decoded(content: bytes, *, is_python: bool = False) -> Text:
    """Return bytes as text: Python's says its encoding itself, others begin with a mark."""
    if is_python:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    elif content[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        encoding = "utf-16-le" if content[:2] == codecs.BOM_UTF16_LE else "utf-16-be"
    else:
        encoding = "utf-8"
    encoding = encoding.removesuffix("-sig")
    marks = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    mark = next((mark for mark in marks if content.startswith(mark)), b"")
    text = content[len(mark) :].decode(encoding)
    starts = [0, *(end.end() for end in _LINE_END.finditer(text))]
    return Text(text, encoding, mark, starts)


def edited(content: str, edits: Sequence[Edit]) -> str:
    """Return a text with all edits done; those at one place stay in their order.

    Raises:
        ValueError: if two contradict each other.
    """
    pieces: list[str] = []
    place = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if edit.start < place:
            raise ValueError("two changes of one place")
        pieces += [content[place : edit.start], edit.text]
        place = edit.end
    return "".join([*pieces, content[place:]])
