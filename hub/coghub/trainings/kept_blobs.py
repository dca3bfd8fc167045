"""What a training made, as blobs of the registry.

A blob is there for good once a manifest names it; until then the collection leaves it alone for a
while, as after an upload.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from coghub.database.database import Database
from coghub.domain.clock import Clock
from coghub.files.blobs import expected
from coghub.files.prediction_files import PredictionFiles
from coghub.storage.places import of_blob


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob whose file is in its place, and which no repository has yet."""

    digest: str
    size_bytes: int
    since: datetime
    """Tells its row from a later one."""


@dataclass(frozen=True, slots=True)
class KeptBlobs:
    """Makes blobs."""

    database: Database
    files: PredictionFiles
    now: Clock

    async def keep(self, pieces: AsyncIterator[bytes]) -> Blob:
        """Make a blob of some bytes.

        Raises:
            DiskFull: if there is no space for it.
        """
        async with self.files.incoming() as incoming:
            async for piece in pieces:
                await incoming.write(piece)
            received = await incoming.received()
            digest = f"sha256:{received.sha256}"
            # As after an upload: a blob of the same content may be about to be collected.
            since = await expected(self.database, digest, received.size_bytes, now=self.now)
            await incoming.store(of_blob(digest))
        return Blob(digest, received.size_bytes, since)


async def one_piece(content: bytes) -> AsyncIterator[bytes]:
    """Yield bytes that are there already."""
    yield content
