"""What a hub does without being asked, made and joined: scheduler, clocks, webhooks."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import structlog

from coghub.domain.beside import beside
from coghub.domain.errors import DatabaseUnreachable
from coghub.domain.live import LiveInstance
from coghub.domain.peers import News, PeerInstance, Topic
from coghub.domain.signals import deployment_of
from coghub.executors.base import Executor
from coghub.executors.docker import DockerExecutor
from coghub.executors.local import LocalExecutor
from coghub.parts import Hub
from coghub.reach import hub_guard, instance_guard
from coghub.registry.collection import Collection
from coghub.scheduler.boot import Boot
from coghub.scheduler.fleet import Fleet, Member
from coghub.scheduler.posting import Poster
from coghub.scheduler.progress import Progress
from coghub.scheduler.reaper import Reaper
from coghub.scheduler.retention import Retention
from coghub.scheduler.run import RunParts
from coghub.scheduler.scheduler import Scheduler, SchedulerParts
from coghub.scheduler.webhooks import Caller, Show, Webhooks
from coghub.settings import Settings
from coghub.trainings.outcome import Outcomes

log = structlog.get_logger()

LEAVE_S = 5.0
"""At least so long a hub that leaves goes on answering: proxies ask `/readyz` now and then."""
LOOK_S = 0.1
FETCH_ALLOW = "COG_FETCH_ALLOW"
"""Tells a model's server from where it may fetch inputs."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the hub can be reached."""

    url: str
    """By clients on this machine."""
    callback_url: str
    """By instances."""


def executor_of(hub: Hub, settings: Settings) -> Executor:
    """Return what the settings say runs instances.

    Raises:
        DockerUnreachable: if it is Docker, and there is no `docker` command.
    """
    if hub.settings.executor == "docker":
        return DockerExecutor(settings, hub.settings, hub.storage)
    return LocalExecutor(settings, hub.storage, hub.settings.data)


class Background:
    """The loops of a hub."""

    def __init__(self, hub: Hub, executor: Executor, addresses: Addresses, show: Show) -> None:
        self._hub = hub
        self._addresses = addresses
        self.fleet = Fleet(hub.own_hardware)
        self._executor_name = executor.name
        self.guard = hub_guard(hub.settings, callback_url=addresses.callback_url)
        self._poster = Poster(self.guard)
        caller = Caller(hub.webhook_secrets, show, self._poster, hub.now)
        self._webhooks = Webhooks(hub.database, caller, hub.statistics)
        self._progress = Progress(caller)
        self.scheduler = self._scheduler(executor)
        limits = hub.settings
        self._reaper = Reaper(
            hub.database,
            hub.predictions,
            hub.now,
            queue_timeout_s=limits.queue_timeout_s,
            run_timeout_s=limits.run_timeout_s,
            training_timeout_s=limits.training_timeout_s,
        )

        self._retention = Retention(
            hub.database,
            hub.files,
            hub.prediction_files,
            hub.removal,
            hub.deletion,
            hub.now,
            limits.retention_s,
        )

    def member(self, key: str) -> Member | None:
        """Return the instance that has this key."""
        return self.fleet.by_key(key)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run inside the block; at its end nothing that was started is left."""
        self._hub.live.instances = self._instances
        self._hub.live.now = self.scheduler.now
        await self._hub.peers.join(self._executor_name)
        self._listen()
        try:
            await self.scheduler.recover()
            async with beside(self.scheduler.run(), self.scheduler.share(), self._lead()):
                yield
        finally:
            await self.scheduler.stop()
            await self._progress.stop()
            await self._webhooks.stop()
            await self._poster.close()
            await self._hub.peers.end()

    async def leave(self) -> None:
        """Return when others serve in this hub's place, if there are any.

        It takes no more predictions, and ends what it runs, for as long as the settings allow.
        Meanwhile it answers as before: whoever spreads requests is to see first that it leaves.
        """
        peers, limit_s = self._hub.peers, self._hub.settings.leave_timeout_s
        if not peers.others:
            return
        log.info("hub leaves", running=self.scheduler.running)
        self._hub.signals.is_leaving = True
        self.scheduler.leave()
        await self._webhooks.finish(LEAVE_S)
        try:
            await peers.leave()
        except DatabaseUnreachable as error:
            log.warning("hub stops without leaving", error=error.message)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await asyncio.sleep(LEAVE_S)
                while self.scheduler.running and peers.others:  # noqa: ASYNC110 - others may end too
                    await asyncio.sleep(LOOK_S)

    async def _instances(self) -> Sequence[LiveInstance]:
        """Return how all instances are, those of other hubs too, as far as that is known."""
        return [*await self.fleet.live(), *map(_elsewhere, self._hub.peers.instances)]

    def _listen(self) -> None:
        """Let the parts hear of each other, and of other hubs."""
        hub, scheduler = self._hub, self.scheduler
        signals, peers, heard = hub.signals, hub.peers, hub.peers.listeners
        signals.on_making = scheduler.on_making
        signals.on_queued = scheduler.on_queued
        signals.on_ended = self._on_ended
        signals.on_version_deleted = self._on_version_deleted
        signals.on_deployments_changed = self._on_deployments_changed
        signals.on_change = partial(peers.tell, Topic.CHANGED)
        signals.on_end = partial(peers.tell, Topic.ENDED)
        heard.on_news = self._hear
        heard.on_gap = scheduler.hear_of_gap
        heard.on_gone = scheduler.hear_of_end
        heard.on_changed = scheduler.wake
        heard.on_lost = scheduler.begin_anew

    def _hear(self, news: Sequence[News]) -> None:
        self.scheduler.hear(news)
        if any(it.topic is Topic.ENDED for it in news):
            self._webhooks.wake()

    async def _lead(self) -> None:
        """Do what one hub does for all, as long as this one leads."""
        peers, collection = self._hub.peers, Collection(self._hub)
        while True:
            await peers.leads.wait()
            async with beside(
                self._reaper.run(), self._retention.run(), collection.run(), self._webhooks.run()
            ):
                await peers.leads_not.wait()

    def _scheduler(self, executor: Executor) -> Scheduler:
        hub, callback_url = self._hub, self._addresses.callback_url
        guard = instance_guard(hub.settings, callback_url=callback_url)
        boot = Boot(
            executor=executor,
            database=hub.database,
            variables=hub.variables,
            callback_url=callback_url,
            server_variables={FETCH_ALLOW: guard.as_text()},
            setup_timeout_s=hub.settings.setup_timeout_s,
            now=hub.now,
            on_told=lambda _: self.scheduler.wake(),
        )
        run = RunParts(
            database=hub.database,
            box=hub.box,
            signals=hub.signals,
            now=hub.now,
            files=hub.prediction_files,
            callback_url=callback_url,
            hub_id=lambda: hub.peers.me,
            hosts=self._hosts,
            on_batch=self._progress.on_batch,
            on_end=self._webhooks.wake,
            statistics=hub.statistics,
            outcomes=Outcomes(hub.database, hub.storage, hub.prediction_files, hub.now),
        )
        parts = SchedulerParts(
            database=hub.database,
            signals=hub.signals,
            predictions=hub.predictions,
            catalog=hub.catalog,
            executor=executor,
            peers=hub.peers,
            now=hub.now,
            idle_timeout_s=hub.settings.idle_timeout_s,
            statistics=hub.statistics,
        )
        return Scheduler(parts, self.fleet, boot, run)

    def _hosts(self) -> list[str]:
        urls = [self._addresses.url, self._hub.settings.public_url or ""]
        return [urlsplit(url).netloc for url in urls if url]

    def _on_version_deleted(self, version_key: int) -> None:
        self.scheduler.on_version_deleted(version_key)
        self._hub.peers.tell(Topic.VERSION_DELETED, str(version_key))

    def _on_deployments_changed(self) -> None:
        self.scheduler.on_deployments_changed()
        self._hub.peers.tell(Topic.DEPLOYMENTS)

    def _on_ended(self, prediction_id: str) -> None:
        self.scheduler.on_ended(prediction_id)
        self._webhooks.wake()


def _elsewhere(it: PeerInstance) -> LiveInstance:
    return LiveInstance(it.id, it.slots, None, None, deployment_of(it.line))
