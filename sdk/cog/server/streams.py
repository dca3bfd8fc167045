"""Event streams: a prediction as it happens, as SSE or as one JSON object a line.

A stream keeps no queue. It knows the number of the last event that it wrote; a client that reads
slowly, comes late or comes back is told what it lacks from the prediction's own event log.
"""

import asyncio
from typing import Any

import msgspec

from cog.server.events import Event, dropped_text
from cog.server.prediction import Prediction
from cog.server.reply import Reply

NDJSON = b"application/x-ndjson"
SSE = b"text/event-stream"
KEEP_ALIVE_S = 15.0
FAILED = "Prediction failed: "
TRUNCATED = "SSE stream replay truncated; events were dropped"
LAGGED = "SSE stream lagged; events were dropped"


class EventStream:
    """One client that follows one prediction."""

    def __init__(
        self, prediction: Prediction, reply: Reply, *, content_type: bytes, after: int = 0
    ) -> None:
        self._prediction = prediction
        self._reply = reply
        self._content_type = content_type
        self._render = render_sse if content_type == SSE else render_ndjson
        self._told = after if after <= prediction.events.last else 0
        """Number of the last event that the client has; a number of an earlier run means none."""
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def open(self, *, history: int | None = None) -> None:
        """Begin, with at most so many past events; None for all of them."""
        self._reply.start(self._content_type)
        self._reply.on_gone = self._leave
        self._reply.on_writable = self._catch_up
        self._prediction.listen(self._notice)
        self._prediction.followers += 1
        self._timer = self._loop.call_later(KEEP_ALIVE_S, self._keep_alive)
        if history is not None:
            self._skip_to_last(history)
        self._catch_up()

    def _notice(self, event: Event) -> None:
        if event.sequence == self._told + 1 and self._reply.is_writable:
            self._write(event)

    def _catch_up(self) -> None:
        for event in self._prediction.events.after(self._told):
            if not self._reply.is_writable:
                return
            self._write(event)

    def _skip_to_last(self, count: int) -> None:
        known = list(self._prediction.events.after(self._told))
        skipped = len(known) - count
        if skipped > 0:
            self._told = known[skipped - 1].sequence
            if count:
                self._reply.write(_sse("error", {"error": TRUNCATED, "skipped": skipped}))

    def _write(self, event: Event) -> None:
        self._told = event.sequence
        self._reply.write(self._render(event, self._prediction))
        if event.name == "completed":
            self._leave()
            self._reply.end()

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._prediction.stop_listening(self._notice)
            self._prediction.leave()

    def _keep_alive(self) -> None:
        if self._reply.is_writable:
            self._reply.write(b": keep-alive\n\n" if self._content_type == SSE else b"\n")
        self._timer = self._loop.call_later(KEEP_ALIVE_S, self._keep_alive)


def render_sse(event: Event, prediction: Prediction) -> bytes:
    """Return an event as Cog's own stream has it, and with its number."""
    match event.name:
        case "dropped":
            fields = {"error": LAGGED, "skipped": event.fields["events"]}
            return _sse("error", fields)
        case "completed":
            return _sse("completed", prediction.snapshot(), event.sequence)
        case "output":
            index = event.fields["index"] or 0
            return _sse("output", {**event.fields, "index": index}, event.sequence)
        case _:
            return _sse(event.name, event.fields, event.sequence)


def render_ndjson(event: Event, prediction: Prediction) -> bytes:
    """Return an event as a line; increments only, so the end repeats neither output nor logs."""
    name, fields = event.name, event.fields
    if name == "dropped":
        text = dropped_text(event.fields["bytes"])
        name, fields = "log", {"data": text, "source": "stderr"}
    elif name == "completed":
        fields = completed_fields(prediction)
    return msgspec.json.encode({"sequence": event.sequence, "event": name, "data": fields}) + b"\n"


def completed_fields(prediction: Prediction) -> dict[str, Any]:
    """Return how a prediction ended."""
    fields = {
        "id": prediction.id,
        "status": prediction.status,
        "metrics": prediction.metrics,
        "output_is_list": isinstance(prediction.output, list),
    }
    if prediction.error is None:
        return fields
    # Cog says it twice where synchronous code raises, and so do the answers that are Cog's.
    is_said_twice = prediction.error.startswith(FAILED * 2)
    error = prediction.error[len(FAILED) if is_said_twice else 0 :]
    return {**fields, "error": error}


def _sse(name: str, fields: dict[str, Any], sequence: int | None = None) -> bytes:
    number = b"" if sequence is None else b"id: %d\n" % sequence
    return b"event: %b\n%bdata: %b\n\n" % (name.encode(), number, msgspec.json.encode(fields))
