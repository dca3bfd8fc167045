"""What a hub does without being asked, made and joined: scheduler, clocks, webhooks."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

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
        self.fleet = Fleet(hub.hardware)
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
        self._hub.signals.on_queued = self.scheduler.on_queued
        self._hub.signals.on_ended = self._on_ended
        self._hub.signals.on_version_deleted = self.scheduler.on_version_deleted
        self._hub.signals.on_deployments_changed = self.scheduler.on_deployments_changed
        self._hub.live.instances = self.fleet.live
        self._hub.live.now = self.scheduler.now
        await self.scheduler.recover()
        loops = [
            asyncio.create_task(self.scheduler.run(), name="scheduler"),
            asyncio.create_task(self._reaper.run(), name="reaper"),
            asyncio.create_task(self._retention.run(), name="retention"),
            asyncio.create_task(Collection(self._hub).run(), name="collection"),
            asyncio.create_task(self._webhooks.run(), name="webhooks"),
        ]
        try:
            yield
        finally:
            for task in loops:
                task.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await self.scheduler.stop()
            await self._progress.stop()
            await self._poster.close()

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
            now=hub.now,
            idle_timeout_s=hub.settings.idle_timeout_s,
            statistics=hub.statistics,
        )
        return Scheduler(parts, self.fleet, boot, run)

    def _hosts(self) -> list[str]:
        urls = [self._addresses.url, self._hub.settings.public_url or ""]
        return [urlsplit(url).netloc for url in urls if url]

    def _on_ended(self, prediction_id: str) -> None:
        self.scheduler.on_ended(prediction_id)
        self._webhooks.wake()
