"""A bundle of the local store, to a registry: its blobs side by side, then its manifest."""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import IO

from coghub.build.bundle import Bundle, Store
from coghub.build.events import Report
from coghub.build.oci import MAX_JSON_BYTES, Descriptor, Layout
from coghub.build.registry_client.manifests import Manifest, write_manifest
from coghub.build.registry_client.meter import Meter
from coghub.build.registry_client.mounts import Mounts
from coghub.build.registry_client.parallel import run_all
from coghub.build.registry_client.registry import Registry
from coghub.build.registry_client.upload import Sizes, Source, Upload
from coghub.domain.errors import BundleInvalid, RegistryError

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


def push(
    store: Store, bundle: Bundle, registry: Registry, repository: str, *, tag: str, report: Report
) -> Pushed:
    """Bring a bundle to a repository of a registry, and put it under a tag.

    Raises:
        RegistryError: if the registry cannot or will not have it.
        BundleInvalid: if the bundle in the store is damaged.
    """
    with ExitStack() as opened:
        with store.layout.locked():  # what is open cannot be lost to another build
            manifest, sources = _opened(store.layout, bundle, opened)
        blobs = [source.descriptor for source in sources]
        meter = Meter("Pushed", sum(blob.size for blob in blobs), report)
        pushing = _Pushing(store, registry, repository, sources, meter)
        pushing.send()
        try:
            digest = write_manifest(registry, repository, tag, manifest)
        except RegistryError as error:
            if error.reason not in UNKNOWN:
                raise
            pushing.send()
            digest = write_manifest(registry, repository, tag, manifest)
    Mounts(store.settings, registry.host.address).note(repository, blobs)
    return Pushed(digest, len(manifest), meter.moved, meter.spared)


@dataclass(frozen=True, slots=True)
class _Pushing:
    store: Store
    registry: Registry
    repository: str
    sources: list[Source]
    meter: Meter

    def send(self) -> None:
        """Send what the registry lacks, the largest first: they decide when it is over."""
        ordered = sorted(self.sources, key=lambda source: -source.descriptor.size)
        run_all(
            [partial(self._blob, source) for source in ordered],
            count=self.store.settings.push_concurrency,
            stop=self.registry.stop,
        )

    def _blob(self, source: Source) -> None:
        settings = self.store.settings
        sizes = Sizes(settings.push_threshold_bytes, settings.push_chunk_bytes)
        mounts = Mounts(settings, self.registry.host.address)
        Upload(self.registry, self.repository, source, sizes, self.meter).run(
            mounts.find(source.descriptor.digest, self.repository)
        )


def _opened(layout: Layout, bundle: Bundle, opened: ExitStack) -> tuple[bytes, list[Source]]:
    """Return the manifest, and its blobs as open files."""
    document = layout.read_json(bundle.digest)
    manifest = Manifest(b"", bundle.digest, document)
    found = {one.digest: one for one in [manifest.config, *manifest.layers]}
    try:
        content = layout.path_of(bundle.digest).read_bytes()[:MAX_JSON_BYTES]
        sources = [Source(one, opened.enter_context(_open(layout, one))) for one in found.values()]
    except FileNotFoundError as error:
        raise BundleInvalid(f"Bundle `{bundle.name}` is damaged: a blob is missing") from error
    return content, sources


def _open(layout: Layout, blob: Descriptor) -> IO[bytes]:
    return layout.path_of(blob.digest).open("rb", buffering=0)
