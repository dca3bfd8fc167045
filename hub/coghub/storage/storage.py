"""Bytes under keys, on the local disk or in an object store.

Whole objects only: what arrives is collected in a file beside the store, which its taker bounds
and checks, and is adopted at the end: half an object is never seen, whenever a hub is killed.
Several hubs may use one store, and its `incoming` if that is one folder for them: who writes a file
there has it locked.
`local` and `s3` are the stores; `tests/contracts` holds them to the same.
"""

import asyncio
import errno
import fcntl
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Generator, Iterable
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import mkstemp

from coghub.domain.errors import DiskFull

PIECE_BYTES = 1024**2
"""Of what is read at once: large enough that the hop between threads does not count."""
MARK = "coghub-owner"
"""The object that says whose this place is: another hub's collection would take all of it."""


class Storage(ABC):
    """Objects by key, such as `blobs/sha256/9f86…`; equal for every kind of store."""

    def __init__(self, incoming: Path) -> None:
        self.incoming = incoming

    def path_of(self, key: str) -> Path | None:  # noqa: ARG002 - the seam's
        """Return the file that is this object, if the store is local."""
        return None

    @abstractmethod
    async def mark(self) -> str | None:
        """Return what `MARK` says, once the store is seen to work; None if there is none.

        Raises:
            StorageUnusable: naming why it does not work.
        """

    @abstractmethod
    async def put_mark(self, text: str) -> None:
        """Mark this place; see `mark`."""

    async def link_to(self, key: str) -> str | None:  # noqa: ARG002 - the seam's
        """Return an address that gives an object to who has no right of ours; None if none can."""
        return None

    def new_incoming(self) -> tuple[int, Path]:
        """Return a descriptor and path of a new file; `adopt` it, or remove it.

        Raises:
            DiskFull: if no space is left.
        """
        with disk_errors():
            descriptor, name = mkstemp(dir=self.incoming)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            Path(name).unlink()
            raise
        return descriptor, Path(name)

    def settle(self, descriptor: int) -> None:  # noqa: B027 - the seam's
        """Wait until a whole file can be adopted, where others read it through a server."""

    @abstractmethod
    async def adopt(self, path: Path, key: str) -> None:
        """Make a file the object of a key, at once and whole; the file is gone afterwards.

        Raises:
            DiskFull: if no space is left.
            StorageUnusable: if the object store fails; the file is still there.
        """

    @abstractmethod
    async def size_of(self, key: str) -> int | None:
        """Return an object's size in bytes; None if there is none."""

    async def read(
        self, key: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` up to but not including `end`.

        Raises:
            FileNotFoundError: if there is no such object; before the first piece.
        """
        size = await self.size_of(key)
        if size is None:
            raise FileNotFoundError(key)
        async for piece in self._pieces(key, start, size if end is None else min(end, size)):
            yield piece

    @abstractmethod
    def _pieces(self, key: str, start: int, stop: int) -> AsyncIterator[bytes]: ...

    @abstractmethod
    def fetch(self, key: str, target: Path) -> None:
        """Copy an object into a file; blocks, and belongs in a thread.

        Raises:
            FileNotFoundError: if there is no such object.
        """

    @abstractmethod
    def keys(self, prefix: str) -> AsyncIterator[tuple[str, datetime]]:
        """Yield the keys that begin so, and when each object was made."""

    async def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; what is not there is no error."""
        for key in keys:
            await self._delete(key)

    @abstractmethod
    async def _delete(self, key: str) -> None: ...

    @abstractmethod
    async def delete_by(self, key: str, deadline: float) -> bool:
        """Remove an object, unless it is too late to begin; tell whether it is gone.

        Args:
            key: of the object; what is not there is gone.
            deadline: by the monotonic clock. Within a minute after it nothing more happens.

        Raises:
            StorageUnusable: if the object store fails.
        """

    async def abort_stale(self, before: datetime) -> int:  # noqa: ARG002 - the seam's
        """Drop what a killed hub had sent of objects by then; return how many there were."""
        return 0


def make_folder(folder: Path) -> Path:
    """Return a folder, which is made."""
    with disk_errors():
        folder.mkdir(parents=True, exist_ok=True)
    return folder


async def removed(path: Path) -> None:
    """Remove a file that may be gone, off the event loop: to free its space takes a while."""
    await asyncio.to_thread(path.unlink, missing_ok=True)


@contextmanager
def disk_errors() -> Generator[None]:
    """Translate the system's "no space left" into ours."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull("No space is left on the hub's disk") from error
        raise
