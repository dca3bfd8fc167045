"""`WeightsCache`: files by their content, in a folder that never grows beyond its budget.

    files/sha256/ab/abcdef…   a file, by its sha256 (the layout of `cog weights`)
    trees/abcdef…             an archive's content, by the archive's sha256
    urls/KEY                  the sha256 of what a URL gave
    uses/NAME                 when an entry was last used; locked, shared, while it is in use
    pins/NAME                 an entry that stays
    incoming/KEY.…            what is being fetched, and `.room`: how much it will take
    trash/                    what is being removed: it has no other name any more

Nothing has a name under `files` or `trees` before it is whole and on the disk. Whatever adds,
removes or counts holds the one lock of the folder; fetching itself does not.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cog.errors import FetchError
from cog.weights.disk import bytes_on_disk, remove, settled, size_of, write_whole
from cog.weights.fetching import CONNECTIONS, Wanted, alone, bring
from cog.weights.settings import default_folder

FREE_FLOOR_BYTES = 1024**3
READ_ONLY = 0o444
COPY_BYTES = 1024**2


@dataclass(frozen=True)
class Entry:
    """Something in the cache."""

    path: Path
    size_bytes: int
    last_used: float
    """Seconds since 1970."""
    is_pinned: bool


@dataclass(frozen=True)
class Usage:
    """What a cache holds, the least recently used first."""

    entries: list[Entry]
    incoming_bytes: int
    """Room for what is being fetched, or was when its process ended."""
    budget_bytes: int | None
    free_bytes: int
    """Of the disk, without the room for what is being fetched."""

    @property
    def used_bytes(self) -> int:
        """What counts against the budget."""
        return sum(it.size_bytes for it in self.entries) + self.incoming_bytes


class WeightsCache:
    """A folder of fetched files, shared by all processes that name it.

    Where there is no room for a file, the least recently used entries go first; those that are
    pinned, or in use by `using`, stay.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        budget_bytes: int | None = None,
        free_floor_bytes: int = FREE_FLOOR_BYTES,
    ) -> None:
        """Make the folder if it is not there.

        Args:
            folder: `$COG_CACHE_DIR/weights` if None, else `~/.cache/cog/weights`.
            budget_bytes: what all entries may take together; None for no limit.
            free_floor_bytes: what has to stay free on the disk.
        """
        self.folder = default_folder() if folder is None else Path(folder).absolute()
        self.budget_bytes = budget_bytes
        self.free_floor_bytes = free_floor_bytes
        for name in ("files", "trees", "urls", "uses", "pins", "incoming", "trash"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def fetch(
        self,
        url: str,
        *,
        sha256: str | None = None,
        headers: Mapping[str, str] | None = None,
        unpack: bool = False,
        connections: int = CONNECTIONS,
    ) -> Path:
        """Return the file, or with `unpack` the folder, that a URL leads to; fetch it if need be.

        A URL is asked once with the same headers: while its file is here, it is not asked whether
        it has changed. Nobody may change what is at the path; it may be gone when other files have
        taken its room.

        Raises:
            FetchError: as `cog.weights.fetch`; or if it does not fit beside what has to stay.
        """
        with self.using(
            url, sha256=sha256, headers=headers, unpack=unpack, connections=connections
        ) as path:
            return path

    @contextmanager
    def using(
        self,
        url: str,
        *,
        sha256: str | None = None,
        headers: Mapping[str, str] | None = None,
        unpack: bool = False,
        connections: int = CONNECTIONS,
    ) -> Generator[Path]:
        """As `fetch`, for a block in which it is there for certain."""
        wanted = Wanted(url, sha256, headers or {}, is_archive=unpack, connections=connections)
        key = _key(wanted)
        held = self._held(key, wanted)
        if held is None:
            with alone(self.folder / "incoming" / f"{key}.lock"):
                held = self._held(key, wanted) or self._fetched(key, wanted)
        path, descriptor = held
        try:
            yield path
        finally:
            os.close(descriptor)

    def find(self, sha256: str) -> Path | None:
        """Return the file with a checksum, if it is here."""
        path = self._path(sha256, is_archive=False)
        return path if path.exists() else None

    def add(self, content: Any, size_bytes: int, sha256: str | None = None) -> Path:
        """Keep what a binary file gives from where it is, and return where it is kept.

        Raises:
            FetchError: if it gives something else, or does not fit beside what has to stay.
            OSError: if it cannot be read.
        """
        name = getattr(content, "name", "a file")
        key = secrets.token_hex(16)
        incoming = self.folder / "incoming" / key
        part, room = incoming.with_suffix(".part"), incoming.with_suffix(".room")
        with alone(incoming.with_suffix(".lock")):
            with self._locked():
                self._make_room(size_bytes, name)
                room.write_text(str(size_bytes))
            digest = hashlib.sha256()
            try:
                with part.open("wb") as file:
                    while chunk := content.read(COPY_BYTES):
                        digest.update(chunk)
                        file.write(chunk)
                if sha256 not in {None, digest.hexdigest()}:
                    raise FetchError(f"Its sha256 is {digest.hexdigest()}, not {sha256}: {name}")
                path, descriptor = self._settle(part, room, digest.hexdigest(), name)
                os.close(descriptor)
                return path
            finally:
                part.unlink(missing_ok=True)
                room.unlink(missing_ok=True)

    def pin(self, path: Path) -> None:
        """Let an entry stay, also when this process has ended.

        Raises:
            FileNotFoundError: if it is not here any more.
        """
        with self._locked():
            path.stat()
            (self.folder / "pins" / path.name).touch()

    def unpin(self, path: Path) -> None:
        """Let an entry go when its turn comes."""
        (self.folder / "pins" / path.name).unlink(missing_ok=True)

    def usage(self) -> Usage:
        """Count what is here."""
        with self._locked():
            return self._counted()

    def _held(self, key: str, wanted: Wanted) -> tuple[Path, int] | None:
        """Return an entry that is here, and the descriptor that holds it."""
        with self._locked():
            digest = wanted.sha256 or self._noted(key)
            if not digest or not digest.isalnum():
                return None
            path = self._path(digest.lower(), is_archive=wanted.is_archive)
            return (path, self._hold(path)) if path.exists() else None

    def _noted(self, key: str) -> str | None:
        with suppress(FileNotFoundError):
            return (self.folder / "urls" / key).read_text("ascii", "replace")
        return None

    def _fetched(self, key: str, wanted: Wanted) -> tuple[Path, int]:
        incoming = self.folder / "incoming" / key
        remove(incoming)
        room = incoming.with_suffix(".room")
        archived = 2 if wanted.is_archive else 1  # what is unpacked lies beside its archive

        def make_room(size_bytes: int | None) -> None:
            with self._locked():
                room.write_text("0")
                self._make_room((size_bytes or 0) * archived, wanted.url)
                room.write_text(str((size_bytes or 0) * archived))

        try:
            digest = bring(wanted, incoming, make_room)
        except FetchError:
            if not incoming.with_name(f"{key}.part").exists():
                room.unlink(missing_ok=True)
            raise
        return self._settle(
            incoming, room, digest, wanted.url, key=key, is_archive=wanted.is_archive
        )

    def _settle(
        self,
        incoming: Path,
        room: Path,
        digest: str,
        name: str,
        *,
        key: str | None = None,
        is_archive: bool = False,
    ) -> tuple[Path, int]:
        """Make an entry of what has come whole, noted under a key if it has one, and hold it."""
        size_bytes = settled(incoming)
        with self._locked():
            path = self._path(digest, is_archive=is_archive)
            path.parent.mkdir(parents=True, exist_ok=True)
            room.unlink(missing_ok=True)
            if path.exists():  # another URL has led to the same
                remove(incoming)
            else:
                self._place(incoming, path, size_bytes, name)
            if key is not None:
                write_whole(self.folder / "urls" / key, digest)
            return path, self._hold(path)

    def _place(self, incoming: Path, path: Path, size_bytes: int, url: str) -> None:
        """Give what is whole its name, if there is room: its size may not have been known before.

        Raises:
            FetchError: if there is none; it is removed.
        """
        try:
            self._make_room(size_bytes, url, is_on_disk=True)
        except FetchError:
            remove(incoming)
            raise
        if incoming.is_file():
            incoming.chmod(READ_ONLY)
        incoming.replace(path)

    def _path(self, digest: str, *, is_archive: bool) -> Path:
        if is_archive:
            return self.folder / "trees" / f"tree-{digest}"
        return self.folder / "files" / "sha256" / digest[:2] / digest

    def _hold(self, path: Path) -> int:
        use = self.folder / "uses" / path.name
        descriptor = os.open(use, os.O_RDONLY | os.O_CREAT, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        os.utime(use)
        return descriptor

    @contextmanager
    def _locked(self) -> Generator[None]:
        with (self.folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _counted(self) -> Usage:
        rooms = list((self.folder / "incoming").glob("*.room"))
        incoming, missing = 0, 0
        for room in rooms:
            wanted = int(room.read_text() or 0)
            incoming += wanted
            missing += max(0, wanted - bytes_on_disk(room.with_suffix(".part")))
        paths = [
            *(self.folder / "files").glob("sha256/*/*"),
            *(self.folder / "trees").iterdir(),
        ]
        return Usage(
            entries=sorted((self._entry(it) for it in paths), key=lambda it: it.last_used),
            incoming_bytes=incoming,
            budget_bytes=self.budget_bytes,
            free_bytes=max(0, shutil.disk_usage(self.folder).free - missing),
        )

    def _entry(self, path: Path) -> Entry:
        try:
            last_used = (self.folder / "uses" / path.name).stat().st_mtime
        except FileNotFoundError:  # its process was killed, or `cog weights` has put it here
            last_used = path.stat().st_mtime
        is_pinned = (self.folder / "pins" / path.name).exists()
        return Entry(path, size_of(path), last_used, is_pinned)

    def _make_room(self, size_bytes: int, url: str, *, is_on_disk: bool = False) -> None:
        """Remove entries until there is room for so much more.

        Raises:
            FetchError: if there is none beside what has to stay.
        """
        for path in (self.folder / "trash").iterdir():  # who was removing it has been killed
            remove(path)
        usage = self._counted()
        over = 0
        if self.budget_bytes is not None:
            over = usage.used_bytes + size_bytes - self.budget_bytes
        to_come = 0 if is_on_disk else size_bytes
        over = max(over, to_come + self.free_floor_bytes - usage.free_bytes)
        if over <= 0:
            return
        removable = [it for it in usage.entries if not it.is_pinned and not self._is_used(it.path)]
        over -= self._remove_abandoned()
        if over > sum(it.size_bytes for it in removable):
            raise FetchError(
                f"No room for {size_bytes:,} bytes in {self.folder} beside what is pinned, in use, "
                f"being fetched or to stay free: {url}"
            )
        for entry in removable:
            if over > 0:
                over -= entry.size_bytes
                self._remove_entry(entry.path)

    def _remove_abandoned(self) -> int:
        """Remove what processes that were killed have begun to fetch; return its bytes."""
        removed = 0
        for room in (self.folder / "incoming").glob("*.room"):
            with suppress(BlockingIOError), alone(room.with_suffix(".lock"), wait=False):
                removed += int(room.read_text() or 0)
                for path in room.parent.glob(f"{room.stem}*"):
                    if path.suffix != ".lock":
                        remove(path)
        return removed

    def _is_used(self, path: Path) -> bool:
        with (self.folder / "uses" / path.name).open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _remove_entry(self, path: Path) -> None:
        trash = Path(tempfile.mkdtemp(dir=self.folder / "trash"))
        path.replace(trash / path.name)
        (self.folder / "uses" / path.name).unlink(missing_ok=True)
        remove(trash)


def _key(wanted: Wanted) -> str:
    """Name what is fetched; what needs an `Authorization` is not for those who have none."""
    kind = "tree" if wanted.is_archive else "file"
    headers = sorted(wanted.headers.items())
    told = f" {headers}" if headers else ""
    return hashlib.sha256(f"{kind} {wanted.url}{told}".encode()).hexdigest()
