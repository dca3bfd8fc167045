"""Garbage collection: takes what nothing in the registry leads to, never what is being pushed.

A blob may go if no manifest names it and nobody used it within the grace. A push uses a blob when
it asks for it (HEAD), mounts it, or uploads it, and when its manifest names it.

Why nothing is lost, whenever a push and a collection meet, of whichever processes: a blob
*is there* if both its row and its whole object are. Half of it counts as nothing, and the next
upload makes it whole. `coghub.files.blobs` says how row and object come and go together.
A manifest uses the blobs that it names and pins them in one transaction.
"""

import asyncio
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import structlog

from coghub.database import collection as rows
from coghub.files.blobs import Blobs
from coghub.parts import Hub
from coghub.storage.places import BLOBS, digest_of_blob
from coghub.storage.upload_files import UploadFiles, is_locked

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
        self._stored = Blobs(hub.database, hub.storage, hub.now)

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
            if await asyncio.to_thread(_is_used, self._files.path_of(upload_id), before):
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
        """Remove blobs; return how many, and their bytes."""
        taken, freed, after = 0, 0, ""
        await self._stored.end_removals()
        while digests := await self._idle_blobs(before, after):
            sizes = await self._stored.remove(digests, before)
            taken, freed = taken + len(sizes), freed + sum(sizes.values())
            after = digests[-1]
        return taken, freed

    async def _idle_blobs(self, before: datetime, after: str) -> Sequence[str]:
        return await self._hub.database.read(
            lambda c: rows.idle_blobs(c, before, after=after, limit=BATCH)
        )

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
        return await self._stored.remove_orphan(digest)


def _is_used(path: Path, moment: datetime) -> bool:
    """Tell whether a file was written since, or is open to be."""
    try:
        return path.stat().st_mtime >= moment.timestamp() or is_locked(path)
    except FileNotFoundError:
        return False


def _remove_older(folder: Path, kept: Container[Path], moment: datetime) -> None:
    for path in folder.iterdir():
        if path not in kept and not _is_used(path, moment):
            path.unlink(missing_ok=True)
