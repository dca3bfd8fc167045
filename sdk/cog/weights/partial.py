"""A file that is being fetched: its pieces, which of them are there, and a note that outlives us.

A piece counts as there when its line is in the note, which is written after its bytes. So a
process that is killed loses the pieces that it was at, and no others.
"""

import json
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from cog.errors import FetchError

PIECE_BYTES = 16 * 1024**2
UNKNOWN = 1 << 62
"""The size of a file whose server does not say it."""


class Partial:
    """The bytes that have come, in order or not."""

    def __init__(self, path: Path, identity: dict[str, Any], size_bytes: int | None) -> None:
        """Take up what is there, if it is of the same file; else begin anew.

        Args:
            path: where the bytes are written.
            identity: what tells this file from others, such as its URL and validator.
            size_bytes: of the whole; None if nobody knows.
        """
        self.path = path
        self.size_bytes = UNKNOWN if size_bytes is None else size_bytes
        self._note_path = path.with_name(path.name + ".note")
        self._done = set[int]()
        self._front = 0
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        """One thread writes at a time: in the kernel they would spin for the file's own lock, which
        costs more than the writing."""
        self._error: BaseException | None = None
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self._note = self._taken_up({"piece_bytes": PIECE_BYTES, "size": size_bytes, **identity})

    def _taken_up(self, identity: dict[str, Any]) -> int:
        first = json.dumps(identity, sort_keys=True) + "\n"
        lines = list[str]()
        with suppress(OSError, UnicodeDecodeError):
            lines = self._note_path.read_text("utf-8").splitlines(keepends=True)
        if lines and lines[0] == first and identity["size"] is not None:
            self._done = {
                int(it) for it in lines[1:] if it.endswith("\n") and it.strip().isdecimal()
            }
        else:
            os.ftruncate(self._descriptor, 0)
            self._note_path.write_text(first, "utf-8")
        self._advance()
        return os.open(self._note_path, os.O_WRONLY | os.O_APPEND)

    def missing(self) -> list[tuple[int, int]]:
        """Return the pieces that are not there, as half-open ranges of bytes."""
        count = -(-self.size_bytes // PIECE_BYTES)
        starts = (number * PIECE_BYTES for number in range(count) if number not in self._done)
        return [(start, min(start + PIECE_BYTES, self.size_bytes)) for start in starts]

    @property
    def there_bytes(self) -> int:
        """How much is there, in whole pieces."""
        starts = (number * PIECE_BYTES for number in self._done)
        return sum(min(PIECE_BYTES, self.size_bytes - start) for start in starts)

    def write(self, content: memoryview, place: int) -> None:
        """Write bytes that have come.

        Raises:
            FetchError: if the disk does not take them; to ask for them again would not help.
        """
        try:
            while content:
                with self._writing:
                    written = os.pwrite(self._descriptor, content, place)
                content, place = content[written:], place + written
        except OSError as error:
            raise FetchError(f"Could not write {self.path}: {error.strerror}") from error

    def note(self, start: int) -> None:
        """Let the piece that begins there count as there."""
        number = start // PIECE_BYTES
        os.write(self._note, f"{number}\n".encode())
        with self._changed:
            self._done.add(number)
            self._advance()
            self._changed.notify_all()

    def reach(self, place: int, *, is_all: bool = False) -> None:
        """Let everything before a place count as there, of a file that comes in order."""
        with self._changed:
            self._front = place
            if is_all:
                self.size_bytes = place
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Let whoever reads hear of an error."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def read(self, place: int, most: int) -> bytes:
        """Return bytes from a place on, once they are there; nothing at the end.

        Raises:
            BaseException: what `fail` was told.
        """
        with self._changed:
            while place >= self._front and place < self.size_bytes and self._error is None:
                self._changed.wait()
            if self._error is not None:
                raise self._error
            stop = min(self._front, self.size_bytes, place + most)
        return os.pread(self._descriptor, max(0, stop - place), place)

    def wait(self) -> None:
        """Wait until everything is there.

        Raises:
            BaseException: what `fail` was told.
        """
        with self._changed:
            while self._front < self.size_bytes and self._error is None:
                self._changed.wait()
            if self._error is not None:
                raise self._error

    def close(self) -> None:
        """Let go; what is there can be taken up again."""
        os.close(self._descriptor)
        os.close(self._note)

    def forget(self) -> None:
        """Remove the note: the file is whole, or not to be taken up."""
        self._note_path.unlink(missing_ok=True)

    def _advance(self) -> None:
        number = self._front // PIECE_BYTES
        while number in self._done:
            number += 1
        self._front = min(number * PIECE_BYTES, self.size_bytes)
