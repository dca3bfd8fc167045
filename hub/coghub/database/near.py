"""Reads on the event loop's own thread, where handing over to another costs more than the query."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine

T = TypeVar("T")


class NearReader:
    """Runs queries of one statement, each at once; it waits for no lock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def run(self, query: Callable[[Connection], T]) -> T:
        """Return what a query finds.

        Raises:
            sqlalchemy.exc.DBAPIError: also if another process holds a lock.
        """
        if self._connection is None:
            self._connection = self._engine.connect()
            self._connection.exec_driver_sql("PRAGMA busy_timeout=0")
        return query(self._connection)

    def close(self) -> None:
        """Let go."""
        if self._connection is not None:
            self._connection.close()
