"""Files that went into or came out of predictions, under keys that nobody can guess."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from urllib.parse import quote

from sqlalchemy.exc import IntegrityError

from coghub.database import prediction_files as rows
from coghub.database.database import Database
from coghub.domain.clock import Clock
from coghub.domain.errors import FileNotFound, PredictionNotFound
from coghub.domain.file import PredictionFile, content_type, file_name
from coghub.domain.ids import new_key
from coghub.domain.prediction import FILE_SCHEME
from coghub.storage.incoming import Incoming
from coghub.storage.places import of_prediction_file
from coghub.storage.storage import Storage

MAX_OUTPUT_BYTES = 16 * 1024**3
TOO_LARGE = "An output file must be less than 16 GiB in size"


class PredictionFiles:
    """The files of predictions."""

    def __init__(self, database: Database, storage: Storage, now: Clock) -> None:
        self._database = database
        self._storage = storage
        self._now = now

    def incoming(self) -> AbstractAsyncContextManager[Incoming]:
        """Return what takes the bytes of a new file."""
        return Incoming(self._storage, limit_bytes=MAX_OUTPUT_BYTES, too_large=TOO_LARGE)

    async def add(
        self, prediction_id: str, incoming: Incoming, *, name: str, said_type: str
    ) -> str:
        """Keep what came, and return its URL as rows have it: see `FILE_SCHEME`.

        Raises:
            DiskFull: if no space is left.
        """
        _, reference = await self.keep(prediction_id, incoming, name=name, said_type=said_type)
        return reference

    async def keep(
        self, prediction_id: str | None, incoming: Incoming, *, name: str, said_type: str
    ) -> tuple[str, str]:
        """Keep what came, also for a prediction that is not made yet; return key and URL.

        Raises:
            DiskFull: if no space is left.
            PredictionNotFound: if it was deleted meanwhile, as with its model.
        """
        received = await incoming.received()
        file = PredictionFile(
            key=new_key(),
            name=file_name(name),
            content_type=content_type(said_type),
            size_bytes=received.size_bytes,
            etag=received.sha256,
            created_at=self._now(),
        )
        await incoming.store(of_prediction_file(file.key))
        try:
            await self._database.write(lambda c: rows.add(c, prediction_id, file))
        except IntegrityError as error:
            await self._storage.delete([of_prediction_file(file.key)])
            raise PredictionNotFound(prediction_id or "") from error
        return file.key, f"{FILE_SCHEME}/files/{file.key}/{quote(file.name)}"

    async def remove(self, keys: Sequence[str]) -> None:
        """Remove files: the bytes before the rows, which lead to them if this is interrupted."""
        await self._storage.delete(of_prediction_file(key) for key in keys)
        await self._database.write(lambda c: rows.delete_all(c, keys))

    async def find(self, key: str) -> PredictionFile:
        """Return a file; who knows its key may have it.

        Raises:
            FileNotFound: if there is none.
        """
        file = await self._database.read(lambda c: rows.by_key(c, key))
        if file is None:
            raise FileNotFound
        return file

    def read(
        self, file: PredictionFile, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes of a file from `start` up to but not including `end`."""
        return self._storage.read(of_prediction_file(file.key), start=start, end=end)
