"""Copies all rows from one database to another, of whichever kind: for moves, and for backups."""

import asyncio
from collections.abc import Collection
from pathlib import Path

from sqlalchemy import Connection, Integer, Table, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from coghub.database.database import Database, SqliteDatabase, open_database
from coghub.database.migrate import migrate
from coghub.database.place import has_rows
from coghub.database.schema import metadata
from coghub.domain.errors import Conflict

ROWS = 100
"""As many are in memory at once: each may hold an output of some size."""


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

    def into(rows: Connection) -> int:
        reading = source.read(lambda c: copy_rows(c, rows, without))
        return asyncio.run_coroutine_threadsafe(reading, loop).result()

    return await target.write(into)


def copy_rows(source: Connection, target: Connection, without: Collection[Table] = ()) -> int:
    """Copy every row but those of some tables, within the transactions of both; return how many.

    Raises:
        Conflict: if the target has rows.
    """
    if has_rows(target):
        raise Conflict(
            "The database has the rows of a hub already",
            hint="Name an empty one by the setting `database`",
        )
    tables = [table for table in metadata.sorted_tables if table not in without]
    number = sum(_copy_table(source, target, table) for table in tables)
    for table in tables:
        _copy_count(source, target, table)
    return number


def _copy_table(source: Connection, target: Connection, table: Table) -> int:
    number = 0
    options = {"stream_results": True, "max_row_buffer": ROWS}
    with source.execute(select(table), execution_options=options) as found:
        for part in found.mappings().partitions(ROWS):
            rows = [{it.name: row[it.name] for it in table.c} for row in part]
            target.execute(insert(table), rows)
            number += len(part)
    return number


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
