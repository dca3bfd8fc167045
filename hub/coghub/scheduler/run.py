"""Runs one prediction on one instance, and writes down what it tells.

1. `attempts.assign` begins an attempt: from then on only events of this attempt change the row.
2. The instance is asked; what it tells is gathered while the last batch is being written, so a
   prediction that is over at once is one write, and a talkative one few.
3. A connection that breaks is made again, behind the last event, as long as the instance lives.
4. An instance that died gives the prediction back once, if it has told no output; else it fails.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from coghub.database import attempts
from coghub.database.attempts import Assigned, Batch
from coghub.database.database import Database
from coghub.database.encryption import Box
from coghub.domain.clock import Clock
from coghub.domain.errors import InstanceBusy, InstanceError, InstanceGone
from coghub.domain.instance import Stage
from coghub.domain.prediction import Chunk, End, EventKind, Status
from coghub.domain.signals import Signals, Waiting
from coghub.instances.events import Completed, Event, Log, Output, Started
from coghub.predictions import secrets
from coghub.predictions.input_files import Reachable
from coghub.predictions.redaction import Redactor
from coghub.scheduler.fleet import Member
from coghub.scheduler.log_budget import LogBudget
from coghub.scheduler.progress import Receiver, receiver

REATTACH_TRIES = 5
"""Before an instance whose connections break, and whose process lives, is given up."""
ENDS = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELED})
DEATH_S = 2.0
"""Between the end of an instance's connections and the news of its process's end."""


@dataclass(frozen=True, slots=True)
class RunParts:
    """What every run needs."""

    database: Database
    box: Box
    signals: Signals
    now: Clock
    callback_url: str
    hosts: Callable[[], Sequence[str]]
    """Under which names clients know the hub."""
    on_batch: Callable[[Receiver, Batch], None]
    """Hears what was written of predictions whose webhooks want to know."""
    on_end: Callable[[], None]
    """Hears that a prediction with a webhook was ended by its instance."""


@dataclass(slots=True)
class Run:
    """One attempt of one prediction."""

    parts: RunParts
    member: Member
    waiting: Waiting
    is_canceled: bool = False
    _attempt: int = 0
    _batch: Batch = field(default_factory=Batch)
    _budget: LogBudget = field(default_factory=LogBudget)
    _has_news: asyncio.Event = field(default_factory=asyncio.Event)
    _last_event: int = 0
    _receiver: Receiver | None = None
    _has_webhook: bool = False
    _redactor: Redactor = field(default_factory=lambda: Redactor(()))
    _is_over: bool = False
    """The row has ended: what still comes is of no interest."""

    async def run(self) -> Waiting | None:
        """Run to the end; return where it is to wait again, if it is."""
        assigned = await self.parts.database.write(lambda c: attempts.assign(c, self.waiting))
        if assigned is None:
            return None
        self._attempt = assigned.attempt
        self._has_webhook = assigned.webhook is not None
        self._receiver = receiver(
            self.waiting.id, self.waiting.account_id, assigned.webhook, assigned.webhook_events
        )
        try:
            body = await self._body(assigned)
            await self._follow(body)
        except InstanceBusy:
            self.member.is_in_doubt = True
            return await self._give_back(counts=False)
        except InstanceGone as error:
            return await self._after_death(str(error))
        except InstanceError as error:
            await self._fail(error.message)
        return None

    async def cancel(self) -> None:
        """Tell the instance to stop working on it; the row has ended already."""
        self.is_canceled = True
        client = self.member.client
        if client is not None:
            with suppress(InstanceGone):
                await client.cancel(self.waiting.id)

    async def _body(self, assigned: Assigned) -> dict[str, Any]:
        given = secrets.with_secrets(assigned.input, assigned.secret_input, self.parts.box)
        hidden = secrets.values_of(assigned.secret_input, self.parts.box)
        self._redactor = Redactor([*hidden, *self.member.secrets])
        callback_url = f"{self.parts.callback_url}/{self.member.key}"
        hosts = {*self.parts.hosts(), urlsplit(assigned.base_url).netloc}
        reachable = Reachable(hosts, callback_url, self.waiting.id)
        return {"input": reachable.input_of(given)}

    async def _follow(self, body: dict[str, Any]) -> None:
        """Read events and write batches of them, side by side, until the end is written."""
        writing = asyncio.create_task(self._write())
        try:
            await self._read(body)
            await writing
        finally:
            writing.cancel()

    async def _read(self, body: dict[str, Any]) -> None:
        tries = 0
        while True:
            try:
                await self._attached(body)
            except InstanceGone:
                tries += 1
                if tries > REATTACH_TRIES or await self._is_dead():
                    raise
            else:
                return

    async def _attached(self, body: dict[str, Any]) -> None:
        client = self.member.client
        if client is None:
            raise InstanceGone("The instance was stopped")
        events = client.predict(self.waiting.id, body, after=self._last_event)
        async for sequence, event in events:
            self._last_event = sequence
            if not self._is_over:
                self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case Started():
                self._batch.started_at = self._batch.started_at or self.parts.now()
            case Log(text=text):
                self._tell(text)
            case Output(chunk=chunk, index=index):
                self._batch.told.append((EventKind.OUTPUT, Chunk(chunk, index)))
            case Completed():
                self._tell("", is_last=True)
                self._batch.end = self._end_of(event)
        self._has_news.set()

    def _end_of(self, event: Completed) -> End:
        if event.status not in ENDS:
            return End(Status.FAILED, f"The model's server told an unknown end: {event.status}")
        error = None if event.error is None else self._redactor.redact(event.error)
        return End(Status(event.status), error, event.metrics, event.is_list)

    def _tell(self, text: str, *, is_last: bool = False) -> None:
        shown = self._redactor.feed(text) + (self._redactor.flush() if is_last else "")
        kept = self._budget.take(shown) + (self._budget.rest() if is_last else "")
        if kept:
            self._batch.told.append((EventKind.LOGS, kept))

    async def _write(self) -> None:
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            batch, self._batch = self._batch, Batch()
            if not batch:
                continue
            if not await self._record(batch) or batch.end:
                self._is_over = True
                return

    async def _record(self, batch: Batch) -> bool:
        """Write a batch; False if the prediction has ended meanwhile, as by a cancel."""
        parts, prediction_id = self.parts, self.waiting.id
        now = parts.now()
        recorded = await parts.database.write(
            lambda c: attempts.record(c, prediction_id, self._attempt, batch, now)
        )
        if recorded is None:
            return False
        if batch.end is None:
            parts.signals.changed(prediction_id)
        else:
            parts.signals.ended(prediction_id, recorded.ended)
        if self._receiver is not None:
            parts.on_batch(self._receiver, batch)
        if batch.end is not None and self._has_webhook:
            parts.on_end()
        return True

    async def _is_dead(self) -> bool:
        """Tell whether the instance's process has ended, or is about to."""
        instance = self.member.instance
        if instance is None or self.member.stage is not Stage.READY:
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(DEATH_S):
                await instance.ended()
            return True
        return False

    async def _after_death(self, reason: str) -> Waiting | None:
        back = await self._give_back(counts=self.member.stage is not Stage.STOPPED)
        if back is None:
            if self.member.instance is not None and await self._is_dead():
                reason = await self.member.instance.ended()
            await self._fail(reason)
        return back

    async def _give_back(self, *, counts: bool) -> Waiting | None:
        back = await self.parts.database.write(
            lambda c: attempts.give_back(c, self.waiting.id, self._attempt, counts=counts)
        )
        if back is not None:
            self.parts.signals.changed(self.waiting.id)
        return back

    async def _fail(self, reason: str) -> None:
        await self._record(Batch(end=End(Status.FAILED, self._redactor.redact(reason))))
