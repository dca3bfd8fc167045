"""Packages that lie in the project itself: wheels, archives and folders that can be installed."""

import hashlib
import re
from pathlib import Path

from coghub.domain.errors import RequirementsInvalid

CHUNK_BYTES = 1024**2
SUFFIXES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

_PARTS = re.compile(r"(?P<path>[^;\[]+?)\s*(?P<rest>(\[[^\]]*\])?\s*(;.*)?)")
_IGNORED = frozenset({".git", "__pycache__", ".venv", "node_modules", "build", "dist"})


def split(line: str) -> tuple[str, str]:
    """Return the path, and what follows it: extras and a marker."""
    match = _PARTS.fullmatch(line.strip())
    return (match["path"], match["rest"]) if match else (line.strip(), "")


def is_local(line: str) -> bool:
    """Tell whether a requirement is a bare path and no name or URL."""
    path = split(line)[0]
    if "://" in path or " @ " in path or re.match(r"(git|hg|svn|bzr)\+", path):
        return False
    return path.endswith(SUFFIXES) or path.startswith(("./", "../", "/"))


def locate(line: str, folder: Path, project: Path) -> tuple[str, str, str]:
    """Return the line with its path below the project, that path, and the digest of its content.

    A path is relative to the project or, failing that, to the file that names it.

    Raises:
        RequirementsInvalid: if it is missing, or outside of the project.
    """
    given, rest = split(line)
    root = project.resolve()
    path = next((base / given for base in (project, folder) if (base / given).exists()), None)
    if path is None:
        raise _refused(given, f"not found: {project / given}")
    if not path.resolve().is_relative_to(root):
        raise _refused(given, "must be inside the project directory")
    below = path.resolve().relative_to(root).as_posix()
    return f"./{below}{rest}", below, _digest(given, path)


def placed(line: str, project: Path) -> str:
    """Return a line of a plan as it can be read anywhere: a local path becomes a URL."""
    if not line.startswith("./"):
        return line
    path, rest = split(line)
    return (project.resolve() / path).as_uri() + rest


def _digest(given: str, path: Path) -> str:
    if path.is_file():
        return _file_digest(path)
    if path.is_dir() and not given.endswith(SUFFIXES):
        return _folder_digest(path)
    raise _refused(given, "must be a regular file")


def _file_digest(path: Path) -> str:
    summary = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            summary.update(chunk)
    return f"sha256:{summary.hexdigest()}"


def _folder_digest(folder: Path) -> str:
    """Return a digest of what an installer may read there."""
    summary = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        if path.is_file() and not _IGNORED.intersection(below.parts):
            summary.update(f"{below.as_posix()}\0{_file_digest(path)}\n".encode())
    return f"sha256:{summary.hexdigest()}"


def _refused(given: str, reason: str) -> RequirementsInvalid:
    return RequirementsInvalid(f'local Python package artifact "{given}" {reason}')
