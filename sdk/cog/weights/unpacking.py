"""Unpacks archives of strangers: nothing is written outside of the folder, whatever they say."""

import io
import os
import shutil
import tarfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import IO

from cog.errors import BadArchive

COPY_BYTES = 1024**2


def unpack_tar(content: IO[bytes], folder: Path, url: str) -> None:
    """Unpack a tar archive, compressed or not, while it comes.

    Raises:
        BadArchive: if it is none, or has a member that leads out of the folder.
    """
    try:
        with tarfile.open(fileobj=content, mode="r|*", bufsize=COPY_BYTES) as archive:
            for member in archive:
                _put_member(archive, member, folder)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise BadArchive(f"Not a tar archive, or damaged: {url}: {error}") from error


def _put_member(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    place = _place(member.name, folder)
    if member.isdir():
        place.mkdir(parents=True, exist_ok=True)
    elif member.isfile():
        content = archive.extractfile(member)
        assert content is not None
        _put(content, place, is_program=bool(member.mode & 0o100))
    elif member.issym() or member.islnk():
        base = place.parent if member.issym() else folder
        target = _place(os.path.relpath(base / member.linkname, folder), folder)
        _put_link(member, place, target)
    else:
        raise BadArchive(f"The archive holds neither file, folder nor link: {member.name}")


def _put_link(member: tarfile.TarInfo, place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    if member.issym():
        place.symlink_to(os.path.relpath(target, place.parent))
    elif target.is_symlink() or not target.is_file():
        raise BadArchive(f"The archive links to what it does not hold: {member.name}")
    else:
        place.hardlink_to(target)


def unpack_zip(content: IO[bytes], folder: Path, url: str) -> None:
    """Unpack a zip archive.

    Raises:
        BadArchive: if it is none, or has a member that leads out of the folder.
    """
    try:
        with zipfile.ZipFile(content) as archive:
            for member in archive.infolist():
                place = _place(member.filename, folder)
                if member.is_dir():
                    place.mkdir(parents=True, exist_ok=True)
                    continue
                with archive.open(member) as inner:
                    _put(inner, place, is_program=bool(member.external_attr >> 16 & 0o100))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise BadArchive(f"Not a zip archive, or damaged: {url}: {error}") from error


def _place(name: str, folder: Path) -> Path:
    """Return where a member goes; no part of the way there may be a link."""
    parts = PurePosixPath(name).parts
    if PurePosixPath(name).is_absolute() or ".." in parts or "\0" in name:
        raise BadArchive(f"The archive holds a path that leads out of it: {name}")
    place = folder
    for part in parts[:-1]:
        place /= part
        if place.is_symlink():
            raise BadArchive(f"The archive holds a path that goes through a link: {name}")
    return folder.joinpath(*parts)


def _put(content: IO[bytes], place: Path, *, is_program: bool) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)  # a link there would be written through
    with place.open("wb") as file:
        shutil.copyfileobj(content, file, COPY_BYTES)
    if is_program:
        place.chmod(0o755)


def is_zip(beginning: bytes) -> bool:
    """Tell a zip archive by its first bytes."""
    return beginning.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def buffered(raw: io.RawIOBase) -> io.BufferedReader:
    """Return a reader in large pieces."""
    return io.BufferedReader(raw, COPY_BYTES)
