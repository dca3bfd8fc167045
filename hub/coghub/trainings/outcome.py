"""What comes out of a training: a version of the destination, with the weights beside the code.

Its manifest is that of the version that trained, and names the weights, which are a blob of the
destination's repository: they live as long as the version does, and are collected with it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from sqlalchemy import Connection, RowMapping

from coghub.database import manifests as manifest_rows
from coghub.database import models as model_rows
from coghub.database import predictions as prediction_rows
from coghub.database import registry as blob_rows
from coghub.database.database import Database
from coghub.domain import weights
from coghub.domain.clock import Clock
from coghub.domain.digest import digest_of, hex_of
from coghub.domain.errors import DestinationNotFound, TrainingUseless, VersionNotFound
from coghub.domain.image_index import image_among
from coghub.domain.model import Model, Version
from coghub.domain.prediction import FILE_SCHEME, Chunk
from coghub.domain.weights import Weights
from coghub.files.prediction_files import PredictionFiles
from coghub.storage.places import of_blob
from coghub.storage.storage import Storage

FILE = re.compile(rf"{FILE_SCHEME}/files/(?P<key>[\w-]{{43}})/(?P<name>[^/?#]+)")
NO_WEIGHTS = "The training returned neither a file nor an object with a file `weights`"


@dataclass(frozen=True, slots=True)
class Trained:
    """A training that went well."""

    id: str
    destination: str
    """`owner/name` of the model that gets the version."""
    model: str
    """`owner/name` of the one that trained."""
    version: Version


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training that went well ends with."""

    output: Mapping[str, Any]
    """With the new version, as clients expect it."""
    keep: Callable[[Connection], None]
    """Makes the version, in the transaction that ends the training."""


@dataclass(frozen=True, slots=True)
class _Blob:
    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Makes versions of what trainings return."""

    database: Database
    storage: Storage
    files: PredictionFiles
    now: Clock

    async def told_by(self, training_id: str) -> Sequence[Chunk]:
        """Return the output that a training told so far."""
        events = await self.database.read(lambda c: prediction_rows.events_of(c, training_id))
        return [it.content for it in events if isinstance(it.content, Chunk)]

    async def of(self, training: Trained, output: Any) -> Outcome:
        """Return what a training that returned an output ends with.

        Raises:
            TrainingUseless: if the output names no weights.
            DestinationNotFound: if the destination is gone.
            VersionNotFound: if the version that trained has no manifest.
            DiskFull: if there is no space for the weights.
        """
        place = _weights_in(output)
        await self.database.read(lambda c: _destination(c, training))
        blob, found = await self._kept(place)
        row = await self.database.read(lambda c: _manifest(c, training))
        content = _annotated(row["content"], training, found)
        version_id = hex_of(digest_of(content))
        told = output if isinstance(output, Mapping) else {}
        shown = {**told, "version": f"{training.destination}:{version_id}", "weights": place}
        return Outcome(shown, lambda c: self._keep(c, training, row, content, blob))

    async def _kept(self, place: str) -> tuple[_Blob | None, Weights]:
        """Keep weights that the hub holds already as a blob; what is elsewhere stays there."""
        file = FILE.fullmatch(place)
        if file is None:
            name = urlsplit(place).path.rpartition("/")[2]
            return None, Weights(place, unquote(name) or "weights")
        made = await self.files.find(file["key"])
        async with self.files.incoming() as incoming:
            async for piece in self.files.read(made):
                await incoming.write(piece)
            received = await incoming.received()
            digest, now = f"sha256:{received.sha256}", self.now()
            # As after an upload: a blob of the same content may be about to be collected.
            await self.database.write(lambda c: blob_rows.use_blob(c, digest, now))
            await incoming.store(of_blob(digest))
        return _Blob(digest, received.size_bytes), Weights(digest, made.name)

    def _keep(
        self,
        connection: Connection,
        training: Trained,
        source: RowMapping,
        content: bytes,
        blob: _Blob | None,
    ) -> None:
        now, repository = self.now(), training.destination
        model = _destination(connection, training)
        names = set(manifest_rows.names_of(connection, training.model, source["digest"]))
        for digest in names:
            blob_rows.mount_blob(
                connection, digest=digest, source=training.model, target=repository, now=now
            )
        if blob is not None:
            blob_rows.add_blob(
                connection,
                repository=repository,
                digest=blob.digest,
                size_bytes=blob.size_bytes,
                now=now,
            )
            names.add(blob.digest)
        manifest = manifest_rows.PushedManifest(
            digest=digest_of(content),
            media_type=source["media_type"],
            content=content,
            names=frozenset(names),
            artifact_type=source["artifact_type"],
            subject=None,
            annotations=None,
        )
        manifest_rows.put(connection, repository, manifest, now)
        version = training.version
        made = model_rows.PushedVersion(
            id=hex_of(manifest.digest),
            cog_version=version.cog_version,
            openapi_schema=version.openapi_schema,
            config=version.config,
            is_bundle=version.is_bundle,
        )
        model_rows.add_version(connection, model.id, made, now)


def _weights_in(output: Any) -> str:
    """Return where the weights are that a training returned."""
    found = output.get("weights") if isinstance(output, Mapping) else output
    is_place = isinstance(found, str) and found.startswith((FILE_SCHEME, "https://", "http://"))
    if not is_place:
        raise TrainingUseless(NO_WEIGHTS)
    return str(found)


def _destination(connection: Connection, training: Trained) -> Model:
    model = model_rows.by_name(connection, *training.destination.split("/", 1))
    if model is None:
        raise DestinationNotFound
    return model


def _manifest(connection: Connection, training: Trained) -> RowMapping:
    """Return the manifest of the version that trained: of an index, that of its image."""
    digest = f"sha256:{training.version.id}"
    while row := manifest_rows.by_digest(connection, training.model, digest):
        image = image_among(msgspec.json.decode(row["content"], type=dict[str, Any]))
        if image is None:
            return row
        digest = image
    raise VersionNotFound(training.version.id)


def _annotated(content: bytes, training: Trained, found: Weights) -> bytes:
    manifest = msgspec.json.decode(content, type=dict[str, Any])
    annotations = manifest.get("annotations")
    manifest["annotations"] = {
        **(annotations if isinstance(annotations, dict) else {}),
        weights.PLACE: found.place,
        weights.NAME: found.name,
        weights.SOURCE: f"{training.model}@sha256:{training.version.id}",
        weights.TRAINING: training.id,
    }
    manifest.pop("subject", None)
    return msgspec.json.encode(manifest)
