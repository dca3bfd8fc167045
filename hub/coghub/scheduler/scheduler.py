"""Gives predictions to instances, and sees to it that there are the right ones.

One loop, woken by whatever changed: it gives what waits to free slots, fairly, has `scaling` ask
for instances that are missing, and tells those who wait how it goes. Starting an instance and
running a prediction are side tasks, each with one end.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

import structlog

from coghub.database import hubs as hub_rows
from coghub.database import models as model_rows
from coghub.database.database import Database
from coghub.domain.clock import Clock
from coghub.domain.errors import DatabaseUnreachable
from coghub.domain.live import LiveNow
from coghub.domain.peers import News, Topic
from coghub.domain.prediction import End, Status
from coghub.domain.signals import Signals, Slot, Waiting
from coghub.domain.statistics import Statistics
from coghub.executors.base import Executor
from coghub.models.catalog import Catalog
from coghub.peers.peers import Peers
from coghub.predictions.predictions import Predictions
from coghub.scheduler.boot import Boot
from coghub.scheduler.cold_start import ColdStart, Told
from coghub.scheduler.deployed import DeployedInstances
from coghub.scheduler.fleet import Fleet, Member
from coghub.scheduler.kept_slot import KeptSlot
from coghub.scheduler.left_behind import LeftBehind, Own
from coghub.scheduler.lives import Lives, SideTasks
from coghub.scheduler.patience import patiently
from coghub.scheduler.queue import Queue
from coghub.scheduler.run import Run, RunParts
from coghub.scheduler.scaling import Scaling
from coghub.scheduler.shared_queue import Runs, SharedQueue, refreshed

log = structlog.get_logger()

TICK_S = 1.0
"""The loop runs at least so often: clocks, and what nobody announced."""


@dataclass(frozen=True, slots=True)
class SchedulerParts:
    """What the scheduler works with."""

    database: Database
    signals: Signals
    predictions: Predictions
    catalog: Catalog
    executor: Executor
    peers: Peers
    now: Clock
    idle_timeout_s: float
    statistics: Statistics = field(default_factory=Statistics)


class Scheduler:
    """The background of a hub, as far as predictions are run."""

    def __init__(
        self, parts: SchedulerParts, fleet: Fleet, boot: Boot, run_parts: RunParts
    ) -> None:
        self._parts = parts
        self.fleet = fleet
        self.queue = Queue()
        self._peers = peers = parts.peers
        self._runs = dict[str, Run]()
        runs = Runs(self._runs.keys(), self.on_ended)
        self._shared = SharedQueue(parts.database, self.queue, peers, parts.signals, runs)
        self._left_behind = LeftBehind(
            parts.database,
            parts.signals,
            parts.now,
            on_waiting=self.on_queued,
            own=Own(run_parts.hub_id, self._runs.keys()),
        )
        self._cold_start = ColdStart(parts.database, parts.signals, self.queue, peers, parts.now)
        self._run_parts = run_parts
        self._tasks = SideTasks()
        self._lives = Lives(
            fleet,
            boot,
            self._tasks,
            parts.now,
            peers,
            wake=self.wake,
            on_failed=self._on_failed,
            statistics=parts.statistics,
        )
        self._deployed = DeployedInstances(
            parts.database, self.queue, fleet, self._lives, peers, parts.now
        )
        self._scaling = Scaling(
            self.queue,
            fleet,
            self._lives,
            database=parts.database,
            predictions=parts.predictions,
            catalog=parts.catalog,
            executor=parts.executor,
            deployed=self._deployed,
            peers=peers,
            now=parts.now,
        )
        self._is_leaving = False
        self._is_refresh_needed = asyncio.Event()
        self._wake = asyncio.Event()
        self._ticked_at = 0.0

    def wake(self) -> None:
        """Let the loop look again soon."""
        self._wake.set()

    def on_queued(self, waiting: Waiting) -> None:
        """Take in a prediction that was just made, or given back."""
        self._shared.add(waiting)
        self.wake()

    def on_making(self, waiting: Waiting) -> Slot | None:
        """Keep a slot for a prediction that is about to be made, if one is free and none waits."""
        if self._is_leaving or self.queue.count(waiting.line):
            return None
        there = self.fleet.of_version(waiting.line)
        member = next((it for it in there if it.free_slots), None)
        if member is None:
            return None
        self.queue.serve(waiting)
        return KeptSlot(self._occupy(waiting, member), self._begin, self._free)

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
            log.warning(
                "instance heeds no cancel",
                instance_id=run.member.id,
                version_id=run.member.entry.version.id,
                prediction_id=run.waiting.id,
                account_id=run.waiting.account_id,
            )
            self._lives.stop(run.member)

    def on_version_deleted(self, version_key: int) -> None:
        """Stop the instances of a version that is gone; nothing of it runs or waits any more."""
        self._lives.stop_all(version_key)

    def on_deployments_changed(self) -> None:
        """See to it that there are the instances that deployments want now."""
        self._deployed.changed()
        self.wake()

    async def recover(self) -> None:
        """Take up what a hub that was stopped left: nothing is lost, and nothing ends twice."""
        await self._parts.executor.tidy(await self._parts.database.read(model_rows.version_ids))
        await self._left_behind.take_up()
        for waiting in await self._parts.database.read(hub_rows.waiting):
            self.queue.add(waiting)
        self.wake()

    async def share(self) -> None:
        """Keep in step with the other hubs of the database, until canceled."""
        if not self._peers.is_shared:
            await self._peers.run()
            return
        await asyncio.gather(
            self._peers.run(),
            refreshed(self._shared, self._is_refresh_needed, self.wake),
            self._take_offers(),
            self._left_behind.run(),
        )

    async def _take_offers(self) -> None:
        while True:
            try:
                await self._shared.take_offers()
            except Exception as error:  # noqa: BLE001 - the next refresh finds them
                log.warning("offers not taken", error=str(error))
            self.wake()

    def hear(self, news: Sequence[News]) -> None:
        """Take in what another hub tells."""
        self._shared.hear(news)
        for it in news:
            match it.topic:
                case Topic.CHANGED:
                    self._parts.signals.wake(it.key)
                case Topic.ENDED:
                    self.on_ended(it.key)
                    self._parts.signals.wake_for_end(it.key)
                case Topic.VERSION_DELETED:
                    self.on_version_deleted(int(it.key))
                case Topic.DEPLOYMENTS:
                    self.on_deployments_changed()
                case _:
                    pass

    def hear_of_gap(self) -> None:
        """Read everything: something may have been missed."""
        self._is_refresh_needed.set()
        self.on_deployments_changed()

    def leave(self) -> None:
        """Begin nothing more: other hubs take who waits."""
        self._is_leaving = True

    def hear_of_end(self) -> None:
        """See what a hub left that is gone."""
        self._left_behind.look_soon()

    @property
    def running(self) -> int:
        """How many predictions run."""
        return len(self._runs)

    def begin_anew(self) -> None:
        """Stop all instances: others have been given what runs on them."""
        for member in self.fleet:
            if member.is_coming:
                self._lives.give_up(member)
            elif member.is_ready:
                self._lives.stop(member)
        self._is_refresh_needed.set()

    async def run(self) -> None:
        """Tick whenever something changed, until canceled; a failing tick does not end the loop."""
        is_blind = False
        while True:
            self._wake.clear()
            try:
                await self.tick()
                is_blind = False
            except DatabaseUnreachable as error:
                if not is_blind:
                    log.warning("scheduler waits for the database", error=error.message)
                is_blind = True
            except Exception:
                log.exception("scheduler tick failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._wake.wait()

    async def tick(self) -> None:
        """Assign, scale, stop what is idle, and tell those who wait how it goes."""
        if not self._is_leaving:
            self._assign()
        self._shared.offer()
        if not self._is_leaving:
            await self._deployed.look()
            await self._scaling.scale()
            self._lives.stop_idle(self._parts.idle_timeout_s)
        await self._lives.keep_stages()
        await self._cold_start.tell(self.fleet)
        self._ticked_at = monotonic()

    def now(self) -> LiveNow:
        """Return how all of it stands."""
        first = self.queue.first_made_at()
        waited = (self._parts.now() - first).total_seconds() if first else 0.0
        return LiveNow(
            ticked_at=self._ticked_at,
            waiting=len(self.queue),
            oldest_s=max(0.0, waited),
            running=sum(len(it.running) for it in self.fleet),
            instances=Counter((it.hardware, it.stage.value) for it in self.fleet),
        )

    async def _on_failed(self, member: Member, reason: str) -> None:
        await self._cold_start.tell_failure(member)
        await self._scaling.on_failed(member, reason)

    async def stop(self) -> None:
        """End all instances; what they ran is taken up at the next start."""
        members = list(self.fleet)
        await self._tasks.end()
        ends = (self._lives.boot.take_down(member) for member in members)
        await asyncio.gather(*ends, return_exceptions=True)

    # --- assign ---

    def _assign(self) -> None:
        running = self.fleet.running() + self._peers.running
        for line in self.queue.versions(running):
            for member in self.fleet.of_version(line):
                while member.free_slots:
                    waiting = self.queue.next_for(line, running)
                    if waiting is None:
                        break
                    self._give(waiting, member)
                    running[waiting.account_id] += 1

    def _give(self, waiting: Waiting, member: Member) -> None:
        self._shared.serve(waiting)
        # Taken now: before the task begins, who no longer waits may be forgotten.
        self._begin(self._occupy(waiting, member), self._cold_start.served(waiting))

    def _occupy(self, waiting: Waiting, member: Member) -> Run:
        member.running[waiting.id] = waiting
        member.idle_since = None
        run = self._runs[waiting.id] = Run(self._run_parts, member, waiting)
        return run

    def _begin(self, run: Run, told: Told | None = None) -> None:
        self._tasks.spawn(self._run_to_the_end(run, told), "run")

    async def _run_to_the_end(self, run: Run, told: Told | None) -> None:
        prediction_id, member = run.waiting.id, run.member
        back = None
        try:
            await self._cold_start.finish(run.waiting, told, member)
            back = await run.run()
        except Exception as error:
            log.exception(
                "prediction could not be run",
                prediction_id=prediction_id,
                account_id=run.waiting.account_id,
                instance_id=member.id,
                version_id=member.entry.version.id,
            )
            end = End(Status.FAILED, f"Internal error: {type(error).__name__}")
            predictions = self._parts.predictions
            await patiently(lambda: predictions.end(prediction_id, end), reason="prediction fails")
        finally:
            self._free(run)
        if back is not None and not run.is_canceled:
            self.on_queued(back)

    def _free(self, run: Run) -> None:
        member = run.member
        if self._runs.get(run.waiting.id) is run:  # it may have begun again
            del self._runs[run.waiting.id]
        member.running.pop(run.waiting.id, None)
        if not member.running:
            member.idle_since = self._parts.now()
            if member.is_training and member.is_ready:  # each has an instance of its own
                self._lives.stop(member)
        if member.is_in_doubt:
            self._lives.look_after(member)
        self.wake()
