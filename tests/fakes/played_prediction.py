"""Plays the scheduler and an instance for predictions, so that no process is needed."""

from coghub.database import attempts
from coghub.database import predictions as rows
from coghub.database.attempts import Batch
from coghub.domain.prediction import End, EventKind, Status


class Play:
    """Moves one prediction from state to state."""

    def __init__(self, hub, prediction_id):
        self.hub = hub
        self.id = prediction_id
        self.attempt = 0

    async def start(self):
        row = await self.hub.database.read(lambda c: rows.by_id(c, self.id))
        waiting = rows.waiting_of(row)
        await self.hub.database.write(lambda c: attempts.assign(c, waiting))
        self.attempt = waiting.attempt + 1
        await self._record(Batch(started_at=self.hub.now()))
        return self

    async def log(self, text):
        await self._record(Batch(told=[(EventKind.LOGS, text)]))

    async def output(self, value, index=None):
        await self._record(Batch(told=[(EventKind.OUTPUT, {"value": value, "index": index})]))

    async def end(self, status=Status.SUCCEEDED, error=None):
        await self._record(Batch(end=End(status, error)))

    async def file(self, content=b"\x89PNG", name="out.png", content_type="image/png"):
        files = self.hub.prediction_files
        async with files.incoming() as incoming:
            await incoming.write(content)
            return await files.add(self.id, incoming, name=name, said_type=content_type)

    async def _record(self, batch):
        now = self.hub.now()
        is_kept = await self.hub.database.write(
            lambda c: attempts.record(c, self.id, self.attempt, batch, now)
        )
        assert is_kept
        (self.hub.signals.ended if batch.end else self.hub.signals.changed)(self.id)
