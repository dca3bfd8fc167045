"""A weight in a registry: its layers, a config that lists its files, and a manifest.

Source: contract 08, section 8.5.
"""

import gzip
import json
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cog.errors import FetchError
from cog.weights import WeightsCache
from coghub.build.events import Report
from coghub.build.oci import LAYER, LAYER_GZIP, MANIFEST, Descriptor
from coghub.build.registry_client.download import Download
from coghub.build.registry_client.manifests import write_manifest
from coghub.build.registry_client.meter import Meter
from coghub.build.registry_client.parallel import run_all
from coghub.build.registry_client.registry import Registry
from coghub.build.registry_client.upload import Sizes, Source, Upload
from coghub.build.weights.lock import LockedFile, LockedLayer, LockedWeight
from coghub.build.weights.packing import layer_of
from coghub.domain.digest import digest_of, hex_of
from coghub.domain.errors import WeightsInvalid
from coghub.settings import Settings

ARTIFACT = "application/vnd.cog.weight.v1"
CONFIG = "application/vnd.cog.weight.config.v1+json"
UNCOMPRESSED = "run.cog.weight.size.uncompressed"
INCOMING = "layers"
"""Folder of the store, for layers on their way."""
TAG_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class Content:
    """A small blob."""

    content: bytes

    @property
    def size(self) -> int:
        """Its bytes."""
        return len(self.content)

    @property
    def digest(self) -> str:
        """Its digest."""
        return digest_of(self.content)

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from a position up to another."""
        yield self.content[start:end]


def config_of(weight: LockedWeight) -> bytes:
    """Return the config: the list of the files, and where each is."""
    files = [
        {"path": it.path, "layer": it.layer, "size": it.size, "digest": it.digest}
        for it in weight.files
    ]
    return _json(
        {
            "name": weight.name,
            "target": weight.target,
            "setDigest": weight.setDigest,
            "files": files,
        }
    )


def manifest_of(weight: LockedWeight) -> bytes:
    """Return the manifest: the same for the same files, layers, name and target."""
    config = config_of(weight)
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": ARTIFACT,
            "config": Descriptor(CONFIG, digest_of(config), len(config)).as_json(),
            "layers": [
                {
                    **Descriptor(it.mediaType, it.digest, it.size).as_json(),
                    "annotations": {UNCOMPRESSED: str(it.sizeUncompressed)},
                }
                for it in weight.layers
            ],
            "annotations": {
                "run.cog.weight.name": weight.name,
                "run.cog.weight.target": weight.target,
                "run.cog.weight.set-digest": weight.setDigest,
            },
        }
    )


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def tag_of(weight: LockedWeight) -> str:
    """Return the tag of a weight's manifest."""
    return f"cog-weight.{weight.name}.{hex_of(weight.digest)[:TAG_CHARACTERS]}"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of a registry, and the store whose files go there and come from there."""

    registry: Registry
    name: str
    store: WeightsCache
    settings: Settings
    report: Report

    def push(self, weight: LockedWeight) -> Meter:
        """Bring a weight there; what is there already is not sent.

        Raises:
            RegistryError: if the registry cannot or will not have it.
            WeightsInvalid: if the store lacks a file.
        """
        layers = [layer_of(it, weight.files, self.store) for it in weight.layers]
        config = Content(config_of(weight))
        meter = Meter("Pushed", sum(it.size for it in [*layers, config]), self.report)
        works = [partial(self._send, it, meter) for it in layers]
        try:
            run_all(
                [*works, partial(self._send, config, meter)],
                count=self.settings.push_concurrency,
                stop=self.registry.stop,
            )
        finally:
            for layer in layers:
                layer.close()
        write_manifest(self.registry, self.name, tag_of(weight), manifest_of(weight))
        return meter

    def _send(self, source: Source, meter: Meter) -> None:
        Upload(self.registry, self.name, source, Sizes.of(self.settings), meter).run()

    def pull(self, weight: LockedWeight) -> int:
        """Bring what the store lacks of a weight into it; return the bytes that came.

        Raises:
            RegistryError: if the registry has it not.
            WeightsInvalid: if what comes is not what the lock says.
        """
        missing = {it.layer for it in missing_files(weight, self.store)}
        layers = [it for it in weight.layers if it.digest in missing]
        meter = Meter("Pulled", sum(it.size for it in layers), self.report)
        run_all(
            [partial(self._fetch, it, weight, meter) for it in layers],
            count=self.settings.push_concurrency,
            stop=self.registry.stop,
        )
        return meter.moved

    def _fetch(self, layer: LockedLayer, weight: LockedWeight, meter: Meter) -> None:
        folder = self.store.folder / INCOMING
        folder.mkdir(exist_ok=True)
        described = Descriptor(layer.mediaType, layer.digest, layer.size)
        path = Download(self.registry, self.name, described, meter).run(folder)
        try:
            self._unpack(path, layer, {it.path: it for it in weight.files})
        finally:
            path.unlink(missing_ok=True)

    def _unpack(self, path: Path, layer: LockedLayer, files: dict[str, LockedFile]) -> None:
        if layer.mediaType not in {LAYER, LAYER_GZIP}:
            raise WeightsInvalid(f"a layer of an unknown form: {layer.mediaType}")
        raw: Any = gzip.open if layer.mediaType == LAYER_GZIP else open
        try:
            with (
                closing(raw(path, "rb")) as content,
                tarfile.open(fileobj=content, mode="r|") as it,
            ):
                for member in it:
                    wanted = files.get(member.name)
                    inside = it.extractfile(member) if member.isfile() else None
                    if wanted is None or inside is None or member.size != wanted.size:
                        raise WeightsInvalid(f"{layer.digest} has what the lock has not")
                    self.store.add(inside, wanted.size, hex_of(wanted.digest))
        except (tarfile.TarError, EOFError, OSError, FetchError) as error:
            raise WeightsInvalid(f"the layer {layer.digest} cannot be unpacked: {error}") from error


def missing_files(weight: LockedWeight, store: WeightsCache) -> list[LockedFile]:
    """Return the files that a store lacks."""
    return [it for it in weight.files if store.find(hex_of(it.digest)) is None]
