"""`fetch`: a big file from a URL, over many connections.

1. The first byte is asked for: it tells the size, and whether parts can be had.
2. Threads fetch the pieces that are missing, each piece again where a connection breaks.
3. Meanwhile the bytes are read in order, as far as they are there: for the checksum, and by whoever
   unpacks them.
4. What is whole and right takes its name at the end; until then nothing has it.
"""

import fcntl
import hashlib
import io
import os
import shutil
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from cog.errors import BadArchive, FetchError
from cog.weights import unpacking
from cog.weights.partial import Partial
from cog.weights.progress import Progress
from cog.weights.remote import ATTEMPTS, FAILURES, Changed, Remote, look_at, pause

CONNECTIONS = 8
READ_BYTES = 1024**2
FRESH_STARTS = 3
"""A file that changes while it is fetched is begun anew so often."""


def fetch(
    url: str,
    dest: str | Path,
    *,
    sha256: str | None = None,
    headers: Mapping[str, str] | None = None,
    unpack: bool = False,
    connections: int = CONNECTIONS,
) -> Path:
    """Fetch a file, and return where it is: at `dest`, whole and right, or not at all.

    What came before a crash or a lost connection is taken up again. What is there already is not
    fetched again; with `sha256` it has to fit.

    Args:
        url: http, https, `hf://OWNER/NAME[@REVISION]/PATH` or `s3://BUCKET/KEY`; the last two need
            `huggingface_hub` and `boto3`.
        dest: the file; with `unpack` the folder.
        sha256: the checksum of what is fetched, in hex.
        headers: such as `Authorization`; another host, by a redirect, is not told that.
        unpack: it is a tar or zip archive; a tar is unpacked while it comes.
        connections: how many parts are fetched at once.

    Raises:
        FetchError: if it cannot be had, is not what the checksum says, or no safe archive.
    """
    path = Path(dest)
    wanted = Wanted(url, sha256, headers or {}, is_archive=unpack, connections=connections)
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path.with_name(f"{path.name}.lock")):
        if not _is_there(path, wanted):
            bring(wanted, path, is_digested=sha256 is not None)
    return path


@dataclass(frozen=True)
class Wanted:
    """What is to be fetched; the fields are `fetch`'s arguments."""

    url: str
    sha256: str | None
    headers: Mapping[str, str]
    is_archive: bool
    connections: int


def bring(
    wanted: Wanted,
    path: Path,
    make_room: Callable[[int | None], None] = lambda _: None,
    *,
    is_digested: bool = True,
) -> str:
    """Fetch a file whether it is there or not, and return its sha256; the caller is `alone`.

    Args:
        wanted: the file.
        path: where it is to be, unpacked if it is an archive.
        make_room: told the size as soon as it is known, and None where no server says it.
        is_digested: else the bytes are not read again, and the sha256 is empty.

    Raises:
        FetchError: as `fetch`; or `make_room` does.
    """
    for _ in range(FRESH_STARTS):
        remote = look_at(wanted.url, wanted.headers)
        make_room(remote.size_bytes)
        identity = {"url": wanted.url, "validator": remote.validator}
        part = Partial(path.with_name(f"{path.name}.part"), identity, remote.size_bytes)
        try:
            digest = _whole(remote, part, path, wanted, is_digested=is_digested)
        except Changed:
            part.forget()
            continue
        except BadArchive:
            part.forget()
            part.path.unlink()
            shutil.rmtree(_unpacked_at(path), ignore_errors=True)
            raise
        finally:
            part.close()
        part.forget()
        return digest
    raise FetchError(f"The file changes while it is fetched: {wanted.url}")


def _unpacked_at(path: Path) -> Path:
    """Return where an archive is unpacked until it is whole."""
    return path.with_name(f"{path.name}.unpacked")


def _is_there(path: Path, wanted: Wanted) -> bool:
    if wanted.is_archive or wanted.sha256 is None or not path.is_file():
        return path.exists()
    with path.open("rb") as file:
        return _digest_of(file) == wanted.sha256.lower()


def _whole(remote: Remote, part: Partial, path: Path, wanted: Wanted, *, is_digested: bool) -> str:
    folder = _unpacked_at(path)
    shutil.rmtree(folder, ignore_errors=True)
    reader = InOrder(part)
    name = PurePosixPath(urlsplit(wanted.url).path).name or path.name
    progress = Progress(name, remote.size_bytes, part)
    with _coming(remote, part, progress, wanted.connections):
        content = unpacking.buffered(reader)
        if wanted.is_archive and not unpacking.is_zip(content.peek(4)[:4]):
            folder.mkdir()
            unpacking.unpack_tar(content, folder, remote.url)
        digest = _digest_rest(reader, content) if is_digested else ""
        part.wait()
    if wanted.sha256 is not None and digest != wanted.sha256.lower():
        part.path.unlink(missing_ok=True)
        part.forget()
        raise FetchError(f"Its sha256 is {digest}, not {wanted.sha256}: {remote.url}")
    if wanted.is_archive and not folder.exists():
        folder.mkdir()
        with part.path.open("rb") as file:
            unpacking.unpack_zip(file, folder, remote.url)
    (folder if wanted.is_archive else part.path).replace(path)
    if wanted.is_archive:
        part.path.unlink()
    return digest


def _digest_rest(reader: "InOrder", content: Any) -> str:
    while content.read(READ_BYTES):
        pass
    return reader.digest.hexdigest()


class InOrder(io.RawIOBase):
    """Reads what comes from its beginning on, and waits where it is not there yet."""

    def __init__(self, part: Partial) -> None:
        super().__init__()
        self._part = part
        self._place = 0
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._part.read(self._place, len(buffer))
        buffer[: len(content)] = content
        self.digest.update(content)
        self._place += len(content)
        return len(content)


@contextmanager
def _coming(remote: Remote, part: Partial, progress: Progress, connections: int) -> Generator[None]:
    """Let the bytes come inside the block; whoever leaves it early stops them."""
    stop = Event()
    jobs: Any = part.missing() if remote.has_ranges else [None]
    with ThreadPoolExecutor(max(1, connections), thread_name_prefix="fetch") as pool, progress:
        for span in jobs:
            pool.submit(_guarded, remote, part, span, progress, stop)
        try:
            yield
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _guarded(
    remote: Remote, part: Partial, span: tuple[int, int] | None, progress: Progress, stop: Event
) -> None:
    try:
        if span is None:
            _stream(remote, part, progress, stop)
        else:
            _piece(remote, part, span, progress, stop)
    except BaseException as error:  # noqa: BLE001 - it is raised again where the bytes are read
        part.fail(error)


def _piece(
    remote: Remote, part: Partial, span: tuple[int, int], progress: Progress, stop: Event
) -> None:
    """Fetch one piece; what of it has come is not asked for again."""
    (place, end), attempt = span, 0
    buffer = memoryview(bytearray(READ_BYTES))
    while place < end and not stop.is_set():
        before = place
        try:
            with remote.open(place, end) as response:
                while place < end and not stop.is_set():
                    count = response.readinto(buffer[: min(READ_BYTES, end - place)])
                    if not count:
                        raise ConnectionError("The connection was closed")
                    part.write(buffer[:count], place)
                    place += count
                    progress.add(count)
        except FAILURES as error:
            attempt = 0 if place > before else attempt
            pause(remote.url, error, attempt)
            attempt += 1
    if place >= end:
        part.note(span[0])


def _stream(remote: Remote, part: Partial, progress: Progress, stop: Event) -> None:
    """Fetch a file that can be had from its beginning on only."""
    buffer = memoryview(bytearray(READ_BYTES))
    for attempt in range(ATTEMPTS):
        place = 0
        try:
            with remote.open(0, 0) as response:
                while not stop.is_set() and (count := response.readinto(buffer)):
                    part.write(buffer[:count], place)
                    place += count
                    progress.add(count)
                    part.reach(place)
            if remote.size_bytes not in {None, place} and not stop.is_set():
                raise ConnectionError("The connection was closed")
        except FAILURES as error:
            pause(remote.url, error, attempt)
            continue
        part.reach(place, is_all=True)
        return


def _digest_of(file: Any) -> str:
    digest = hashlib.sha256()
    while content := file.read(READ_BYTES):
        digest.update(content)
    return digest.hexdigest()


@contextmanager
def alone(path: Path, *, wait: bool = True) -> Generator[None]:
    """Let one process at a time into the block; the file is gone when nobody is.

    Raises:
        BlockingIOError: if another is in it, and nobody wants to wait.
    """
    while True:
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_same(path, file.fileno()):  # who was in the block has removed it
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_same(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
