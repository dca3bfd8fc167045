"""Runs one prediction on one instance, and writes down what it tells.

1. `attempts.assign` begins an attempt: from then on only events of this attempt change the row.
   That of a prediction which found a free slot has begun as it was made.
2. The instance is asked; what it tells is gathered while the last batch is being written, so a
   prediction that is over at once is one write, and a talkative one few.
3. A connection that breaks is made again, behind the last event, as long as the instance lives.
4. An instance that died gives the prediction back once, if it has told no output; else it fails.
   A training fails at once.
5. A training that went well makes a version in the transaction that ends it.

While nothing can be written, as on a full disk, the instance is read no further, and all waits.
What is written again, as the connection broke before the answer to a commit came, is done once.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar
from urllib.parse import urlsplit

from sqlalchemy import Connection
from structlog.contextvars import bind_contextvars

from coghub.database import attempts, kept_changes
from coghub.database.attempts import Assigned, Batch
from coghub.database.database import Database
from coghub.database.encryption import Box
from coghub.domain.clock import Clock
from coghub.domain.errors import InputRefused, InstanceBusy, InstanceError, InstanceGone
from coghub.domain.instance import Stage
from coghub.domain.prediction import End, Status
from coghub.domain.signals import Signals, Waiting
from coghub.domain.statistics import Statistics
from coghub.files.prediction_files import PredictionFiles
from coghub.predictions import secrets
from coghub.predictions.input_files import Reachable
from coghub.predictions.redaction import Redactor
from coghub.scheduler.fleet import Member
from coghub.scheduler.foreign import Foreign
from coghub.scheduler.gathered import Gathered
from coghub.scheduler.patience import patiently
from coghub.scheduler.progress import Receiver, receiver
from coghub.scheduler.run_count import count_run
from coghub.scheduler.training_end import outcome_of
from coghub.trainings.outcome import Outcomes

T = TypeVar("T")

REATTACH_TRIES = 5
"""Before an instance whose connections break, and whose process lives, is given up."""
CANCEL_AGAIN_S = 5.0
"""Between two wishes to end a prediction: the first may have come before it began."""
CANCEL_TRIES = 12
"""Then its instance is given up. The server itself kills a worker that does not heed it."""
DEATH_S = 2.0
"""Between the end of an instance's connections and the news of its process's end."""


@dataclass(frozen=True, slots=True)
class RunParts:
    """What every run needs."""

    database: Database
    box: Box
    signals: Signals
    now: Clock
    files: PredictionFiles
    callback_url: str
    hub_id: Callable[[], int]
    """Which hub runs it, of those that share the database."""
    hosts: Callable[[], Sequence[str]]
    """Under which names clients know the hub."""
    on_batch: Callable[[Receiver, Batch], None]
    """Hears what was written of predictions whose webhooks want to know."""
    on_end: Callable[[], None]
    """Hears that a prediction with a webhook was ended by its instance."""
    outcomes: Outcomes
    """Make versions of what trainings return."""
    statistics: Statistics = field(default_factory=Statistics)


@dataclass(slots=True)
class Run:
    """One attempt of one prediction."""

    parts: RunParts
    member: Member
    waiting: Waiting
    assigned: Assigned | None = None
    """What the instance is to be told, if the attempt has begun already."""
    is_canceled: bool = False
    """The row was ended by something else."""
    _gathered: Gathered = field(init=False)
    _attempt: int = 0
    _last_event: int = 0
    _foreign: Foreign | None = None
    _receiver: Receiver | None = None
    _has_webhook: bool = False
    _has_ended: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._gathered = Gathered(self.parts.now)

    async def run(self) -> Waiting | None:
        """Run to the end; return where it is to wait again, if it is."""
        bind_contextvars(
            prediction_id=self.waiting.id,
            account_id=self.waiting.account_id,
            version_id=self.member.entry.version.id,
            instance_id=self.member.id,
        )
        try:
            assigned = self.assigned or await self._assign()
            if assigned is None or self.is_canceled:
                return None
            return await self._run(assigned)
        finally:
            self._has_ended.set()

    async def _assign(self) -> Assigned | None:
        hardware, hub_id = self.member.hardware, self.parts.hub_id()
        return await self._write(
            lambda c: attempts.assign(c, self.waiting, hardware, hub_id=hub_id)
        )

    async def _run(self, assigned: Assigned) -> Waiting | None:
        self._attempt = assigned.attempt
        self._has_webhook = assigned.webhook is not None
        self._receiver = receiver(
            self.waiting.id, self.waiting.account_id, assigned.webhook, assigned.webhook_events
        )
        self._gathered.tells_start = self._receiver is not None
        try:
            await self._follow(self._body(assigned))
        except InstanceBusy:
            self.member.is_in_doubt = True
            self.member.refusals += 1
            return await self._give_back(counts=False)
        except InstanceGone as error:
            return await self._after_death(str(error))
        except InputRefused as error:
            await self._fail(error.message)
        except InstanceError as error:
            await self._fail(error.message)
            await self._ask_to_end()
        return None

    async def cancel(self) -> bool:
        """Tell the instance to stop working on it, and return whether it has.

        The row has ended already.
        """
        for _ in range(CANCEL_TRIES):
            await self._ask_to_end()
            with suppress(TimeoutError):
                async with asyncio.timeout(CANCEL_AGAIN_S):
                    await self._has_ended.wait()
                return True
        return False

    async def _ask_to_end(self) -> None:
        client = self.member.client
        if client is not None:
            with suppress(InstanceGone):
                await client.cancel(self.waiting.id)

    def _body(self, assigned: Assigned) -> dict[str, Any]:
        given = secrets.with_secrets(assigned.input, assigned.secret_input, self.parts.box)
        hidden = secrets.values_of(assigned.secret_input, self.parts.box)
        self._gathered.redactor = Redactor([*hidden, *self.member.secrets])
        callback_url = f"{self.parts.callback_url}/{self.member.key}"
        hosts = {*self.parts.hosts(), urlsplit(assigned.base_url).netloc}
        reachable = Reachable(hosts, callback_url, self.waiting.id)
        whole = reachable.input_of(given)
        instance = self.member.instance
        if instance is None or not instance.is_foreign:
            return {"input": whole}
        files = self.parts.files
        self._foreign = Foreign(self.member, self.waiting.id, callback_url, files)
        return self._foreign.body(whole)

    async def _follow(self, body: dict[str, Any]) -> None:
        """Read events and write batches of them, side by side, until the end is written."""
        writing = asyncio.create_task(self._record_all())
        try:
            await self._read(body)
            await writing
        except InstanceError:
            self._gathered.close()
            await writing  # what it told until then counts
            raise
        finally:
            writing.cancel()

    async def _read(self, body: dict[str, Any]) -> None:
        tries = 0
        while True:
            before = self._last_event
            try:
                await self._attached(body)
            except InstanceGone:
                tries = 1 if self._last_event > before else tries + 1
                if tries > REATTACH_TRIES or await self._is_dead():
                    raise
            else:
                return

    async def _attached(self, body: dict[str, Any]) -> None:
        client = self.member.client
        if client is None:
            raise InstanceGone("The instance was stopped")
        gathered, foreign = self._gathered, self._foreign
        told = foreign.listening(gathered.take) if foreign else nullcontext()
        stream = client.predict(self.waiting.id, body, after=self._last_event)
        async with aclosing(stream) as events:
            with told:
                async for sequence, event in events:
                    self._last_event = sequence
                    self.member.refusals = 0
                    for news in await foreign.events_of(event) if foreign else [event]:
                        gathered.take(news)
                    if gathered.is_full:
                        await gathered.room()

    async def _record_all(self) -> None:
        """Write batches, until one of them ends the prediction or finds that it has ended."""
        try:
            while batch := await self._gathered.next_batch():
                if not await self._record(batch):
                    await self._ask_to_end()
                    return
                if batch.end:
                    return
        except Exception:
            await self._ask_to_end()
            raise
        finally:
            self._gathered.drop()

    async def _record(self, batch: Batch) -> bool:
        """Write a batch; False if the prediction has ended meanwhile, as by a cancel."""
        parts, prediction_id = self.parts, self.waiting.id
        now, keep = parts.now(), None
        if self.waiting.is_training:
            keep = await outcome_of(parts.outcomes, self.waiting, self.member.entry, batch)

        def record(connection: Connection) -> attempts.Recorded | None:
            done = attempts.record(connection, prediction_id, self._attempt, batch, now)
            if done is not None and keep is not None:
                keep(connection)
            return done

        recorded = await self._write(
            record,
            lambda c: kept_changes.recorded(c, prediction_id, self._attempt, batch, now),
        )
        if recorded is None:
            return False
        if batch.end is None:
            parts.signals.changed(prediction_id)
        else:
            ended = recorded.ended or {}
            count_run(parts.statistics, parts.signals, self.member, self.waiting, ended)
            parts.signals.ended(prediction_id, recorded.ended)
        if self._receiver is not None:
            parts.on_batch(self._receiver, batch)
        if batch.end is not None and self._has_webhook:
            parts.on_end()
        return True

    async def _write(
        self,
        change: Callable[[Connection], T],
        find: Callable[[Connection], T | None] = lambda _: None,
    ) -> T:
        """Return what a change returns, once it is kept.

        Args:
            change: what to do.
            find: returns what the change did at an earlier try whose answer did not come.
        """
        database, tries = self.parts.database, count()

        def again(connection: Connection) -> T:
            found = find(connection)
            return change(connection) if found is None else found

        return await patiently(
            lambda: database.write(again if next(tries) else change), reason="prediction changes"
        )

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
        is_dead = await self._is_dead()
        if not is_dead:  # it may still work on it, or on nothing any more
            self.member.is_in_doubt = True
        back = None
        if not self.waiting.is_training:  # which may have cost hours, or changed something
            back = await self._give_back(counts=self.member.stage is not Stage.STOPPED)
        if back is None:
            if is_dead and self.member.instance is not None:
                reason = await self.member.instance.ended()
            await self._fail(reason)
        return back

    async def _give_back(self, *, counts: bool) -> Waiting | None:
        back = await self._write(
            lambda c: attempts.give_back(c, self.waiting.id, self._attempt, counts=counts),
            lambda c: kept_changes.given_back(c, self.waiting.id, self._attempt),
        )
        if back is not None:
            self.parts.signals.changed(self.waiting.id)
        return None if self.is_canceled else back

    async def _fail(self, reason: str) -> None:
        error = self._gathered.redactor.redact(reason)
        await self._record(Batch(end=End(Status.FAILED, error)))
