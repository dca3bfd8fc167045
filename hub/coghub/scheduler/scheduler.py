"""Gives predictions to instances, and sees to it that there are the right ones.

One loop, woken by whatever changed: `assign` gives what waits to free slots, fairly; `scale` asks
for instances that are missing, within the hardware's limits, and stops idle ones that are in the
way. Starting an instance and running a prediction are side tasks, each with one end.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from coghub.database import attempts
from coghub.database import instances as instance_rows
from coghub.database import models as model_rows
from coghub.database import predictions as rows
from coghub.database.database import Database
from coghub.domain.clock import Clock
from coghub.domain.errors import VersionNotFound
from coghub.domain.hardware import Hardware
from coghub.domain.instance import Stage
from coghub.domain.prediction import End, Status
from coghub.domain.signals import Signals, Waiting
from coghub.executors.base import Executor
from coghub.models.catalog import Catalog, Entry
from coghub.predictions.predictions import Predictions
from coghub.scheduler.boot import Boot
from coghub.scheduler.cold_start import ColdStart
from coghub.scheduler.fleet import Fleet, Member
from coghub.scheduler.lives import Lives, SideTasks
from coghub.scheduler.patience import patiently
from coghub.scheduler.placement import hardware_for
from coghub.scheduler.queue import Queue
from coghub.scheduler.run import Run, RunParts

log = structlog.get_logger()

TICK_S = 1.0
"""The loop runs at least so often: clocks, and what nobody announced."""
SCALE_UP_AFTER = timedelta(seconds=1)
"""A version that has an instance gets another one when someone has waited for so long."""
SCALE_UP_AGAIN_AFTER = timedelta(seconds=60)
"""After one that failed beside those that serve: there may be no room in memory."""
AT_ONCE = 200
"""Predictions that are ended together: they share commits."""
DRAIN_AFTER = timedelta(seconds=10)
"""Who has waited for so long, while others' instances are never idle, gets the next one's place."""
RESTARTED = "The hub was stopped while the prediction ran, and it had output already"


@dataclass(frozen=True, slots=True)
class SchedulerParts:
    """What the scheduler works with."""

    database: Database
    signals: Signals
    predictions: Predictions
    catalog: Catalog
    executor: Executor
    now: Clock
    idle_timeout_s: float


class Scheduler:
    """The background of a hub, as far as predictions are run."""

    def __init__(
        self, parts: SchedulerParts, fleet: Fleet, boot: Boot, run_parts: RunParts
    ) -> None:
        self._parts = parts
        self.fleet = fleet
        self.queue = Queue()
        self._run_parts = run_parts
        self._tasks = SideTasks()
        self._lives = Lives(
            fleet, boot, self._tasks, parts.now, wake=self.wake, on_failed=self._on_failed
        )
        self._cold_start = ColdStart(parts.database, parts.signals, self.queue, parts.now)
        self._runs = dict[str, Run]()
        self._promises = dict[str, int]()
        """Hardware → the version for which room is being made on it."""
        self._failed_at = dict[int, datetime]()
        """Version → when an instance of it failed while others served."""
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Let the loop look again soon."""
        self._wake.set()

    def on_queued(self, waiting: Waiting) -> None:
        """Take in a prediction that was just made."""
        self.queue.add(waiting)
        self.wake()

    def on_ended(self, prediction_id: str) -> None:
        """Let go of a prediction that was ended by something else than its instance."""
        self.queue.remove(prediction_id)
        run = self._runs.get(prediction_id)
        if run is not None:
            run.is_canceled = True
            self._tasks.spawn(self._cancel(run), "cancel")
        self.wake()

    async def _cancel(self, run: Run) -> None:
        if not await run.cancel() and run.member.is_ready:
            log.warning("instance heeds no cancel", instance_id=run.member.id)
            self._lives.stop(run.member)

    async def recover(self) -> None:
        """Take up what a hub that was stopped left: nothing is lost, and nothing ends twice."""
        now = self._parts.now()
        await self._parts.database.write(lambda c: instance_rows.end_all(c, now))
        await self._parts.executor.tidy(await self._parts.database.read(model_rows.version_ids))
        for row in await self._parts.database.read(rows.open_ones):
            waiting = rows.waiting_of(row)
            if row["status"] == Status.PROCESSING:
                await self._recover_running(waiting)
            else:
                self.queue.add(waiting)
        self.wake()

    async def _recover_running(self, waiting: Waiting) -> None:
        """Let it wait again if it has told no output; a stop of the hub is not its fault."""
        back = await self._parts.database.write(
            lambda c: attempts.give_back(c, waiting.id, waiting.attempt, counts=False)
        )
        if back is None:
            await self._parts.predictions.end(waiting.id, End(Status.FAILED, RESTARTED))
        else:
            self.queue.add(back)

    async def run(self) -> None:
        """Tick whenever something changed, until canceled; a failing tick does not end the loop."""
        while True:
            self._wake.clear()
            try:
                await self.tick()
            except Exception:
                log.exception("scheduler tick failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._wake.wait()

    async def tick(self) -> None:
        """Assign, scale, stop what is idle, and tell those who wait how it goes."""
        self._assign()
        await self._scale()
        self._lives.stop_idle(self._parts.idle_timeout_s)
        await self._lives.keep_stages()
        await self._cold_start.tell(self.fleet)

    async def stop(self) -> None:
        """End all instances; what they ran is taken up at the next start."""
        members = list(self.fleet)
        await self._tasks.end()
        ends = (self._lives.boot.take_down(member) for member in members)
        await asyncio.gather(*ends, return_exceptions=True)

    # --- assign ---

    def _assign(self) -> None:
        running = self.fleet.running()
        for version_key in self.queue.versions(running):
            for member in self.fleet.of_version(version_key):
                while member.free_slots:
                    waiting = self.queue.next_for(version_key, running)
                    if waiting is None:
                        break
                    self._give(waiting, member)
                    running[waiting.account_id] += 1

    def _give(self, waiting: Waiting, member: Member) -> None:
        self.queue.serve(waiting)
        member.running[waiting.id] = waiting
        member.idle_since = None
        run = Run(self._run_parts, member, waiting)
        self._runs[waiting.id] = run
        self._tasks.spawn(self._run_to_the_end(run), "run")

    async def _run_to_the_end(self, run: Run) -> None:
        prediction_id, member = run.waiting.id, run.member
        back = None
        try:
            await self._cold_start.finish(run.waiting, member)
            back = await run.run()
        except Exception as error:
            log.exception("prediction could not be run", prediction_id=prediction_id)
            end = End(Status.FAILED, f"Internal error: {type(error).__name__}")
            predictions = self._parts.predictions
            await patiently(lambda: predictions.end(prediction_id, end), reason="prediction fails")
        finally:
            self._runs.pop(prediction_id, None)
            member.running.pop(prediction_id, None)
            if not member.running:
                member.idle_since = self._parts.now()
            if member.is_in_doubt:
                self._lives.look_after(member)
            self.wake()
        if back is not None and not run.is_canceled:
            self.queue.add(back)

    # --- scale ---

    async def _scale(self) -> None:
        self._take_back_room()
        for version_key in self.queue.versions(self.fleet.running()):
            if self._needs_another(version_key):
                await self._request(version_key)

    def _take_back_room(self) -> None:
        """Let instances stay that were to leave for a version that needs no other any more."""
        for member in self.fleet:
            if member.leaves_for is not None and not self._needs_another(member.leaves_for):
                member.leaves_for = None
                self.wake()

    def _needs_another(self, version_key: int) -> bool:
        waiting = self.queue.count(version_key)
        members = [it for it in self.fleet.of_version(version_key) if it.is_coming or it.is_ready]
        if not members or not waiting:
            return waiting > 0
        failed_at, now = self._failed_at.get(version_key), self._parts.now()
        if failed_at is not None and now - failed_at < SCALE_UP_AGAIN_AFTER:
            return False
        coming = sum(it.slots for it in members if it.is_coming)
        return waiting > coming and self._waits(version_key, SCALE_UP_AFTER)

    def _waits(self, version_key: int, span: timedelta) -> bool:
        oldest = self.queue.oldest_of(version_key)
        return oldest is not None and self._parts.now() - oldest > span

    async def _request(self, version_key: int) -> None:
        """Start an instance if there is room, or make room, or fail those who wait in vain."""
        try:
            entry = await self._parts.catalog.get(version_key)
        except VersionNotFound:
            await self._fail_waiting(version_key, "The version was deleted")
            return
        reason = self._parts.executor.refusal_of(entry.version)
        if reason is not None:
            await self._fail_waiting(version_key, reason)
            return
        wanted = await self._wanted(entry)
        hardware = hardware_for(entry.version, wanted, self.fleet.hardware)
        if hardware is None or not hardware.capacity:
            sku = wanted or "cpu"
            await self._fail_waiting(version_key, f"This hub does not have the hardware `{sku}`")
        else:
            self._place(entry, hardware.sku)

    def _place(self, entry: Entry, sku: str) -> None:
        version_key = entry.version.key
        self._promises = {
            at: to for at, to in self._promises.items() if at == sku or to != version_key
        }
        if not self.fleet.has_room(sku):
            self._make_room(version_key, sku)
        elif self._is_free_for(version_key, sku):
            self._promises.pop(sku, None)
            self._lives.start(entry, sku)

    def _is_free_for(self, version_key: int, sku: str) -> bool:
        """Tell whether a version may have a free place: it was not made for another one."""
        other = self._promises.get(sku, version_key)
        return other == version_key or not self._needs_another(other)

    async def _wanted(self, entry: Entry) -> str | None:
        model_id = entry.version.model_id
        return await self._parts.database.read(lambda c: instance_rows.wanted_hardware(c, model_id))

    def _make_room(self, version_key: int, sku: str) -> None:
        """Stop an instance of another version that nobody needs, or let one run empty."""
        if any(it.stage is Stage.STOPPED and it.hardware == sku for it in self.fleet):
            return
        unwanted = [it for it in self.fleet.coming(sku) if not self.queue.count(it.version_key)]
        if (idle := self.fleet.least_needed(sku, version_key)) is not None:
            self._lives.stop(idle)
        elif unwanted:
            self._lives.give_up(unwanted[0])
        elif self.fleet.is_making_room(sku) or not self._waits(version_key, DRAIN_AFTER):
            return
        elif (busy := self.fleet.least_busy(sku, version_key, self._parts.now())) is not None:
            busy.leaves_for = version_key
        else:
            return
        self._promises[sku] = version_key

    async def _on_failed(self, member: Member, reason: str) -> None:
        """Fail those who wait for an instance, unless another one of the version serves them."""
        version_key = member.version_key
        await self._cold_start.tell(self.fleet)
        if any(it.is_ready for it in self.fleet.of_version(version_key)):
            self._failed_at[version_key] = self._parts.now()
        else:
            failing = lambda: self._fail_waiting(version_key, reason)
            await patiently(failing, reason="predictions fail")

    async def _fail_waiting(self, version_key: int, reason: str) -> None:
        for some in batched(list(self.queue.waiting_for(version_key)), AT_ONCE):
            ends = [self._fail(waiting, reason) for waiting in some]
            outcomes = await asyncio.gather(*ends, return_exceptions=True)
            for error in filter(None, outcomes):
                raise error

    async def _fail(self, waiting: Waiting, reason: str) -> None:
        if not self.queue.remove(waiting.id):
            return
        try:
            await self._parts.predictions.end(waiting.id, End(Status.FAILED, reason))
        except Exception:
            self.queue.add(waiting)
            raise
