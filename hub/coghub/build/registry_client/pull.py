"""A bundle from a registry into the local store.

Blobs are received beside the store, and moved into it all at once when they are there: who builds
meanwhile tidies up what no name leads to, and half a bundle has none.
"""

from functools import partial
from pathlib import Path

from coghub.build.bundle import Bundle, Store
from coghub.build.bundle_content import ARTIFACT_TYPE
from coghub.build.events import Report
from coghub.build.files import write_atomically
from coghub.build.oci import CONFIG, LAYER, MAX_JSON_BYTES, Descriptor
from coghub.build.registry_client.download import Download
from coghub.build.registry_client.manifests import Manifest, read_manifest
from coghub.build.registry_client.meter import Meter
from coghub.build.registry_client.mounts import Mounts
from coghub.build.registry_client.parallel import run_all
from coghub.build.registry_client.reference import Reference
from coghub.build.registry_client.registry import Registry
from coghub.build.unpacking import MAX_LAYERS
from coghub.domain.digest import hex_of
from coghub.domain.errors import BundleInvalid
from coghub.domain.weights import weights_of

BINARY = "application/octet-stream"
ATTEMPTS = 3
"""Another command may tidy up a blob that was in the store when the pull began."""


def pull(
    store: Store, registry: Registry, reference: Reference, *, name: str, report: Report
) -> Bundle:
    """Bring what a reference names into the store, under a name.

    Raises:
        RemoteNotFound: if the registry does not have it.
        BundleInvalid: if it is no bundle, or not what its digests say.
        DiskFull: if it has no place.
    """
    repository = reference.repository
    manifest = read_manifest(registry, repository, reference.version)
    blobs = _blobs(registry, reference, manifest)
    for _ in range(ATTEMPTS):
        files = _received(store, registry, repository, blobs, report)
        files[manifest.digest] = store.incoming / hex_of(manifest.digest)
        write_atomically(files[manifest.digest], manifest.content)
        bundle = store.take_in(name, manifest.digest, files, [blob.digest for blob in blobs])
        if bundle is not None:
            Mounts(store.settings, registry.host.address).note(repository, blobs)
            return bundle
    raise BundleInvalid("The store was tidied up again and again while the bundle was received")


def _blobs(registry: Registry, reference: Reference, manifest: Manifest) -> list[Descriptor]:
    """Return what the bundle consists of, after a look at whether it is one.

    Raises:
        BundleInvalid: if it is not.
    """
    name = f"{registry.host.address}/{reference.repository}"
    if manifest.is_index:
        raise BundleInvalid(f"Not a bundle but a list of images: {name}")
    if manifest.document.get("artifactType") != ARTIFACT_TYPE:
        raise BundleInvalid(
            f"Not a bundle but an image: {name}",
            hint="Images need the Docker engine, which this version does not have",
        )
    config, layers = manifest.config, manifest.layers
    kinds = {layer.media_type for layer in layers}
    is_small = config.size <= MAX_JSON_BYTES and len(layers) <= MAX_LAYERS
    if config.media_type != CONFIG or not kinds <= {LAYER} or not is_small:
        raise BundleInvalid(
            f"The bundle has content of a kind or size that is not known here: {name}"
        )
    found = [config, *layers, *_weights(manifest)]
    return list({blob.digest: blob for blob in found}.values())


def _weights(manifest: Manifest) -> list[Descriptor]:
    """Return the weights of a version that came out of a training, if the registry has them."""
    weights = weights_of(manifest.document)
    if weights is None or not weights.is_blob:
        return []
    if weights.size_bytes is None:
        raise BundleInvalid("The bundle does not say how large its weights are")
    return [Descriptor(BINARY, weights.place, weights.size_bytes)]


def _received(
    store: Store, registry: Registry, repository: str, blobs: list[Descriptor], report: Report
) -> dict[str, Path]:
    """Return by digest the files of the blobs that the store lacks."""
    meter = Meter("Pulled", sum(blob.size for blob in blobs), report)
    files: dict[str, Path] = {}

    def receive(blob: Descriptor) -> None:
        files[blob.digest] = Download(registry, repository, blob, meter).run(store.incoming)

    missing = [blob for blob in blobs if not store.has(blob)]
    meter.spare(sum(blob.size for blob in blobs) - sum(blob.size for blob in missing))
    run_all(
        [partial(receive, blob) for blob in sorted(missing, key=lambda blob: -blob.size)],
        count=store.settings.push_concurrency,
        stop=registry.stop,
    )
    return files
