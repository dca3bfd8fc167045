"""The weights that a training gave a bundle: a blob of the store, shown as a file with its name.

They lie beside the unpacked project and not in it, where a file of that name may be.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coghub.build.files import explained
from coghub.build.oci import Layout
from coghub.domain.errors import BundleInvalid
from coghub.domain.file import file_name
from coghub.domain.weights import weights_of

FOLDER = "weights"
URLS = ("https://", "http://")


def blobs_of(manifest: Mapping[str, Any]) -> set[str]:
    """Return the digests of the weights in the store that a manifest names."""
    found = weights_of(manifest)
    return {found.place} if found is not None and found.is_blob else set()


def placed(layout: Layout, manifest: Mapping[str, Any], folder: Path) -> str | None:
    """Return what COG_WEIGHTS says to the model of a bundle: a path, or a URL; None if it has none.

    Args:
        layout: has the blob.
        manifest: of the bundle.
        folder: where the bundle was unpacked.

    Raises:
        BundleInvalid: if the store has no weights that the manifest names, or they are nowhere.
        DiskFull: if they have no place.
    """
    found = weights_of(manifest)
    if found is None:
        return None
    if not found.is_blob:
        if not found.place.startswith(URLS):
            raise BundleInvalid(f"The bundle's weights are neither a blob nor a URL: {found.place}")
        return found.place
    path = folder / FOLDER / file_name(found.name)
    if not path.exists():
        _put(layout.path_of(found.place), path)
    return str(path)


def _put(blob: Path, path: Path) -> None:
    """Show a blob as a file, which takes no space where both are on one disk."""
    if not blob.exists():
        raise BundleInvalid(f"The blob is missing or damaged: sha256:{blob.name}")
    made = path.with_name(f".{os.getpid()}")
    with explained(path):
        path.parent.mkdir(exist_ok=True)
        made.unlink(missing_ok=True)
        try:
            blob.chmod(0o444)  # a link is the blob itself, which a model must not write into
            os.link(blob, made)
        except OSError:
            _copy(blob, made)
        made.replace(path)


def _copy(blob: Path, made: Path) -> None:
    try:
        shutil.copyfile(blob, made)
    except OSError:
        made.unlink(missing_ok=True)
        raise
