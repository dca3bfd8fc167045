"""What a bundle is made of: layers, labels, a manifest."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any

import cog
import coghub
from coghub.build import layers
from coghub.build.layer_cache import LayerCache
from coghub.build.oci import CONFIG, LAYER, MANIFEST, Descriptor, Layout
from coghub.build.plan import DOCUMENT_PATH, LOCK_PATH, PLAN_PATH, Plan, plan_json
from coghub.build.project_files import ProjectFile
from coghub.domain.errors import ProjectUnreadable

ARTIFACT_TYPE = "application/vnd.coghub.bundle.v1"
ENTRYPOINT = "this-is-a-coghub-bundle--run-it-with--cog-predict--or--cog-serve"
"""Docker says that it cannot find this program, and thereby what to do."""
LARGE_BYTES = 8 * 1024**2
"""From here on a file has a layer of its own, so that a change elsewhere does not send it again."""
MAX_LARGE_LAYERS = 100
"""Readers of images give up somewhere above 120 layers."""


def write_layers(
    cache: LayerCache, files: Sequence[ProjectFile], made: Mapping[str, bytes | None]
) -> list[Descriptor]:
    """Store one layer for each large file, and one for the rest, which comes first."""
    if len(files) > layers.MAX_FILES:
        raise ProjectUnreadable(
            f"The project has more than {layers.MAX_FILES} files: {len(files)}",
            hint="Leave some out with a `.dockerignore`",
        )
    large = sorted(
        (file for file in files if file.is_regular and file.status.st_size >= LARGE_BYTES),
        key=lambda file: (-file.status.st_size, file.path),
    )[:MAX_LARGE_LAYERS]
    alone = {file.path for file in large}
    descriptors = [cache.layer(file) for file in sorted(large, key=lambda file: file.path)]
    cache.save()
    with cache.layout.new_blob() as blob:
        layers.write_layer(blob, [file for file in files if file.path not in alone], made)
    return [Descriptor(LAYER, blob.digest, blob.size), *descriptors]


def require_code(plan: Plan, files: Sequence[ProjectFile]) -> None:
    """Do nothing if what cog.yaml refers to is among the files, or behind a link among them.

    Raises:
        ProjectUnreadable: if it is not: the bundle could not run.
    """
    paths = {file.path for file in files}
    links = {PurePosixPath(file.path) for file in files if file.link is not None}
    for reference in filter(None, (plan.predict, plan.train)):
        name = normpath(reference.rpartition(":")[0])
        if name not in paths and links.isdisjoint(PurePosixPath(name).parents):
            raise ProjectUnreadable(
                f"The bundle would lack what cog.yaml refers to: {name}",
                hint="It is left out by `.dockerignore`, or a link to outside of the project",
            )


def write_manifest(
    layout: Layout, found: Sequence[Descriptor], labels: Mapping[str, str]
) -> Descriptor:
    """Store the config and the manifest of a bundle."""
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": [ENTRYPOINT], "WorkingDir": "/src", "Labels": labels},
        # Layers are not compressed, so they are their own diff ids.
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in found]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": ARTIFACT_TYPE,
        "config": layout.add_json(config, CONFIG).as_json(),
        "layers": [layer.as_json() for layer in found],
    }
    return layout.add_json(manifest, MANIFEST)


def made_files(plan: Plan, document: Mapping[str, Any]) -> dict[str, bytes | None]:
    """Return what the bundle holds beside the project's own files."""
    return {
        ".cog": None,
        DOCUMENT_PATH: compact(document).encode(),
        LOCK_PATH: "".join(f"{line}\n" for line in plan.lock).encode(),
        PLAN_PATH: compact(plan_json(replace(plan, lock=()))).encode(),
    }


def labels_of(plan: Plan, document: Mapping[str, Any]) -> dict[str, str]:
    """Return Cog's labels and ours; nothing that differs between two builds of one tree."""
    return {
        "run.cog.version": cog.__version__,
        "run.cog.config": compact(plan.config),
        "run.cog.openapi_schema": compact(document),
        "run.cog.pip_freeze": "\n".join(line.partition(" ")[0] for line in plan.lock),
        "run.cog.bundle": "1",
        "run.coghub.version": coghub.__version__,
    }


def compact(value: Mapping[str, Any]) -> str:
    """Return JSON without spaces; equal values give equal text."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
