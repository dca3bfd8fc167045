"""The files of a project that go into a bundle, in an order that does not depend on the disk."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coghub.build.dockerignore import Ignored, read_dockerignore
from coghub.build.events import Notice, Report
from coghub.build.links import stays_inside
from coghub.domain.errors import ProjectUnreadable

NEVER = frozenset({".git", ".venv", "__pycache__", ".env"})
"""Left out everywhere, whatever `.dockerignore` says: history, environments, caches, secrets."""
NEVER_AT_ROOT = frozenset({".cog"})
"""Made by the command, for this machine."""


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A file, a folder or a link of the project."""

    path: str
    """Below the project, with slashes."""
    source: Path
    status: os.stat_result
    link: str | None = None
    """Where a symbolic link leads."""

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_regular(self) -> bool:
        """Whether it has content."""
        return stat.S_ISREG(self.status.st_mode)

    @property
    def mode(self) -> int:
        """Its rights without what differs between users: who may run it is all that counts."""
        return 0o755 if self.is_folder or self.status.st_mode & 0o100 else 0o644


def project_files(
    project: Path, report: Report, *, kept: frozenset[str] = frozenset()
) -> list[ProjectFile]:
    """Return what belongs to the project, sorted by path.

    Args:
        project: Its folder.
        report: Hears of what is left out because it cannot be stored.
        kept: Paths that stay in although `.dockerignore` names them.

    Raises:
        ProjectUnreadable: if a file or folder cannot be read.
    """
    walk = _Walk(_ignored(project), kept, report)
    try:
        found = list(walk.below(project.resolve(), ""))
    except OSError as error:
        raise ProjectUnreadable(f"Could not read {error.filename}: {error.strerror}") from error
    return sorted(found, key=lambda file: file.path.encode("utf-8", "surrogateescape"))


def _ignored(project: Path) -> Ignored:
    try:
        text = (project / ".dockerignore").read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return Ignored()
    except OSError as error:
        raise ProjectUnreadable(f"Could not read {error.filename}: {error.strerror}") from error
    return read_dockerignore(text)


@dataclass(frozen=True, slots=True)
class _Walk:
    ignored: Ignored
    kept: frozenset[str]
    report: Report

    def below(self, folder: Path, prefix: str) -> Iterator[ProjectFile]:
        """Return what belongs to the project in a folder and all below it."""
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            path = f"{prefix}{entry.name}"
            if self._is_never(entry, path):
                continue
            is_left_out = self.ignored.matches(path) and not self._is_kept(path)
            if not is_left_out:
                yield from self._one(entry, path)
            if entry.is_dir(follow_symlinks=False) and self._may_hold(
                path, is_left_out=is_left_out
            ):
                yield from self.below(Path(entry), f"{path}/")

    def _is_never(self, entry: os.DirEntry[str], path: str) -> bool:
        if entry.name in NEVER or path in NEVER_AT_ROOT:
            return True
        is_folder = entry.is_dir(follow_symlinks=False)
        return is_folder and Path(entry, "pyvenv.cfg").exists()

    def _is_kept(self, path: str) -> bool:
        return any(path == one or one.startswith(f"{path}/") for one in self.kept) or any(
            path.startswith(f"{one}/") for one in self.kept
        )

    def _may_hold(self, path: str, *, is_left_out: bool) -> bool:
        """Tell whether something below a folder may belong to the project."""
        return not is_left_out or self.ignored.has_exceptions or self._is_kept(path)

    def _one(self, entry: os.DirEntry[str], path: str) -> Iterator[ProjectFile]:
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            link = os.readlink(entry)  # noqa: PTH115 - the text as it stands, not a path
            if not stays_inside(path, link):
                self.report(Notice(f"Left out, the link leads outside of the project: {path}"))
                return
            yield ProjectFile(path, Path(entry), status, link)
        elif stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
            yield ProjectFile(path, Path(entry), status)
        else:
            self.report(Notice(f"Left out, neither a file nor a folder: {path}"))
