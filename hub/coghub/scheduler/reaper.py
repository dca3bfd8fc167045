"""Ends what has run out of its time: four clocks, and each prediction's own deadline."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from coghub.database import predictions as rows
from coghub.database.database import Database
from coghub.domain.clock import Clock
from coghub.domain.prediction import End, Status
from coghub.predictions.predictions import Predictions

log = structlog.get_logger()

EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Reaper:
    """Ends overdue predictions."""

    database: Database
    predictions: Predictions
    now: Clock
    queue_timeout_s: float
    run_timeout_s: float
    training_timeout_s: float

    async def tick(self) -> int:
        """End what is overdue and return how many were."""
        now = self.now()
        late = now - timedelta(seconds=self.run_timeout_s)
        late_training = now - timedelta(seconds=self.training_timeout_s)
        old = now - timedelta(seconds=self.queue_timeout_s)
        overdue, running, training, waiting = await self.database.read(
            lambda c: (
                rows.overdue(c, now),
                rows.running_since(c, late),
                rows.running_since(c, late_training, is_training=True),
                rows.waiting_since(c, old),
            )
        )
        run_out = f"Prediction timed out: it ran for longer than {self.run_timeout_s:g} s"
        training_out = f"Training timed out: it ran for longer than {self.training_timeout_s:g} s"
        queue_out = f"Prediction timed out: it waited for longer than {self.queue_timeout_s:g} s"
        return (
            await self._end(overdue, End(Status.CANCELED))
            + await self._end(running, End(Status.FAILED, run_out))
            + await self._end(training, End(Status.FAILED, training_out))
            + await self._end(waiting, End(Status.FAILED, queue_out))
        )

    async def _end(self, prediction_ids: Sequence[str], end: End) -> int:
        ended = 0
        for prediction_id in prediction_ids:
            try:
                ended += await self.predictions.end(prediction_id, end)
            except Exception:  # the others' time is over too
                log.exception("prediction not ended", prediction_id=prediction_id)
        return ended

    async def run(self) -> None:
        """Tick until canceled; a failing tick is logged and does not end the loop."""
        while True:
            try:
                await self.tick()
            except Exception:
                log.exception("reaper tick failed")
            await asyncio.sleep(EVERY_S)
