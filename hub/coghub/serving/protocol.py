"""HTTP on uvicorn's httptools protocol, with bounds on the head of a request and on silence.

uvicorn 0.54 collects a head without a limit when it reads with httptools, and waits for its end,
and for that of a body, for ever: a client that never ends one holds a connection, and all that it
has sent of a body, at no cost.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from coghub.api.repeats import LOST

MAX_HEAD_BYTES = 64 * 1024
"""Of a request's URL and headers: eight times what browsers and proxies send at most."""
HEAD_LIMIT_S = 60.0
"""From the connection, or the first byte of a further request, to the end of its head."""
BODY_LIMIT_S = 60.0
"""Of silence in the middle of a body, while we listen."""
MAX_PIPELINED = 64
"""Requests of a connection that wait for the answers before them; what comes after is not read,
as uvicorn would collect them without a limit. Clients that do this ask again, RFC 9112 9.3.2."""
LINGER_S = 1.0
EMPTY = b"content-length: 0\r\nconnection: close\r\n\r\n"


class _Lasting:
    """A transport that takes what is written in the moment after its connection was reset.

    uvloop 0.22 raises then, up to when it says that the connection is lost; asyncio's own does not.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, content: bytes) -> None:
        """Write, where that is still possible."""
        if not self._transport.is_closing():
            self._transport.write(content)


class BoundedProtocol(HttpToolsProtocol):
    """Answers 431 where a head is too long, and lets go of who does not end what was begun."""

    head_limit_s = HEAD_LIMIT_S
    body_limit_s = BODY_LIMIT_S

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_refused = False
        self._is_in_body = False
        self._heard_at = 0.0
        self._body_timer: asyncio.TimerHandle | None = None
        self._lost = asyncio.Event()

    def connection_made(self, transport: asyncio.Transport) -> None:
        """See `HttpToolsProtocol`."""
        lasting: Any = _Lasting(transport)
        super().connection_made(lasting)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `HttpToolsProtocol`."""
        self._stop_timer()
        if self._body_timer is not None:
            self._body_timer.cancel()
        self._lost.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See `HttpToolsProtocol`; what comes between two requests begins a head."""
        if self._is_refused:
            return
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._expect_head()
        if self._is_in_body:
            self._heard_at = self.loop.time()
            if self._body_timer is None:
                self._expect_body(self.body_limit_s)

    def on_message_begin(self) -> None:
        """See `HttpToolsProtocol`."""
        self._head_bytes = 0
        super().on_message_begin()
        scope: Any = self.scope
        scope["extensions"] = {LOST: self._lost}

    def on_url(self, url: bytes) -> None:
        """See `HttpToolsProtocol`."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """See `HttpToolsProtocol`."""
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """See `HttpToolsProtocol`."""
        if self._is_refused:
            return
        self._stop_timer()
        if len(self.pipeline) >= MAX_PIPELINED:
            self._is_refused = True
            self.cycle.keep_alive = False
        else:
            self._is_in_body = True
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """See `HttpToolsProtocol`."""
        if not self._is_refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """See `HttpToolsProtocol`."""
        self._is_in_body = False
        if not self._is_refused:
            super().on_message_complete()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431)

    def _expect_head(self) -> None:
        if self._timer is None and not self._is_refused:
            self._timer = self.loop.call_later(self.head_limit_s, self._refuse, 408)

    def _expect_body(self, after_s: float) -> None:
        self._body_timer = self.loop.call_later(after_s, self._look_for_body)

    def _look_for_body(self) -> None:
        """Let go of who is silent, unless that is because nobody here listens.

        One timer does for all that comes: it looks how long ago that was.
        """
        self._body_timer = None
        if not self._is_in_body or self._is_refused:
            return
        if self.flow.read_paused:
            self._heard_at = self.loop.time()
        left_s = self._heard_at + self.body_limit_s - self.loop.time()
        if left_s > 0:
            self._expect_body(left_s)
        elif self.cycle.response_started:
            self.transport.close()
        else:
            self._refuse(408)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: int) -> None:
        """Answer, and hear the client out for a moment: a reset would take the answer away."""
        if not self._is_refused:
            self._is_refused = True
            self._stop_timer()
            self.transport.write(STATUS_LINE[status] + EMPTY)
            self._timer = self.loop.call_later(LINGER_S, self.transport.close)
