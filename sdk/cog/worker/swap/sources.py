"""The source of the project's modules as it was when they were loaded."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType


class Sources:
    """Remembers the text of every module under a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._texts: dict[Path, str] = {}

    def note(self) -> None:
        """Read the modules that have been loaded since the last time."""
        for path in self.modules():
            if path not in self._texts:
                self._texts[path] = _text(path)

    def modules(self) -> dict[Path, ModuleType]:
        """Return the project's modules by their files."""
        return dict(self._found())

    def text(self, path: Path) -> str | None:
        """Return what was loaded; None where that is not known."""
        return self._texts.get(path)

    def texts(self) -> list[str]:
        """Return all that was loaded."""
        return list(self._texts.values())

    def replace(self, path: Path, text: str) -> None:
        """Note what a module has been made to be."""
        self._texts[path] = text

    def _found(self) -> Iterator[tuple[Path, ModuleType]]:
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and file.endswith(".py"):
                path = Path(file).resolve()
                if path.is_relative_to(self._root) and "site-packages" not in path.parts:
                    yield path, module


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
