"""Which layer a large file became, so that an unchanged one is not read again."""

import json
from pathlib import Path
from typing import Any

from coghub.build.files import write_atomically
from coghub.build.layers import write_layer
from coghub.build.oci import LAYER, Descriptor, Layout
from coghub.build.project_files import ProjectFile
from coghub.domain.errors import BundleInvalid

MAX_ENTRIES = 10_000


class LayerCache:
    """Answers by path, size, time and inode of a file."""

    def __init__(self, store: Path, layout: Layout) -> None:
        self.store = store
        self.layout = layout
        self.known = _read(store)

    def layer(self, file: ProjectFile) -> Descriptor:
        """Return the layer that holds this file alone, written now unless it is there."""
        mark = _mark(file)
        known = self.known.pop(mark, None)
        if known is not None and self._is_there(known):
            self.known[mark] = known
            return Descriptor(LAYER, known["digest"], known["size"])
        with self.layout.new_blob() as blob:
            write_layer(blob, [file])
        self.known[mark] = {"digest": blob.digest, "size": blob.size}
        return Descriptor(LAYER, blob.digest, blob.size)

    def save(self) -> None:
        """Remember the answers, the oldest dropped."""
        kept = dict(list(self.known.items())[-MAX_ENTRIES:])
        write_atomically(self.store, json.dumps(kept))

    def _is_there(self, known: dict[str, Any]) -> bool:
        try:
            return self.layout.path_of(known["digest"]).stat().st_size == known["size"]
        except (OSError, BundleInvalid, KeyError):
            return False


def _read(store: Path) -> dict[str, dict[str, Any]]:
    try:
        known = json.loads(store.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _mark(file: ProjectFile) -> str:
    status = file.status
    times = (status.st_mtime_ns, status.st_ctime_ns)
    place = (file.path, str(file.source), file.mode)
    return json.dumps([*place, status.st_size, status.st_ino, *times])
