"""Tells those who wait how it goes: place in the queue, stage of the instance, setup's own logs.

A prediction that is served at once hears nothing of it. Others find it in their logs and events.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from coghub.database import attempts
from coghub.database.database import Database
from coghub.domain.clock import Clock
from coghub.domain.instance import Stage
from coghub.domain.signals import Line, Signals, Waiting
from coghub.peers.peers import Peers
from coghub.scheduler.fleet import Fleet, Member
from coghub.scheduler.patience import patiently
from coghub.scheduler.queue import Queue

PATIENCE = timedelta(seconds=0.4)
"""Who has waited for less is told nothing."""
POSITION_EVERY = timedelta(seconds=5)
"""A place in the queue is told again after so long, if it has changed."""
MAX_TOLD = 200
"""Of those who wait for a version, the first ones: each line is a row for each of them."""
MAX_TEXT_CHARACTERS = 256 * 1024
"""Of setup's logs, for each who waits."""


@dataclass(slots=True)
class Told:
    """What one who waits has heard."""

    position: int = 0
    position_at: datetime | None = None
    instance_id: str = ""
    pieces: int = 0
    characters: int = 0


class ColdStart:
    """Writes to the logs of predictions that wait."""

    def __init__(
        self, database: Database, signals: Signals, queue: Queue, peers: Peers, now: Clock
    ) -> None:
        self._peers = peers
        self._database = database
        self._signals = signals
        self._queue = queue
        self._now = now
        self._told = dict[str, Told]()

    async def tell(self, fleet: Fleet) -> None:
        """Tell everyone who has waited for a while what is new."""
        texts = [it for line in self._versions() for it in self._texts(line, fleet)]
        await self._write(texts)
        self._forget()

    async def tell_failure(self, member: Member) -> None:
        """Tell all who wait for a version the rest of the way of an instance that failed.

        Also those who have not waited for long: it is the reason of their end.
        """
        texts = [
            (waiting.id, self._of_instance(self._told.setdefault(waiting.id, Told()), member))
            for waiting in islice(self._queue.oldest(member.line), MAX_TOLD)
        ]
        await self._write([(key, _ended_line(text)) for key, text in texts if text])

    def served(self, waiting: Waiting) -> Told | None:
        """Return what one has heard who is given to an instance, for `finish`."""
        return self._told.pop(waiting.id, None)

    async def finish(self, waiting: Waiting, told: Told | None, member: Member) -> None:
        """Tell one who waited, and is being served, the rest of the instance's way to ready."""
        if told is None or not _has_waited_for(waiting, told, member):
            return
        if text := self._of_instance(told, member):
            await self._write([(waiting.id, text)])

    def _versions(self) -> Iterable[Line]:
        return self._queue.versions({})

    def _texts(self, line: Line, fleet: Fleet) -> list[tuple[str, str]]:
        limit = self._now() - PATIENCE
        there = fleet.of_version(line)
        coming = (it for it in there if it.is_coming or it.stage is Stage.FAILED)
        member = next(coming, None)
        if not self._is_to_tell(line, member):
            return []
        found = []
        first = islice(self._queue.oldest(line), MAX_TOLD)
        for place, waiting in enumerate(first, 1):
            if waiting.created_at > limit:
                break
            text = self._news(waiting, place, member)
            if text:
                found.append((waiting.id, text))
        return found

    def _is_to_tell(self, line: Line, member: Member | None) -> bool:
        """Tell whether this hub, and not another one, tells those who wait for a version.

        It is the one whose instance comes first; while none comes, the one that leads.
        """
        coming = [it for it in self._peers.of_line(line) if not it.is_ready]
        if member is None:
            return not coming and (self._peers.leads.is_set() or not self._peers.others)
        return all((member.created_at, member.id) < (it.created_at, it.id) for it in coming)

    def _news(self, waiting: Waiting, position: int, member: Member | None) -> str:
        told = self._told.setdefault(waiting.id, Told())
        text = ""
        is_new = told.position != position and member is None
        now = self._now()
        if is_new and (told.position_at is None or now - told.position_at > POSITION_EVERY):
            text = f"Waiting for an instance, position {position} in the queue\n"
            told.position, told.position_at = position, now
        return text + (self._of_instance(told, member) if member is not None else "")

    def _of_instance(self, told: Told, member: Member) -> str:
        """Return what this one has not heard of an instance's way to ready."""
        if told.instance_id != member.id:
            told.instance_id, told.pieces = member.id, 0
        text = "".join(member.transcript[told.pieces :])
        told.pieces = len(member.transcript)
        text = text[: MAX_TEXT_CHARACTERS - told.characters]
        told.characters += len(text)
        return text

    async def _write(self, texts: list[tuple[str, str]]) -> None:
        if not texts:
            return
        now = self._now()
        await patiently(
            lambda: self._database.write(lambda c: attempts.tell(c, texts, now)),
            reason="setup is told",
        )
        for prediction_id, _ in texts:
            self._signals.changed(prediction_id)

    def _forget(self) -> None:
        gone = [it for it in self._told if it not in self._queue]
        for prediction_id in gone:
            del self._told[prediction_id]


def _ended_line(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def _has_waited_for(waiting: Waiting, told: Told, member: Member) -> bool:
    """Tell whether an instance was on its way to ready while this one waited."""
    is_newer = member.ready_at is not None and member.ready_at > waiting.created_at
    return told.instance_id == member.id or is_newer
