"""The files of a project as the context of a build; both builders get the same ones.

BuildKit takes what it needs from the project's own folder, by a `.dockerignore` that is ours.
The classic builder would send all of that folder: it gets another one, with links to the files.
"""

import os
import shutil
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from coghub.build.docker.client import Docker
from coghub.build.image.leftovers import scratch
from coghub.build.project_files import NEVER, NEVER_AT_ROOT, ProjectFile

OWN_FOLDER = ".cog"
"""Of the project; never a part of it."""


@dataclass(frozen=True, slots=True)
class ProjectContext:
    """Where a build finds the project."""

    folder: Path
    copied: str
    """Path of the project in it."""
    ignore: str | None = None
    """Lines of a `.dockerignore`; None leaves nothing out."""


@contextmanager
def project_context(
    docker: Docker,
    project: Path,
    files: Sequence[ProjectFile],
    *,
    only: Collection[str] = (),
    left_out: Collection[str] = (),
) -> Generator[ProjectContext]:
    """Yield the context of a build that copies a project.

    Args:
        docker: knows its builder.
        project: the folder.
        files: what belongs to the project.
        only: paths that alone are wanted, if there are any; BuildKit needs not be told.
        left_out: paths that are not wanted.
    """
    if docker.has_buildkit:
        yield ProjectContext(project, ".", _ignore(project, files, left_out))
        return
    with _beside(project) as folder:
        wanted = [
            file
            for file in files
            if not _is_below(file.path, left_out)
            and (not only or file.is_folder or _is_below(file.path, only))
        ]
        _stage(wanted, folder / "src")
        yield ProjectContext(folder, "src")


def _is_below(path: str, places: Collection[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def _ignore(project: Path, files: Sequence[ProjectFile], left_out: Collection[str]) -> str:
    """Return the user's `.dockerignore` with our own lines at the end."""
    try:
        own = (project / ".dockerignore").read_text("utf-8", "surrogateescape")
    except OSError:
        own = ""
    never = [f"**/{name}" for name in sorted(NEVER)] + sorted(NEVER_AT_ROOT)
    others = sorted({*left_out, *_unwanted(project, files)})
    return "\n".join([own, *never, *map(_literal, others), ""])


def _unwanted(project: Path, files: Sequence[ProjectFile]) -> Iterator[str]:
    """Return what no pattern says: other environments, links to outside, what is no file."""
    known = {file.path for file in files}
    folders = {path.as_posix() for file in files for path in PurePosixPath(file.path).parents}
    for folder in sorted(folders | {file.path for file in files if file.is_folder}):
        with os.scandir(project / folder) as entries:
            unknown = {Path(folder, entry.name).as_posix(): entry for entry in entries}
        yield from (path for path, entry in unknown.items() if path not in known and _is_odd(entry))


def _is_odd(entry: os.DirEntry[str]) -> bool:
    if entry.is_dir(follow_symlinks=False):
        return Path(entry, "pyvenv.cfg").exists()
    return not entry.is_file(follow_symlinks=False)


def _literal(path: str) -> str:
    """Return a pattern that matches one path only."""
    return "/" + "".join(f"\\{letter}" if letter in "*?[]\\" else letter for letter in path)


def _stage(files: Sequence[ProjectFile], folder: Path) -> None:
    """Lay the project's files into a folder; as links, where the file system allows it."""
    folder.mkdir()
    for file in files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.is_folder:
            target.mkdir(exist_ok=True)
        elif file.link is not None:
            target.symlink_to(file.link)
        else:
            _place(file.source, target)
    for file in reversed(files):
        if file.is_folder:
            (folder / file.path).chmod(file.status.st_mode & 0o777)


def _place(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # on another file system
        shutil.copy2(source, target)


@contextmanager
def _beside(project: Path) -> Generator[Path]:
    """Yield an empty folder on the project's own disk, where large files need not be copied."""
    own = project / OWN_FOLDER
    with suppress(OSError):
        own.mkdir(exist_ok=True)
    place = own if os.access(own, os.W_OK) else None
    try:
        with scratch(place) as folder:
            yield folder
    finally:
        if place is not None:
            with suppress(OSError):
                place.rmdir()
