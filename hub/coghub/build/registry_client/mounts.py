"""Which repository of a registry is known to hold a blob, so that another can mount it there."""

import json
from collections.abc import Iterable
from pathlib import Path

from coghub.build.files import write_atomically
from coghub.build.oci import Descriptor
from coghub.settings import Settings

MIN_BYTES = 1024**2
"""A smaller blob is sent as fast as it is mounted."""
MAX_ENTRIES = 5000


class Mounts:
    """What this machine has pushed or pulled, by registry; only a hint, and small."""

    def __init__(self, settings: Settings, address: str) -> None:
        self.path = settings.cache_folder / "mounts.json"
        self.address = address

    def find(self, digest: str, repository: str) -> str | None:
        """Return another repository that had the blob when it was last seen."""
        found = _read(self.path).get(f"{self.address} {digest}")
        return found if found != repository else None

    def note(self, repository: str, blobs: Iterable[Descriptor]) -> None:
        """Remember that the repository has these."""
        known = _read(self.path)
        for blob in blobs:
            if blob.size >= MIN_BYTES:
                key = f"{self.address} {blob.digest}"
                known.pop(key, None)
                known[key] = repository
        write_atomically(self.path, json.dumps(dict(list(known.items())[-MAX_ENTRIES:])))


def _read(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {key: value for key, value in known.items() if isinstance(value, str)}
