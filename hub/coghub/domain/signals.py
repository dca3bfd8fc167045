"""Changes that one part announces and another listens to, inside one process.

Use cases announce; the scheduler, streams and waiting requests listen. Who hears of a change reads
the rows, which are the truth. All of it happens on the event loop's thread.
"""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A prediction that waits for an instance."""

    id: str
    account_id: int
    version_key: int
    created_at: datetime
    attempt: int = 0


class Signals:
    """Who wants to hear of predictions."""

    def __init__(self) -> None:
        self._followers = dict[str, set[asyncio.Event]]()
        self.is_stopping = False
        """The hub stops: who holds a request answers it with what there is."""
        self.on_queued: Callable[[Waiting], None] = lambda _: None
        """Hears of each prediction that begins to wait: the scheduler."""
        self.on_ended: Callable[[str], None] = lambda _: None
        """Hears of each prediction that was ended by something else than its instance."""

    def changed(self, prediction_id: str) -> None:
        """Wake who follows a prediction: its status, output or logs changed."""
        for event in self._followers.get(prediction_id, ()):
            event.set()

    def stop(self) -> None:
        """Wake everyone who follows a prediction: nothing more is to be waited for."""
        self.is_stopping = True
        for followers in self._followers.values():
            for event in followers:
                event.set()

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
