"""What comes out of a training: a version of the destination, with the weights beside the code.

Its manifest is that of the version that trained, and names the weights, which are a blob of the
destination's repository: they live as long as the version does, and are collected with it. An
image holds them too, so that who pulls it needs no hub; `cog pull` brings those of a bundle.
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
from coghub.domain.errors import (
    DestinationNotFound,
    StorageUnusable,
    TrainingUseless,
    VersionNotFound,
)
from coghub.domain.file import PredictionFile
from coghub.domain.image_index import image_among
from coghub.domain.model import Model, Version
from coghub.domain.prediction import FILE_SCHEME, Chunk
from coghub.domain.weights import Weights
from coghub.files.prediction_files import PredictionFiles
from coghub.storage.places import of_blob
from coghub.storage.storage import Storage
from coghub.trainings import image_weights
from coghub.trainings.kept_blobs import Blob, KeptBlobs, one_piece
from coghub.trainings.noted import note_version

FILE = re.compile(rf"{FILE_SCHEME}/files/(?P<key>[\w-]{{43}})/(?P<name>[^/?#]+)")
NO_WEIGHTS = "The training returned neither a file nor an object with a file `weights`"
TOO_LATE = "The weights were collected while the version was being made"


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
class _Made:
    """A manifest, and the blobs that it has beside those of the version that trained."""

    content: bytes
    blobs: Sequence[Blob]


class Outcomes:
    """Makes versions of what trainings return."""

    def __init__(
        self, database: Database, storage: Storage, files: PredictionFiles, now: Clock
    ) -> None:
        self._database = database
        self._storage = storage
        self._files = files
        self._now = now
        self._blobs = KeptBlobs(database, files, now)

    async def told_by(self, training_id: str) -> Sequence[Chunk]:
        """Return the output that a training told so far."""
        events = await self._database.read(lambda c: prediction_rows.events_of(c, training_id))
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
        await self._database.read(lambda c: _destination(c, training))
        row = await self._database.read(lambda c: _manifest(c, training))
        made = await self._made(training, row["content"], place)
        version_id = hex_of(digest_of(made.content))
        told = output if isinstance(output, Mapping) else {}
        shown = {**told, "version": f"{training.destination}:{version_id}", "weights": place}
        return Outcome(shown, lambda c: self._keep(c, training, row, made))

    async def _made(self, training: Trained, source: bytes, place: str) -> _Made:
        """Keep weights that the hub holds already as a blob; what is elsewhere stays there."""
        manifest = msgspec.json.decode(source, type=dict[str, Any])
        found, blobs = await self._weights(place)
        if not training.version.is_bundle:
            manifest, more = await self._image(manifest, found, place)
            blobs = [*blobs, *more]
        return _Made(_annotated(manifest, training, found), blobs)

    async def _weights(self, place: str) -> tuple[Weights, list[Blob]]:
        if FILE.fullmatch(place) is None:
            if place.startswith(FILE_SCHEME):
                raise TrainingUseless(NO_WEIGHTS)
            name = urlsplit(place).path.rpartition("/")[2]
            return Weights(place, unquote(name) or "weights"), []
        made = await self._file(place)
        blob = await self._blobs.keep(self._files.read(made))
        return Weights(blob.digest, made.name, blob.size_bytes), [blob]

    async def _image(
        self, manifest: dict[str, Any], found: Weights, place: str
    ) -> tuple[dict[str, Any], list[Blob]]:
        """Return the manifest of an image that holds the weights, and what it has more."""
        added = None
        if found.is_blob:
            file = await self._file(place)
            content = image_weights.layer(found, file.size_bytes, self._files.read(file))
            added = await self._blobs.keep(content)
        pieces = [it async for it in self._storage.read(of_blob(manifest["config"]["digest"]))]
        config = msgspec.json.decode(b"".join(pieces), type=dict[str, Any])
        whole = msgspec.json.encode(image_weights.with_weights(config, found, added))
        kept = await self._blobs.keep(one_piece(whole))
        return image_weights.with_parts(manifest, kept, added), [kept, *([added] if added else [])]

    async def _file(self, place: str) -> PredictionFile:
        file = FILE.fullmatch(place)
        assert file is not None
        return await self._files.find(file["key"])

    def _keep(
        self, connection: Connection, training: Trained, source: RowMapping, made: _Made
    ) -> None:
        now, repository = self._now(), training.destination
        model = _destination(connection, training)
        names = set(manifest_rows.names_of(connection, training.model, source["digest"]))
        for digest in names:
            blob_rows.mount_blob(
                connection, digest=digest, source=training.model, target=repository, now=now
            )
        for blob in made.blobs:
            try:
                blob_rows.link_blob(connection, repository, blob.digest, blob.since)
            except StorageUnusable as error:
                raise TrainingUseless(TOO_LATE) from error
            names.add(blob.digest)
        manifest = manifest_rows.PushedManifest(
            digest=digest_of(made.content),
            media_type=source["media_type"],
            content=made.content,
            names=frozenset(names),
            artifact_type=source["artifact_type"],
            subject=None,
            annotations=None,
        )
        manifest_rows.put(connection, repository, manifest, now)
        version = _version(training.version, hex_of(manifest.digest))
        model_rows.add_version(connection, model.id, version, now)
        note_version(
            connection, training.id, destination=repository, version_id=version.id, now=now
        )
        manifest_rows.tag(connection, repository, manifest_rows.LATEST, manifest.digest, now)


def _version(source: Version, version_id: str) -> model_rows.PushedVersion:
    return model_rows.PushedVersion(
        id=version_id,
        cog_version=source.cog_version,
        openapi_schema=source.openapi_schema,
        config=source.config,
        is_bundle=source.is_bundle,
    )


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


def _annotated(manifest: Mapping[str, Any], training: Trained, found: Weights) -> bytes:
    annotations = manifest.get("annotations")
    told = {
        **(annotations if isinstance(annotations, dict) else {}),
        weights.PLACE: found.place,
        weights.NAME: found.name,
        **({} if found.size_bytes is None else {weights.SIZE: str(found.size_bytes)}),
        weights.SOURCE: f"{training.model}@sha256:{training.version.id}",
        weights.TRAINING: training.id,
    }
    whole = {name: value for name, value in manifest.items() if name != "subject"}
    return msgspec.json.encode({**whole, "annotations": told})
