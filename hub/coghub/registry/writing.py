"""Brings what arrives into files, in threads of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import anyio

from coghub.domain.distribution_errors import UploadInvalid
from coghub.storage.storage import PIECE_BYTES
from coghub.storage.upload_files import UploadFile

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 8
"""Writes under way at once; a slow disk holds up uploads, and nothing else in the hub."""
STALL_S = 300.0
"""A client that sends nothing for so long is gone; it may come back and go on."""
MAX_WAITING_BYTES = 2 * PIECE_BYTES
"""Of one upload in memory while its last piece is written; then the client has to wait."""


class Writers:
    """Threads that write."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="registry-writer")

    def submit(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> "asyncio.Future[T]":
        """Start a function in a thread; `settled` waits for it."""
        return asyncio.wrap_future(self._threads.submit(function, *args, **kwargs))

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a thread, to its end even where the request is canceled before."""
        return await settled(self.submit(function, *args, **kwargs))

    async def pump(
        self, content: AsyncIterator[bytes], file: UploadFile, *, limit: int | None
    ) -> None:
        """Append what arrives: a piece is written while the next one arrives.

        What arrived before an error is written too. More than the limit is not read.

        Raises:
            UploadInvalid: if nothing arrives for too long.
        """
        pieces = _Pieces(self, file)
        taken = 0
        try:
            with anyio.move_on_after(STALL_S) as patience:
                async for chunk in content:
                    taken += len(chunk)
                    await pieces.add(chunk)
                    if limit is not None and taken > limit:
                        return
                    patience.deadline = anyio.current_time() + STALL_S
            if patience.cancelled_caught:
                raise UploadInvalid(f"No byte arrived for {STALL_S:g} s")
        finally:
            await pieces.flush()


class _Pieces:
    """Gathers small chunks, so that a hop between threads pays."""

    def __init__(self, writers: Writers, file: UploadFile) -> None:
        self._writers = writers
        self._file = file
        self._chunks = list[bytes]()
        self._size = 0
        self._writing: asyncio.Future[None] | None = None

    async def add(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._size += len(chunk)
        is_idle = self._writing is None or self._writing.done()
        if self._size >= (PIECE_BYTES if is_idle else MAX_WAITING_BYTES):
            await self._settle()
            self._write()

    async def flush(self) -> None:
        await self._settle()
        self._write()
        await self._settle()

    def _write(self) -> None:
        chunks, self._chunks, self._size = self._chunks, list[bytes](), 0
        if chunks:
            self._writing = self._writers.submit(self._file.append, chunks)

    async def _settle(self) -> None:
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await settled(writing)


async def settled(future: "asyncio.Future[T]") -> T:
    """Return a thread's result, once it has ended: a file may not be closed under its feet."""
    canceled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError as error:
                canceled = error
    if canceled is not None:
        raise canceled
    return future.result()
