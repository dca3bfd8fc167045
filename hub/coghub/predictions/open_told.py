"""What predictions that have not ended told so far, remembered between two polls.

Clients ask for a prediction every half second, and one that streams has told thousands of words by
then: only what is new is read. What is told is only ever added to, so nothing becomes wrong.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping

from coghub.database import predictions as rows
from coghub.domain.prediction import Chunk, Event

MOST_KEPT = 32
"""Predictions; the one that nobody asked for the longest is forgotten."""
LEAST_EVENTS = 100
"""What has told less is as quick to read again."""
MOST_CHARACTERS = 4 * 1024**2
"""Of what is remembered of one."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a prediction told, up to an event."""

    last: int = 0
    logs: str = ""
    chunks: tuple[Chunk, ...] = ()
    characters: int = 0
    """How much it is; not known to be little where a chunk is no text."""

    def and_then(self, events: Sequence[Event]) -> "Told":
        """Return it with what was told next."""
        logs = [event.content for event in events if isinstance(event.content, str)]
        chunks = [event.content for event in events if isinstance(event.content, Chunk)]
        return Told(
            events[-1].sequence,
            self.logs + "".join(logs),
            (*self.chunks, *chunks),
            self.characters + sum(map(len, logs)) + sum(map(_size, chunks)),
        )


NOTHING = Told()


class OpenTold:
    """Remembers it; several threads may ask at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept = dict[str, Told]()

    def of(self, connection: Connection, row: RowMapping) -> Told:
        """Return what a prediction told; of one that has ended nothing, as its row has it."""
        prediction_id = row["id"]
        with self._lock:
            known = self._kept.pop(prediction_id, NOTHING)
        if row["completed_at"]:
            return NOTHING
        events = rows.events_of(connection, prediction_id, after=known.last)
        told = known.and_then(events) if events else known
        if told.last >= LEAST_EVENTS and told.characters <= MOST_CHARACTERS:
            self._keep(prediction_id, told)
        return told

    def _keep(self, prediction_id: str, told: Told) -> None:
        with self._lock:
            self._kept[prediction_id] = told
            if len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]


def _size(chunk: Chunk) -> int:
    return len(chunk.value) if isinstance(chunk.value, str) else MOST_CHARACTERS
