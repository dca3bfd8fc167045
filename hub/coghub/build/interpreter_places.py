"""Where Pythons lie on a machine: PATH, then the folders of the tools that install them."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from coghub.settings import Settings

MAC_STUB = Path("/usr/bin/python3")
"""Opens a window that offers developer tools, where those are not installed."""
MAC_TOOLS = Path("/Library/Developer/CommandLineTools/usr/bin/python3")

_VERSION = re.compile(r"(?<!\d)(\d\.\d+)")


class Places:
    """The folders to look in, as this user's environment has them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.environ = settings.environ

    def candidates(self, minor: str) -> Iterator[Path]:
        """Return files that may be a Python of that minor version, the likeliest first."""
        own = getattr(sys, "_base_executable", "") or sys.executable
        seen: set[Path] = set()
        for path in self._all(minor, Path(own)):
            if path not in seen and _may_run(path):
                seen.add(path)
                yield path

    def described(self) -> str:
        """Return the places in words, for an error."""
        return ", ".join(["PATH", *(str(folder) for folder, _ in self._tool_folders())])

    def _all(self, minor: str, own: Path) -> Iterator[Path]:
        path_folders = self._path_folders()
        yield own
        for folder in path_folders:
            yield folder / f"python{minor}"
        for folder in path_folders:
            yield from (folder / "python3", folder / "python")
        for folder, pattern in self._tool_folders():
            yield from _below(folder, pattern.format(minor=minor), minor)
        for folder in ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"):
            yield Path(folder) / f"python{minor}"

    def _path_folders(self) -> list[Path]:
        return [Path(part) for part in self.environ.get("PATH", "").split(":") if part]

    def _tool_folders(self) -> list[tuple[Path, str]]:
        """Return each tool's folder with the pattern of its interpreters."""
        home = self.settings.home
        shared = Path(self.environ.get("XDG_DATA_HOME") or home / ".local/share")
        folders = [
            (
                Path(self.environ.get("UV_PYTHON_INSTALL_DIR") or shared / "uv/python"),
                "*/bin/python3",
            ),
            (Path(self.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions", "*/bin/python3"),
            (Path(self._homebrew()) / "opt", "python@{minor}/bin/python{minor}"),
            (Path(self.environ.get("CONDA_PREFIX") or "/opt/conda"), "bin/python{minor}"),
        ]
        for name in ("miniconda3", "anaconda3", "miniforge3", "mambaforge"):
            folders += [
                (home / name, "bin/python{minor}"),
                (home / name / "envs", "*/bin/python{minor}"),
            ]
        if sys.platform == "darwin":
            framework = Path("/Library/Frameworks/Python.framework/Versions")
            folders.append((framework, "{minor}/bin/python{minor}"))
        return folders

    def _homebrew(self) -> str:
        default = "/opt/homebrew" if sys.platform == "darwin" else "/home/linuxbrew/.linuxbrew"
        return self.environ.get("HOMEBREW_PREFIX") or default


def _below(folder: Path, pattern: str, minor: str) -> list[Path]:
    """Return what matches, newest version first, without folders that name another version."""
    try:
        found = list(folder.glob(pattern))
    except OSError:
        return []
    fitting = [path for path in found if _fits(path.relative_to(folder), minor)]
    return sorted(fitting, key=_version_key, reverse=True)


def _fits(below: Path, minor: str) -> bool:
    named = _VERSION.search(below.parts[0])
    return named is None or named[1] == minor


def _version_key(path: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", str(path))]


def _may_run(path: Path) -> bool:
    if path == MAC_STUB and sys.platform == "darwin" and not MAC_TOOLS.exists():
        return False
    try:
        return path.is_file()
    except OSError:
        return False
