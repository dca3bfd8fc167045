"""A bundle or an image, to a registry: its blobs side by side, then its manifest."""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import IO

from coghub.build.events import Report
from coghub.build.oci import MAX_JSON_BYTES, Descriptor, Layout
from coghub.build.registry_client.manifests import Manifest, write_manifest
from coghub.build.registry_client.meter import Meter
from coghub.build.registry_client.mounts import Mounts
from coghub.build.registry_client.parallel import run_all
from coghub.build.registry_client.registry import Registry
from coghub.build.registry_client.upload import File, Sizes, Upload
from coghub.domain.errors import BundleInvalid, RegistryError
from coghub.settings import Settings

UNKNOWN = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"})
"""The registry had a blob when it was asked, and has tidied it up since."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What came of a push."""

    digest: str
    """Of the manifest."""
    size_bytes: int
    """Of the manifest, as Docker says it."""
    sent_bytes: int
    """Of blobs that went over the wire."""
    spared_bytes: int
    """Of blobs that the registry had."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is pushed: the blobs of a layout that a manifest leads to."""

    layout: Layout
    digest: str
    """Of the manifest."""
    name: str
    """What it is called here."""
    known: frozenset[str] = frozenset()
    """Digests of blobs that the repository has, and the layout need not."""


def push(
    parcel: Parcel,
    registry: Registry,
    repository: str,
    *,
    tag: str,
    settings: Settings,
    report: Report,
) -> Pushed:
    """Bring a manifest and its blobs to a repository of a registry, and put it under a tag.

    Raises:
        RegistryError: if the registry cannot or will not have it.
        BundleInvalid: if something in the layout is damaged.
    """
    with ExitStack() as opened:
        with parcel.layout.locked():  # what is open cannot be lost to another build
            manifest, sources = _opened(parcel, opened)
        blobs = [source.descriptor for source in sources]
        meter = Meter("Pushed", sum(blob.size for blob in blobs), report)
        pushing = _Pushing(settings, registry, repository, sources, meter)
        pushing.send()
        try:
            digest = write_manifest(registry, repository, tag, manifest)
        except RegistryError as error:
            if error.reason not in UNKNOWN:
                raise
            pushing.send()
            digest = write_manifest(registry, repository, tag, manifest)
    Mounts(settings, registry.host.address).note(repository, blobs)
    return Pushed(digest, len(manifest), meter.moved, meter.spared)


@dataclass(frozen=True, slots=True)
class _Pushing:
    settings: Settings
    registry: Registry
    repository: str
    sources: list[File]
    meter: Meter

    def send(self) -> None:
        """Send what the registry lacks, the largest first: they decide when it is over."""
        ordered = sorted(self.sources, key=lambda source: -source.descriptor.size)
        run_all(
            [partial(self._blob, source) for source in ordered],
            count=self.settings.push_concurrency,
            stop=self.registry.stop,
        )

    def _blob(self, source: File) -> None:
        mounts = Mounts(self.settings, self.registry.host.address)
        sizes = Sizes.of(self.settings)
        Upload(self.registry, self.repository, source, sizes, self.meter).run(
            mounts.find(source.descriptor.digest, self.repository)
        )


def _opened(parcel: Parcel, opened: ExitStack) -> tuple[bytes, list[File]]:
    """Return the manifest, and its blobs as open files."""
    layout = parcel.layout
    document = layout.read_json(parcel.digest)
    manifest = Manifest(b"", parcel.digest, document)
    blobs = [manifest.config, *manifest.layers]
    found = {one.digest: one for one in blobs if one.digest not in parcel.known}
    try:
        content = layout.path_of(parcel.digest).read_bytes()[:MAX_JSON_BYTES]
        sources = [File(one, opened.enter_context(_open(layout, one))) for one in found.values()]
    except FileNotFoundError as error:
        raise BundleInvalid(f"`{parcel.name}` is damaged: a blob is missing") from error
    return content, sources


def _open(layout: Layout, blob: Descriptor) -> IO[bytes]:
    return layout.path_of(blob.digest).open("rb", buffering=0)
