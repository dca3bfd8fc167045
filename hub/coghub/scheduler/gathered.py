"""What an instance has told of a prediction and is not written yet.

It is read no further while much of it waits: a model may print faster than a disk can write.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from coghub.database.attempts import Batch
from coghub.domain.clock import Clock
from coghub.domain.errors import InstanceError
from coghub.domain.instance_event import Completed, Event, Log, Metric, Output, Started
from coghub.domain.prediction import Chunk, End, EventKind, Status
from coghub.predictions.redaction import Redactor
from coghub.scheduler.log_budget import LogBudget

MAX_GATHERED = 2 * 1024**2
"""Bytes, roughly, that may wait."""
MAX_EVENTS = 10_000
"""And how many events: each is a row."""
MAX_OUTPUT_BYTES = 128 * 1024**2
"""Of a prediction, as JSON: its end is one row, and SQLite's limit for one is 10⁹ bytes."""
START_S = 0.02
"""So long the news of a start wait for others: what is over at once is one write."""
SOON_S = 0.003
"""And so long other news, for the end."""
ENDS = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELED})


@dataclass(slots=True)
class Gathered:
    """Takes events on one side, and gives batches on the other."""

    now: Clock
    tells_start: bool = False
    """Somebody wants to hear at once that it has begun."""
    redactor: Redactor = field(default_factory=lambda: Redactor(()))
    _batch: Batch = field(default_factory=Batch)
    _budget: LogBudget = field(default_factory=LogBudget)
    _has_news: asyncio.Event = field(default_factory=asyncio.Event)
    _has_room: asyncio.Event = field(default_factory=asyncio.Event)
    _size: int = 0
    _output_bytes: int = 0
    _is_closed: bool = False
    _is_dropped: bool = False

    def take(self, event: Event) -> None:
        """Take in what happened.

        Raises:
            InstanceError: if there is more output than can be kept.
        """
        if self._is_dropped:
            return
        match event:
            case Metric():  # all of them come with the end
                pass
            case Started():
                self._batch.started_at = self._batch.started_at or self.now()
            case Log(text=text):
                self._tell(text)
            case Output(chunk=chunk, index=index):
                self._count(len(msgspec.json.encode(chunk)))
                self._batch.told.append((EventKind.OUTPUT, Chunk(chunk, index)))
            case Completed():
                self._tell("", is_last=True)
                self._batch.end = self._end_of(event)
        self._has_news.set()

    @property
    def is_full(self) -> bool:
        """Whether whoever reads has to wait for `room`."""
        return self._size > MAX_GATHERED or len(self._batch.told) > MAX_EVENTS

    async def room(self) -> None:
        """Wait until what was gathered is being written."""
        while self.is_full and not self._is_dropped:
            self._has_room.clear()
            await self._has_room.wait()

    async def next_batch(self) -> Batch | None:
        """Wait for what is to be written next; None if nothing follows."""
        while True:
            if self._batch and not self.tells_start:
                await self._until(lambda: self._batch.told or self._is_over, START_S)
                await self._until(lambda: self.is_full or self._is_over, SOON_S)
            if self._batch:
                return self._taken()
            if self._is_over:
                return None
            await self._until(lambda: self._batch or self._is_over)

    @property
    def _is_over(self) -> bool:
        return self._batch.end is not None or self._is_closed or self._is_dropped

    async def _until(self, is_so: Callable[[], object], limit_s: float | None = None) -> None:
        """Wait until the news make something so, or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while not is_so():
                    self._has_news.clear()
                    await self._has_news.wait()

    def close(self) -> None:
        """Nothing follows: let the end of the logs be written, without an end."""
        if not (self._is_closed or self._is_dropped):
            self._tell("", is_last=True)
        self._is_closed = True
        self._has_news.set()

    def drop(self) -> None:
        """Nothing of it is of interest any more."""
        self._is_dropped, self._batch, self._size = True, Batch(), 0
        self._has_room.set()
        self._has_news.set()

    def _taken(self) -> Batch:
        batch, self._batch, self._size = self._batch, Batch(), 0
        self._has_room.set()
        return batch

    def _count(self, size_bytes: int) -> None:
        self._size += size_bytes
        self._output_bytes += size_bytes
        if self._output_bytes > MAX_OUTPUT_BYTES:
            limit = MAX_OUTPUT_BYTES // 1024**2
            raise InstanceError(
                f"The output is larger than {limit} MiB; return what is large as files"
            )

    def _tell(self, text: str, *, is_last: bool = False) -> None:
        shown = self.redactor.feed(text) + (self.redactor.flush() if is_last else "")
        kept = self._budget.take(shown) + (self._budget.rest() if is_last else "")
        if kept:
            self._size += len(kept)
            self._batch.told.append((EventKind.LOGS, kept))

    def _end_of(self, event: Completed) -> End:
        if event.status not in ENDS:
            return End(Status.FAILED, f"The model's server told an unknown end: {event.status}")
        error = None if event.error is None else self.redactor.redact(event.error)
        return End(Status(event.status), error, event.metrics, event.is_list)
