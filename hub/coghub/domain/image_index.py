"""Indexes of images: which image of one these machines run."""

from collections.abc import Mapping
from typing import Any

PLATFORM = {"os": "linux", "architecture": "amd64"}


def image_among(manifest: Mapping[str, Any]) -> str | None:
    """Return the digest of the image for these machines in an index; None if it is no index."""
    images = [it for it in manifest.get("manifests") or () if isinstance(it, dict)]
    if not images:
        return None
    fitting = [it for it in images if PLATFORM.items() <= (it.get("platform") or {}).items()]
    return str((fitting or images)[0].get("digest"))
