"""Uploads of blobs: begun, continued any number of times, finished or dropped.

The file of an upload is the truth about how far it came, so it goes on after a broken connection
and after a restart. Content is written and summed up in threads, a piece at a time while the next
one arrives: memory stays flat, and other requests do not wait.
"""

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

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
from coghub.domain.errors import DiskFull
from coghub.domain.ids import new_id
from coghub.parts import Hub
from coghub.registry.claims import Claims
from coghub.registry.names import Repository
from coghub.registry.ranges import Span
from coghub.registry.writing import Writers
from coghub.storage.places import of_blob
from coghub.storage.upload_files import UploadFile, UploadFiles


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
            self._files.create(upload.id)  # last: if it fails there is no row either

        await self._hub.database.write(add)
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

        Raises:
            DigestRefused: if the content has another digest; the upload is dropped.
            UploadUnknown, UploadOutOfOrder, SizeMismatch, UploadInvalid, DiskFull: see `append`.
        """
        async with self._opened(upload) as file:
            await self._take(file, chunk)
            with anyio.CancelScope(shield=True):
                if file.digest != digest:
                    await self.drop(upload)
                    raise DigestRefused(f"The content has the digest {file.digest}, not {digest}")
                await self._keep(upload, file, digest)
            return file.size

    async def drop(self, upload: Upload) -> None:
        """Forget an upload; first what arrived of it, as changing the row may need the space."""
        await self._writers.run(self._files.remove, upload.id)
        await self._hub.database.write(lambda c: rows.remove_upload(c, upload.id))

    async def _keep(self, upload: Upload, file: UploadFile, digest: str) -> None:
        """Make a whole and checked file a blob.

        The order keeps `collection` from taking what is just becoming a blob; see there. First
        the row, if there is one, is used anew; then the file gets its place, with the present as
        its time; then the row is made. A crash between leaves at most a file without a row.
        """
        now, path, key = self._hub.now(), self._files.path_of(upload.id), of_blob(digest)
        if self._hub.settings.is_durable:
            await self._writers.run(file.sync)
        await self._hub.database.write(lambda c: rows.use_blob(c, digest, now))
        await self._writers.run(os.utime, path, (now.timestamp(), now.timestamp()))
        await self._hub.storage.adopt(path, key)

        def add(connection: Connection) -> None:
            rows.add_blob(
                connection,
                repository=upload.repository,
                digest=digest,
                size_bytes=file.size,
                now=now,
            )
            rows.remove_upload(connection, upload.id)

        await self._hub.database.write(add)

    @asynccontextmanager
    async def _opened(self, upload: Upload) -> AsyncGenerator[UploadFile]:
        now = self._hub.now()
        async with self._claims.of(upload.id):
            if not await self._hub.database.write(lambda c: rows.use_upload(c, upload.id, now)):
                raise UploadUnknown(upload.id)
            try:
                file = await self._writers.run(self._files.open, upload.id)
            except FileNotFoundError as error:
                raise UploadUnknown(upload.id) from error
            try:
                yield file
            except DiskFull:
                with anyio.CancelScope(shield=True):
                    await self.drop(upload)
                raise
            finally:
                self._files.close(upload.id, file)

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
