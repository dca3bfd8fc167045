"""Queries by which blobs come and go; `coghub.files.blobs` says why nothing is lost."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, select, update

from coghub.database.schema import blobs, manifest_blobs, repository_blobs

GOING_BYTES = -1
"""The size of what is going; then `created_at` says since when."""
IS_GOING = blobs.c.size_bytes < 0


def may_go(before: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return what is true of blobs that nothing leads to and nobody used since."""
    is_named = exists().where(manifest_blobs.c.digest == blobs.c.digest)
    return blobs.c.used_at < before, ~IS_GOING, ~is_named


def expect(
    connection: Connection, digest: str, size_bytes: int, *, now: datetime, lease: timedelta
) -> datetime | None:
    """Make or use the row of a blob, and return since when it is there; None if it is going.

    What has been going for longer than a lease is a new blob.
    """
    known = select(blobs.c.created_at, blobs.c.size_bytes).where(blobs.c.digest == digest)
    row = connection.execute(known).first()
    use: dict[str, Any] = {"size_bytes": size_bytes, "used_at": now}
    if row is None:
        connection.execute(insert(blobs).values(digest=digest, created_at=now, **use))
        return now
    if row.size_bytes < 0:
        if row.created_at > now - lease:
            return None
        use["created_at"] = now
    connection.execute(update(blobs).where(blobs.c.digest == digest).values(use))
    return use.get("created_at", row.created_at)


def is_expected(connection: Connection, digest: str, since: datetime) -> bool:
    """Tell whether the row is there, and still that of then."""
    is_it = blobs.c.digest == digest, blobs.c.created_at == since, ~IS_GOING
    return connection.execute(select(blobs.c.digest).where(*is_it)).first() is not None


def take(
    connection: Connection, digests: Sequence[str], *, before: datetime, now: datetime
) -> Mapping[str, int]:
    """Let blobs go that may, and take them from all repositories; return their sizes."""
    query = select(blobs.c.digest, blobs.c.size_bytes)
    found = connection.execute(query.where(blobs.c.digest.in_(digests), *may_go(before)))
    sizes = {row.digest: row.size_bytes for row in found}
    connection.execute(delete(repository_blobs).where(repository_blobs.c.digest.in_(sizes)))
    _let_go(connection, list(sizes), now)
    return sizes


def take_orphan(connection: Connection, digest: str, *, now: datetime) -> bool:
    """Make a row that is going for an object that has none; tell whether it had none."""
    if connection.execute(select(blobs.c.digest).where(blobs.c.digest == digest)).first():
        return False
    values = {"size_bytes": GOING_BYTES, "created_at": now, "used_at": now}
    connection.execute(insert(blobs).values(digest=digest, **values))
    return True


def take_left(
    connection: Connection, *, before: datetime, now: datetime, limit: int
) -> Sequence[str]:
    """Return some blobs that have been going since before, which are going since now then."""
    query = select(blobs.c.digest).where(IS_GOING, blobs.c.created_at <= before)
    left = connection.execute(query.limit(limit)).scalars().all()
    _let_go(connection, left, now)
    return left


def forget(connection: Connection, digests: Sequence[str], *, since: datetime) -> None:
    """Remove the rows of blobs whose removal of then has ended."""
    is_theirs = blobs.c.digest.in_(digests), IS_GOING, blobs.c.created_at == since
    connection.execute(delete(blobs).where(*is_theirs))


def _let_go(connection: Connection, digests: Sequence[str], now: datetime) -> None:
    change = update(blobs).where(blobs.c.digest.in_(digests))
    connection.execute(change.values(size_bytes=GOING_BYTES, created_at=now))
