"""Where big files are kept, as the environment says."""

import os
from collections.abc import Mapping
from pathlib import Path


def default_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the cache: the one that `cog weights` names."""
    if folder := environ.get("COG_CACHE_DIR"):
        return Path(folder).absolute() / "weights"
    cache = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache).absolute() / "cog" / "weights"
