"""Layers of a bundle: tar archives that are equal byte for byte whenever their content is.

They are not compressed: two zlibs give two different outputs, weights hardly shrink, code is small.
"""

import os
import tarfile
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO

from coghub.build.oci import BlobWriter
from coghub.build.project_files import ProjectFile
from coghub.domain.errors import ProjectUnreadable

ROOT = "src"
"""The folder of the project in the image, as in Cog's."""
MAX_FILES = 200_000
"""Of one bundle; reading the list of an archive takes a kilobyte of memory for each."""
MTIME_S = 315_532_800
"""1980-01-01, the earliest time that every archive format knows."""


def write_layer(
    blob: BlobWriter, files: Iterable[ProjectFile], made: Mapping[str, bytes | None] | None = None
) -> None:
    """Write files, and contents made for the bundle, as a tar archive.

    Raises:
        ProjectUnreadable: if a file cannot be read, or changes while it is read.
    """
    with tarfile.open(fileobj=blob, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for file in files:
            _add(archive, file)
        for path, content in sorted((made or {}).items()):
            _add_made(archive, path, content)


def _entry(path: str, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(f"{ROOT}/{path}" if path else ROOT)
    entry.mode, entry.mtime = mode, MTIME_S
    return entry


def _add(archive: tarfile.TarFile, file: ProjectFile) -> None:
    entry = _entry(file.path, file.mode)
    if file.link is not None:
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, file.link, 0o777
        archive.addfile(entry)
    elif file.is_folder:
        entry.type = tarfile.DIRTYPE
        archive.addfile(entry)
    else:
        _add_content(archive, entry, file)


def _add_made(archive: tarfile.TarFile, path: str, content: bytes | None) -> None:
    """Add a file that no disk holds; a folder where the content is None."""
    entry = _entry(path, 0o755 if content is None else 0o644)
    if content is None:
        entry.type = tarfile.DIRTYPE
    entry.size = len(content or b"")
    archive.addfile(entry, BytesIO(content or b""))


def _add_content(archive: tarfile.TarFile, entry: tarfile.TarInfo, file: ProjectFile) -> None:
    try:
        with _opened(file.source) as content:
            before = os.fstat(content.fileno())
            entry.size = before.st_size
            archive.addfile(entry, content)
            after = os.fstat(content.fileno())
    except OSError as error:
        if error.errno is None:  # tarfile's own way to say that the file became shorter
            raise _changed(file) from error
        if error.filename is None:
            raise
        raise ProjectUnreadable(f"Could not read {file.path}: {error.strerror}") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise _changed(file)


def _opened(path: Path) -> IO[bytes]:
    """Open a file that was a file a moment ago; a pipe in its place must not block."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb")


def _changed(file: ProjectFile) -> ProjectUnreadable:
    return ProjectUnreadable(f"File changed while it was read: {file.path}")
