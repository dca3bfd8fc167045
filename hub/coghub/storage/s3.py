"""Objects in a bucket of S3, or of a store that speaks as it does.

An object is sent in parts and appears whole, with the answer to the last request. The client's
blocking functions run in threads of ours: its asynchronous ones leave threads of their own behind,
which abort a process that ends meanwhile (obstore 0.12).
"""

import asyncio
import hashlib
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import ParamSpec, TypeVar

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import S3Store

from coghub.domain.errors import StorageUnusable
from coghub.storage.multipart import PartialUploads
from coghub.storage.s3_access import S3Access, S3Place
from coghub.storage.storage import MARK, Storage, disk_errors, removed

log = structlog.get_logger()

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 16
"""Calls under way at once; each waits for the network and holds no lock of Python's."""
PIECE_BYTES = 4 * 1024**2
"""Of one request that reads: the way there and back hardly counts, many readers fit in memory."""
LEAST_PART_BYTES = 8 * 1024**2
MAX_PARTS = 9_000
"""Of one object; S3 takes 10,000 of them."""
PARTS_AT_ONCE = 6
LARGE_AT_ONCE = 4
"""Objects in parts that are sent at once; others wait for their turn, and small ones do not."""
SENDING_BYTES = 96 * 1024**2
"""Of one object's parts in memory, unless one alone is larger: that is so above 800 GiB."""
FETCHES_AT_ONCE = 6
LINK_LIFE = timedelta(minutes=20)
"""A transfer has to begin within it, and may take longer."""
TIMEOUT = timedelta(minutes=2)
"""Of one request, with all that it carries: a part, or a piece."""
RETRIES = 4
QUICK_TIMEOUT = timedelta(seconds=10)
QUICK_RETRIES = 1
"""Of what is small, and where somebody waits to hear whether the store works at all."""
RETRY_TIMEOUT = timedelta(seconds=30)
NO_BUCKET = "NoSuchBucket"
ANSWER = re.compile(r"<Code>([^<]*)</Code>\s*<Message>([^<]*)</Message>")
BINARY = {"Content-Type": "application/octet-stream"}


class S3Storage(Storage):
    """The storage in a bucket; what arrives waits on the local disk."""

    def __init__(self, place: S3Place, access: S3Access, incoming: Path) -> None:
        super().__init__(incoming)
        self.place = place
        self._access = access
        self._store = _store(place, access, RETRIES, TIMEOUT)
        self._quick = _store(place, access, QUICK_RETRIES, QUICK_TIMEOUT)
        self._partial = PartialUploads(place, access)
        self._is_told = False
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="s3")
        self._large = ThreadPoolExecutor(LARGE_AT_ONCE, thread_name_prefix="s3-large")

    async def mark(self) -> str | None:
        """Return what the mark says; see `Storage`."""
        with self._told():
            return await self._call(_mark_of, self._quick)

    async def put_mark(self, text: str) -> None:
        """Mark this place; see `Storage`."""
        with self._told():
            await self._call(obstore.put, self._quick, MARK, text.encode())

    @contextmanager
    def _told(self) -> Generator[None]:
        """Translate the client's errors for the operator, who sees to them."""
        try:
            yield
        except (BaseError, OSError) as error:
            raise StorageUnusable(
                f"The storage cannot be used: {_reason(error)}: {self.place}",
                hint=f"See to the bucket, the keys, `AWS_REGION` ({self._access.region}) and "
                f"`AWS_ENDPOINT_URL` ({self._access.endpoint or 'Amazon'})",
            ) from error

    async def link_to(self, key: str) -> str:
        """Return a signed address; see `Storage`."""
        with self._explained():
            return await self._call(obstore.sign, self._store, "GET", key, LINK_LIFE)

    async def adopt(self, path: Path, key: str) -> None:
        """Send a file, in parts if it is large; see `Storage`."""
        size = await asyncio.to_thread(lambda: path.stat().st_size)
        threads = self._large if size > LEAST_PART_BYTES else self._threads
        with self._explained(is_there=True):
            await asyncio.wrap_future(threads.submit(self._put, path, key, size))
        await removed(path)

    def _put(self, path: Path, key: str, size: int) -> None:
        part_bytes, at_once = parts_of(size)
        obstore.put(
            self._store,
            key,
            path,
            attributes=BINARY,
            chunk_size=part_bytes,
            max_concurrency=at_once,
        )

    async def size_of(self, key: str) -> int | None:
        """Return an object's size in bytes; see `Storage`."""
        with self._explained():
            return await self._call(self._size, key)

    def _size(self, key: str) -> int | None:
        try:
            return obstore.head(self._quick, key)["size"]
        except FileNotFoundError:
            return None

    async def _pieces(self, key: str, start: int, stop: int) -> AsyncIterator[bytes]:
        for offset in range(start, stop, PIECE_BYTES):
            with self._explained():
                piece = await self._call(self._piece, key, offset, min(offset + PIECE_BYTES, stop))
            yield piece

    def _piece(self, key: str, start: int, stop: int) -> bytes:
        return bytes(obstore.get_range(self._store, key, start=start, end=stop))

    def fetch(self, key: str, target: Path) -> None:
        """Copy an object into a file, several pieces at once; see `Storage`."""
        with self._explained(), disk_errors():
            size = obstore.head(self._store, key)["size"]
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:

                def copy(offset: int) -> None:
                    piece = self._piece(key, offset, min(offset + PIECE_BYTES, size))
                    os.pwrite(descriptor, piece, offset)

                with ThreadPoolExecutor(FETCHES_AT_ONCE) as threads:
                    for _ in threads.map(copy, range(0, size, PIECE_BYTES)):
                        pass
            finally:
                os.close(descriptor)

    async def keys(self, prefix: str) -> AsyncIterator[tuple[str, datetime]]:
        """Yield the keys that begin so; see `Storage`."""
        pages = iter(obstore.list(self._store, prefix))
        with self._explained(is_there=True):
            while page := await self._call(next, pages, None):
                for found in page:
                    yield found["path"], found["last_modified"]

    async def _delete(self, key: str) -> None:
        with self._explained():
            await self._call(obstore.delete, self._store, key)

    async def delete_by(self, key: str, deadline: float) -> bool:
        """Remove an object, or do not begin; see `Storage`."""
        with self._explained():
            return await self._call(self._delete_by, key, deadline)

    def _delete_by(self, key: str, deadline: float) -> bool:
        if time.monotonic() > deadline:
            return False
        obstore.delete(self._quick, key)
        return True

    async def abort_stale(self, before: datetime) -> int:
        """Abort uploads in parts that nobody will finish; see `Storage`.

        A store that does not tell them, or not to us, is left to its own rules for them; that is
        said once.
        """
        try:
            return await self._call(self._partial.abort, before)
        except (OSError, ValueError) as error:
            if not self._is_told:
                log.warning("partial uploads stay", place=str(self.place), error=str(error))
            self._is_told = True
            return 0

    async def _call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        future = self._threads.submit(function, *args, **kwargs)
        return await asyncio.wrap_future(future)

    @contextmanager
    def _explained(self, *, is_there: bool = False) -> Generator[None]:
        """Translate the client's errors; clients of ours are not told where the store is.

        Args:
            is_there: whatever is not found can only be the bucket itself.
        """
        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            is_object = isinstance(error, FileNotFoundError) and NO_BUCKET not in str(error)
            if is_object and not is_there:
                raise
            log.warning("object store failed", place=str(self.place), error=_reason(error))
            raise StorageUnusable("The object store cannot be used just now") from error


def s3_storage(place: S3Place, access: S3Access, incoming: Path) -> S3Storage:
    """Return the storage in a bucket; nothing is asked of it yet."""
    return S3Storage(place, access, incoming)


def parts_of(size: int) -> tuple[int, int]:
    """Return how large the parts of an object are, and how many are sent at once."""
    part_bytes = max(LEAST_PART_BYTES, -(-size // MAX_PARTS))
    return part_bytes, max(1, min(PARTS_AT_ONCE, SENDING_BYTES // part_bytes))


def owner_of(key: bytes) -> str:
    """Return how a hub is called in its storage, which tells nothing of its key."""
    return hashlib.sha256(b"owner of the storage\0" + key).hexdigest()


def _mark_of(store: S3Store) -> str | None:
    try:
        return bytes(obstore.get(store, MARK).bytes()).decode("ascii", "replace")
    except FileNotFoundError as error:
        if NO_BUCKET in str(error):
            raise
        return None


def _store(place: S3Place, access: S3Access, retries: int, timeout: timedelta) -> S3Store:
    keys = {
        "access_key_id": access.access_key_id,
        "secret_access_key": access.secret_access_key,
        "session_token": access.session_token,
        "endpoint": access.endpoint,
    }
    return S3Store(
        place.bucket,
        prefix=place.prefix or None,
        config={"region": access.region, **{k: v for k, v in keys.items() if v is not None}},
        client_options={
            "allow_http": (access.endpoint or "").startswith("http://"),
            "timeout": timeout,
        },
        retry_config={"max_retries": retries, "retry_timeout": RETRY_TIMEOUT},
    )


def _reason(error: Exception) -> str:
    """Return what the store said, or why it said nothing, on one line."""
    text = str(error).partition("Debug source")[0]
    if said := ANSWER.search(text):
        return f"{said[2]} ({said[1]})"
    return " ".join(text.split()).rpartition(" - ")[2].rstrip(": ")
