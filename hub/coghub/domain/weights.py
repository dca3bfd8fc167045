"""Weights that a version's instances are given as COG_WEIGHTS, as its manifest names them.

They come out of a training. The manifest of the new version is that of the version that trained,
with annotations: so its digest, which is the version's id, tells one training's result from
another's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coghub.domain.digest import is_digest

VARIABLE = "COG_WEIGHTS"
"""Of an instance: a URL, for `setup(weights)`."""
PLACE = "run.coghub.weights"
"""The annotation that says where they are."""
NAME = "run.coghub.weights.name"
SIZE = "run.coghub.weights.size"
"""In bytes, of weights that are a blob; `cog pull` needs it."""
SOURCE = "run.coghub.trained-from"
TRAINING = "run.coghub.training"
SIZE_TEXT = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Weights:
    """Where the weights of a version are."""

    place: str
    """The digest of a blob of the version's repository, or a URL elsewhere."""
    name: str
    """Of their file."""
    size_bytes: int | None = None
    """None: they are elsewhere."""

    @property
    def is_blob(self) -> bool:
        """Whether the hub has them."""
        return is_digest(self.place)


def weights_of(manifest: Mapping[str, Any]) -> Weights | None:
    """Return the weights that a manifest names, if it does."""
    annotations = manifest.get("annotations")
    if not isinstance(annotations, dict) or not isinstance(annotations.get(PLACE), str):
        return None
    size = str(annotations.get(SIZE) or "")
    size_bytes = int(size) if SIZE_TEXT.fullmatch(size) else None
    return Weights(annotations[PLACE], str(annotations.get(NAME) or "weights"), size_bytes)
