"""Files of uploads under way: append-only, and summed up while they grow.

How far an upload came is the size of its file: that survives a crash, and several hubs see it that
have the folder. The sum of its content is kept in memory beside, and made from the file where it is
not, as after a restart, or what another hub has added since.
Who has a file open has it locked, for other processes and other machines too.
"""

import fcntl
import hashlib
import os
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from coghub.storage.storage import PIECE_BYTES, disk_errors

PREFIX = "upload-"
MAX_KEPT_SUMS = 10_000
"""Sums of idle uploads in memory, some hundred bytes each; others are made anew."""
MODE = 0o600
FLAGS = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
MAX_PARTS = 512
"""Of one call to the system, which takes 1024 on Linux."""


class Sum(Protocol):
    """A hash under way, as hashlib makes them."""

    def update(self, content: bytes | memoryview, /) -> None: ...
    def copy(self) -> Self: ...
    def hexdigest(self) -> str: ...


@dataclass(slots=True)
class UploadFile:
    """The open file of one upload; its methods block, and belong in a thread."""

    descriptor: int
    size: int
    summed: Sum
    is_new: bool = False
    """It was not there before, and is only kept if it becomes an object."""

    def append(self, chunks: Sequence[bytes]) -> None:
        """Add to the file and its sum; the chunks are not joined, as that would copy them.

        Raises:
            DiskFull: if no space is left.
        """
        for start in range(0, len(chunks), MAX_PARTS):
            some = chunks[start : start + MAX_PARTS]
            with disk_errors():
                _write(self.descriptor, some)
            for chunk in some:
                self.summed.update(chunk)
                self.size += len(chunk)

    def cut(self, size: int, summed: Sum) -> None:
        """Take back what came after a moment whose size and sum are known."""
        os.truncate(self.descriptor, size)
        self.size, self.summed = size, summed

    def sync(self) -> None:
        """Wait until the content survives a power cut."""
        os.fsync(self.descriptor)

    @property
    def digest(self) -> str:
        """The digest of all that is in the file."""
        return f"sha256:{self.summed.hexdigest()}"


class UploadFiles:
    """The files of all open uploads, in one folder; methods block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sums = OrderedDict[str, tuple[int, Sum]]()

    def path_of(self, upload_id: str) -> Path:
        """Return where the file of an upload is."""
        return self._folder / f"{PREFIX}{upload_id}"

    def create(self, upload_id: str) -> None:
        """Make the empty file of an upload.

        Raises:
            DiskFull: if no space is left.
        """
        with disk_errors():
            self.path_of(upload_id).touch(MODE, exist_ok=False)

    def size(self, upload_id: str) -> int:
        """Return how far an upload is, in bytes.

        Raises:
            FileNotFoundError: if it has no file.
        """
        # Opened, as machines that share a folder ask its server for the size only then.
        descriptor = os.open(self.path_of(upload_id), os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def remove(self, upload_id: str) -> None:
        """Remove the file of an upload, if it is there."""
        self._sums.pop(upload_id, None)
        with suppress(FileNotFoundError):
            self.path_of(upload_id).unlink()

    def open(self, upload_id: str, *, may_make: bool = False) -> UploadFile:
        """Return the file, to append to, for one at a time; `close` it.

        Args:
            upload_id: whose.
            may_make: make it if it is not there.

        Raises:
            FileNotFoundError: if it is not there.
            BlockingIOError: if somebody else has it open.
            DiskFull: if no space is left for a new one.
        """
        path = self.path_of(upload_id)
        is_new = may_make and not path.exists()
        with disk_errors():
            descriptor = os.open(path, FLAGS | (os.O_CREAT if is_new else 0), MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(descriptor)
            if not os.path.samestat(status, path.stat()):  # it became an object meanwhile
                raise FileNotFoundError(path)  # noqa: TRY301 - told as what the system says
            size = status.st_size
            summed = self._sum(upload_id, descriptor, size)
        except BaseException:
            os.close(descriptor)
            raise
        return UploadFile(descriptor, size, summed, is_new=is_new)

    def _sum(self, upload_id: str, descriptor: int, size: int) -> Sum:
        """Return the sum of a file: what was summed up once stays as it was, if nothing is lost."""
        known_size, summed = self._sums.pop(upload_id, (0, hashlib.sha256()))
        if known_size > size:
            known_size, summed = 0, hashlib.sha256()
        _add_to(summed, descriptor, known_size, size)
        return summed

    def close(self, upload_id: str, file: UploadFile) -> None:
        """Close the file and remember its sum, if it is still that of the upload."""
        path = self.path_of(upload_id)
        if file.is_new:
            path.unlink(missing_ok=True)
        os.close(file.descriptor)
        if not path.exists():
            return
        self._sums[upload_id] = (file.size, file.summed)
        while len(self._sums) > MAX_KEPT_SUMS:
            self._sums.popitem(last=False)


def is_locked(path: Path) -> bool:
    """Tell whether somebody has a file open for what arrives.

    Raises:
        FileNotFoundError: if it is not there.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _add_to(summed: Sum, descriptor: int, start: int, end: int) -> None:
    for offset in range(start, end, PIECE_BYTES):
        summed.update(os.pread(descriptor, min(PIECE_BYTES, end - offset), offset))


def _write(descriptor: int, chunks: Sequence[bytes]) -> None:
    """Write all of the chunks, where the system may take a part only."""
    left = [memoryview(chunk) for chunk in chunks]
    while left:
        written = os.writev(descriptor, left)
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if written:
            left[0] = left[0][written:]
