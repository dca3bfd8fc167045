"""SQLite: its connections, how it begins transactions, and its errors."""

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from coghub.database.threads import Manner
from coghub.domain.errors import DatabaseUnreachable, DiskFull

BUSY_TIMEOUT_S = 30.0
"""How long a write waits for another process, such as a `coghub` command beside the hub."""
READERS = 2
CACHE_KIB = 16 * 1024
"""Of pages, for each connection; it fills as the database grows. Behind it is the system's own."""


def _say(driver: sqlite3.Connection, words: Sequence[str]) -> None:
    for word in words:
        driver.execute(word)


MANNER = Manner(
    begin_write="BEGIN IMMEDIATE",
    begin_read="BEGIN",
    say=_say,
    error=sqlite3.Error,
    is_open=lambda driver: driver.in_transaction,
    is_failed=lambda _driver: False,
    is_lost=lambda _driver: False,
)


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
            f"cache_size=-{CACHE_KIB}",
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
    if isinstance(error, (DiskFull, DatabaseUnreachable)):
        return True
    code = getattr(error.orig, "sqlite_errorcode", 0) if isinstance(error, DBAPIError) else 0
    return code & 0xFF in PASSING  # an extended code has more in its upper bytes
