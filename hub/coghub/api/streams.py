"""What a prediction tells, as server-sent events: replayed from the start, or from an event on.

The parsers of the official clients decide the form: every event has an id; lines end with a line
feed alone; other line boundaries of Unicode, at which one of them cuts, become line feeds.

Source: HTML Living Standard, "Server-sent events".
"""

import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from coghub.api.prediction_view import Files, PredictionView
from coghub.domain.prediction import Chunk, Event, Prediction, Status
from coghub.parts import Hub
from coghub.public_url import base_url

ALIVE_S = 15.0
"""A comment is sent after so long without an event: proxies close what is silent."""
BOUNDARY = re.compile("\r\n|[\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
EVENT_ID = re.compile(r"([0-9]{1,18})(?::([0-9]{1,9}))?", re.ASCII)
"""The number of what was told, and of the item where that was a list; the last item has none."""
HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
}
OPEN_HEADERS = {**HEADERS, "access-control-allow-origin": "*"}
"""Of streams that pages of other sites may read."""
HELLO = b": hi\n\n"
ALIVE = b": alive\n\n"


class StreamRoutes:
    """Answers for streams; their URLs hold a key that nobody can guess, and need no token."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._view = PredictionView(hub)

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [
            Route("/streams/{key}", self.follow, methods=["GET"]),
            Route("/files/streams/{key}", self.follow, methods=["GET"]),
        ]

    async def follow(self, request: Request) -> Response:
        """Answer GET of a stream."""
        prediction = await self._hub.predictions.by_stream_key(request.path_params["key"])
        base = base_url(request, self._hub.settings)
        files = self._view.files(prediction, base)
        events = self._events(prediction, files, _place(request))
        return StreamingResponse(events, headers=OPEN_HEADERS)

    async def _events(
        self, prediction: Prediction, files: Files, place: tuple[int, int]
    ) -> AsyncIterator[bytes]:
        yield HELLO
        last, known_items = place
        told = self._hub.predictions.follow(prediction, after=last, alive_s=ALIVE_S)
        async for event in told:
            if event is None:
                yield ALIVE
                continue
            last = event.sequence
            for sent in (await _told(event, files))[known_items:]:
                yield sent
            known_items = 0
        ended = await self._hub.predictions.find(prediction.id)
        if not ended.status.is_final:  # the hub stops; the client comes back with the last id
            return
        for name, content in _end(ended):
            last += 1
            yield sse(name, last, _json(content))


def _place(request: Request) -> tuple[int, int]:
    """Return after which event to go on, and how many items of the next one are known."""
    found = EVENT_ID.fullmatch(request.headers.get("last-event-id", "").strip())
    if found is None:
        return 0, 0
    number, item = found.groups()
    return (int(number), 0) if item is None else (max(int(number) - 1, 0), int(item) + 1)


async def _told(event: Event, files: Files) -> list[bytes]:
    """Return what is sent of an event; a list that came as a whole is sent item by item."""
    match event.content:
        case str():
            return [sse("logs", event.sequence, event.content)]
        case Chunk(value=value, index=index):
            items = value if isinstance(value, list) and index is None and value else [value]
            ids = [f"{event.sequence}:{number}" for number in range(len(items) - 1)]
            return [
                sse("output", event_id, await _text(item, files))
                for event_id, item in zip([*ids, event.sequence], items, strict=True)
            ]


async def _text(value: Any, files: Files) -> str:
    shown = await files.shown(value)
    return shown if isinstance(shown, str) else _json(shown)


def _end(prediction: Prediction) -> list[tuple[str, dict[str, Any]]]:
    """Return the last events: whoever reads no `error` learns the end from `done`."""
    match prediction.status:
        case Status.SUCCEEDED:
            return [("done", {})]
        case Status.CANCELED:
            return [("done", {"reason": "canceled"})]
        case Status.FAILED:
            error = {"detail": prediction.error or ""}
            return [("error", error), ("done", {"reason": "error"})]
        case Status.STARTING | Status.PROCESSING:
            return []  # the hub stops: whoever comes back goes on behind the last event


def sse(name: str, event_id: int | str, text: str) -> bytes:
    """Return an event as it is sent."""
    lines = BOUNDARY.sub("\n", text).split("\n")
    content = "".join(f"data: {line}\n" for line in lines)
    return f"event: {name}\nid: {event_id}\n{content}\n".encode()


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
