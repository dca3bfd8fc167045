"""A bundle's layers as a folder; what they say is not trusted.

A bundle may come from anyone. Nothing outside of the folder is written, links lead nowhere else,
and there are limits to sizes and numbers. The folder appears only when all of it is there.
"""

import hashlib
import os
import tarfile
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path, PurePosixPath
from typing import IO, Any

from coghub.build.files import explained, is_full, remove
from coghub.build.layers import MAX_FILES, ROOT
from coghub.build.links import stays_inside
from coghub.build.oci import LAYER, Layout
from coghub.domain.errors import BundleInvalid

MAX_LAYERS = 1000
MAX_HEADER_BYTES = 1024**2
MAX_PATH_CHARACTERS = 4096
"""Linux takes no longer ones."""
MAX_DEPTH = 128
"""Of folders in folders: making and removing them goes one step down for each."""
DAMAGE = (OSError, tarfile.TarError, ValueError, ArithmeticError, LookupError)
"""What `tarfile` raises where a header says what cannot be."""
CHUNK_BYTES = 1024**2


def unpack(layout: Layout, manifest: dict[str, Any], folder: Path) -> None:
    """Put the layers of a manifest into the folder, which must not exist.

    Raises:
        BundleInvalid: if a layer is not what its digest says, or holds what a project cannot.
    """
    with explained(folder):
        temporary = folder.with_name(f"{_prefix(folder)}{os.getpid()}")
        remove(temporary)
        (temporary / ROOT).mkdir(parents=True)
        try:
            _Unpacking(layout, temporary).layers(_layers(manifest))
            _put(temporary, folder)
        except DAMAGE as error:
            if isinstance(error, OSError) and is_full(error):
                raise
            reason = (isinstance(error, OSError) and error.strerror) or error
            raise BundleInvalid(f"The bundle cannot be unpacked: {reason}") from error
        finally:
            remove(temporary)


def half_made(folder: Path) -> Iterator[Path]:
    """Yield what processes that were killed have left of making the folder."""
    return folder.parent.glob(f"{_prefix(folder)}*")


def _prefix(folder: Path) -> str:
    return f".{folder.name[:16]}."


def _put(temporary: Path, folder: Path) -> None:
    """Move the folder into its place, unless another process was faster."""
    try:
        temporary.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _layers(manifest: dict[str, Any]) -> list[tuple[str, int]]:
    """Return digest and size of each layer."""
    try:
        found = [(str(one["digest"]), int(one["size"])) for one in manifest["layers"]]
        kinds = {one["mediaType"] for one in manifest["layers"]}
    except (KeyError, TypeError, ValueError) as error:
        raise BundleInvalid(f"The bundle's manifest is damaged: {error}") from error
    if not kinds <= {LAYER} or len(found) > MAX_LAYERS:
        raise BundleInvalid("The bundle has layers of a kind or number that is not known here")
    return found


class _Checked(RawIOBase):
    """Reads a file and hashes what passes; what is read into memory at once has a limit."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self.file = file
        self.summary = hashlib.sha256()
        self.size_bytes = os.fstat(file.fileno()).st_size
        self.allowance: int | None = None
        """How much of a header may still be read; None while content is read in pieces."""

    def read(self, size: int = -1, /) -> bytes:
        chunk = self.file.read(size)
        self.summary.update(chunk)
        if self.allowance is not None:
            self.allowance -= len(chunk)
            if self.allowance < 0:
                raise BundleInvalid("The bundle holds a header that is too large")
        return chunk


class _Unpacking:
    def __init__(self, layout: Layout, target: Path) -> None:
        self.layout = layout
        self.target = target
        self.count = 0
        self.links: set[str] = set()
        self.folders: set[str] = set()

    def layers(self, layers: list[tuple[str, int]]) -> None:
        for digest, size in layers:
            path = self.layout.path_of(digest)
            if path.stat().st_size != size:
                raise BundleInvalid(f"The blob is not of the size that the bundle says: {digest}")
            with path.open("rb") as file:
                checked = _Checked(file)
                self._layer(checked)
                while checked.read(CHUNK_BYTES):
                    pass
            if f"sha256:{checked.summary.hexdigest()}" != digest:
                raise BundleInvalid(f"The blob is not what its digest says: {digest}")

    def _layer(self, source: _Checked) -> None:
        source.allowance = MAX_HEADER_BYTES
        with tarfile.open(fileobj=source, mode="r|") as archive:
            while True:
                entry = archive.next()
                source.allowance = None
                if entry is None:
                    return
                self._count(1)
                if entry.size > source.size_bytes:
                    raise BundleInvalid(f"The bundle holds less than it says: {entry.name}")
                self._entry(archive, entry)
                source.allowance = MAX_HEADER_BYTES

    def _entry(self, archive: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
        path = self._place(entry.name)
        if entry.isdir():
            path.mkdir(parents=True, exist_ok=True)
        elif entry.issym():
            self._link(path, entry)
        elif entry.isreg() and entry.sparse is None:  # a file of holes alone has an empty list
            self._file(archive, path, entry)
        else:
            raise BundleInvalid(f"The bundle holds neither a file nor a folder: {entry.name}")

    def _count(self, more: int) -> None:
        """Count files, and folders that no entry names but that one lies in."""
        self.count += more
        if self.count > MAX_FILES:
            raise BundleInvalid(f"The bundle holds more than {MAX_FILES} files")

    def _place(self, name: str) -> Path:
        """Return where an entry goes, which is below the project and not behind a link."""
        if len(name) > MAX_PATH_CHARACTERS or name.count("/") > MAX_DEPTH:
            raise BundleInvalid(f"The bundle holds a path that is too long: {name[:64]}…")
        parts = PurePosixPath(name).parts
        if not parts or parts[0] != ROOT or ".." in parts or "\0" in name:
            raise BundleInvalid(f"The bundle holds a path outside of the project: {name}")
        above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        if self.links.intersection(above):
            raise BundleInvalid(f"The bundle holds a path behind a link: {name}")
        made = {*above[:-1]} - self.folders
        self.folders |= made
        self._count(len(made))
        return self.target.joinpath(*parts)

    def _link(self, path: Path, entry: tarfile.TarInfo) -> None:
        below = PurePosixPath(entry.name).relative_to(ROOT)
        if not stays_inside(str(below), entry.linkname):
            raise BundleInvalid(f"The bundle holds a link that leads out of it: {entry.name}")
        self.links.add("/".join(PurePosixPath(entry.name).parts))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(entry.linkname)

    def _file(self, archive: tarfile.TarFile, path: Path, entry: tarfile.TarInfo) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        source = archive.extractfile(entry)
        assert source is not None
        mode = 0o755 if entry.mode & 0o100 else 0o644
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, mode), "wb") as target:
            while chunk := source.read(CHUNK_BYTES):
                target.write(chunk)
