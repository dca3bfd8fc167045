"""Folders of weights, from wherever a setting says they are."""

from contextlib import ExitStack
from pathlib import Path

from cog.weights import WeightsCache
from huggingface_hub import snapshot_download


def folder(place: str, held: ExitStack, patterns: list[str]) -> Path:
    """Return a folder of weights, fetched if need be.

    Args:
        place: a path, `hf://OWNER/NAME[@REVISION]`, or the URL of a tar or zip.
        held: what is fetched stays on the disk until this is closed.
        patterns: the files wanted of a repository, such as `*.json`.

    Raises:
        FetchError, OSError: if it cannot be had.
    """
    if place.startswith(("http://", "https://")):
        found = held.enter_context(WeightsCache().using(place, unpack=True))
        inside = list(found.iterdir())
        return inside[0] if len(inside) == 1 and inside[0].is_dir() else found
    if place.startswith("hf://"):
        name, _, revision = place.removeprefix("hf://").partition("@")
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=patterns))
    if not Path(place).is_dir():
        raise FileNotFoundError(f"There is no folder of weights {place}")
    return Path(place)
