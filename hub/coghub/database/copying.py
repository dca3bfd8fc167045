"""Copies all rows from one database to another, of whichever kind: for moves, and for backups.

A copy is one transaction of the target: it appears whole or not at all, whenever it is interrupted.
What is read is as it was at one moment.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import Connection, CursorResult, Integer, Table, func, select, text
from sqlalchemy.exc import DBAPIError

from coghub.database.database import Database, SqliteDatabase, open_database
from coghub.database.migrate import migrate
from coghub.database.place import has_rows
from coghub.database.schema import metadata
from coghub.domain.errors import Conflict

ROWS = 25
"""As many are in memory at once: each may hold an output of some size."""
PASSING = frozenset({"hubs"})
"""Tables of what runs at the moment: a copy is of no running hub."""
NEVER = Event()


async def copy_into_server(path: Path, url: str) -> int:
    """Copy the rows of a file into an empty database of a server; return how many.

    The file is brought to this version's schema.

    Raises:
        Conflict: if the database has rows.
        DataFolderBusy: if a hub works with it.
    """
    source = SqliteDatabase(path)
    target = open_database(url, path, is_durable=True)
    try:
        await _open(source)
        await _open(target)
        await asyncio.to_thread(target.claim)
        return await _copy(source, target)
    finally:
        await target.close()
        await source.close()


async def copy_into_file(url: str, path: Path, *, without: Collection[Table] = ()) -> int:
    """Copy the rows of a server, as they are at one moment, into a new file; return how many."""
    source = open_database(url, path, is_durable=True)
    target = SqliteDatabase(path, is_durable=True)
    try:
        await _open(source)
        await _open(target)
        return await _copy(source, target, without)
    finally:
        await target.close()
        await source.close()


async def _open(database: Database) -> None:
    try:
        await database.write(migrate)
    except DBAPIError as error:
        raise database.unusable(error) from error


async def _copy(source: Database, target: Database, without: Collection[Table] = ()) -> int:
    loop = asyncio.get_running_loop()
    is_off = Event()
    drivers = list[Any]()

    def into(rows: Connection) -> int:
        drivers.append(_driver_of(rows))
        reading = source.read(lambda c: copy_rows(c, rows, without, is_off))
        return asyncio.run_coroutine_threadsafe(reading, loop).result()

    try:
        return await target.write(into)
    except DBAPIError as error:
        raise target.unusable(error) from error
    except asyncio.CancelledError:
        is_off.set()  # the thread would go on to the end, and keep it
        for driver in drivers:
            _stop(driver)
        raise


def _stop(driver: Any) -> None:
    """Let a connection end what it does, such as to wait for somebody's lock."""
    stop = getattr(driver, "cancel_safe", None) or driver.interrupt  # psycopg's, or SQLite's
    stop()


def copy_rows(
    source: Connection,
    target: Connection,
    without: Collection[Table] = (),
    is_off: Event = NEVER,
) -> int:
    """Copy every row but those of some tables, within the transactions of both; return how many.

    Raises:
        Conflict: if the target has rows.
        InterruptedError: once it is called off.
    """
    if has_rows(target):
        raise Conflict(
            "The database has the rows of a hub already",
            hint="Name an empty one by the setting `database`",
        )
    number = 0
    for table in metadata.sorted_tables:
        if table not in without and table.name not in PASSING:
            number += _copy_table(source, target, table, is_off)
        _copy_count(source, target, table)
    _require_wanted(is_off)
    if target.dialect.name == "postgresql":  # else lists are slow until it does so by itself
        target.execute(text("ANALYZE"))
    return number


def _copy_table(source: Connection, target: Connection, table: Table, is_off: Event) -> int:
    """Copy values as the databases have them: both keep each in the same form."""
    add = _stream if target.dialect.name == "postgresql" else _insert
    columns = ", ".join(f'"{it.name}"' for it in table.c)
    query = f'SELECT {columns} FROM "{table.name}"'  # noqa: S608 - of the schema's names
    options = {"stream_results": True, "max_row_buffer": ROWS}
    with source.exec_driver_sql(query, execution_options=options) as found:
        number = add(target, f'"{table.name}" ({columns})', _until(found, is_off))
    [[there]] = target.execute(select(func.count()).select_from(table))
    assert there == number, f"{number} rows of {table.name} were copied, and {there} are there"
    return number


def _until(found: CursorResult[Any], is_off: Event) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Give the rows in parts until it is called off."""
    for part in found.partitions(ROWS):
        _require_wanted(is_off)
        yield [tuple(row) for row in part]


def _require_wanted(is_off: Event) -> None:
    if is_off.is_set():
        raise InterruptedError("The copy was called off")


_Parts = Iterable[Sequence[tuple[Any, ...]]]


def _insert(target: Connection, columns: str, parts: _Parts) -> int:
    number = 0
    for part in parts:
        marks = ", ".join("?" * len(part[0]))
        statement = f"INSERT INTO {columns} VALUES ({marks})"  # noqa: S608 - of the schema's names
        target.exec_driver_sql(statement, list(part))
        number += len(part)
    return number


def _stream(target: Connection, columns: str, parts: _Parts) -> int:
    """Let PostgreSQL take rows as they come, which is six times as fast as one by one."""
    statement = f"COPY {columns} FROM STDIN"
    number = 0
    try:
        with _driver_of(target).cursor() as cursor, cursor.copy(statement) as stream:
            for part in parts:
                for row in part:
                    stream.write_row(row)
                number += len(part)
    except target.dialect.loaded_dbapi.Error as error:
        raise DBAPIError(statement, None, error) from error
    return number


def _driver_of(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _copy_count(source: Connection, target: Connection, table: Table) -> None:
    """Let the numbers of new rows go on where they were, so that none is used again."""
    column = table.autoincrement_column
    if column is None or not isinstance(column.type, Integer):
        return
    largest = source.execute(select(func.coalesce(func.max(column), 0))).scalar_one()
    last = max(largest, _last_number(source, table, column.name))
    if last and target.dialect.name == "postgresql":
        values = {"table": table.name, "column": column.name, "last": last}
        change = "SELECT setval(pg_get_serial_sequence(:table, :column), :last)"
        target.execute(text(change), values)
    elif last and _counts(table):
        target.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), _named(table))
        change = "INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)"
        target.execute(text(change), {**_named(table), "last": last})


def _last_number(source: Connection, table: Table, column: str) -> int:
    if source.dialect.name == "postgresql":
        name = source.execute(
            text("SELECT pg_get_serial_sequence(:table, :column)"),
            {**_named(table), "column": column},
        ).scalar_one()
        query = f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}"  # noqa: S608 - PostgreSQL's own name for it
        return source.execute(text(query)).scalar_one()
    if not _counts(table):
        return 0
    query = "SELECT seq FROM sqlite_sequence WHERE name = :table"
    return source.execute(text(query), _named(table)).scalar() or 0


def _counts(table: Table) -> bool:
    """Tell whether SQLite remembers the last number of a table."""
    return bool(table.dialect_options["sqlite"]["autoincrement"])


def _named(table: Table) -> dict[str, str]:
    return {"table": table.name}
