"""Objects as files in a folder: to adopt is to rename.

The folder is the hub's own, or one that several hubs have, as on a server of files.
"""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import obstore
from obstore.store import LocalStore

from coghub.domain.errors import StorageUnusable
from coghub.storage.reading import file_pieces
from coghub.storage.storage import MARK, Storage, disk_errors, make_folder


class LocalStorage(Storage):
    """The storage on the local disk."""

    def __init__(self, objects: Path, incoming: Path) -> None:
        super().__init__(incoming)
        self._objects = objects
        self._store = LocalStore(str(objects))

    def path_of(self, key: str) -> Path:
        """Return the file that is this object; see `Storage`."""
        return self._objects / key

    async def mark(self) -> str | None:
        """Return what the mark says; see `Storage`."""
        try:
            return await asyncio.to_thread(self.path_of(MARK).read_text, "ascii", "replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(self._objects, error) from error

    async def put_mark(self, text: str) -> None:
        """Mark this place; see `Storage`."""
        await asyncio.to_thread(self._put_mark, text)

    def _put_mark(self, text: str) -> None:
        try:
            descriptor, path = self.new_incoming()
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            path.replace(self.path_of(MARK))
        except OSError as error:
            raise _unusable(self._objects, error) from error

    async def adopt(self, path: Path, key: str) -> None:
        """Rename a file; see `Storage`."""
        await asyncio.to_thread(_rename, path, self.path_of(key))

    async def size_of(self, key: str) -> int | None:
        """Return an object's size in bytes; see `Storage`."""
        try:
            return (await obstore.head_async(self._store, key))["size"]
        except FileNotFoundError:
            return None

    def _pieces(self, key: str, start: int, stop: int) -> AsyncIterator[bytes]:
        return file_pieces(self.path_of(key), start, stop)

    def fetch(self, key: str, target: Path) -> None:
        """Copy an object into a file; see `Storage`."""
        with disk_errors():
            shutil.copyfile(self.path_of(key), target)

    async def keys(self, prefix: str) -> AsyncIterator[tuple[str, datetime]]:
        """Yield the keys that begin so; see `Storage`."""
        async for some in obstore.list(self._store, prefix):
            for found in some:
                yield found["path"], found["last_modified"]

    async def _delete(self, key: str) -> None:
        await asyncio.to_thread(self.path_of(key).unlink, missing_ok=True)

    async def delete_by(self, key: str, deadline: float) -> bool:
        """Remove an object, or do not begin; see `Storage`."""
        return await asyncio.to_thread(self._delete_by, key, deadline)

    def _delete_by(self, key: str, deadline: float) -> bool:
        if time.monotonic() > deadline:
            return False
        try:
            self.path_of(key).unlink(missing_ok=True)
        except OSError as error:
            raise _unusable(self._objects, error) from error
        return True


class SharedFolder(LocalStorage):
    """The storage in a folder that other machines may have too: it is written through."""

    async def mark(self) -> str | None:
        """Return what the mark says, once a file was written and locked; see `Storage`."""
        await asyncio.to_thread(self._try)
        return await super().mark()

    def _try(self) -> None:
        try:
            descriptor, path = self.new_incoming()
            os.close(descriptor)
            path.unlink()
        except OSError as error:
            raise _unusable(self._objects, error) from error

    def settle(self, descriptor: int) -> None:
        """Send to the server what this machine has in memory; see `Storage`."""
        with disk_errors():
            os.fsync(descriptor)


def local_storage(folder: Path) -> LocalStorage:
    """Return the storage in a folder, which is made."""
    return LocalStorage(make_folder(folder / "objects"), make_folder(folder / "incoming"))


def shared_folder(folder: Path, *, is_marked: bool) -> SharedFolder:
    """Return the storage in a folder that is there; what is in it is made.

    Args:
        folder: where.
        is_marked: objects of this hub are known to be in it.

    Raises:
        StorageUnusable: if the folder is not there, or not the one with the objects.
    """
    objects, incoming = folder / "objects", folder / "incoming"
    try:
        if not folder.is_dir():
            raise NotADirectoryError
        if is_marked and not (objects / MARK).is_file():
            raise StorageUnusable(
                f"The objects of this hub are not in the storage: {folder}",
                hint="See that the folder is mounted",
            )
        return SharedFolder(make_folder(objects), make_folder(incoming))
    except OSError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: OSError) -> StorageUnusable:
    reason = error.strerror or "It is no folder"
    return StorageUnusable(
        f"The storage cannot be used: {reason}: {folder}",
        hint="See that it is there, mounted, and that files in it can be written and locked",
    )


def _rename(path: Path, target: Path) -> None:
    with disk_errors():
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
