"""Removes what has been kept long enough: data of predictions, uploads, deleted versions."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from coghub.database import prediction_files as file_rows
from coghub.database import retention as rows
from coghub.database.database import Database
from coghub.domain.clock import Clock
from coghub.files.files import Files
from coghub.files.prediction_files import PredictionFiles
from coghub.models.deletion import Deletion
from coghub.predictions.removal import Removal

log = structlog.get_logger()

EVERY_S = 30.0
BATCH = 100
"""Predictions or files that are removed in one transaction: others wait for it."""
UNOWNED = timedelta(hours=1)
"""A file of an input may wait so long for its prediction; that takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Removes what is outdated."""

    database: Database
    files: Files
    prediction_files: PredictionFiles
    removal: Removal
    deletion: Deletion
    now: Clock
    retention_s: float

    async def tick(self) -> int:
        """Remove what is outdated, and return of how many predictions the data is gone."""
        removed = await self._remove_data()
        await self._remove_unowned()
        await self.files.expire()
        await self.deletion.purge()
        return removed

    async def _remove_data(self) -> int:
        removed, before = 0, self.now() - timedelta(seconds=self.retention_s)
        while True:
            ids = await self.database.read(lambda c: rows.outdated(c, before, limit=BATCH))
            if not ids:
                return removed
            await self.removal.remove(ids)
            removed += len(ids)

    async def _remove_unowned(self) -> None:
        before = self.now() - UNOWNED
        while keys := await self.database.read(lambda c: file_rows.unowned(c, before, limit=BATCH)):
            await self.prediction_files.remove(keys)

    async def run(self) -> None:
        """Tick until canceled; a failing tick is logged and does not end the loop."""
        while True:
            try:
                await self.tick()
            except Exception:
                log.exception("retention tick failed")
            await asyncio.sleep(EVERY_S)
