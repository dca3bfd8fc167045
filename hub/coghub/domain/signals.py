"""Changes that one part announces and another listens to, inside one process.

Use cases announce; the scheduler, streams and waiting requests listen. Who hears of a change reads
the rows, which are the truth. All of it happens on the event loop's thread.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from coghub.domain.deployment import Deployed

Line = int | Deployed
"""Who waits for the same instances: a version's key, or for its trainings that key below zero.

An instance either predicts or trains, and keys of versions begin at 1. A deployment has instances
of its own: other predictions of its version do not take their slots.
"""


def line_of(version_key: int, *, is_training: bool, deployment_id: int | None) -> Line:
    """Return where those wait that a version is to serve, for a deployment or for everyone."""
    if deployment_id is not None:
        return Deployed(deployment_id, version_key)
    return -version_key if is_training else version_key


def deployment_of(line: Line) -> int | None:
    """Return the deployment whose instances serve those who wait there."""
    return line.deployment_id if isinstance(line, Deployed) else None


def is_training(line: Line) -> bool:
    """Tell whether a version is to train there."""
    return isinstance(line, int) and line < 0


def version_key_of(line: Line) -> int:
    """Return the key of the version that is to serve those who wait there."""
    return abs(line) if isinstance(line, int) else line.version_key


@dataclass(frozen=True, slots=True)
class Waiting:
    """A prediction or training that waits for an instance."""

    id: str
    account_id: int
    version_key: int
    created_at: datetime
    attempt: int = 0
    destination: str | None = None
    """`owner/name` of the model that gets what a training makes; None where it is no training."""
    deployment_id: int | None = None
    """Of the deployment that it was made by."""

    @property
    def is_training(self) -> bool:
        """Whether the version is to train, and not to predict."""
        return self.destination is not None

    @property
    def line(self) -> Line:
        """Who waits with it."""
        return line_of(
            self.version_key,
            is_training=self.is_training,
            deployment_id=self.deployment_id,
        )


class Slot(Protocol):
    """A slot of an instance, kept free for a prediction that is about to be made."""

    @property
    def columns(self) -> Mapping[str, Any]:
        """What the prediction's row holds from the start, as it need not wait."""
        ...

    def begin(self, values: Mapping[str, Any]) -> None:
        """Run the prediction, whose row was written with these values."""
        ...

    def free(self) -> None:
        """Let others have the slot: no prediction was made."""
        ...


class Hold:
    """Waits for the end of one prediction, also of one that is not made yet: none is missed."""

    def __init__(self, holds: dict[str, set["Hold"]]) -> None:
        self._holds = holds
        self._prediction_id = ""
        self._end = asyncio.get_running_loop().create_future()

    def on(self, prediction_id: str) -> None:
        """Hear of this prediction's end from now on."""
        self._prediction_id = prediction_id
        self._holds.setdefault(prediction_id, set()).add(self)

    def let_go(self, ended: Mapping[str, Any] | None) -> None:
        """Wake who waits; `ended` is what it is told."""
        if not self._end.done():
            self._end.set_result(ended)

    async def end(self, timeout_s: float) -> Mapping[str, Any] | None:
        """Return what `Signals.ended` told; None also when the time is over, or the hub stops."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                return await self._end
        return None

    def close(self) -> None:
        """Hear of nothing any more."""
        holds = self._holds.get(self._prediction_id, set())
        holds.discard(self)
        if not holds:
            self._holds.pop(self._prediction_id, None)


class Signals:
    """Who wants to hear of predictions."""

    def __init__(self) -> None:
        self._followers = dict[str, set[asyncio.Event]]()
        self._holds = dict[str, set[Hold]]()
        self.ended_by_status = Counter[str]()
        """How many predictions have ended since the start, however they did."""
        self.is_leaving = False
        """The hub is about to stop, and sends nobody away yet: others serve in its place."""
        self.is_stopping = False
        """The hub stops: who holds a request answers it with what there is."""
        self.on_making: Callable[[Waiting], Slot | None] = lambda _: None
        """Finds a slot for a prediction that is about to be made, if one is free: the scheduler."""
        self.on_queued: Callable[[Waiting], None] = lambda _: None
        """Hears of each prediction that begins to wait: the scheduler."""
        self.on_ended: Callable[[str], None] = lambda _: None
        """Hears of each prediction that was ended by something else than its instance."""
        self.on_version_deleted: Callable[[int], None] = lambda _: None
        """Hears of each version (its key) that exists no more: its instances are not needed."""
        self.on_deployments_changed: Callable[[], None] = lambda: None
        """Hears that a deployment was made, changed or deleted."""
        self.on_change: Callable[[str], None] = lambda _: None
        """Hears of each prediction that told something: other hubs."""
        self.on_end: Callable[[str], None] = lambda _: None
        """Hears of each prediction that has ended, however it did: other hubs."""

    def changed(self, prediction_id: str) -> None:
        """Wake who follows a prediction: its status, output or logs changed."""
        self.wake(prediction_id)
        self.on_change(prediction_id)

    def wake(self, prediction_id: str) -> None:
        """Wake who follows a prediction in this process."""
        for event in self._followers.get(prediction_id, ()):
            event.set()

    def ended(self, prediction_id: str, ended: Mapping[str, Any] | None = None) -> None:
        """Wake who follows a prediction, and who waits for its end.

        Args:
            prediction_id: which one; its end is kept.
            ended: what its row holds since, if it is at hand: who waits need not read it.
        """
        self.wake_for_end(prediction_id, ended)
        self.on_end(prediction_id)

    def wake_for_end(self, prediction_id: str, ended: Mapping[str, Any] | None = None) -> None:
        """Wake who follows a prediction, and who waits for its end, in this process."""
        self.wake(prediction_id)
        for hold in self._holds.get(prediction_id, ()):
            hold.let_go(ended)

    def awaited(self) -> set[str]:
        """Return of which predictions somebody waits for the end, or for something new."""
        return {*self._holds, *self._followers}

    def stop(self) -> None:
        """Wake everyone who follows a prediction: nothing more is to be waited for."""
        self.is_stopping = True
        for holds in self._holds.values():
            for hold in holds:
                hold.let_go(None)
        for followers in self._followers.values():
            for event in followers:
                event.set()

    @contextmanager
    def holding(self) -> Generator[Hold]:
        """Return what waits for the end of one prediction."""
        hold = Hold(self._holds)
        try:
            yield hold
        finally:
            hold.close()

    @contextmanager
    def following(self, prediction_id: str) -> Generator[asyncio.Event]:
        """Return an event that each change of the prediction sets; who waits for it clears it."""
        event = asyncio.Event()
        followers = self._followers.setdefault(prediction_id, set())
        followers.add(event)
        try:
            yield event
        finally:
            followers.discard(event)
            if not followers and self._followers.get(prediction_id) is followers:
                del self._followers[prediction_id]
