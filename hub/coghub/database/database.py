"""The one entry point to the rows: functions over a connection, run off the event loop.

There is one writer at a time: a thread with one connection, which runs the changes that wait in one
transaction and commits once for all of them. A change that fails is rolled back alone, by its
savepoint. Who waits for a change hears of it after the commit. SQLite takes no more than one; on
PostgreSQL a lock makes it so, and queries need to know of no difference.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from coghub.database import sqlite
from coghub.database.bus import Bus, NoBus
from coghub.database.near import NearReader
from coghub.database.threads import ReaderThreads, WriterThread
from coghub.domain.errors import DatabaseUnreachable, DatabaseUnusable

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
            DatabaseUnreachable: if there is a server, and it does not answer.
        """
        ...

    def claim(self) -> None:
        """Say that a hub works with the rows, as long as it lives; a file has its folder's lock.

        Raises:
            DatabaseUnreachable: if there is a server, and it cannot be used.
        """
        ...

    def is_claimed(self, *, beside_me: bool = False) -> bool:
        """Tell whether a hub works with the rows; False where the folder's lock tells.

        Args:
            beside_me: this process has claimed them, and another one is meant.
        """
        ...

    def bus(self) -> Bus:
        """Return what carries news between the hubs that work with the rows."""
        ...

    def unusable(self, error: DBAPIError) -> DatabaseUnusable | DatabaseUnreachable:
        """Return how an error at the opening is told."""
        ...

    async def close(self) -> None:
        """Finish what waits and let go."""
        ...


class SqliteDatabase(Database):
    """A file on the local disk."""

    def __init__(self, path: Path, *, is_durable: bool = False) -> None:
        self.path = path
        self._engine = sqlite.open_engine(path, is_durable=is_durable)
        self._writer = WriterThread(self._engine, sqlite.MANNER)
        self._readers = ReaderThreads(self._engine, sqlite.MANNER, sqlite.READERS)
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
        with sqlite.full_disk():
            return await asyncio.wrap_future(self._writer.submit(change))

    def claim(self) -> None:
        """See `Database`."""

    def is_claimed(self, *, beside_me: bool = False) -> bool:
        """See `Database`."""
        del beside_me
        return False

    def bus(self) -> Bus:
        """See `Database`."""
        return NoBus()

    def unusable(self, error: DBAPIError) -> DatabaseUnusable:
        """See `Database`."""
        return DatabaseUnusable(self.path, str(error.orig))

    async def close(self) -> None:
        """See `Database`."""
        self._near.close()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        self._readers.close()
        self._engine.dispose()


def open_database(url: str | None, path: Path, *, is_durable: bool) -> Database:
    """Return the database of a hub: the one that the setting names, else the file."""
    if url is None:
        return SqliteDatabase(path, is_durable=is_durable)
    from coghub.database.postgres import PostgresDatabase  # noqa: PLC0415 - its driver loads slowly

    return PostgresDatabase(url)
