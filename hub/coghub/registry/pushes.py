"""What a pushed manifest becomes: stored, tagged, and, if it is a model's image, a version."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from coghub.database import accounts as account_rows
from coghub.database import manifests as rows
from coghub.database import models as model_rows
from coghub.database import registry as blob_rows
from coghub.database.audit import Audit
from coghub.database.models import PushedVersion
from coghub.domain.audit import Action
from coghub.domain.digest import hex_of, is_digest
from coghub.domain.distribution_errors import (
    ManifestBlobUnknown,
    ManifestInvalid,
    RepositoryNameInvalid,
    RepositoryUnknown,
)
from coghub.domain.model import Model, Visibility, is_model_name
from coghub.parts import Hub
from coghub.registry.manifest_content import Descriptor, Manifest, read_manifest
from coghub.registry.names import Repository
from coghub.registry.version_labels import CONFIGS, MAX_CONFIG_BYTES, version_of
from coghub.storage.places import of_blob

RESERVED_TAG = "cog-"
"""Tags that begin so hold parts of a model, which are no versions by themselves.

Source: Cog pushes the image of a model with weights as `cog-image.TAG`, then an index as `TAG`.
"""

MAX_IMAGES = 100
"""Of an index, among which a model's is looked for."""


@dataclass(frozen=True, slots=True)
class Push:
    """A manifest on its way into a repository."""

    repository: Repository
    manifest: Manifest
    tag: str | None
    version: PushedVersion | None


class Pushes:
    """Takes manifests in."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def put(self, repository: Repository, reference: str, manifest: Manifest) -> None:
        """Store a manifest, and make a version of it where it is a model's image.

        One transaction checks that all it names is there, pins it, and makes the version.

        Raises:
            ManifestBlobUnknown: if the repository lacks something that it names.
            ManifestInvalid: if it or its config cannot be used.
            VersionRefused: if it is a model's image that nothing here can run.
        """
        tag = None if is_digest(reference) else reference
        await self._check_contents(manifest)
        is_part = tag is not None and tag.startswith(RESERVED_TAG)
        version = None if is_part else await self._version(repository, manifest)
        push = Push(repository, manifest, tag, version)
        now, audit, name = self._hub.now(), Audit(self._hub.now), str(repository)
        digest = hex_of(manifest.digest)
        made = audit.of(Action.MODEL_CREATE, name, visibility=Visibility.PRIVATE)
        pushed = audit.of(Action.VERSION_PUSH, name, version=digest, tag=tag)

        def store(connection: Connection) -> None:
            if _store(connection, push, now):
                made(connection)
            if version is not None:
                pushed(connection)

        await self._hub.database.write(store)

    async def _check_contents(self, manifest: Manifest) -> None:
        """Refuse what names a blob without its file; whether its row is there is checked later."""
        for digest in sorted(manifest.blobs):
            if await self._hub.storage.size_of(of_blob(digest)) is None:
                raise ManifestBlobUnknown(digest)

    async def _version(self, repository: Repository, manifest: Manifest) -> PushedVersion | None:
        async for config in self._configs(repository, manifest):
            if config.media_type in CONFIGS:
                content = await self._content(repository, config)
                # Megabytes of JSON, at the limit: not on the event loop.
                read = partial(version_of, takes_images=self._hub.settings.executor == "docker")
                version = await asyncio.to_thread(read, manifest.digest, content)
                if version is not None:
                    return version
        return None

    async def _configs(
        self, repository: Repository, manifest: Manifest
    ) -> AsyncIterator[Descriptor]:
        """Yield the config of an image, or those of an index's images, one at a time."""
        if manifest.config is not None:
            yield manifest.config
        digests = list(dict.fromkeys(image.digest for image in manifest.images))
        for digest in digests[:MAX_IMAGES]:
            image = await self._image(repository, digest)
            if image is not None and image.config is not None:
                yield image.config

    async def _image(self, repository: Repository, digest: str) -> Manifest | None:
        row = await self._hub.database.read(lambda c: rows.by_digest(c, str(repository), digest))
        return None if row is None else read_manifest(row["content"], row["media_type"])

    async def _content(self, repository: Repository, config: Descriptor) -> bytes:
        size = await self._hub.database.read(
            lambda c: blob_rows.blob_size(c, str(repository), config.digest)
        )
        if size is None:
            raise ManifestBlobUnknown(config.digest)
        if size > MAX_CONFIG_BYTES:
            raise ManifestInvalid(f"The config is larger than {MAX_CONFIG_BYTES} bytes")
        return b"".join([piece async for piece in self._hub.storage.read(of_blob(config.digest))])


def _store(connection: Connection, push: Push, now: datetime) -> bool:
    """Do all that a push does to the rows; tell whether it made the model."""
    repository, manifest = str(push.repository), push.manifest
    for digest in sorted(_missing(connection, repository, manifest, now)):
        raise ManifestBlobUnknown(digest)
    model, is_new = _model(connection, push.repository, now)
    names = manifest.blobs | {image.digest for image in manifest.images}
    stored = rows.PushedManifest(
        digest=manifest.digest,
        media_type=manifest.media_type,
        content=manifest.content,
        names=names,
        artifact_type=manifest.artifact_type,
        subject=manifest.subject,
        annotations=manifest.annotations,
    )
    rows.put(connection, repository, stored, now)
    if push.tag is not None:
        rows.tag(connection, repository, push.tag, manifest.digest, now)
    if push.version is not None:
        model_rows.add_version(connection, model.id, push.version, now)
    return is_new


def _missing(
    connection: Connection, repository: str, manifest: Manifest, now: datetime
) -> Collection[str]:
    images = [image.digest for image in manifest.images]
    return {
        *blob_rows.use_blobs(connection, repository, manifest.blobs, now),
        *rows.missing(connection, repository, images),
    }


def _model(connection: Connection, repository: Repository, now: datetime) -> tuple[Model, bool]:
    """Return the model of a repository, and whether it is new: the first push makes it, private."""
    owner, name = repository.owner, repository.model
    model = model_rows.by_name(connection, owner, name)
    if model is not None:
        return model, False
    if not is_model_name(name):
        raise RepositoryNameInvalid(f"Not a name for a model: {name}")
    owning = account_rows.by_name(connection, owner)
    if owning is None:
        raise RepositoryUnknown(str(repository))
    fields = {"visibility": Visibility.PRIVATE}
    model_rows.add(connection, owner_id=owning.id, name=name, now=now, fields=fields)
    made = model_rows.by_name(connection, owner, name)
    assert made is not None
    return made, True
