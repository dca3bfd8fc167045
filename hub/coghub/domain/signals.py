"""Changes that one part announces and another listens to, inside one process.

Use cases announce; the scheduler, streams and waiting requests listen. Nothing is carried but the
id: who hears of a change reads the rows, which are the truth.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager


class Signals:
    """Wakes who waits for a prediction, a queue, or a version; for one event loop."""

    def __init__(self) -> None:
        self._listeners = dict[str, set[asyncio.Event]]()

    def announce(self, *topics: str) -> None:
        """Wake everyone who listens to one of the topics; from the event loop's thread only."""
        for topic in topics:
            for event in self._listeners.get(topic, ()):
                event.set()

    @contextmanager
    def listen(self, *topics: str) -> Generator[asyncio.Event]:
        """Return an event that is set by each announcement; the listener clears it."""
        event = asyncio.Event()
        for topic in topics:
            self._listeners.setdefault(topic, set()).add(event)
        try:
            yield event
        finally:
            for topic in topics:
                listeners = self._listeners[topic]
                listeners.discard(event)
                if not listeners:
                    del self._listeners[topic]


QUEUE = "queue"
"""A prediction was made, canceled or given back."""
WEBHOOKS = "webhooks"
"""A delivery is due."""


def of_prediction(prediction_id: str) -> str:
    """Return the topic of one prediction: its status, output or logs changed."""
    return f"prediction:{prediction_id}"
