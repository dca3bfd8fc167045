"""Brings one instance from the wish for it to ready."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from coghub.database import instances as rows
from coghub.database.database import Database
from coghub.domain.clock import Clock
from coghub.domain.digest import hex_of
from coghub.domain.errors import InstanceDied, InstanceGone, SetupFailed, VersionNotFound
from coghub.domain.growing_log import GrowingLog
from coghub.domain.image_index import image_among
from coghub.domain.instance import Stage
from coghub.domain.weights import VARIABLE, weights_of
from coghub.executors.base import Executor, Instance, InstanceSpec
from coghub.instances.client import InstanceClient
from coghub.models.variables import Variables
from coghub.predictions.redaction import Redactor
from coghub.scheduler.fleet import Member
from coghub.scheduler.patience import patiently

POLL_S = 0.02
"""First pause between two looks at an instance's health; grows up to `MAX_POLL_S`."""
MAX_POLL_S = 0.5
STOP_GRACE_S = 5.0
LINES: Mapping[Stage, str] = {
    Stage.FETCHING: "Fetching the version",
    Stage.BUILDING: "Making the environment",
    Stage.BOOTING: "Starting the model's server",
    Stage.SETUP: "Running setup",
}
"""What the logs of those who wait say of each stage."""
WORDS_OF_SERVER = re.compile(r"(?:(?:worker )?setup failed: )+")
"""Stand before the reason in a server's logs, as who is told it says `Setup failed` already."""


@dataclass(frozen=True, slots=True)
class Boot:
    """What every start of an instance needs."""

    executor: Executor
    database: Database
    variables: Variables
    callback_url: str
    server_variables: Mapping[str, str]
    setup_timeout_s: float
    now: Clock
    on_told: Callable[[Member], None]
    """Hears that an instance's stage or transcript changed."""

    async def bring_up(self, member: Member) -> None:
        """Return when the instance is ready.

        Raises:
            CoghubError: if it cannot become so; what was started has been stopped.
        """
        spec = await patiently(lambda: self._spec(member), reason="instance starts")
        instance = await self.executor.start(
            spec, lambda stage, text: self._told(member, stage, text)
        )
        member.instance = instance
        member.client = InstanceClient(instance.address, is_silent=instance.is_foreign)
        try:
            await self.wait_until_ready(member, instance)
        except BaseException:
            await self.take_down(member)
            raise
        member.stage = Stage.READY
        member.ready_at = member.idle_since = self.now()

    async def take_down(self, member: Member) -> None:
        """End what was started of an instance."""
        if member.instance is not None:
            await member.instance.stop(grace_s=STOP_GRACE_S)
        if member.client is not None:
            await member.client.close()

    async def _spec(self, member: Member) -> InstanceSpec:
        version = member.entry.version
        manifest = await self._manifest(member.entry.model, version.id)
        image = image_among(manifest)
        if image is not None:
            manifest = await self._manifest(member.entry.model, hex_of(image))
        member.secrets = await self.variables.secrets_of(version.model_id)
        member.redactor = Redactor(member.secrets)
        return InstanceSpec(
            id=member.id,
            version=version,
            manifest=manifest,
            upload_url=f"{self.callback_url}/{member.key}/uploads/",
            variables={
                **await self.variables.environment_of(version.model_id),
                **self._weights_for(member, manifest),
            },
            server_variables=self.server_variables,
            hardware=member.hardware,
            gpu_ids=(member.gpu_id,) if member.gpu_id is not None else (),
            is_training=member.is_training,
        )

    def _weights_for(self, member: Member, manifest: Mapping[str, Any]) -> dict[str, str]:
        """Return what tells an instance of its version's weights: they win over the owner's."""
        member.weights = weights_of(manifest)
        if member.weights is None:
            return {}
        if not member.weights.is_blob:
            return {VARIABLE: member.weights.place}
        name = quote(member.weights.name)
        return {VARIABLE: f"{self.callback_url}/{member.key}/weights/{name}"}

    async def _manifest(self, repository: str, version_id: str) -> dict[str, Any]:
        content = await self.database.read(lambda c: rows.manifest_of(c, repository, version_id))
        if content is None:
            raise VersionNotFound(version_id)
        return msgspec.json.decode(content, type=dict[str, Any])

    def _told(self, member: Member, stage: Stage, text: str) -> None:
        if member.stage in {Stage.STOPPED, Stage.READY}:  # given up meanwhile, or there already
            return
        if stage is not member.stage:
            member.stage = stage
            member.transcript.append(f"{LINES[stage]}\n")
        if text:
            member.transcript.append(member.redactor.feed(text))
        self.on_told(member)

    async def wait_until_ready(
        self, member: Member, instance: Instance, *, is_again: bool = False
    ) -> None:
        """Return when setup has ended well.

        Args:
            member: who is waited for.
            instance: what was started.
            is_again: it was ready before; its transcript tells of the first time only.

        Raises:
            SetupFailed: if it failed, or took too long.
            InstanceDied: if the server ended.
        """
        death = asyncio.ensure_future(instance.ended())
        # What a foreign server prints was told as it came.
        tells = not (is_again or instance.is_foreign)
        polling = asyncio.ensure_future(self._poll(member, tells=tells))
        try:
            done, _ = await asyncio.wait(
                {death, polling},
                timeout=self.setup_timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if polling in done:
                return polling.result()
            if death in done:
                raise InstanceDied(member.redactor.redact(death.result()))
            raise SetupFailed(f"Setup took longer than {self.setup_timeout_s:g} s")
        finally:
            polling.cancel()
            death.cancel()
            member.transcript.append(member.redactor.flush())

    async def _poll(self, member: Member, *, tells: bool) -> None:
        assert member.client is not None
        pause_s, growing = POLL_S, GrowingLog()
        while True:
            try:
                health = await member.client.health()
            except InstanceGone:
                health = dict[str, Any]()
            setup = health.get("setup") or {}
            logs = str(setup.get("logs") or "")
            news = growing.unseen(logs).decode("utf-8", "replace")
            if health and (member.stage is Stage.BOOTING or (tells and news)):
                self._told(member, Stage.SETUP, news if tells else "")
            match health.get("status"):
                case "READY":
                    member.slots = 1 if member.is_training else _slots_of(health) or member.slots
                    return
                case "BUSY" if member.running:
                    return
                case "SETUP_FAILED" | "DEFUNCT":
                    reason = WORDS_OF_SERVER.sub("", _last_line(logs)) or "no reason is known"
                    raise SetupFailed(member.redactor.redact(reason))
                case "UNHEALTHY":
                    reason = str(health.get("user_healthcheck_error") or "unhealthy")
                    raise SetupFailed(member.redactor.redact(reason))
                case _:
                    await asyncio.sleep(pause_s)
                    pause_s = min(MAX_POLL_S, pause_s * 1.3)

    async def keep(self, member: Member, error: str | None = None) -> None:
        """Write down how far an instance is."""
        now = self.now()
        logs = "".join(member.transcript)
        progress = rows.Progress(member.stage, member.slots, error, logs)
        await self.database.write(lambda c: rows.keep(c, member.id, progress, now))


def _slots_of(health: Mapping[str, Any]) -> int:
    """Return how many predictions a server says to run at once; 0 if it does not say it."""
    concurrency = health.get("concurrency")
    most = concurrency.get("max") if isinstance(concurrency, dict) else None
    return max(0, most) if isinstance(most, int) else 0


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""
