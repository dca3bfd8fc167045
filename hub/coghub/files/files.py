"""What clients do with files: upload, look at, download, remove."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from coghub.database import files as rows
from coghub.database.database import Database
from coghub.domain.account import Account
from coghub.domain.clock import Clock
from coghub.domain.errors import FileNotFound
from coghub.domain.file import DEFAULT_NAME, DEFAULT_TYPE, File
from coghub.domain.ids import new_id
from coghub.domain.page import Cursor, Page
from coghub.storage.incoming import Incoming
from coghub.storage.places import of_file
from coghub.storage.storage import Storage

MAX_FILE_BYTES = 100 * 1000**2
TOO_LARGE = "Files must be less than 100MB in size"
PAGE_ROWS = 100
EXPIRY_BATCH = 200
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Description:
    """What a client says of a file."""

    name: str = DEFAULT_NAME
    content_type: str = DEFAULT_TYPE
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Files:
    """The uploaded files of a hub."""

    def __init__(self, database: Database, storage: Storage, now: Clock, expiry_s: float) -> None:
        self._database = database
        self._storage = storage
        self._now = now
        self._expiry = timedelta(seconds=expiry_s)

    def incoming(self) -> AbstractAsyncContextManager[Incoming]:
        """Return what takes the bytes of a new file."""
        return Incoming(self._storage, limit_bytes=MAX_FILE_BYTES, too_large=TOO_LARGE)

    async def add(self, account: Account, incoming: Incoming, said: Description) -> File:
        """Keep what came, under a new id.

        Raises:
            DiskFull: if no space is left.
        """
        received, now = await incoming.received(), self._now()
        file = File(
            id=new_id(),
            account_id=account.id,
            name=said.name,
            content_type=said.content_type,
            size_bytes=received.size_bytes,
            md5=received.md5,
            sha256=received.sha256,
            metadata=said.metadata,
            created_at=now,
            expires_at=now + self._expiry,
        )
        await incoming.store(of_file(file.id))
        await self._database.write(lambda c: rows.add(c, file))
        return file

    async def list(self, account: Account, cursor: Cursor | None) -> Page[File]:
        """Return a page of an account's files, the newest first."""
        now = self._now()
        return await self._database.read(
            lambda c: rows.of_account(c, account.id, cursor, now=now, limit=PAGE_ROWS)
        )

    async def get(self, account: Account, file_id: str) -> File:
        """Return a file.

        Raises:
            FileNotFound: if the account has none of that id, or it has expired.
        """
        file = await self.find(file_id)
        if file.account_id != account.id:
            raise FileNotFound
        return file

    async def find(self, file_id: str) -> File:
        """Return a file, whoever asks.

        Raises:
            FileNotFound: if there is none of that id, or it has expired.
        """
        file = await self._database.read(lambda c: rows.by_id(c, file_id))
        if file is None or file.expires_at <= self._now():
            raise FileNotFound
        return file

    async def delete(self, account: Account, file_id: str) -> None:
        """Remove a file.

        Raises:
            FileNotFound: if the account has none of that id.
        """
        file = await self.get(account, file_id)
        await self._remove([file.id])

    def read(self, file: File, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes of a file from `start` up to but not including `end`."""
        return self._storage.read(of_file(file.id), start=start, end=end)

    async def keep(self, account: Account, ids: Sequence[str]) -> None:
        """Let files of an account not expire: a prediction that is kept refers to them."""
        if ids:
            await self._database.write(lambda c: rows.keep(c, account.id, ids, until=NEVER))

    async def release(self, account_id: int, ids: Sequence[str]) -> None:
        """Let files expire now that were kept."""
        if ids:
            now = self._now()
            await self._database.write(lambda c: rows.keep(c, account_id, ids, until=now))

    async def expire(self) -> int:
        """Remove what has expired, and return how many files that were."""
        removed, now = 0, self._now()
        while ids := await self._expired(now):
            await self._remove(ids)
            removed += len(ids)
        return removed

    async def _expired(self, now: datetime) -> Sequence[str]:
        return await self._database.read(lambda c: rows.expired(c, now, limit=EXPIRY_BATCH))

    async def _remove(self, ids: Sequence[str]) -> None:
        """Remove the bytes before the row, which leads to them if this is interrupted."""
        await self._storage.delete(of_file(file_id) for file_id in ids)
        await self._database.write(lambda c: rows.delete_all(c, ids))
