"""Queries on uploaded files."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from coghub.database.paging import mapped, page_of
from coghub.database.schema import files
from coghub.domain.file import File
from coghub.domain.page import Cursor, Page


def file_of(row: RowMapping) -> File:
    """Return the file of a row of the table."""
    return File(**{column.name: row[column.name] for column in files.c})


def add(connection: Connection, file: File) -> None:
    """Add a file."""
    values = {field.name: getattr(file, field.name) for field in fields(file)}
    connection.execute(insert(files).values(values))


def by_id(connection: Connection, file_id: str) -> File | None:
    """Return the file of that id."""
    row = connection.execute(select(files).where(files.c.id == file_id)).mappings().first()
    return None if row is None else file_of(row)


def of_account(
    connection: Connection, account_id: int, cursor: Cursor | None, *, now: datetime, limit: int
) -> Page[File]:
    """Return a page of an account's files that have not expired, the newest first."""
    query = select(files).where(files.c.account_id == account_id, files.c.expires_at > now)
    page = page_of(connection, query, (files.c.created_at, files.c.id), cursor, limit=limit)
    return mapped(page, file_of)


def keep(connection: Connection, account_id: int, ids: Sequence[str], *, until: datetime) -> None:
    """Let some files of an account expire later."""
    change = update(files).where(files.c.account_id == account_id, files.c.id.in_(ids))
    connection.execute(change.values(expires_at=until))


def expired(connection: Connection, now: datetime, *, limit: int) -> list[str]:
    """Return the ids of files that have expired."""
    query = select(files.c.id).where(files.c.expires_at <= now).limit(limit)
    return list(connection.execute(query).scalars())


def delete_all(connection: Connection, ids: Sequence[str]) -> None:
    """Remove the rows of files."""
    connection.execute(delete(files).where(files.c.id.in_(ids)))
