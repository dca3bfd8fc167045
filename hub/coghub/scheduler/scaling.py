"""Sees to it that the right instances are there, within the hardware's limits.

A version without an instance gets one; one whose predictions wait gets more while there is room.
Where there is none, an instance that nobody needs leaves: an idle one, or one on its way that is
no longer waited for. Where all are busy, one that had its turn runs empty, and its place is kept
for whom it was made.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from coghub.database import instances as instance_rows
from coghub.database.database import Database
from coghub.domain.clock import Clock
from coghub.domain.errors import VersionNotFound
from coghub.domain.instance import Stage
from coghub.domain.prediction import End, Status
from coghub.domain.signals import Waiting
from coghub.executors.base import Executor
from coghub.models.catalog import Catalog, Entry
from coghub.predictions.predictions import Predictions
from coghub.scheduler.fleet import Fleet, Member
from coghub.scheduler.lives import Lives
from coghub.scheduler.patience import patiently
from coghub.scheduler.placement import hardware_for
from coghub.scheduler.queue import Queue

SCALE_UP_AFTER = timedelta(seconds=1)
"""A version that has an instance gets another one when someone has waited for so long."""
SCALE_UP_AGAIN_AFTER = timedelta(seconds=60)
"""After one that failed beside those that serve: there may be no room in memory."""
DRAIN_AFTER = timedelta(seconds=10)
"""Who has waited for so long, while others' instances are never idle, gets the next one's place."""
AT_ONCE = 200
"""Predictions that are ended together: they share commits."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Asks for instances, and lets them go."""

    queue: Queue
    fleet: Fleet
    lives: Lives
    database: Database
    predictions: Predictions
    catalog: Catalog
    executor: Executor
    now: Clock
    _promises: dict[str, int] = field(default_factory=dict)
    """Hardware → the version for which room is being made on it."""
    _failed_at: dict[int, datetime] = field(default_factory=dict)
    """Version → when an instance of it failed while others served."""

    async def scale(self) -> None:
        """Start, stop and drain what is to be, as of now."""
        self._take_back_room()
        for version_key in self.queue.versions(self.fleet.running()):
            if self._needs_another(version_key):
                await self._request(version_key)

    def _take_back_room(self) -> None:
        """Let instances stay that were to leave for a version that needs no other any more."""
        for member in self.fleet:
            if member.leaves_for is not None and not self._needs_another(member.leaves_for):
                member.leaves_for = None
                self.lives.wake()

    def _needs_another(self, version_key: int) -> bool:
        waiting = self.queue.count(version_key)
        members = [it for it in self.fleet.of_version(version_key) if it.is_coming or it.is_ready]
        if not members or not waiting:
            return waiting > 0
        failed_at, now = self._failed_at.get(version_key), self.now()
        if failed_at is not None and now - failed_at < SCALE_UP_AGAIN_AFTER:
            return False
        coming = sum(it.slots for it in members if it.is_coming)
        return waiting > coming and self._waits(version_key, SCALE_UP_AFTER)

    def _waits(self, version_key: int, span: timedelta) -> bool:
        oldest = next(self.queue.oldest(version_key), None)
        return oldest is not None and self.now() - oldest.created_at > span

    async def _request(self, version_key: int) -> None:
        """Start an instance if there is room, or make room, or fail those who wait in vain."""
        try:
            entry = await self.catalog.get(version_key)
        except VersionNotFound:
            await self._fail_all(version_key, "The version was deleted")
            return
        reason = self.executor.refusal_of(entry.version)
        if reason is not None:
            await self._fail_all(version_key, reason)
            return
        wanted = await self._wanted(entry)
        hardware = hardware_for(entry.version, wanted, self.fleet.hardware)
        if hardware is None or not hardware.capacity:
            sku = wanted or "cpu"
            await self._fail_all(version_key, f"This hub does not have the hardware `{sku}`")
        else:
            self._place(entry, hardware.sku)

    def _place(self, entry: Entry, sku: str) -> None:
        version_key = entry.version.key
        for other in [at for at, to in self._promises.items() if to == version_key and at != sku]:
            del self._promises[other]  # its owner chose other hardware meanwhile
        if not self.fleet.has_room(sku):
            self._make_room(version_key, sku)
        elif self._is_free_for(version_key, sku):
            self._promises.pop(sku, None)
            self.lives.start(entry, sku)

    def _is_free_for(self, version_key: int, sku: str) -> bool:
        """Tell whether a version may have a free place: it was not made for another one."""
        other = self._promises.get(sku, version_key)
        return other == version_key or not self._needs_another(other)

    async def _wanted(self, entry: Entry) -> str | None:
        model_id = entry.version.model_id
        return await self.database.read(lambda c: instance_rows.wanted_hardware(c, model_id))

    def _make_room(self, version_key: int, sku: str) -> None:
        """Stop an instance of another version that nobody needs, or let one run empty."""
        if any(it.stage is Stage.STOPPED and it.hardware == sku for it in self.fleet):
            return
        unwanted = [it for it in self.fleet.coming(sku) if not self.queue.count(it.version_key)]
        if (idle := self.fleet.least_needed(sku, version_key, self.queue.count)) is not None:
            self.lives.stop(idle)
        elif unwanted:
            self.lives.give_up(unwanted[0])
        elif self.fleet.is_making_room(sku) or not self._waits(version_key, DRAIN_AFTER):
            return
        elif (busy := self.fleet.least_busy(sku, version_key, self.now())) is not None:
            busy.leaves_for = version_key
        else:
            return
        self._promises[sku] = version_key

    async def on_failed(self, member: Member, reason: str) -> None:
        """Fail those who wait for an instance, unless another one of the version serves them."""
        version_key = member.version_key
        if any(it.is_ready for it in self.fleet.of_version(version_key)):
            self._failed_at[version_key] = self.now()
        else:
            await patiently(lambda: self._fail_all(version_key, reason), reason="setup failed")

    async def _fail_all(self, version_key: int, reason: str) -> None:
        waiting = list(self.queue.waiting_for(version_key))
        for start in range(0, len(waiting), AT_ONCE):
            ends = [self._fail(it, reason) for it in waiting[start : start + AT_ONCE]]
            outcomes = await asyncio.gather(*ends, return_exceptions=True)
            for error in filter(None, outcomes):
                raise error

    async def _fail(self, waiting: Waiting, reason: str) -> None:
        if not self.queue.remove(waiting.id):
            return
        try:
            await self.predictions.end(waiting.id, End(Status.FAILED, reason))
        except Exception:
            self.queue.add(waiting)
            raise
