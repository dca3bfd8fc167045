"""Instances of deployments: how many there may be, and which are kept though nobody needs them.

What deployments want is read again when one changed. Then each tick marks the instances: those
that are kept, and those that are to leave, since their release runs something else, elsewhere, or
less of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from coghub.database import deployments as rows
from coghub.database.database import Database
from coghub.domain.clock import Clock
from coghub.domain.deployment import Deployed, Release
from coghub.domain.instance import Stage
from coghub.domain.peers import PeerInstance
from coghub.domain.signals import Line
from coghub.peers.peers import Peers
from coghub.scheduler.fleet import Fleet, Member
from coghub.scheduler.lives import Lives
from coghub.scheduler.queue import Queue

READ_AGAIN_AFTER = timedelta(seconds=10)
"""Without being told: commands may change rows beside a running hub."""
KEEP_AGAIN_AFTER = timedelta(seconds=60)
"""After an instance that nobody waited for failed: else one that cannot start is tried for ever."""


@dataclass(slots=True)
class DeployedInstances:
    """Knows what deployments want of their instances."""

    database: Database
    queue: Queue
    fleet: Fleet
    lives: Lives
    peers: Peers
    now: Clock
    _releases: dict[int, Release] = field(default_factory=dict)
    """Deployment → what it runs now."""
    _barred: frozenset[int] = frozenset()
    """Those that keep nothing, since their owners may not run the model any more."""
    _read_at: datetime | None = None
    _failed_at: dict[Line, datetime] = field(default_factory=dict)

    def changed(self) -> None:
        """Read again what deployments want."""
        self._read_at = None

    async def look(self) -> None:
        """Mark all instances, and let those leave that have nothing to do and are to."""
        await self._read()
        self._mark()
        for member in self.fleet:
            if member.is_outdated and member.is_idle:
                self.lives.stop(member)
            elif member.is_outdated and member.is_coming:
                self.lives.give_up(member)

    async def _read(self) -> None:
        now = self.now()
        if self._read_at is not None and now - self._read_at < READ_AGAIN_AFTER:
            return
        self._read_at = now  # a change during the read takes it back
        found, self._barred = await self.database.read(lambda c: (rows.every(c), rows.barred(c)))
        self._releases = {it.id: it.current_release for it in found}

    def _mark(self) -> None:
        for member in self.fleet:
            member.is_kept = False
            member.is_outdated = self._is_of_the_past(member)
        for deployment_id, release in self._releases.items():
            kept, most = self._kept(deployment_id, release), release.configuration.max_instances
            serving = sorted(self._serving(deployment_id, release), key=_age)
            for place, it in enumerate(serving):  # all hubs find the same order
                if isinstance(it, Member):
                    it.is_kept = place < kept
                    it.is_outdated = it.is_outdated or place >= most

    def _kept(self, deployment_id: int, release: Release) -> int:
        return 0 if deployment_id in self._barred else release.configuration.min_instances

    def _is_of_the_past(self, member: Member) -> bool:
        if member.deployment_id is None:
            return False
        release = self._releases.get(member.deployment_id)
        if release is None or member.hardware != release.configuration.hardware:
            return True
        is_waited_for = self.queue.count(member.line) > 0
        return member.version_key != release.version_key and not is_waited_for

    def _serving(self, deployment_id: int, release: Release) -> Iterator[Member | PeerInstance]:
        line = Deployed(deployment_id, release.version_key)
        yield from self.peers.of_line(line)
        for member in self.fleet.of_version(line):
            if (member.is_coming or member.is_ready) and not member.is_draining:
                yield member

    def lacking(self) -> list[Line]:
        """Return for whom instances are to be kept that are not there."""
        lines = [Deployed(key, it.version_key) for key, it in self._releases.items()]
        return [line for line in lines if self.lacks(line)]

    def lacks(self, line: Line) -> bool:
        """Tell whether an instance is to be kept that is not there."""
        release = self._release(line)
        if release is None or not isinstance(line, Deployed):
            return False
        failed_at, kept = self._failed_at.get(line), self._kept(line.deployment_id, release)
        if release.version_key != line.version_key or not kept:
            return False
        if failed_at is not None and self.now() - failed_at < KEEP_AGAIN_AFTER:
            return False
        return sum(1 for _ in self._serving(line.deployment_id, release)) < kept

    def failed(self, line: Line) -> None:
        """Hear of an instance that did not become ready."""
        if isinstance(line, Deployed):
            self._failed_at[line] = self.now()

    async def refusal_of(self, line: Line) -> str | None:
        """Return why nothing will run there; None if something may."""
        if self._refusal_of(line) is None:
            return None
        self.changed()  # another hub may have made it, or switched it on, since the last look
        await self._read()
        return self._refusal_of(line)

    def _refusal_of(self, line: Line) -> str | None:
        if not isinstance(line, Deployed):
            return None
        release = self._release(line)
        if release is None:
            return "The deployment was deleted"
        return None if release.configuration.max_instances else "The deployment is switched off"

    def hardware_of(self, line: Line) -> str | None:
        """Return the sku that a deployment's owner chose."""
        release = self._release(line)
        return None if release is None else release.configuration.hardware

    def has_place(self, line: Line) -> bool:
        """Tell whether one more instance is within the limit."""
        if not isinstance(line, Deployed):
            return True
        release = self._release(line)
        own = sum(1 for it in self.fleet if it.deployment_id == line.deployment_id)
        others = sum(1 for it in self.peers.instances if _is_of(it, line.deployment_id))
        return release is not None and own + others < release.configuration.max_instances

    def make_place(self, line: Line, *, is_urgent: bool) -> None:
        """Let an instance of another release leave for a line that has none."""
        if not isinstance(line, Deployed) or self.fleet.of_version(line):
            return
        own = [it for it in self.fleet if it.deployment_id == line.deployment_id]
        if any(it.stage is Stage.STOPPED for it in own):
            return
        idle = [it for it in own if it.is_idle and not self.queue.count(it.line)]
        idle += [it for it in own if it.is_idle and it.is_draining]
        if idle:
            self.lives.stop(idle[0])
        elif is_urgent and not any(it.is_draining for it in own):
            busy = min((it for it in own if it.is_ready), key=_running, default=None)
            if busy is not None:
                busy.leaves_for = line

    def _release(self, line: Line) -> Release | None:
        return self._releases.get(line.deployment_id) if isinstance(line, Deployed) else None


def _age(it: Member | PeerInstance) -> tuple[bool, datetime, str]:
    return not it.is_ready, it.created_at, it.id


def _is_of(instance: PeerInstance, deployment_id: int) -> bool:
    line = instance.line
    return isinstance(line, Deployed) and line.deployment_id == deployment_id


def _running(member: Member) -> int:
    return len(member.running)
