"""Sees to it that the right instances are there, within the hardware's limits.

A version without an instance gets one; one whose predictions wait gets more while there is room.
Where there is none, an instance that nobody needs leaves: an idle one, or one on its way that is
no longer waited for. Where all are busy, one that had its turn runs empty, and its place is kept
for whom it was made.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from coghub.database import instances as instance_rows
from coghub.database.database import Database
from coghub.domain.clock import Clock
from coghub.domain.deployment import Deployed
from coghub.domain.errors import VersionNotFound
from coghub.domain.hardware import Hardware
from coghub.domain.instance import Stage
from coghub.domain.prediction import End, Status
from coghub.domain.signals import Line, Waiting, deployment_of, is_training, version_key_of
from coghub.executors.base import Executor
from coghub.models.catalog import Catalog, Entry
from coghub.peers.peers import Peers
from coghub.predictions.predictions import Predictions
from coghub.scheduler.deployed import DeployedInstances
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
OTHERS_FIRST = timedelta(seconds=1)
"""So long a hub leaves a version to others, and one after the other makes room for it then."""
RETURN_WITHIN = timedelta(minutes=5)
"""What needs the hardware of a hub that ended waits so long for one that has it."""
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
    deployed: DeployedInstances
    peers: Peers
    now: Clock
    _promises: dict[str, Line] = field(default_factory=dict)
    """Hardware → the version for which room is being made on it."""
    _seen: dict[str, tuple[Hardware, datetime]] = field(default_factory=dict)
    """Sku → what another hub has of it, and when that was last so."""
    _failed_at: dict[Line, datetime] = field(default_factory=dict)
    """Version → when an instance of it failed while others served."""

    async def scale(self) -> None:
        """Start, stop and drain what is to be, as of now."""
        self._look_elsewhere()
        self._take_back_room()
        waited_for = self.queue.versions(self.fleet.running())
        for line in [*waited_for, *self.deployed.lacking()]:
            if self._needs_another(line):
                await self._request(line)

    def _take_back_room(self) -> None:
        """Let instances stay that were to leave for a version that needs no other any more."""
        for member in self.fleet:
            if member.leaves_for is not None and not self._needs_another(member.leaves_for):
                member.leaves_for = None
                self.lives.wake()

    def _needs_another(self, line: Line) -> bool:
        if self.deployed.lacks(line):
            return True
        waiting = self.queue.count(line)
        there = self.fleet.of_version(line)
        if any(it.stage is Stage.FAILED for it in there):
            return False  # who waits is about to hear of it
        own = [it for it in there if it.is_coming or it.is_ready]
        others = self.peers.of_line(line)
        if not (own or others) or not waiting:
            return waiting > 0
        failed_at, now = self._failed_at.get(line), self.now()
        if failed_at is not None and now - failed_at < SCALE_UP_AGAIN_AFTER:
            return False
        coming = sum(it.slots for it in own if it.is_coming)
        coming += sum(it.slots for it in others if not it.is_ready)
        return waiting > coming and self._waits(line, SCALE_UP_AFTER)

    def _waits(self, line: Line, span: timedelta) -> bool:
        oldest = next(self.queue.oldest(line), None)
        return oldest is not None and self.now() - oldest.created_at > span

    async def _request(self, line: Line) -> None:
        """Start an instance if there is room, or make room, or fail those who wait in vain."""
        try:
            entry = await self.catalog.get(version_key_of(line))
        except VersionNotFound:
            await self._fail_all(line, "The version was deleted")
            return
        reason = self.executor.refusal_of(entry.version) or await self.deployed.refusal_of(line)
        if reason is not None:
            await self._fail_all(line, reason)
            return
        wanted = await self._wanted(entry, line)
        own = {sku: it for sku, it in self.fleet.hardware.items() if it.capacity}
        hardware = hardware_for(entry.version, wanted, {**own, **self._elsewhere()})
        if hardware is None:
            sku = wanted or "cpu"
            await self._fail_all(line, f"This hub does not have the hardware `{sku}`")
        elif hardware.sku in own:  # else it is for another hub
            self._place(entry, line, hardware.sku)

    def _look_elsewhere(self) -> None:
        now = self.now()
        for peer in self.peers.others.values():
            self._seen.update({it.sku: (it, now) for it in peer.hardware if it.capacity})

    def _elsewhere(self) -> Mapping[str, Hardware]:
        """Return the hardware of other hubs, also of those that have just ended to start again."""
        now = self.now()
        return {sku: it for sku, (it, at) in self._seen.items() if now - at < RETURN_WITHIN}

    def _place(self, entry: Entry, line: Line, sku: str) -> None:
        for other in [at for at, to in self._promises.items() if to == line and at != sku]:
            del self._promises[other]  # its owner chose other hardware meanwhile
        if not self.deployed.has_place(line):
            self.deployed.make_place(line, is_urgent=self._waits(line, DRAIN_AFTER))
        elif not self.fleet.has_room(sku):
            self._make_room(line, sku)
        elif self._is_free_for(line, sku):
            self._promises.pop(sku, None)
            self.lives.start(
                entry, sku, is_training=is_training(line), deployment_id=deployment_of(line)
            )

    def _is_free_for(self, line: Line, sku: str) -> bool:
        """Tell whether a version may have a free place: it was not made for another one."""
        other = self._promises.get(sku, line)
        return other == line or not self._needs_another(other)

    async def _wanted(self, entry: Entry, line: Line) -> str | None:
        if isinstance(line, Deployed):
            return self.deployed.hardware_of(line)
        model_id = entry.version.model_id
        return await self.database.read(lambda c: instance_rows.wanted_hardware(c, model_id))

    def _make_room(self, line: Line, sku: str) -> None:
        """Stop an instance of another version that nobody needs, or let one run empty."""
        if any(it.stage is Stage.STOPPED and it.hardware == sku for it in self.fleet):
            return
        if self.peers.others and not self._waits(line, OTHERS_FIRST * (1 + self.peers.rank)):
            return  # one of the others may have a free place
        coming = [it for it in self.fleet.coming(sku) if not it.is_kept]
        unwanted = [it for it in coming if not self.queue.count(it.line)]
        if (idle := self.fleet.least_needed(sku, line, self.queue.count)) is not None:
            self.lives.stop(idle)
        elif unwanted:
            self.lives.give_up(unwanted[0])
        elif self.fleet.is_making_room(sku) or not self._waits(line, DRAIN_AFTER):
            return
        elif (busy := self.fleet.least_busy(sku, line, self.now())) is not None:
            busy.leaves_for = line
        else:
            return
        self._promises[sku] = line

    async def on_failed(self, member: Member, reason: str) -> None:
        """Fail those who wait for an instance, unless another one of the version serves them."""
        line = member.line
        self.deployed.failed(line)
        is_served = any(it.is_ready for it in self.fleet.of_version(line))
        if is_served or self.peers.of_line(line):  # theirs are ready, or on their way
            self._failed_at[line] = self.now()
        else:
            await patiently(lambda: self._fail_all(line, reason), reason="setup failed")

    async def _fail_all(self, line: Line, reason: str) -> None:
        waiting = list(self.queue.waiting_for(line))
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
