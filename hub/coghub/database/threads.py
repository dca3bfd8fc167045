"""Threads that run functions over connections: one that writes, a few that read.

Both databases are used alike: the changes that wait are applied one after the other, in one
transaction, with one commit for all of them. Only the words differ, see `Manner`.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")

MAX_GROUP = 256
"""Changes that share a commit: more would let the first ones wait for too long."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a kind of database begins a transaction, and how its driver tells of one."""

    begin_write: str
    """Also keeps every other writer waiting, those of other processes too."""
    begin_read: str
    say: Callable[[Any, Sequence[str]], None]
    """Runs words over the driver's connection, all in one round trip if there are any."""
    error: type[Exception]
    """What the driver raises."""
    is_open: Callable[[Any], bool]
    """Tells whether the driver's connection is inside a transaction."""
    is_failed: Callable[[Any], bool]
    """Tells whether a statement failed in it, so that nothing of it can be kept."""
    is_lost: Callable[[Any], bool]
    """Tells whether the driver's connection can be used no more."""


class Held:
    """One connection, made when it is first needed, and again after it was lost."""

    def __init__(self, engine: Engine, manner: Manner) -> None:
        self._engine = engine
        self._manner = manner
        self._connection: Connection | None = None

    def begin(self, *words: str) -> Connection:
        """Begin a transaction, or none where there are no words, and return its connection.

        Raises:
            sqlalchemy.exc.DBAPIError: if that cannot be done, also on a new connection.
        """
        if self._connection is not None:
            try:
                self.say(*words)
            except DBAPIError:
                if not self.is_lost():
                    raise
                self.close()
            else:
                return self._connection
        self._connection = self._engine.connect()
        self.say(*words)
        return self._connection

    def say(self, *words: str) -> None:
        """Begin or end a transaction, or a part of it: there are several of each prediction.

        SQLAlchemy takes longer for it than SQLite. What it itself calls a transaction is never
        ended.
        """
        try:
            if words:
                self._manner.say(self._driver(), words)
        except self._manner.error as error:
            raise DBAPIError("; ".join(words), None, error) from error

    def is_open(self) -> bool:
        """Tell whether a transaction is under way."""
        return not self.is_lost() and self._manner.is_open(self._driver())

    def check(self) -> None:
        """See that what was done can be kept.

        Raises:
            sqlalchemy.exc.DBAPIError: if not, because an error was passed over.
        """
        if self._manner.is_failed(self._driver()):
            passed = self._manner.error("A statement failed, and the change went on")
            raise DBAPIError("", None, passed)

    def is_lost(self) -> bool:
        """Tell whether the connection can be used no more."""
        if self._connection is None:
            return False
        return self._connection.invalidated or self._manner.is_lost(self._driver())

    def close(self) -> None:
        """Let go."""
        if self._connection is not None:
            if self.is_lost():
                self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def _driver(self) -> Any:
        assert self._connection is not None
        if self._connection.invalidated:
            lost = self._manner.error("The connection was lost")
            raise DBAPIError("", None, lost, connection_invalidated=True)
        return self._connection.connection.dbapi_connection


@dataclass(frozen=True, slots=True)
class _Change:
    function: Callable[[Connection], Any]
    future: "asyncio.Future[Any]"


_Outcome = tuple[_Change, Any, BaseException | None]


class WriterThread:
    """Applies changes one after the other."""

    def __init__(self, engine: Engine, manner: Manner) -> None:
        self._manner = manner
        self._held = Held(engine, manner)
        self._waiting: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="database-writer", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[[Connection], T]) -> "asyncio.Future[T]":
        """Return a future, of the loop that runs, that is done after the commit."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.put(_Change(function, future))
        return future

    def close(self) -> None:
        """Apply what waits, then end."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            group, is_last = self._group(first)
            self._apply(group)
            if is_last:
                break
        self._held.close()

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

    def _apply(self, group: list[_Change]) -> None:
        """Run a group in one transaction, tell each who waits, and leave no transaction open."""
        outcomes = list[_Outcome]()
        try:
            connection = self._held.begin(self._manner.begin_write)
            if len(group) == 1:
                outcomes = [self._outcome(connection, group[0])]
                self._held.say("ROLLBACK" if outcomes[0][2] else "COMMIT")
            else:
                outcomes = self._outcomes(connection, group)
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, or waits for ever
            with suppress(Exception):
                self._held.say("ROLLBACK")
            outcomes = [(change, None, error) for change in group]
        _tell(outcomes)

    def _outcomes(self, connection: Connection, group: list[_Change]) -> list[_Outcome]:
        """Run several, each within a savepoint, and keep those that went well.

        What is said after one of them goes together with what is said before the next.
        """
        outcomes, words = list[_Outcome](), list[str]()
        for change in group:
            self._held.say(*words, "SAVEPOINT one")
            outcome = self._outcome(connection, change)
            words = ["ROLLBACK TO one", "RELEASE one"] if outcome[2] else ["RELEASE one"]
            outcomes.append(outcome)
        self._held.say(*words, "COMMIT")
        return outcomes

    def _outcome(self, connection: Connection, change: _Change) -> _Outcome:
        try:
            result, error = change.function(connection), None
            self._held.check()
        except Exception as caught:  # it is handed to who waits, with its traceback
            if not self._held.is_open():
                raise  # all of it is rolled back, as SQLite does by itself on a full disk
            result, error = None, caught
        return change, result, error


def _tell(outcomes: Sequence[_Outcome]) -> None:
    """Have each who waits told, on its loop; a loop is woken once for all that wait there."""
    for loop in {change.future.get_loop() for change, *_ in outcomes}:
        there = [it for it in outcomes if it[0].future.get_loop() is loop]
        with suppress(RuntimeError):  # it was closed: nobody waits any more
            loop.call_soon_threadsafe(_tell_there, there)


def _tell_there(outcomes: Sequence[_Outcome]) -> None:
    for change, result, problem in outcomes:
        if change.future.done():  # it was canceled by who waited
            continue
        if problem is None:
            change.future.set_result(result)
        else:
            change.future.set_exception(problem)


class ReaderThreads:
    """Runs queries on connections of their own, so that no write keeps them waiting."""

    def __init__(self, engine: Engine, manner: Manner, count: int) -> None:
        self._engine = engine
        self._manner = manner
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="database-reader")
        self._all = list[Held]()

    def submit(self, query: Callable[[Connection], T]) -> "Future[T]":
        """Return a future of the query's result."""
        return self._threads.submit(self._query, query)

    def submit_single(self, query: Callable[[Connection], T]) -> "Future[T]":
        """Return a future of the result of a query of one statement: a transaction by itself."""
        return self._threads.submit(self._single, query)

    def close(self) -> None:
        """Finish what waits, then let go."""
        self._threads.shutdown()
        for held in self._all:
            held.close()

    def _held(self) -> Held:
        held: Held | None = getattr(self._own, "held", None)
        if held is None:
            held = self._own.held = Held(self._engine, self._manner)
            self._all.append(held)
        return held

    def _single(self, query: Callable[[Connection], T]) -> T:
        held = self._held()
        try:
            return query(held.begin())
        except DBAPIError:
            if not held.is_lost():
                raise
            held.close()  # no word had told that it was lost
            return query(held.begin())

    def _query(self, query: Callable[[Connection], T]) -> T:
        held = self._held()
        connection = held.begin(self._manner.begin_read)
        try:
            return query(connection)
        finally:
            if held.is_open():
                held.say("COMMIT")
