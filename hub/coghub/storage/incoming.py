"""A file on its way into the storage: bounded, hashed, written in pieces off the event loop."""

import asyncio
import hashlib
import os
from dataclasses import dataclass
from typing import Self

from coghub.domain.errors import TooLarge
from coghub.storage.storage import Storage, disk_errors

PIECE_BYTES = 256 * 1024
"""Collected before it is written, for each of a thousand uploads at once; a hop to a thread for
less would cost more than the writing."""


@dataclass(frozen=True, slots=True)
class Received:
    """What is known of a file once all of it is there."""

    size_bytes: int
    md5: str
    sha256: str


class Incoming:
    """Takes the bytes of one file; what is not stored at the end of the block is removed."""

    def __init__(self, storage: Storage, *, limit_bytes: int, too_large: str) -> None:
        self._storage = storage
        self._limit_bytes = limit_bytes
        self._too_large = too_large
        self._pending = bytearray()
        self._size_bytes = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    async def __aenter__(self) -> Self:
        self._descriptor, self._path = await asyncio.to_thread(self._storage.new_incoming)
        return self

    async def __aexit__(self, *exception: object) -> None:
        os.close(self._descriptor)
        await asyncio.to_thread(self._path.unlink, missing_ok=True)

    async def write(self, content: bytes) -> None:
        """Add bytes at the end.

        Raises:
            TooLarge: if the file is above its limit.
            DiskFull: if no space is left.
        """
        self._size_bytes += len(content)
        if self._size_bytes > self._limit_bytes:
            raise TooLarge(self._too_large)
        self._pending += content
        if len(self._pending) >= PIECE_BYTES:
            await self._flush()

    async def received(self) -> Received:
        """Write what is left, and return what came.

        Raises:
            DiskFull: if no space is left.
        """
        await self._flush()
        return Received(self._size_bytes, self._md5.hexdigest(), self._sha256.hexdigest())

    async def store(self, key: str) -> None:
        """Make it the object of a key."""
        await asyncio.to_thread(self._storage.settle, self._descriptor)
        await self._storage.adopt(self._path, key)

    async def _flush(self) -> None:
        piece, self._pending = bytes(self._pending), bytearray()
        if piece:
            await asyncio.to_thread(self._append, piece)

    def _append(self, piece: bytes) -> None:
        self._md5.update(piece)
        self._sha256.update(piece)
        with disk_errors():
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
