"""PostgreSQL: its connections, how it begins transactions, and its errors.

Writers wait for each other, as SQLite's do: each transaction that changes something begins with a
lock of the whole database. A change that looks first and then writes is right without more, in one
process and between several.
"""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import NumericLoader
from psycopg.types.string import StrDumperUnknown
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from coghub.database import prepared
from coghub.database.bus import Bus
from coghub.database.database import Database
from coghub.database.postgres_bus import LIMITS, PostgresBus
from coghub.database.threads import Manner, ReaderThreads, WriterThread
from coghub.domain.errors import DatabaseUnreachable, DiskFull

T = TypeVar("T")

READERS = 8
"""Queries that go on at once: each waits for the network for most of its time."""
WRITE_LOCK = 0x636F6768_7562_01
"""The key of the lock that writers wait for: "coghub", and a number."""
HUB_LOCK = 0x636F6768_7562_02
"""The key of the lock that each running hub has, together with the others."""

STALL_MS = 8000
"""A writer that says nothing for so long stands still, and its transaction ends: all others wait
for it, and must not be taken for dead meanwhile, see `coghub.peers.peers.LEASE_S`."""

MANNER = Manner(
    begin_write="; ".join(
        (
            "BEGIN",
            f"SET LOCAL idle_in_transaction_session_timeout = {STALL_MS}",
            f"SELECT pg_advisory_xact_lock({WRITE_LOCK})",
        )
    ),
    begin_read="BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    say=lambda link, words: prepared.say(link, "; ".join(words)),
    error=psycopg.Error,
    is_open=lambda driver: (
        driver.info.transaction_status in {TransactionStatus.INTRANS, TransactionStatus.INERROR}
    ),
    is_failed=lambda driver: driver.info.transaction_status == TransactionStatus.INERROR,
    is_lost=lambda driver: driver.closed,
)


class Text(StrDumperUnknown):
    """Text as PostgreSQL keeps it."""

    def dump(self, obj: str) -> Any:
        return super().dump(prepared.without_nul(obj))


class Number(NumericLoader):
    """What sums of integers are: an integer, as from SQLite."""

    def load(self, data: Any) -> Any:
        value = super().load(data)
        return int(value) if value == value.to_integral_value() else float(value)


def connect(url: str) -> "psycopg.Connection[Any]":
    """Return a connection that leaves transactions to its user."""
    connection = prepared.Link.connect(
        url,
        client_encoding="utf8",
        autocommit=True,  # BEGIN is ours
        application_name="coghub",
        **LIMITS,
    )
    connection.adapters.register_dumper(str, Text)
    connection.adapters.register_loader("numeric", Number)
    return connection


def open_engine(url: str) -> Engine:
    """Return an engine for a server's database, as libpq's connection URIs name it."""
    return create_engine(
        "postgresql+psycopg://",
        creator=partial(connect, url),
        poolclass=NullPool,  # each thread holds one
        isolation_level="AUTOCOMMIT",
        use_native_hstore=False,
        hide_parameters=True,  # an error's text gets into the log, and inputs must not
    )


def shown(url: str) -> str:
    """Return what a database is called where everyone may read it: without its password."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        return "postgresql://…"
    host = parts.get("host") or "localhost"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"postgresql://{host}{port}/{parts.get('dbname') or ''}"


@contextmanager
def reachable(url: str) -> Generator[None]:
    """Translate what says that the server is not there, or its disk is full, into ours."""
    try:
        yield
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state == psycopg.errors.DiskFull.sqlstate:
            raise DiskFull("No space is left on the disk of the database's server") from error
        if error.connection_invalidated or _is_away(error.orig, state):
            raise unreachable(url, error) from error
        raise


AWAY = ("08", "28", "3D", "53", "57P", "25006", "25P03")
"""The beginnings of codes that say: no connection, no login, no such database, too many clients,
being shut down, a standby, a transaction that stood still for too long."""


def _is_away(error: BaseException | None, state: str | None) -> bool:
    if state is None:
        return isinstance(error, psycopg.OperationalError)
    return state.startswith(AWAY)


def unreachable(url: str, error: DBAPIError) -> DatabaseUnreachable:
    """Return how an error of the driver is told."""
    lines = str(error.orig).strip().splitlines()
    return DatabaseUnreachable(shown(url), lines[0] if lines else type(error.orig).__name__)


def hubs_of(connection: Connection) -> int:
    """Return how many hubs work with the rows."""
    high, low = HUB_LOCK >> 32, HUB_LOCK & 0xFFFFFFFF
    return connection.execute(_HUBS, {"high": high, "low": low}).scalar_one()


_HUBS = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND classid = :high AND objid = :low AND objsubid = 1"
)


class PostgresDatabase(Database):
    """A database of a PostgreSQL server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = open_engine(url)
        self._writer = WriterThread(self._engine, MANNER)
        self._readers = ReaderThreads(self._engine, MANNER, READERS)
        self._bus: PostgresBus | None = None

    async def read(self, query: Callable[[Connection], T]) -> T:
        """See `Database`."""
        with reachable(self.url):
            return await asyncio.wrap_future(self._readers.submit(query))

    async def peek(self, query: Callable[[Connection], T]) -> T:
        """See `Database`: a server is never near."""
        with reachable(self.url):
            return await asyncio.wrap_future(self._readers.submit_single(query))

    async def write(self, change: Callable[[Connection], T]) -> T:
        """See `Database`."""
        with reachable(self.url):
            return await asyncio.wrap_future(self._writer.submit(change))

    def claim(self) -> None:
        """See `Database`."""
        with reachable(self.url):
            try:
                self._shared().claim()
            except psycopg.Error as error:
                raise DBAPIError("", None, error) from error

    def is_claimed(self, *, beside_me: bool = False) -> bool:
        """See `Database`."""
        with self._engine.connect() as connection:
            return hubs_of(connection) > (1 if beside_me else 0)

    def bus(self) -> Bus:
        """See `Database`."""
        return self._shared()

    def _shared(self) -> PostgresBus:
        if self._bus is None:
            self._bus = PostgresBus(
                connect=lambda: connect(self.url),
                url=self.url,
                hub_lock=HUB_LOCK,
                unreachable=lambda error: unreachable(self.url, DBAPIError("", None, error)),
            )
        return self._bus

    def unusable(self, error: DBAPIError) -> DatabaseUnreachable:
        """See `Database`."""
        return unreachable(self.url, error)

    async def close(self) -> None:
        """See `Database`."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        if self._bus is not None:
            self._bus.let_go()
        self._writer.close()
        self._readers.close()
        self._engine.dispose()
