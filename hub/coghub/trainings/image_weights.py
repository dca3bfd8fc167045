"""Weights inside of an image, so that who pulls and runs it without the hub has them too.

A layer of one file is added, and the image's own variable COG_WEIGHTS names it. Instances of the
hub are told a URL all the same: servers of others may take nothing else.
"""

import tarfile
from collections.abc import AsyncIterator, Mapping
from typing import Any

from coghub.domain.file import file_name
from coghub.domain.weights import VARIABLE, Weights
from coghub.trainings.kept_blobs import Blob

FOLDER = "weights"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
LAYER = "application/vnd.oci.image.layer.v1.tar"
HISTORY = {"created_by": "training", "comment": "weights"}


def path_in_image(weights: Weights) -> str:
    """Return what COG_WEIGHTS of the image says: a path, or the URL of what is elsewhere."""
    return f"/{FOLDER}/{file_name(weights.name)}" if weights.is_blob else weights.place


async def layer(
    weights: Weights, size_bytes: int, content: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """Yield a layer that holds the weights.

    Args:
        weights: which are a blob.
        size_bytes: of their file.
        content: of their file.
    """
    folder = tarfile.TarInfo(FOLDER)
    folder.type, folder.mode = tarfile.DIRTYPE, 0o755
    file = tarfile.TarInfo(f"{FOLDER}/{file_name(weights.name)}")
    file.size, file.mode = size_bytes, 0o644
    yield folder.tobuf(tarfile.PAX_FORMAT) + file.tobuf(tarfile.PAX_FORMAT)
    async for piece in content:
        yield piece
    yield bytes(-size_bytes % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)


def with_weights(config: Mapping[str, Any], weights: Weights, added: Blob | None) -> dict[str, Any]:
    """Return an image's config with the weights in it.

    Args:
        config: of the version that trained.
        weights: what came out.
        added: the layer that holds them, if one does.
    """
    run = dict(config.get("config") or {})
    kept = [it for it in run.get("Env") or () if not str(it).startswith(f"{VARIABLE}=")]
    run["Env"] = [*kept, f"{VARIABLE}={path_in_image(weights)}"]
    changed = {**config, "config": run}
    if added is not None:
        root = dict(config.get("rootfs") or {"type": "layers"})
        root["diff_ids"] = [*(root.get("diff_ids") or ()), added.digest]
        changed["rootfs"] = root
        changed["history"] = [*config["history"], HISTORY] if config.get("history") else []
    return changed


def with_parts(manifest: Mapping[str, Any], config: Blob, added: Blob | None) -> dict[str, Any]:
    """Return an image's manifest with another config, and with one layer more if there is one."""
    described = {**manifest["config"], "digest": config.digest, "size": config.size_bytes}
    layers = list(manifest.get("layers") or ())
    if added is not None:
        is_docker = manifest.get("mediaType") == DOCKER_MANIFEST
        kind = DOCKER_LAYER if is_docker else LAYER
        layers.append({"mediaType": kind, "digest": added.digest, "size": added.size_bytes})
    return {**manifest, "config": described, "layers": layers}
