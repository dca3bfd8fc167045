"""The life of each instance: a side task from the wish for it to its end."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars

from coghub.database import instances as rows
from coghub.domain.clock import Clock
from coghub.domain.errors import CoghubError, InstanceBusy, InstanceDied
from coghub.domain.ids import new_id
from coghub.domain.instance import InstanceRecord, Stage
from coghub.domain.peers import Topic
from coghub.domain.signals import Line
from coghub.domain.statistics import Statistics
from coghub.models.catalog import Entry
from coghub.peers.peers import Peers
from coghub.scheduler.boot import Boot
from coghub.scheduler.fleet import Fleet, Member
from coghub.scheduler.patience import patiently
from coghub.scheduler.placement import slots_of

log = structlog.get_logger()

MAX_REFUSALS = 20
"""In a row, of an instance that says each time that it is ready."""
AGAIN_S = 5.0
"""Between two tries to end what must end, as while a container engine does not answer."""


class SideTasks:
    """Tasks that are ended together."""

    def __init__(self) -> None:
        self._tasks = set[asyncio.Task[None]]()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Start a task; nobody waits for it but `end`."""
        # Its lines in the log are not about the request that led to it.
        task = asyncio.create_task(work, name=name, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("side task failed", task=task.get_name(), exc_info=error)

    async def end(self) -> None:
        """Cancel all, and wait until they have ended."""
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Lives:
    """Starts and stops instances, and writes down how far they are."""

    fleet: Fleet
    boot: Boot
    tasks: SideTasks
    now: Clock
    peers: Peers
    wake: Callable[[], None]
    """Called when there is something new for the scheduler."""
    on_failed: Callable[[Member, str], Awaitable[None]]
    """Hears of an instance that could not become ready, while it is still in the fleet."""
    deaths: Counter[Line] = field(default_factory=Counter)
    """Version → how many of its instances in a row died on their way to ready."""
    statistics: Statistics = field(default_factory=Statistics)

    def start(
        self,
        entry: Entry,
        sku: str,
        *,
        is_training: bool = False,
        deployment_id: int | None = None,
    ) -> None:
        """Let a new instance occupy hardware, and bring it up, to predict or to train."""
        member = Member(
            id=new_id(),
            entry=entry,
            hardware=sku,
            gpu_id=self.fleet.free_gpu(sku),
            slots=1 if is_training else slots_of(entry.version),
            created_at=self.now(),
            is_training=is_training,
            deployment_id=deployment_id,
        )
        self.fleet.add(member)
        known = len(self.peers.of_line(member.line))
        self.tasks.spawn(self._live(member, known), "instance")

    def stop(self, member: Member) -> None:
        """Begin to end an instance that is ready; its hardware is free when it has ended."""
        member.stage = Stage.STOPPED
        log.info("instance stops", **_about(member))
        self.tasks.spawn(self._take_down(member), "stop")

    def give_up(self, member: Member) -> None:
        """Begin to end an instance on its way to ready."""
        member.stage = Stage.STOPPED
        log.info("instance is given up", **_about(member))
        if member.coming is not None:
            member.coming.cancel()

    def stop_idle(self, timeout_s: float) -> None:
        """Stop the instances that did nothing for so long."""
        limit = self.now() - timedelta(seconds=timeout_s)
        for member in self.fleet:
            is_needless = member.is_idle and not member.is_kept
            if is_needless and (member.idle_since or member.created_at) < limit:
                self.stop(member)

    def stop_all(self, version_key: int) -> None:
        """Stop the instances of a version that are idle, or on their way."""
        for member in [it for it in self.fleet if it.version_key == version_key]:
            if member.is_idle:
                self.stop(member)
            elif member.is_coming:
                self.give_up(member)

    def look_after(self, member: Member) -> None:
        """Find out whether an instance that refused a prediction will take some again."""
        self.tasks.spawn(self._look_after(member), "look after")

    async def _look_after(self, member: Member) -> None:
        if member.stage is not Stage.READY or member.instance is None:
            return
        try:
            _require_some_sense(member)
            await self.boot.wait_until_ready(member, member.instance, is_again=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing can be run there
            log.warning("instance is given up", **_about(member), error=str(error))
            if member.stage is Stage.READY:
                self.stop(member)
            return
        member.is_in_doubt = False
        self.wake()

    async def keep_stages(self) -> None:
        """Write down how far those are that are on their way: operators ask beside the hub."""
        for member in self.fleet:
            if member.is_coming and member.kept_stage is not member.stage:
                await self.boot.keep(member)
                member.kept_stage = member.stage

    async def _live(self, member: Member, known: int) -> None:
        """Whatever happens, it has ended afterwards, and its hardware is free.

        Args:
            member: the instance.
            known: how many of its kind other hubs had when it was wished for.
        """
        bind_contextvars(instance_id=member.id, version_id=member.entry.version.id)
        try:
            if await self._is_brought_up(member, known):
                await self._serve(member)
            await self._take_down(member)  # if a try to end it failed
        except Exception as error:
            log.exception("instance is lost", instance_id=member.id)
            await self._lose(member, f"Internal error: {type(error).__name__}")
        finally:
            self.fleet.remove(member)
            self.wake()

    async def _lose(self, member: Member, reason: str) -> None:
        """End what went wrong, and its row: while that is open, other hubs count on it."""
        member.stage = Stage.STOPPED  # it is given nothing more
        await self._take_down(member)
        self.fleet.remove(member)
        self.wake()
        now = self.now()
        await _surely(
            member,
            lambda: self.boot.database.write(lambda c: rows.end(c, member.id, reason, now)),
        )
        self.peers.tell(Topic.INSTANCES)

    async def _take_down(self, member: Member) -> None:
        await _surely(member, lambda: self.boot.take_down(member))

    async def _is_brought_up(self, member: Member, known: int) -> bool:
        try:
            if not await patiently(lambda: self._add(member, known), reason="instance starts"):
                await patiently(self.peers.look, reason="instance starts")
                return False
            if await self._bring_up(member):
                return True
            await self._ended(member, "given up")
        except InstanceDied as error:
            self.deaths[member.line] += 1
            is_first = self.deaths[member.line] == 1  # what killed it may be over
            await self._failed(member, error.message, is_tried_again=is_first)
        except CoghubError as error:
            await self._failed(member, error.message)
        except Exception as error:
            log.exception("instance could not be started", instance_id=member.id)
            await self._failed(member, f"Internal error: {type(error).__name__}")
        return False

    async def _add(self, member: Member, known: int) -> bool:
        """Write down that it starts; False if another hub has begun one of its kind meanwhile."""
        beginning = rows.Beginning(
            self._record(member), self.peers.me, member.line, member.slots, known
        )
        is_added = await self.boot.database.write(lambda c: rows.add(c, beginning))
        if is_added:
            self.peers.tell(Topic.INSTANCES)
        return is_added

    async def _bring_up(self, member: Member) -> bool:
        """Return whether it is ready; it is not, where it was given up."""
        if member.stage is Stage.STOPPED:
            return False
        log.info("instance starts", instance_id=member.id, model=member.entry.model)
        member.coming = asyncio.ensure_future(self.boot.bring_up(member))
        try:
            await member.coming
        except asyncio.CancelledError:
            if member.stage is not Stage.STOPPED:
                raise
            return False
        return True

    async def _serve(self, member: Member) -> None:
        del self.deaths[member.line]
        self.wake()
        took_s = (self.now() - member.created_at).total_seconds()
        self.statistics.boots[member.hardware].add(took_s)
        log.info(
            "instance is ready",
            instance_id=member.id,
            model=member.entry.model,
            duration_s=round(took_s, 3),
        )
        await self._keep(member)
        assert member.instance is not None
        reason = member.redactor.redact(await member.instance.ended())
        await self._ended(member, reason)

    async def _failed(self, member: Member, reason: str, *, is_tried_again: bool = False) -> None:
        member.stage = Stage.FAILED
        self.statistics.boot_failures[member.hardware] += 1
        log.warning("instance failed", instance_id=member.id, error=reason)
        await self._keep(member, reason)
        if not is_tried_again:
            del self.deaths[member.line]
            await self.on_failed(member, f"Setup failed: {reason}")

    async def _ended(self, member: Member, reason: str) -> None:
        was_stopped = member.stage is Stage.STOPPED
        if not was_stopped:
            member.stage = Stage.FAILED
            self.statistics.deaths[member.hardware] += 1
            log.warning("instance died", **_about(member), error=reason)
        if member.client is not None:
            await member.client.close()
        self.fleet.remove(member)
        self.wake()
        await self._keep(member, None if was_stopped else reason)

    async def _keep(self, member: Member, error: str | None = None) -> None:
        await patiently(lambda: self.boot.keep(member, error), reason="instance changes")
        self.peers.tell(Topic.INSTANCES)

    def _record(self, member: Member) -> InstanceRecord:
        return InstanceRecord(
            id=member.id,
            version_key=member.version_key,
            version_id=member.entry.version.id,
            model=member.entry.model,
            hardware=member.hardware,
            executor=self.boot.executor.name,
            stage=member.stage,
            created_at=member.created_at,
        )


def _about(member: Member) -> dict[str, str]:
    entry = member.entry
    return {"instance_id": member.id, "version_id": entry.version.id, "model": entry.model}


async def _surely(member: Member, work: Callable[[], Awaitable[None]]) -> None:
    """Do what belongs to the end of an instance, again and again until it is done."""
    while True:
        try:
            return await work()
        except Exception as error:  # noqa: BLE001 - else it would live on, and nobody know of it
            log.warning("instance has not ended", **_about(member), error=str(error))
        await asyncio.sleep(AGAIN_S)


def _require_some_sense(member: Member) -> None:
    if member.refusals > MAX_REFUSALS:
        raise InstanceBusy("It says that it is ready, and refuses all")
