"""What happened in a prediction, in order, so that a client can come late or come back.

Every event has a sequence number, from 1. Logs are kept up to 16 MiB a prediction, the first and
the last half; the rest is counted. Everything else is kept.
"""

from collections import deque
from collections.abc import Iterator
from heapq import merge
from operator import attrgetter
from typing import Any, NamedTuple

MAX_LOG_BYTES = 16 * 1024**2
ENTRY_BYTES = 128
"""What a log event costs beside its text: many tiny ones must not fill the memory either."""


class Event(NamedTuple):
    """One thing that happened."""

    sequence: int
    name: str
    """`start`, `log`, `output`, `metric` or `completed`; `dropped` for log events that are gone."""
    fields: dict[str, Any]


class EventLog:
    """The events of one prediction."""

    def __init__(self, max_log_bytes: int = MAX_LOG_BYTES) -> None:
        self.last = 0
        """Number of the latest event."""
        self._events: list[Event] = []
        self._max_log_bytes = max_log_bytes
        self._logs: _HeadAndTail | None = None
        """Made for the first log: most predictions print nothing."""

    def add(self, name: str, fields: dict[str, Any]) -> Event:
        self.last += 1
        event = Event(self.last, name, fields)
        if name != "log":
            self._events.append(event)
            return event
        if self._logs is None:
            self._logs = _HeadAndTail(self._max_log_bytes // 2)
        self._logs.add(event)
        return event

    def after(self, sequence: int) -> Iterator[Event]:
        """Yield what is known of the events after a sequence number."""
        logs = () if self._logs is None else self._logs.events()
        known = merge(self._events, logs, key=attrgetter("sequence"))
        return (event for event in known if event.sequence > sequence)

    @property
    def logs(self) -> str:
        """All that was printed, or as much of it as was kept."""
        return "" if self._logs is None else self._logs.text()

    @property
    def has_logs(self) -> bool:
        return self._logs is not None

    @property
    def size_bytes(self) -> int:
        """Roughly what the events weigh; output values are counted by their JSON."""
        outputs = sum(
            len(memoryview(it.fields["chunk"])) for it in self._events if it.name == "output"
        )
        logs = 0 if self._logs is None else self._logs.size_bytes
        return outputs + logs + ENTRY_BYTES * len(self._events)


class _HeadAndTail:
    """Log events: the first ones, the last ones, and how much was between."""

    def __init__(self, half_bytes: int) -> None:
        self._half_bytes = half_bytes
        self._head: list[Event] = []
        self._head_bytes = 0
        self._is_head_full = False
        self._tail: deque[Event] = deque()
        self._tail_bytes = 0
        self._dropped_events = 0
        self._dropped_bytes = 0
        self._last_dropped = 0

    @property
    def size_bytes(self) -> int:
        return self._head_bytes + self._tail_bytes

    def add(self, event: Event) -> None:
        size = _size(event)
        if not self._is_head_full and self._head_bytes + size <= self._half_bytes:
            self._head.append(event)
            self._head_bytes += size
            return
        self._is_head_full = True
        self._tail.append(event)
        self._tail_bytes += size
        while self._tail_bytes > self._half_bytes and len(self._tail) > 1:
            self._drop(self._tail.popleft())

    def events(self) -> Iterator[Event]:
        yield from self._head
        if self._dropped_events:
            fields = {"events": self._dropped_events, "bytes": self._dropped_bytes}
            yield Event(self._last_dropped, "dropped", fields)
        yield from self._tail

    def text(self) -> str:
        pieces = (
            dropped_text(it.fields["bytes"]) if it.name == "dropped" else it.fields["data"]
            for it in self.events()
        )
        return "".join(pieces)

    def _drop(self, event: Event) -> None:
        self._tail_bytes -= _size(event)
        self._dropped_events += 1
        self._dropped_bytes += _size(event) - ENTRY_BYTES
        self._last_dropped = event.sequence


def dropped_text(size_bytes: int) -> str:
    """Return what stands in the logs where something is missing."""
    return f"\n[… {size_bytes} bytes of logs dropped …]\n"


def _size(event: Event) -> int:
    text = event.fields["data"]
    return ENTRY_BYTES + (len(text) if text.isascii() else len(text.encode(errors="replace")))
