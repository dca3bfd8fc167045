"""Keeps the queue in step with those of other hubs: whoever has a free slot takes who waits.

A prediction is offered to others only if the hub that made it has no slot for it at once. It is
taken by one conditional update of its row: what two hubs believe to have is run by one of them.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from coghub.database import hubs as rows
from coghub.database.database import Database
from coghub.database.predictions import ended_among
from coghub.domain.peers import News, Topic
from coghub.domain.signals import Signals, Waiting
from coghub.peers.peers import Peers
from coghub.scheduler.queue import Queue

log = structlog.get_logger()

REFRESH_S = 5.0
"""All that waits is read so often, as news may get lost."""
PAUSE_S = 0.002
"""News that come together are read together."""


@dataclass(frozen=True, slots=True)
class Runs:
    """What this hub runs."""

    ids: Collection[str]
    on_ended: Callable[[str], None]
    """Lets go of one that was ended elsewhere."""


class SharedQueue:
    """Hears what waits elsewhere, and tells what waits here."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        peers: Peers,
        signals: Signals,
        runs: Runs,
    ) -> None:
        self._database = database
        self._queue = queue
        self._peers = peers
        self._signals = signals
        self._runs = runs
        self._fresh = list[str]()
        self._offered = set[str]()
        self._has_offers = asyncio.Event()

    def add(self, waiting: Waiting) -> None:
        """Let a prediction wait that was made, or given back, by this hub."""
        self._queue.add(waiting)
        if self._peers.others:
            self._fresh.append(waiting.id)

    def offer(self) -> None:
        """Offer to others what came since the last time, and finds no slot here."""
        fresh, self._fresh = self._fresh, list[str]()
        for prediction_id in fresh:
            if prediction_id in self._queue:
                self._peers.tell(Topic.QUEUED, prediction_id)

    def serve(self, waiting: Waiting) -> None:
        """Let a prediction go to an instance of this hub."""
        self._queue.serve(waiting)
        self._peers.tell(Topic.TAKEN, waiting.id)

    def hear(self, news: Sequence[News]) -> None:
        """Take in what another hub tells."""
        for it in news:
            if it.topic is Topic.QUEUED:
                self._offered.add(it.key)
                self._has_offers.set()
            elif it.topic is Topic.TAKEN:
                self._offered.discard(it.key)
                self._queue.remove(it.key)

    async def take_offers(self) -> None:
        """Let those wait here too that others offer."""
        await self._has_offers.wait()
        await asyncio.sleep(PAUSE_S)
        self._has_offers.clear()
        offered, self._offered = self._offered, set()
        for waiting in await self._database.read(lambda c: rows.waiting(c, offered)):
            self._put(waiting)

    async def refresh(self) -> None:
        """Read all that waits, and let go of what has ended unheard."""
        known, awaited = self._queue.ids(), {*self._signals.awaited(), *self._runs.ids}

        def read(connection: Connection) -> tuple[Sequence[Waiting], Sequence[str]]:
            return rows.waiting(connection), ended_among(connection, awaited)

        found, ended = await self._database.read(read)
        for prediction_id in known - {it.id for it in found}:
            self._queue.remove(prediction_id)
        for waiting in found:
            self._put(waiting)
        for prediction_id in ended:
            if prediction_id in self._runs.ids:
                self._runs.on_ended(prediction_id)
            self._signals.wake_for_end(prediction_id)

    def _put(self, waiting: Waiting) -> None:
        if waiting.id in self._runs.ids or self._queue.has_left(waiting):
            return
        known = self._queue.find(waiting.id)
        if known is not None and known.attempt != waiting.attempt:
            self._queue.remove(waiting.id)
        self._queue.add(waiting)


async def refreshed(queue: SharedQueue, is_needed: asyncio.Event, wake: Callable[[], None]) -> None:
    """Refresh a queue now and then, and when it is needed, until canceled."""
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(REFRESH_S):
                await is_needed.wait()
        is_needed.clear()
        try:
            await queue.refresh()
        except Exception as error:  # noqa: BLE001 - it is tried again, as while the database is away
            log.warning("queue not refreshed", error=str(error))
        wake()
