"""The blobs of a version as files, wherever the storage has them."""

import shutil
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog

from coghub.build.files import remove
from coghub.build.oci import Layout
from coghub.domain.errors import StorageUnusable
from coghub.storage.storage import Storage

log = structlog.get_logger()

PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Between tries, each of which has tries of its own."""


@contextmanager
def version_layout(
    storage: Storage, manifest: Mapping[str, Any], folder: Path
) -> Generator[Layout]:
    """Yield the layout that holds a version's blobs; the block may take long.

    Args:
        storage: of the hub.
        manifest: of the version.
        folder: where blobs are brought if the storage is not on this disk; it is removed before
            and afterwards, so nobody else may use it meanwhile.

    Raises:
        DiskFull: if no space is left.
        StorageUnusable: if the object store fails, and does so for a while.
    """
    root = storage.path_of("")
    if root is not None:
        yield Layout(root)
        return
    shutil.rmtree(folder, ignore_errors=True)  # what a killed hub has left
    try:
        yield _fetched(storage, _digests(manifest), Layout(folder))
    finally:
        remove(folder)


def _digests(manifest: Mapping[str, Any]) -> Iterable[str]:
    """Return the blobs that a manifest names; one that is damaged is refused by who reads it."""
    found = [manifest.get("config"), *(manifest.get("layers") or ())]
    return dict.fromkeys(str(one["digest"]) for one in found if one and "digest" in one)


def _fetched(storage: Storage, digests: Iterable[str], layout: Layout) -> Layout:
    for digest in digests:
        path = layout.path_of(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # told by who needs it, as on a local disk
            _fetch(storage, str(path.relative_to(layout.folder)), path)
    return layout


def _fetch(storage: Storage, key: str, path: Path) -> None:
    """Bring a blob; all who wait for the version would fail with a store that is away for a bit."""
    for pause_s in PAUSES_S:
        try:
            return storage.fetch(key, path)
        except StorageUnusable as error:
            log.warning("storage waited for", key=key, error=error.message)
        time.sleep(pause_s)
    return storage.fetch(key, path)
