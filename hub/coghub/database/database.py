"""The one entry point to the rows: functions over a connection, run off the event loop.

SQLite takes one writer at a time, so there is one: a thread with one connection, which runs the
changes that wait in one transaction and commits once for all of them. A change that fails is
rolled back alone, by its savepoint. Who waits for a change hears of it after the commit.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from coghub.database.near import NearReader
from coghub.database.sqlite import ReaderThreads, WriterThread, full_disk, open_engine

T = TypeVar("T")


class Database(Protocol):
    """Runs functions over a connection; each is one transaction."""

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Return what a query finds; it may not change anything."""
        ...

    async def peek(self, query: Callable[[Connection], T]) -> T:
        """Return what one statement finds at once: a few rows by a key, of a small table.

        Every request asks for such rows, so they are in memory. What may have to come from a busy
        disk is read by `read`: meanwhile nothing else would go on.
        """
        ...

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Apply a change and return its result once it is kept; if it raises, nothing changed.

        Raises:
            DiskFull: if no space is left.
        """
        ...

    async def close(self) -> None:
        """Finish what waits and let go."""
        ...


class SqliteDatabase(Database):
    """A file on the local disk."""

    def __init__(self, path: Path, *, is_durable: bool = False) -> None:
        self.path = path
        self._engine = open_engine(path, is_durable=is_durable)
        self._writer = WriterThread(self._engine)
        self._readers = ReaderThreads(self._engine)
        self._near = NearReader(self._engine)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """See `Database`."""
        return await asyncio.wrap_future(self._readers.submit(query))

    async def peek(self, query: Callable[[Connection], T]) -> T:
        """See `Database`."""
        try:
            return self._near.run(query)
        except DBAPIError:  # a lock, for which only another thread may wait
            return await self.read(query)

    async def write(self, change: Callable[[Connection], T]) -> T:
        """See `Database`."""
        with full_disk():
            return await asyncio.wrap_future(self._writer.submit(change))

    async def close(self) -> None:
        """See `Database`."""
        self._near.close()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        self._readers.close()
        self._engine.dispose()
