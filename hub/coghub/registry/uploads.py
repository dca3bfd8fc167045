"""Uploads of blobs: begun, continued any number of times, finished or dropped.

The file of an upload is the truth about how far it came, so it goes on after a broken connection
and after a restart, and through another hub that has the same folder. Of two requests for one
upload the newer one goes on, whichever hubs they came to: the row says so.
Content is written and summed up in threads, a piece at a time while the next one arrives: memory
stays flat, and other requests do not wait.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

import anyio
from sqlalchemy import Connection
from starlette.requests import ClientDisconnect

from coghub.database import registry as rows
from coghub.domain.account import Account
from coghub.domain.distribution_errors import (
    DigestRefused,
    SizeMismatch,
    TooManyUploads,
    UploadInvalid,
    UploadOutOfOrder,
    UploadUnknown,
)
from coghub.domain.errors import DatabaseUnreachable, DiskFull
from coghub.domain.ids import new_id
from coghub.files.blobs import expected
from coghub.parts import Hub
from coghub.registry.claims import Claims
from coghub.registry.names import Repository
from coghub.registry.ranges import Span
from coghub.registry.writing import Writers, settled
from coghub.storage.places import of_blob
from coghub.storage.upload_files import UploadFile, UploadFiles

WATCH_S = 2.0
"""A request hears so late that another hub has a newer one for its upload."""
LOCK_WAIT_S = 20.0
LOCK_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Upload:
    """An open upload of an account to a repository."""

    id: str
    repository: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a request carries for an upload."""

    content: AsyncIterator[bytes]
    span: Span | None = None
    """Where it belongs; None is the end of what is there."""
    size: int | None = None
    """How long the request says that it is."""


class Uploads:
    """All open uploads of a hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._files = UploadFiles(hub.storage.incoming)
        self._writers = Writers()
        self._claims = Claims()

    async def begin(self, account: Account, repository: Repository) -> Upload:
        """Return a new upload.

        Raises:
            TooManyUploads: if the account has as many as it may have.
            DiskFull: if no space is left.
        """
        upload = Upload(new_id(), str(repository))
        limit, now = self._hub.settings.account_upload_limit, self._hub.now()

        def add(connection: Connection) -> None:
            if rows.count_uploads(connection, account.id) >= limit:
                raise TooManyUploads(limit)
            rows.add_upload(
                connection,
                upload_id=upload.id,
                repository=upload.repository,
                account_id=account.id,
                now=now,
            )

        await self._writers.run(self._files.create, upload.id)
        try:
            await self._hub.database.write(add)
        except BaseException:
            await self._writers.run(self._files.remove, upload.id)
            raise
        return upload

    async def find(self, account: Account, repository: Repository, upload_id: str) -> Upload:
        """Return an open upload of the account.

        Raises:
            UploadUnknown: if it has none of that id in the repository.
        """
        row = await self._hub.database.read(lambda c: rows.upload(c, upload_id))
        if row is None or (row["account_id"], row["repository"]) != (account.id, str(repository)):
            raise UploadUnknown(upload_id)
        return Upload(upload_id, str(repository))

    def reached(self, upload: Upload) -> int:
        """Return how many bytes are there.

        Raises:
            UploadUnknown: if it was dropped meanwhile.
        """
        try:
            return self._files.size(upload.id)
        except FileNotFoundError as error:
            raise UploadUnknown(upload.id) from error

    async def append(self, upload: Upload, chunk: Chunk) -> int:
        """Take a chunk in, and return how many bytes are there now.

        What arrived before a connection broke is kept, the rest of the chunk can follow.

        Raises:
            UploadUnknown: if it was dropped meanwhile.
            UploadOutOfOrder: if the chunk does not begin where the upload stands.
            SizeMismatch: if it is longer or shorter than it says; nothing of it is kept.
            UploadInvalid: if a newer request goes on with the upload.
            DiskFull: if no space is left; the upload is dropped.
        """
        async with self._opened(upload) as file:
            await self._take(file, chunk)
            return file.size

    async def finish(self, upload: Upload, chunk: Chunk, digest: str) -> int:
        """Take the last chunk in, make the upload a blob of its repository, return its size.

        Where the file is not there, as with another hub, the whole blob may come at once.

        Raises:
            DigestRefused: if the content has another digest; the upload is dropped.
            StorageUnusable: if the object store fails; this may be repeated without a chunk.
            UploadUnknown, UploadOutOfOrder, SizeMismatch, UploadInvalid, DiskFull: see `append`.
        """
        async with self._opened(upload, may_make=True) as file:
            await self._take(file, chunk)
            with anyio.CancelScope(shield=True):
                if file.digest != digest:
                    if file.is_new:
                        raise UploadUnknown(upload.id)
                    await self.drop(upload)
                    raise DigestRefused(f"The content has the digest {file.digest}, not {digest}")
                await self._keep(upload, file, digest)
            return file.size

    async def drop(self, upload: Upload) -> None:
        """Forget an upload; first what arrived of it, as changing the row may need the space."""
        await self._writers.run(self._files.remove, upload.id)
        await self._hub.database.write(lambda c: rows.remove_upload(c, upload.id))

    async def _keep(self, upload: Upload, file: UploadFile, digest: str) -> None:
        """Make a whole and checked file a blob; see `coghub.files.blobs` for the order."""
        path, storage = self._files.path_of(upload.id), self._hub.storage
        if self._hub.settings.is_durable:
            await self._writers.run(file.sync)
        await self._writers.run(storage.settle, file.descriptor)
        since = await expected(self._hub.database, digest, file.size, now=self._hub.now)
        try:
            await self._writers.run(os.utime, path, (self._hub.now().timestamp(),) * 2)
        except FileNotFoundError as error:
            raise UploadUnknown(upload.id) from error
        await storage.adopt(path, of_blob(digest))

        def add(connection: Connection) -> None:
            rows.link_blob(connection, upload.repository, digest, since)
            rows.remove_upload(connection, upload.id)

        await self._hub.database.write(add)

    @asynccontextmanager
    async def _opened(
        self, upload: Upload, *, may_make: bool = False
    ) -> AsyncGenerator[UploadFile]:
        now = self._hub.now()
        async with self._claims.of(upload.id) as lose:
            if not await self._hub.database.write(lambda c: rows.use_upload(c, upload.id, now)):
                raise UploadUnknown(upload.id)
            file = await self._locked(upload, may_make=may_make)
            watching = asyncio.create_task(self._watch(upload, now, lose))
            try:
                yield file
            except DiskFull:
                with anyio.CancelScope(shield=True):
                    await self.drop(upload)
                raise
            finally:
                watching.cancel()
                await self._writers.run(self._files.close, upload.id, file)

    async def _locked(self, upload: Upload, *, may_make: bool) -> UploadFile:
        """Open the file, once no other hub has it open."""
        with anyio.move_on_after(LOCK_WAIT_S):
            while True:
                opening = self._writers.submit(self._files.open, upload.id, may_make=may_make)
                try:
                    return await settled(opening)
                except BlockingIOError:
                    await anyio.sleep(LOCK_PAUSE_S)
                except FileNotFoundError as error:
                    raise UploadUnknown(upload.id) from error
                except asyncio.CancelledError:
                    if opening.exception() is None:
                        self._files.close(upload.id, opening.result())
                    raise
        raise UploadInvalid("Another request goes on with this upload")

    async def _watch(self, upload: Upload, now: datetime, lose: Callable[[], None]) -> None:
        """Give way to a newer request, if other hubs may have one."""
        while self._hub.settings.database is not None:
            await anyio.sleep(WATCH_S)
            with suppress(DatabaseUnreachable):
                row = await self._hub.database.read(lambda c: rows.upload(c, upload.id))
                if row is not None and row["used_at"] != now:
                    return lose()
        return None

    async def _take(self, file: UploadFile, chunk: Chunk) -> None:
        """Append a chunk; one of another length than it says leaves the file as it was."""
        start, summed = file.size, file.summed.copy()
        if chunk.span is not None and chunk.span.start != start:
            raise UploadOutOfOrder(chunk.span.start, start)
        said = chunk.size if chunk.span is None else chunk.span.size
        if chunk.size is not None and chunk.size != said:
            raise SizeMismatch(f"`Content-Range` says {said} bytes, `Content-Length` {chunk.size}")
        try:
            await self._writers.pump(chunk.content, file, limit=said)
        except ClientDisconnect as error:
            raise UploadInvalid("The connection broke") from error
        if said is not None and file.size - start != said:
            taken = file.size - start
            await self._writers.run(file.cut, start, summed)
            raise SizeMismatch(f"The chunk has {taken} bytes or more, not {said} as it says")
