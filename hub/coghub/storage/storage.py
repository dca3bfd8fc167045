"""Bytes under keys, on the local disk or in an object store.

Whole objects only: what arrives is collected in a file beside the store, which its taker bounds
and checks, and is adopted at the end. On the local disk to adopt is to rename.
"""

import asyncio
import errno
from collections.abc import AsyncIterator, Generator, Iterable
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import mkstemp

import obstore
from obstore.store import LocalStore, ObjectStore

from coghub.domain.errors import DiskFull
from coghub.domain.ids import new_id
from coghub.storage.reading import file_pieces

WITHDRAWN = "withdrawn-"
"""How files begin in `incoming` that are no object any more."""
PIECE_BYTES = 1024**2
"""Of what is read at once: large enough that the hop between threads does not count."""


class Storage:
    """Objects by key, such as `blobs/sha256/9f86…`; equal for every kind of store."""

    def __init__(self, store: ObjectStore, *, incoming: Path, local: Path | None) -> None:
        self._store = store
        self._local = local
        self.incoming = incoming

    def path_of(self, key: str) -> Path | None:
        """Return the file that is this object, if the store is local."""
        return self._local / key if self._local else None

    def new_incoming(self) -> tuple[int, Path]:
        """Return a descriptor and path of a new file; `adopt` it, or remove it.

        Raises:
            DiskFull: if no space is left.
        """
        with disk_errors():
            descriptor, name = mkstemp(dir=self.incoming)
        return descriptor, Path(name)

    async def adopt(self, path: Path, key: str) -> None:
        """Make a file the object of a key, at once and whole; the file is gone afterwards.

        Raises:
            DiskFull: if no space is left.
        """
        target = self.path_of(key)
        if target is not None:
            await asyncio.to_thread(_rename, path, target)
            return
        await obstore.put_async(self._store, key, path)
        await asyncio.to_thread(path.unlink)

    async def size_of(self, key: str) -> int | None:
        """Return an object's size in bytes; None if there is none."""
        try:
            return (await obstore.head_async(self._store, key))["size"]
        except FileNotFoundError:
            return None

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
        stop = size if end is None else min(end, size)
        path = self.path_of(key)
        pieces = self._pieces(key, start, stop) if path is None else file_pieces(path, start, stop)
        async for piece in pieces:
            yield piece

    async def _pieces(self, key: str, start: int, stop: int) -> AsyncIterator[bytes]:
        for offset in range(start, stop, PIECE_BYTES):
            piece = await obstore.get_range_async(
                self._store, key, start=offset, end=min(offset + PIECE_BYTES, stop)
            )
            yield bytes(piece)

    def withdraw(self, key: str) -> Path | None:
        """Take an object away at once, within a transaction; return a file to remove afterwards.

        To rename is quick, where to free the space of a large file takes a while.
        """
        source = self.path_of(key)
        if source is None:
            obstore.delete(self._store, key)
            return None
        target = self.incoming / f"{WITHDRAWN}{new_id()}"
        with suppress(FileNotFoundError):
            source.replace(target)
        return target

    async def keys(self, prefix: str) -> AsyncIterator[tuple[str, datetime]]:
        """Yield the keys that begin so, and when each object was made."""
        async for some in obstore.list(self._store, prefix):
            for found in some:
                yield found["path"], found["last_modified"]

    async def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; what is not there is no error."""
        for key in keys:
            with suppress(FileNotFoundError):
                await obstore.delete_async(self._store, key)


def local_storage(folder: Path) -> Storage:
    """Return the storage in a folder, which is made."""
    objects, incoming = folder / "objects", folder / "incoming"
    with disk_errors():
        objects.mkdir(parents=True, exist_ok=True)
        incoming.mkdir(parents=True, exist_ok=True)
    return Storage(LocalStore(str(objects)), incoming=incoming, local=objects)


@contextmanager
def disk_errors() -> Generator[None]:
    """Translate the system's "no space left" into ours."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull("No space is left on the hub's disk") from error
        raise


def _rename(path: Path, target: Path) -> None:
    with disk_errors():
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
