"""Counts requests on their way through, at the cost of two calls each."""

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coghub.domain.statistics import Statistics

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
OTHER = "other"
"""What stands for a method that is none of these: a client may make them up without end."""


class Counted:
    """An application whose requests are counted under a name."""

    def __init__(self, app: ASGIApp, surface: str, statistics: Statistics) -> None:
        self._app = app
        self._surface = surface
        self._statistics = statistics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does."""
        began, surface, counts = perf_counter(), self._surface, self._statistics
        method = scope["method"] if scope["method"] in METHODS else OTHER

        async def taken() -> Message:
            message = await receive()
            if body := message.get("body"):
                counts.received_bytes[surface] += len(body)
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                counts.requests[surface, method, message["status"]] += 1
                counts.answered[surface].add(perf_counter() - began)
            elif body := message.get("body"):
                counts.sent_bytes[surface] += len(body)
            await send(message)

        await self._app(scope, taken, sent)
