"""One prediction: what is known of it, what happened in it, and who wants to hear.

It changes only through its methods, and tells its listeners after each change.
"""

import time
from collections.abc import Callable
from enum import Enum
from typing import Any

import msgspec

from cog.server.events import Event, EventLog
from cog.server.wire import WireCompleted
from cog.worker.messages import Metric

NULL = msgspec.Raw(b"null")


class Status(str, Enum):
    """Where a prediction stands, in the words of the wire."""

    STARTING = "starting"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


Listener = Callable[[Event], None]


class Prediction:
    """The state of one prediction; the worker's `seq` names it while it runs."""

    def __init__(self, prediction_id: str, inputs: dict[str, Any], context: dict[str, str]) -> None:
        self.id = prediction_id
        self.input = inputs
        """Empty once it has ended: nobody asks for it then, and it may hold whole files."""
        self.context = context
        self.seq = 0
        """0 until it was given to the worker."""
        self.status = Status.STARTING
        self.output: msgspec.Raw | list[msgspec.Raw] | None = None
        """JSON as the worker sent it; None before the first item."""
        self.error: str | None = None
        self.metrics: dict[str, Any] = {}
        self.events = EventLog()
        self.is_ended = False
        self.is_canceling = False
        self.followers = 0
        """Clients whose connection waits for it."""
        self._created_s = time.perf_counter()
        self._started_s = 0.0
        self.on_abandoned: Callable[[], None] | None = None
        """Called when the last client that waited for it has left too early."""
        self._listeners: list[Listener] = []
        self._on_end: list[Callable[[], None]] = []

    @property
    def age_s(self) -> float:
        """How long it has been running; 0 before it started."""
        return 0.0 if self.seq == 0 else time.perf_counter() - self._started_s

    @property
    def waited_s(self) -> float:
        """How long it has been there."""
        return time.perf_counter() - self._created_s

    def listen(self, listener: Listener) -> None:
        """Call this with every event from now on."""
        self._listeners.append(listener)

    def stop_listening(self, listener: Listener) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)

    def leave(self) -> None:
        """Note that a client no longer waits."""
        self.followers -= 1
        if self.followers == 0 and not self.is_ended and self.on_abandoned is not None:
            self.on_abandoned()

    def when_ended(self, callback: Callable[[], None]) -> None:
        self._on_end.append(callback)

    def queue(self, position: int) -> None:
        """Tell who follows it that it waits for a slot; 1 is the next to get one."""
        fields = {"id": self.id, "status": "starting", "queue_position": position}
        self._happened("start", fields)

    def start(self) -> None:
        self.status = Status.PROCESSING
        self._started_s = time.perf_counter()
        self._happened("start", {"id": self.id, "status": "processing"})

    def add_log(self, source: str, text: str) -> None:
        self._happened("log", {"data": text, "source": source})

    def add_output(self, value: msgspec.Raw, *, is_item: bool) -> None:
        """Take the result, or one item of it."""
        if not is_item:
            self.output = value
            self._happened("output", {"chunk": value, "index": None})
            return
        if not isinstance(self.output, list):
            self.output = []
        self.output.append(value)
        self._happened("output", {"chunk": value, "index": len(self.output) - 1})

    def add_metric(self, metric: Metric) -> None:
        record(self.metrics, metric)
        fields = {"name": metric.name, "value": metric.value, "mode": metric.mode}
        self._happened("metric", fields)

    def end(self, outcome: WireCompleted) -> None:
        """End it, once: a second end changes nothing."""
        if self.is_ended:
            return
        self.is_ended = True
        self.status = Status(outcome.status)
        self.error = outcome.error if self.status is Status.FAILED else None
        self.metrics["predict_time"] = outcome.predict_time_s
        if self.output is None and self.status is Status.SUCCEEDED:
            self.output = [] if outcome.is_list else NULL
        self._happened("completed", {})
        self._listeners.clear()
        for callback in self._on_end:
            callback()
        self._on_end.clear()
        self.on_abandoned = None  # it holds this: a cycle, and outputs may be large
        self.input = {}

    def output_text(self) -> str:
        """Return the output as JSON, for the log."""
        return msgspec.json.encode(self.output).decode()

    def reply(self) -> bytes:
        """Return the body of a synchronous reply.

        Source: a failed or canceled prediction carries no logs and no partial output there.
        """
        fields: dict[str, Any] = {"id": self.id, "logs": "", "metrics": self.metrics}
        if self.status is Status.SUCCEEDED:
            if self.events.has_logs:
                fields["logs"] = self.events.logs
            fields["output"] = self.output
        elif self.error is not None:
            fields["error"] = self.error
        fields["status"] = self.status
        return msgspec.json.encode(fields)

    def snapshot(self, *, output_count: int | None = None) -> dict[str, Any]:
        """Return what webhooks and streams are told, with the first so many output items."""
        fields: dict[str, Any] = {} if self.error is None else {"error": self.error}
        fields |= {"id": self.id, "logs": self.events.logs, "metrics": self.metrics}
        output = self.output
        if isinstance(output, list) and output_count is not None:
            output = output[:output_count]
        if output is not None:
            fields["output"] = output
        fields["status"] = self.status
        return fields

    def _happened(self, name: str, fields: dict[str, Any]) -> None:
        event = self.events.add(name, fields)
        if self._listeners:
            for listener in tuple(self._listeners):
                listener(event)


def record(metrics: dict[str, Any], metric: Metric) -> None:
    """Apply one `record_metric` call; dots in a name make nested objects."""
    *parents, name = metric.name.split(".")
    place = metrics
    for parent in parents:
        if not isinstance(place.get(parent), dict):
            place[parent] = {}
        place = place[parent]
    if metric.mode == "increment":
        place[name] = _number(place.get(name)) + metric.value
    elif metric.mode == "append":
        before = place.get(name)
        place[name] = [*(before if isinstance(before, list) else _listed(before)), metric.value]
    elif metric.value is None:
        place.pop(name, None)
    else:
        place[name] = metric.value


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) else 0


def _listed(value: Any) -> list[Any]:
    return [] if value is None else [value]
