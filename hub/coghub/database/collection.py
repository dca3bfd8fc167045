"""Queries that find and take what nothing in the registry leads to any more."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, exists, func, select

from coghub.database import manifests as manifest_rows
from coghub.database.models import by_name
from coghub.database.removals import may_go
from coghub.database.schema import (
    accounts,
    blobs,
    manifest_blobs,
    manifests,
    models,
    tags,
    uploads,
    versions,
)

HEX_FROM = len("sha256:") + 1
"""Where a digest's hex digits begin, as SQL counts."""


def idle_uploads(connection: Connection, before: datetime) -> Sequence[str]:
    """Return the ids of uploads that no request went on with since."""
    query = select(uploads.c.id).where(uploads.c.used_at < before)
    return connection.execute(query).scalars().all()


def take_upload(connection: Connection, upload_id: str, before: datetime) -> bool:
    """Remove an upload, unless a request goes on with it; tell whether it is gone."""
    change = delete(uploads).where(uploads.c.id == upload_id, uploads.c.used_at < before)
    return connection.execute(change).rowcount > 0


def upload_ids(connection: Connection) -> set[str]:
    """Return the ids of all open uploads."""
    return set(connection.execute(select(uploads.c.id)).scalars())


def take_manifests(connection: Connection, before: datetime, *, limit: int) -> int:
    """Remove manifests that nothing leads to and nobody used since; return how many.

    A tag leads to a manifest, being a version does, an index, and for what refers to another
    manifest that one.
    """
    is_left = [
        manifests.c.used_at < before,
        ~_is_tagged(),
        ~_is_version(),
        ~_is_named(),
        ~_has_subject(),
    ]
    query = select(manifests.c.repository, manifests.c.digest).where(*is_left).limit(limit)
    found = connection.execute(query).all()
    for repository, digest in found:
        manifest_rows.remove(connection, repository, digest)
    return len(found)


def _is_tagged() -> ColumnElement[bool]:
    same = tags.c.repository == manifests.c.repository
    return exists().where(same, tags.c.digest == manifests.c.digest)


def _is_version() -> ColumnElement[bool]:
    return exists().where(
        versions.c.id == func.substr(manifests.c.digest, HEX_FROM),
        versions.c.deleted_at.is_(None),
        models.c.id == versions.c.model_id,
        accounts.c.id == models.c.owner_id,
        accounts.c.name + "/" + models.c.name == manifests.c.repository,
    )


def _is_named() -> ColumnElement[bool]:
    same = manifest_blobs.c.repository == manifests.c.repository
    return exists().where(same, manifest_blobs.c.digest == manifests.c.digest)


def _has_subject() -> ColumnElement[bool]:
    subjects = manifests.alias("subjects")
    same = subjects.c.repository == manifests.c.repository
    return exists().where(same, subjects.c.digest == manifests.c.subject)


def orphaned_repositories(connection: Connection) -> Sequence[str]:
    """Return the repositories with manifests whose model was deleted."""
    names = connection.execute(select(manifests.c.repository).distinct()).scalars().all()
    return [name for name in names if by_name(connection, *name.split("/", 1)) is None]


def take_repository(connection: Connection, repository: str) -> int:
    """Remove the manifests of a repository without a model; return how many.

    Its blobs stay until nobody used them for a while: the next push may have begun.
    """
    if by_name(connection, *repository.split("/", 1)) is not None:
        return 0
    for table in (tags, manifest_blobs):
        connection.execute(delete(table).where(table.c.repository == repository))
    gone = delete(manifests).where(manifests.c.repository == repository)
    return connection.execute(gone).rowcount


def idle_blobs(
    connection: Connection, before: datetime, *, after: str, limit: int
) -> Sequence[str]:
    """Return the digests of blobs that could be taken now, in order."""
    query = select(blobs.c.digest).where(*may_go(before), blobs.c.digest > after)
    return connection.execute(query.order_by(blobs.c.digest).limit(limit)).scalars().all()


def has_blob(connection: Connection, digest: str) -> bool:
    """Tell whether a blob's row is there."""
    query = select(blobs.c.digest).where(blobs.c.digest == digest)
    return connection.execute(query).first() is not None
