"""SQLite behind threads: one that writes, a few that read."""

import queue
import sqlite3
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from coghub.domain.errors import DiskFull

T = TypeVar("T")

BUSY_TIMEOUT_S = 30.0
"""How long a write waits for another process, such as a `coghub` command beside the hub."""
MAX_GROUP = 256
"""Changes that share a commit: more would let the first ones wait for too long."""
READERS = 2


def open_engine(path: Path, *, is_durable: bool) -> Engine:
    """Return an engine for a file; `is_durable` survives a power cut, not only a crash."""
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
        hide_parameters=True,  # an error's text gets into the log, and inputs must not
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is ours: pysqlite's own comes too late
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={'FULL' if is_durable else 'NORMAL'}",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-65536",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


@contextmanager
def full_disk() -> Generator[None]:
    """Translate SQLite's "database or disk is full" into ours."""
    try:
        yield
    except DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorcode", 0)
        if code == sqlite3.SQLITE_FULL:
            raise DiskFull("No space is left on the hub's disk") from error
        raise


PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
    }
)
"""What is wrong with the machine, and not with the change."""


def may_pass(error: Exception) -> bool:
    """Tell whether the same change may be kept later: the disk is full, or another writes."""
    if isinstance(error, DiskFull):
        return True
    code = getattr(error.orig, "sqlite_errorcode", 0) if isinstance(error, DBAPIError) else 0
    return code & 0xFF in PASSING  # an extended code has more in its upper bytes


@dataclass(frozen=True, slots=True)
class _Change:
    function: Callable[[Connection], Any]
    future: "Future[Any]"


class WriterThread:
    """Applies changes one after the other."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="database-writer", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[[Connection], T]) -> "Future[T]":
        """Return a future that is done after the commit."""
        future: Future[T] = Future()
        self._waiting.put(_Change(function, future))
        return future

    def close(self) -> None:
        """Apply what waits, then end."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        with ExitStack() as stack:
            connection: Connection | None = None
            while (first := self._waiting.get()) is not None:
                group, is_last = self._group(first)
                try:
                    connection = connection or stack.enter_context(self._engine.connect())
                except Exception as error:  # noqa: BLE001 - see `_apply`
                    _tell([(change, None, error) for change in group])
                else:
                    _apply(connection, group)
                if is_last:
                    return

    def _group(self, first: _Change) -> tuple[list[_Change], bool]:
        group = [first]
        while len(group) < MAX_GROUP:
            try:
                change = self._waiting.get_nowait()
            except queue.Empty:
                break
            if change is None:
                return group, True
            group.append(change)
        return group, False


def _apply(connection: Connection, group: list[_Change]) -> None:
    """Run a group in one transaction, tell each who waits, and leave no transaction open."""
    outcomes: list[tuple[_Change, Any, BaseException | None]] = []
    try:
        _say(connection, "BEGIN IMMEDIATE")
        outcomes = [_outcome(connection, change, is_alone=len(group) == 1) for change in group]
        is_kept = len(group) > 1 or outcomes[0][2] is None
        _say(connection, "COMMIT" if is_kept else "ROLLBACK")
    except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, or waits for ever
        with suppress(Exception):
            _say(connection, "ROLLBACK")
        outcomes = [(change, None, error) for change in group]
    _tell(outcomes)


def _tell(outcomes: Sequence[tuple[_Change, Any, BaseException | None]]) -> None:
    for change, result, problem in outcomes:
        with suppress(InvalidStateError):  # it was canceled by who waited
            if problem is None:
                change.future.set_result(result)
            else:
                change.future.set_exception(problem)


def _outcome(
    connection: Connection, change: _Change, *, is_alone: bool
) -> tuple[_Change, Any, BaseException | None]:
    if not is_alone:
        _say(connection, "SAVEPOINT one")
    try:
        result, error = change.function(connection), None
    except Exception as caught:  # it is handed to who waits, with its traceback
        if not _is_open(connection):
            raise  # SQLite has rolled all of it back by itself, as it does on a full disk
        result, error = None, caught
    if not is_alone:
        if error is not None:
            _say(connection, "ROLLBACK TO one")
        _say(connection, "RELEASE one")
    return change, result, error


def _is_open(connection: Connection) -> bool:
    return _driver(connection).in_transaction


def _say(connection: Connection, word: str) -> None:
    """Begin or end a transaction: there are several of each prediction.

    SQLAlchemy takes longer for it than SQLite. What it itself calls a transaction is never ended.
    """
    try:
        _driver(connection).execute(word)
    except sqlite3.Error as error:
        raise DBAPIError(word, None, error) from error


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


class ReaderThreads:
    """Runs queries on connections of their own, so that no write keeps them waiting."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="database-reader")
        self._connections: list[Connection] = []

    def submit(self, query: Callable[[Connection], T]) -> "Future[T]":
        """Return a future of the query's result."""
        return self._threads.submit(self._query, query)

    def close(self) -> None:
        """Finish what waits, then let go."""
        self._threads.shutdown()
        for connection in self._connections:
            connection.close()

    def _query(self, query: Callable[[Connection], T]) -> T:
        connection: Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._engine.connect()
            self._own.connection = connection
            self._connections.append(connection)
        try:
            _say(connection, "BEGIN")
            return query(connection)
        finally:
            _say(connection, "COMMIT")
