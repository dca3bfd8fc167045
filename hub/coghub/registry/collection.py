"""Garbage collection: takes what nothing in the registry leads to, never what is being pushed.

A blob may go if no manifest names it and nobody used it within the grace. A push uses a blob when
it asks for it (HEAD), mounts it, or uploads it, and when its manifest names it.

Why nothing is lost, whenever a push and a collection meet (also of two processes, such as
`coghub gc` beside a hub): all changes of rows are serialized, and

- a blob *is there* if both its row and its whole file are. Half of it counts as nothing, and the
  next upload makes it whole. So a crash between two steps loses nothing that was answered.
- The collection looks at a blob again, deletes its row, and moves its file away within one
  transaction. A push uses the row before, and it stays; or after, and it is told that the blob is
  not there.
- A finished upload first uses the row, if there is one, then moves its file into its place, then
  makes the row. From the first step on the collection leaves an old row alone; without a row it
  sees only the file, whose time is the present.
- A manifest uses the blobs that it names and pins them in one transaction.
"""

import asyncio
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import structlog
from sqlalchemy import Connection

from coghub.database import collection as rows
from coghub.parts import Hub
from coghub.storage.places import BLOBS, digest_of_blob, of_blob
from coghub.storage.upload_files import UploadFiles

log = structlog.get_logger()

EVERY_S = 900.0
BATCH = 500
"""Rows looked at, or removed, in one transaction."""
LEAST_ORPHAN_AGE_S = 3600.0
"""A file without a row may be of an upload that is just being finished."""
STALE_S = 24 * 3600.0
"""No object takes so long on its way into an object store: nobody will finish it."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection removed."""

    uploads: int
    manifests: int
    blobs: int
    freed_bytes: int


class Collection:
    """Collects garbage."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._files = UploadFiles(hub.storage.incoming)

    async def run(self) -> None:
        """Collect until canceled; a failure is logged and does not end the loop."""
        while True:
            try:
                await self.tick()
            except Exception:
                log.exception("collection failed")
            await anyio.sleep(EVERY_S)

    async def tick(self) -> Collected:
        """Collect once, and return what was removed."""
        settings, now = self._hub.settings, self._hub.now()
        before = now - timedelta(seconds=settings.gc_grace_s)
        uploads = await self._uploads(now - timedelta(seconds=settings.upload_expiry_s))
        manifests = await self._manifests(before)
        blobs, freed = await self._blobs(before)
        orphan_age_s = max(settings.gc_grace_s, LEAST_ORPHAN_AGE_S)
        blobs += await self._orphans(now - timedelta(seconds=orphan_age_s))
        uploads += await self._hub.storage.abort_stale(now - timedelta(seconds=STALE_S))
        return Collected(uploads, manifests, blobs, freed)

    async def _uploads(self, before: datetime) -> int:
        """Drop uploads that got no byte since then, and files that belong to nothing.

        A single request may take longer than that; then the time of the file is later.
        """
        taken = 0
        for upload_id in await self._hub.database.read(lambda c: rows.idle_uploads(c, before)):
            if await asyncio.to_thread(_is_younger, self._files.path_of(upload_id), before):
                continue
            if await self._take_upload(upload_id, before):
                await asyncio.to_thread(self._files.remove, upload_id)
                taken += 1
        open_ids = await self._hub.database.read(rows.upload_ids)
        kept = {self._files.path_of(upload_id) for upload_id in open_ids}
        await asyncio.to_thread(_remove_older, self._hub.storage.incoming, kept, before)
        return taken

    async def _take_upload(self, upload_id: str, before: datetime) -> bool:
        return await self._hub.database.write(lambda c: rows.take_upload(c, upload_id, before))

    async def _manifests(self, before: datetime) -> int:
        """Remove manifests until none can go: an index that goes may have held others."""
        taken = 0
        for name in await self._hub.database.read(rows.orphaned_repositories):
            taken += await self._take_repository(name)
        while True:
            some = await self._hub.database.write(
                lambda c: rows.take_manifests(c, before, limit=BATCH)
            )
            taken += some
            if some == 0:
                return taken

    async def _take_repository(self, name: str) -> int:
        return await self._hub.database.write(lambda c: rows.take_repository(c, name))

    async def _blobs(self, before: datetime) -> tuple[int, int]:
        """Remove blobs, each in a transaction of its own; return how many, and their bytes."""
        taken, freed, after = 0, 0, ""
        while digests := await self._idle_blobs(before, after):
            for digest in digests:
                size = await self._take_blob(digest, before)
                taken, freed = taken + (size is not None), freed + (size or 0)
            after = digests[-1]
        return taken, freed

    async def _idle_blobs(self, before: datetime, after: str) -> Sequence[str]:
        return await self._hub.database.read(
            lambda c: rows.idle_blobs(c, before, after=after, limit=BATCH)
        )

    async def _take_blob(self, digest: str, before: datetime) -> int | None:
        def take(connection: Connection) -> tuple[int | None, Path | None]:
            size = rows.take_blob(connection, digest, before)
            path = None if size is None else self._hub.storage.withdraw(of_blob(digest))
            return size, path

        size, path = await self._hub.database.write(take)
        await asyncio.to_thread(_remove, path)
        return size

    async def _orphans(self, before: datetime) -> int:
        """Remove files of blobs without a row, as a crash leaves them; return how many."""
        taken = 0
        async for key, modified in self._hub.storage.keys(BLOBS):
            digest = digest_of_blob(key)
            if digest is not None and modified < before:
                taken += await self._take_orphan(digest)
        return taken

    async def _take_orphan(self, digest: str) -> bool:
        if await self._hub.database.read(lambda c: rows.has_blob(c, digest)):
            return False

        def take(connection: Connection) -> tuple[bool, Path | None]:
            if rows.has_blob(connection, digest):
                return False, None
            return True, self._hub.storage.withdraw(of_blob(digest))

        is_taken, path = await self._hub.database.write(take)
        await asyncio.to_thread(_remove, path)
        return is_taken


def _is_younger(path: Path, moment: datetime) -> bool:
    try:
        return path.stat().st_mtime >= moment.timestamp()
    except FileNotFoundError:
        return False


def _remove_older(folder: Path, kept: Container[Path], moment: datetime) -> None:
    for path in folder.iterdir():
        if path not in kept and not _is_younger(path, moment):
            _remove(path)


def _remove(path: Path | None) -> None:
    if path is not None:
        path.unlink(missing_ok=True)
