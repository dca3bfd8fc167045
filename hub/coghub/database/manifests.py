"""Queries on manifests, tags, and the list of repositories."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, exists, insert, or_, select, update

from coghub.database.registry import MAX_NAMES
from coghub.database.schema import (
    accounts,
    manifest_blobs,
    manifests,
    model_shares,
    models,
    tags,
    versions,
)
from coghub.domain.account import Account
from coghub.domain.digest import hex_of
from coghub.domain.model import Visibility

LATEST = "latest"
"""The tag that a name without one means; a trained version gets it, as a pushed one does."""


@dataclass(frozen=True, slots=True)
class PushedManifest:
    """A manifest as it was pushed, and what was read of it."""

    digest: str
    media_type: str
    content: bytes
    names: frozenset[str]
    """The digests of blobs and manifests that are kept as long as it is."""
    artifact_type: str | None
    subject: str | None
    annotations: Mapping[str, str] | None


def put(connection: Connection, repository: str, manifest: PushedManifest, now: datetime) -> None:
    """Store a manifest, once, and pin what it names."""
    if by_digest(connection, repository, manifest.digest) is not None:
        use(connection, repository, manifest.digest, now)
        return
    values: dict[str, Any] = {
        "repository": repository,
        "digest": manifest.digest,
        "media_type": manifest.media_type,
        "artifact_type": manifest.artifact_type,
        "subject": manifest.subject,
        "annotations": manifest.annotations,
        "content": manifest.content,
        "created_at": now,
        "used_at": now,
    }
    connection.execute(insert(manifests).values(values))
    pins = [
        {"repository": repository, "manifest_digest": manifest.digest, "digest": digest}
        for digest in manifest.names
    ]
    if pins:
        connection.execute(insert(manifest_blobs), pins)


def by_digest(connection: Connection, repository: str, digest: str) -> RowMapping | None:
    """Return a manifest's row."""
    query = select(manifests).where(
        manifests.c.repository == repository, manifests.c.digest == digest
    )
    return connection.execute(query).mappings().first()


def names_of(connection: Connection, repository: str, digest: str) -> Sequence[str]:
    """Return the digests of what a manifest names."""
    query = select(manifest_blobs.c.digest).where(
        manifest_blobs.c.repository == repository, manifest_blobs.c.manifest_digest == digest
    )
    return connection.execute(query).scalars().all()


def by_tag(connection: Connection, repository: str, tag: str) -> RowMapping | None:
    """Return the row of the manifest that a tag points at."""
    query = select(manifests).join(
        tags, (tags.c.repository == manifests.c.repository) & (tags.c.digest == manifests.c.digest)
    )
    query = query.where(tags.c.repository == repository, tags.c.name == tag)
    return connection.execute(query).mappings().first()


def missing(connection: Connection, repository: str, digests: Collection[str]) -> Collection[str]:
    """Return those of the digests that are no manifests of the repository."""
    wanted = list(digests)
    absent = set(wanted)
    for start in range(0, len(wanted), MAX_NAMES):
        query = select(manifests.c.digest).where(
            manifests.c.repository == repository,
            manifests.c.digest.in_(wanted[start : start + MAX_NAMES]),
        )
        absent -= set(connection.execute(query).scalars())
    return absent


def use(connection: Connection, repository: str, digest: str, now: datetime) -> None:
    """Keep a manifest from being collected for a while."""
    connection.execute(
        update(manifests)
        .where(manifests.c.repository == repository, manifests.c.digest == digest)
        .values(used_at=now)
    )


def remove(connection: Connection, repository: str, digest: str) -> bool:
    """Remove a manifest with its tags; tell whether it was there."""
    for table, column in (
        (tags, tags.c.digest),
        (manifest_blobs, manifest_blobs.c.manifest_digest),
    ):
        connection.execute(delete(table).where(table.c.repository == repository, column == digest))
    gone = delete(manifests).where(
        manifests.c.repository == repository, manifests.c.digest == digest
    )
    return connection.execute(gone).rowcount > 0


def is_version(connection: Connection, model_id: int, digest: str) -> bool:
    """Tell whether a manifest is a version of the model."""
    query = select(versions.c.key).where(
        versions.c.model_id == model_id,
        versions.c.id == hex_of(digest),
        versions.c.deleted_at.is_(None),
    )
    return connection.execute(query).first() is not None


def tag(connection: Connection, repository: str, name: str, digest: str, now: datetime) -> None:
    """Let a tag point at a manifest."""
    change = (
        update(tags)
        .where(tags.c.repository == repository, tags.c.name == name)
        .values(digest=digest, updated_at=now)
    )
    if connection.execute(change).rowcount == 0:
        values = {"repository": repository, "name": name, "digest": digest, "updated_at": now}
        connection.execute(insert(tags).values(values))


def untag(connection: Connection, repository: str, name: str) -> bool:
    """Remove a tag and tell whether it was there."""
    gone = delete(tags).where(tags.c.repository == repository, tags.c.name == name)
    return connection.execute(gone).rowcount > 0


def tag_names(connection: Connection, repository: str, *, after: str, limit: int) -> Sequence[str]:
    """Return the names of a repository's tags in lexical order."""
    query = (
        select(tags.c.name)
        .where(tags.c.repository == repository, tags.c.name > after)
        .order_by(tags.c.name)
        .limit(limit)
    )
    return connection.execute(query).scalars().all()


def referrers(
    connection: Connection,
    repository: str,
    subject: str,
    *,
    artifact_type: str | None,
    after: str,
    limit: int,
) -> Sequence[RowMapping]:
    """Return the manifests that name a subject, by digest."""
    query = select(manifests).where(
        manifests.c.repository == repository,
        manifests.c.subject == subject,
        manifests.c.digest > after,
    )
    if artifact_type is not None:
        query = query.where(manifests.c.artifact_type == artifact_type)
    return connection.execute(query.order_by(manifests.c.digest).limit(limit)).mappings().all()


def repository_names(
    connection: Connection, account: Account | None, *, after: str, limit: int
) -> Sequence[str]:
    """Return the repositories with content that an account may read, in lexical order.

    None stands for everyone: what is public.
    """
    name = accounts.c.name + "/" + models.c.name
    query = (
        select(name)
        .join(accounts, accounts.c.id == models.c.owner_id)
        .where(name > after, exists().where(manifests.c.repository == name))
        .order_by(name)
        .limit(limit)
    )
    if account is None:
        query = query.where(models.c.visibility == Visibility.PUBLIC)
    elif not account.is_admin:
        shared = exists().where(
            model_shares.c.model_id == models.c.id, model_shares.c.account_id == account.id
        )
        query = query.where(
            or_(
                models.c.visibility == Visibility.PUBLIC,
                models.c.owner_id == account.id,
                shared,
            )
        )
    return connection.execute(query).scalars().all()
