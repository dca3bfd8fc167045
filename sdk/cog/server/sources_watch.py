"""Which source files of the project have changed: asked for again and again, by `--reload`."""

import os
from collections.abc import Iterator
from pathlib import Path

CONFIG = "cog.yaml"
SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "env"})
"""Folders without source of the project; those whose names begin with a dot are skipped too."""

Stamp = tuple[int, int]
"""Time of the last change, in ns, and size: an editor may write twice within one tick."""


class SourcesWatch:
    """Remembers all Python files under a folder, and its cog.yaml."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known = dict(self._stamps())

    def changed(self) -> set[Path]:
        """Return what is new, other or gone since this was asked for the last time."""
        now = dict(self._stamps())
        before, self._known = self._known, now
        return {path for path in {*before, *now} if before.get(path) != now.get(path)}

    def _stamps(self) -> Iterator[tuple[Path, Stamp]]:
        for folder, folders, files in os.walk(self._root):
            folders[:] = [it for it in folders if it not in SKIPPED and not it.startswith(".")]
            for name in files:
                if name.endswith(".py") or (name == CONFIG and folder == str(self._root)):
                    path = Path(folder) / name
                    try:
                        state = path.stat()
                    except OSError:  # it went meanwhile
                        continue
                    yield path, (state.st_mtime_ns, state.st_size)
