"""Queries on blobs and uploads of the registry."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from coghub.database import removals
from coghub.database.schema import blobs, manifest_blobs, repository_blobs, uploads
from coghub.domain.errors import StorageUnusable

MAX_NAMES = 500
"""Digests in one query; databases take some ten thousand parameters, not any number."""


def add_upload(
    connection: Connection, *, upload_id: str, repository: str, account_id: int, now: datetime
) -> None:
    """Add an upload."""
    values = {
        "id": upload_id,
        "repository": repository,
        "account_id": account_id,
        "created_at": now,
        "used_at": now,
    }
    connection.execute(insert(uploads).values(values))


def count_uploads(connection: Connection, account_id: int) -> int:
    """Return how many uploads of an account are open."""
    query = select(func.count()).select_from(uploads).where(uploads.c.account_id == account_id)
    return connection.execute(query).scalar_one()


def upload(connection: Connection, upload_id: str) -> RowMapping | None:
    """Return the row of an open upload."""
    query = select(uploads).where(uploads.c.id == upload_id)
    return connection.execute(query).mappings().first()


def use_upload(connection: Connection, upload_id: str, now: datetime) -> bool:
    """Say that an upload goes on, and tell whether it is still there."""
    change = update(uploads).where(uploads.c.id == upload_id).values(used_at=now)
    return connection.execute(change).rowcount > 0


def remove_upload(connection: Connection, upload_id: str) -> None:
    """Forget an upload."""
    connection.execute(delete(uploads).where(uploads.c.id == upload_id))


def use_blob(connection: Connection, digest: str, now: datetime) -> None:
    """Keep a blob, if it is there, from being collected for a while."""
    connection.execute(update(blobs).where(blobs.c.digest == digest).values(used_at=now))


def blob_size(connection: Connection, repository: str, digest: str) -> int | None:
    """Return a blob's size in bytes if the repository has it."""
    query = (
        select(blobs.c.size_bytes)
        .join(repository_blobs, repository_blobs.c.digest == blobs.c.digest)
        .where(repository_blobs.c.repository == repository, blobs.c.digest == digest)
    )
    return connection.execute(query).scalar()


def link_blob(connection: Connection, repository: str, digest: str, since: datetime | None) -> None:
    """Let a repository have a blob whose content is in the storage.

    Args:
        connection: to the rows.
        repository: which one.
        digest: of the content.
        since: what tells the row that was expected from a later one; see `coghub.files.blobs`.

    Raises:
        StorageUnusable: if the blob was collected while it was being stored.
    """
    if since is None or not removals.is_expected(connection, digest, since):
        raise StorageUnusable(f"The blob took too long to be stored, send it again: {digest}")
    _link(connection, repository, digest)


def mount_blob(
    connection: Connection, *, digest: str, source: str, target: str, now: datetime
) -> bool:
    """Let a repository have a blob of another one; tell whether that one had it."""
    if blob_size(connection, source, digest) is None:
        return False
    use_blob(connection, digest, now)
    _link(connection, target, digest)
    return True


def unlink_blob(connection: Connection, repository: str, digest: str) -> None:
    """Take a blob from a repository; others may have it still."""
    connection.execute(
        delete(repository_blobs).where(
            repository_blobs.c.repository == repository, repository_blobs.c.digest == digest
        )
    )


def is_named(connection: Connection, repository: str, digest: str) -> bool:
    """Tell whether a manifest of the repository names a blob or manifest."""
    query = select(manifest_blobs.c.digest).where(
        manifest_blobs.c.repository == repository, manifest_blobs.c.digest == digest
    )
    return connection.execute(query).first() is not None


def use_blobs(
    connection: Connection, repository: str, digests: Collection[str], now: datetime
) -> Collection[str]:
    """Use blobs of a repository, as a manifest does; return the digests that it does not have."""
    wanted = sorted(digests)
    missing = set(wanted)
    for start in range(0, len(wanted), MAX_NAMES):
        some = wanted[start : start + MAX_NAMES]
        connection.execute(update(blobs).where(blobs.c.digest.in_(some)).values(used_at=now))
        query = select(repository_blobs.c.digest).where(
            repository_blobs.c.repository == repository, repository_blobs.c.digest.in_(some)
        )
        missing -= set(connection.execute(query).scalars())
    return missing


def _link(connection: Connection, repository: str, digest: str) -> None:
    known = select(repository_blobs.c.digest).where(
        repository_blobs.c.repository == repository, repository_blobs.c.digest == digest
    )
    if connection.execute(known).first() is None:
        values = {"repository": repository, "digest": digest}
        connection.execute(insert(repository_blobs).values(values))
