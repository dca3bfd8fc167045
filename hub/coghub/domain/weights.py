"""Weights that a version's instances are given as COG_WEIGHTS, as its manifest names them.

They come out of a training. The manifest of the new version is that of the version that trained,
with annotations: so its digest, which is the version's id, tells one training's result from
another's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coghub.domain.digest import is_digest

VARIABLE = "COG_WEIGHTS"
"""Of an instance: a URL, for `setup(weights)`."""
PLACE = "run.coghub.weights"
"""The annotation that says where they are."""
NAME = "run.coghub.weights.name"
SOURCE = "run.coghub.trained-from"
TRAINING = "run.coghub.training"


@dataclass(frozen=True, slots=True)
class Weights:
    """Where the weights of a version are."""

    place: str
    """The digest of a blob of the version's repository, or a URL elsewhere."""
    name: str
    """Of their file."""

    @property
    def is_blob(self) -> bool:
        """Whether the hub has them."""
        return is_digest(self.place)


def weights_of(manifest: Mapping[str, Any]) -> Weights | None:
    """Return the weights that a manifest names, if it does."""
    annotations = manifest.get("annotations")
    if not isinstance(annotations, dict) or not isinstance(annotations.get(PLACE), str):
        return None
    return Weights(annotations[PLACE], str(annotations.get(NAME) or "weights"))
