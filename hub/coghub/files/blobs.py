"""Blobs come and go, and no object that was stored for a row is ever deleted with an older one.

An object's key is its digest, so whoever stores equal bytes again writes what another hub, or
another process such as `coghub gc`, may be about to delete. All changes of rows are serialized; an
object store takes its time, and is asked outside of any transaction. So

1. who removes marks the row as going, since now, and takes it from all repositories;
2. deletes the object, each request for it soon after that moment or never;
3. deletes the row. Killed or failed before, a later collection begins again with 1.

And who stores

1. makes the row, or uses it, so that no collection takes it; a row that is going has to be gone
   first. One that has been going for long is nobody's any more, and is taken over;
2. stores the object;
3. lets the repository have the blob, if the row is still that one.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import anyio

from coghub.database import removals as rows
from coghub.database.database import Database
from coghub.domain.clock import Clock
from coghub.domain.errors import StorageUnusable
from coghub.storage.places import of_blob
from coghub.storage.storage import Storage

AT_ONCE = 16
"""Blobs of one removal; as many requests as an object store's client sends at once."""
REQUESTS_S = 20.0
"""A removal makes no request later than this, and none takes a minute."""
LEASE = timedelta(minutes=3)
"""After it a removal is over, ended or not; the rest is for clocks that differ."""
WAIT_S = 30.0
PAUSE_S = 0.1


async def expected(database: Database, digest: str, size_bytes: int, *, now: Clock) -> datetime:
    """Have the row of a blob whose object is to be stored; return what tells it from others.

    Raises:
        StorageUnusable: if the object is being deleted just now, and that takes too long.
    """
    with anyio.move_on_after(WAIT_S):
        while True:
            moment = now()
            since = await database.write(
                lambda c, moment=moment: rows.expect(c, digest, size_bytes, now=moment, lease=LEASE)
            )
            if since is not None:
                return since
            await anyio.sleep(PAUSE_S)
    raise StorageUnusable(f"The blob is just being removed, send it again: {digest}")


@dataclass(frozen=True, slots=True)
class Blobs:
    """Removes blobs, rows and objects together."""

    database: Database
    storage: Storage
    now: Clock

    async def remove(self, digests: Sequence[str], before: datetime) -> Mapping[str, int]:
        """Remove blobs that nothing leads to and nobody used since; return which, and their sizes.

        Raises:
            StorageUnusable: if the object store fails; what is not done stays to be done.
        """
        sizes = dict[str, int]()
        for start in range(0, len(digests), AT_ONCE):
            some = digests[start : start + AT_ONCE]
            begun, now = time.monotonic(), self.now()
            taken = await self.database.write(
                lambda c, some=some, now=now: rows.take(c, some, before=before, now=now)
            )
            await self._delete(list(taken), since=now, deadline=begun + REQUESTS_S)
            sizes |= taken
        return sizes

    async def remove_orphan(self, digest: str) -> bool:
        """Remove the object of a blob without a row; tell whether it had none."""
        begun, now = time.monotonic(), self.now()
        is_taken = await self.database.write(lambda c: rows.take_orphan(c, digest, now=now))
        if is_taken:
            await self._delete([digest], since=now, deadline=begun + REQUESTS_S)
        return is_taken

    async def end_removals(self) -> None:
        """End what a hub that was killed, or could not reach its objects, has begun."""
        while True:
            begun, now = time.monotonic(), self.now()
            left = await self.database.write(
                lambda c, now=now: rows.take_left(c, before=now - LEASE, now=now, limit=AT_ONCE)
            )
            if not left:
                return
            await self._delete(left, since=now, deadline=begun + REQUESTS_S)

    async def _delete(self, digests: Sequence[str], *, since: datetime, deadline: float) -> None:
        results = await asyncio.gather(
            *(self.storage.delete_by(of_blob(digest), deadline) for digest in digests),
            return_exceptions=True,
        )
        gone = [digest for digest, it in zip(digests, results, strict=True) if it is True]
        if gone:
            await self.database.write(lambda c: rows.forget(c, gone, since=since))
        for failure in results:
            if isinstance(failure, BaseException):
                raise failure
