"""The instances that are there, and how much hardware is left."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from coghub.domain.hardware import Hardware
from coghub.domain.instance import Stage
from coghub.domain.live import LiveInstance
from coghub.domain.signals import Line, Waiting, line_of
from coghub.domain.weights import Weights
from coghub.executors.base import Instance
from coghub.instances.client import InstanceClient
from coghub.models.catalog import Entry
from coghub.predictions.redaction import Redactor

LEAST_TURN = timedelta(seconds=10)
MOST_TURN = timedelta(seconds=60)
"""An instance may serve for as long as its start took, within these, before it leaves for others:
else two versions that want one place would spend their time with starts."""


Teller = Callable[[Mapping[str, Any]], None]
"""Takes how a prediction stands, as a server tells it again and again."""


@dataclass(eq=False, slots=True)
class Member:
    """One instance, from the wish for it to its end."""

    id: str
    entry: Entry
    hardware: str
    gpu_id: str | None
    slots: int
    """How many predictions it runs at once."""
    created_at: datetime
    is_training: bool = False
    """It trains, and does not predict."""
    deployment_id: int | None = None
    """Of the deployment that has it for itself."""
    is_kept: bool = False
    """Its deployment keeps it, though nobody needs it."""
    is_outdated: bool = False
    """Its deployment has changed, and it is to leave."""
    stage: Stage = Stage.QUEUED
    kept_stage: Stage = Stage.QUEUED
    """What the instance's row says."""
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """Lets it, and nobody else, speak to the hub."""
    running: dict[str, Waiting] = field(default_factory=dict)
    leaves_for: Line | None = None
    """The version that gets its hardware: it is given nothing more."""
    is_in_doubt: bool = False
    """It refused a prediction although it should have had a slot: it is to be looked after."""
    refusals: int = 0
    """How often in a row it did so."""
    ready_at: datetime | None = None
    idle_since: datetime | None = None
    fetches: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Token → prediction and URL: what the hub fetches for a server without a guard."""
    tellers: dict[str, Teller] = field(default_factory=dict)
    """Prediction → who hears what such a server tells of it."""
    transcript: list[str] = field(default_factory=list)
    """What is told of its way to ready, piece by piece."""
    weights: Weights | None = None
    """What its version was trained to."""
    secrets: list[str] = field(default_factory=list)
    """Values of the model's secrets, which no log may show."""
    redactor: Redactor = field(default_factory=lambda: Redactor(()))
    """Takes them out of what is told of its way to ready."""
    instance: Instance | None = None
    client: InstanceClient | None = None
    coming: asyncio.Future[None] | None = None
    """Its way to ready, while it is on it."""

    @property
    def version_key(self) -> int:
        """Of the version that it runs."""
        return self.entry.version.key

    @property
    def line(self) -> Line:
        """Whom it serves."""
        return line_of(
            self.version_key,
            is_training=self.is_training,
            deployment_id=self.deployment_id,
        )

    @property
    def free_slots(self) -> int:
        """How many predictions it could take now."""
        may_take = self.stage is Stage.READY and not (self.is_draining or self.is_in_doubt)
        return self.slots - len(self.running) if may_take else 0

    @property
    def is_draining(self) -> bool:
        """Whether it ends what it runs, and then itself."""
        return self.leaves_for is not None or self.is_outdated

    @property
    def is_ready(self) -> bool:
        """Whether it has become ready, and has not ended."""
        return self.stage is Stage.READY

    @property
    def is_coming(self) -> bool:
        """Whether it is on its way to ready."""
        return self.stage not in {Stage.READY, Stage.STOPPED, Stage.FAILED}

    @property
    def is_idle(self) -> bool:
        """Whether it is ready and nothing runs on it."""
        return self.stage is Stage.READY and not (self.running or self.is_in_doubt)

    def had_its_turn(self, now: datetime) -> bool:
        """Tell whether it has been ready for long enough to be worth its start."""
        if self.ready_at is None:
            return False
        start = self.ready_at - self.created_at
        return now - self.ready_at >= min(MOST_TURN, max(LEAST_TURN, start))


class Fleet:
    """All instances that occupy hardware."""

    def __init__(self, hardware: Iterable[Hardware]) -> None:
        self.hardware = {it.sku: it for it in hardware}
        self._members = dict[str, Member]()

    def __iter__(self) -> Iterator[Member]:
        return iter(list(self._members.values()))

    def add(self, member: Member) -> None:
        """Let an instance occupy its hardware."""
        self._members[member.id] = member

    def remove(self, member: Member) -> None:
        """Free an instance's hardware; may be done twice."""
        self._members.pop(member.id, None)

    async def live(self) -> list[LiveInstance]:
        """Return how the instances are, for people."""
        return [
            LiveInstance(
                id=it.id,
                slots=it.slots,
                running=len(it.running),
                memory_bytes=await it.instance.memory_bytes() if it.instance else None,
                deployment_id=it.deployment_id,
            )
            for it in self
        ]

    def of_version(self, line: Line) -> list[Member]:
        """Return the instances of a version: those that predict, or those that train."""
        return [it for it in self._members.values() if it.line == line]

    def by_key(self, key: str) -> Member | None:
        """Return the instance whose key it is."""
        wanted = key.encode("utf-8", "replace")  # as text, only ASCII can be compared
        found = (it for it in self if secrets.compare_digest(it.key.encode(), wanted))
        return next(found, None)

    def running(self) -> Counter[int]:
        """Return how many predictions of each account run."""
        return Counter(
            waiting.account_id
            for member in self._members.values()
            for waiting in member.running.values()
        )

    def has_room(self, sku: str) -> bool:
        """Tell whether one more instance fits on some hardware."""
        return self._used(sku) < self.hardware[sku].capacity

    def free_gpu(self, sku: str) -> str | None:
        """Return a GPU of this kind that nobody uses; None for hardware without GPUs."""
        used = {it.gpu_id for it in self._members.values() if it.hardware == sku}
        return next((gpu for gpu in self.hardware[sku].gpu_ids if gpu not in used), None)

    def least_needed(self, sku: str, wanted: Line, waiting: Callable[[Line], int]) -> Member | None:
        """Return the idle instance of another version that did nothing for longest.

        One that has just become idle, and for whose version some wait, is about to serve them.
        """
        idle = [
            it
            for it in self._members.values()
            if it.hardware == sku and it.is_idle and it.line != wanted and not it.is_kept
            if it.is_draining or not waiting(it.line)
        ]
        return min(idle, key=lambda it: it.idle_since or it.created_at, default=None)

    def least_busy(self, sku: str, wanted: Line, now: datetime) -> Member | None:
        """Return the instance of another version that has the least to finish.

        It had its turn; and who has places already takes only from those who have more.
        """
        there = [it for it in self if it.hardware == sku and (it.is_coming or it.is_ready)]
        places = Counter(it.line for it in there)
        least = places[wanted] + 2 if wanted in places else 1
        busy = [
            it
            for it in there
            if it.is_ready
            and it.line != wanted
            and not it.is_kept
            and places[it.line] >= least
            and it.had_its_turn(now)
        ]
        return min(busy, key=lambda it: len(it.running), default=None)

    def coming(self, sku: str) -> list[Member]:
        """Return the instances that are on their way to ready on some hardware, oldest first."""
        return [it for it in self if it.hardware == sku and it.is_coming]

    def is_making_room(self, sku: str) -> bool:
        """Tell whether an instance is about to leave some hardware."""
        return any(
            it.hardware == sku and (it.is_draining or it.stage is Stage.STOPPED)
            for it in self._members.values()
        )

    def _used(self, sku: str) -> int:
        return sum(1 for it in self._members.values() if it.hardware == sku)
