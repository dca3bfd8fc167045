"""HTTP/1.1 on one TCP connection, without a framework: bytes in, `Request`, `Reply`, bytes out.

httptools parses. A request is handed to `respond` when it is whole, in the same callback that read
its last byte; the answer may be sent then or later. Pipelined requests wait for their turn.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import httptools

from cog.server.connections import Connections, Progress, Stage
from cog.server.errors import TEXT
from cog.server.reply import Reply, Request

MAX_HEAD_BYTES = 64 * 1024
MAX_JOINED_BYTES = 8 * 1024
"""Values of one repeated header: each is copied for the next."""
MAX_BODY_BYTES = 100 * 1024**2
MAX_DISCARDED_BYTES = 1024**3
"""A body that is too large is read and dropped up to here, so that its sender sees the answer."""
MAX_WAITING = 16
"""Pipelined requests that wait before reading stops."""

TOO_LARGE = b"Failed to buffer the request body: length limit exceeded"
TOO_MANY_BODIES = b"Too many large requests at once"
HEAD_TOO_LARGE = b"Request header fields too large"
TOO_SLOW = b"Request was not sent in time"
TOO_MANY = b"Too many connections"
_REASONS = {it.value: it.phrase.encode() for it in HTTPStatus}


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, respond: Callable[[Request, Reply], None], connections: Connections) -> None:
        self._respond = respond
        self._connections = connections
        self._waiting: deque[Request] = deque()
        self._reply: Reply | None = None
        self._request: Request | None = None
        self._is_begun = False
        self._is_closing = False
        self._held_bytes = 0
        self.is_writable = True
        self._reset()

    # What the loop calls.

    def connection_made(self, transport: Any) -> None:  # uvloop's are no `asyncio.Transport`
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._unparsed_bytes:
            self._take_unparsed(data)
            return
        self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # Nothing here speaks another protocol: the request is answered as if it had not asked.
            if not self._unparsed_bytes:
                self._parser = httptools.HttpRequestParser(self)
            if rest := data[upgrade.args[0] :]:
                self.data_received(rest)
        except httptools.HttpParserError as error:
            self._refuse(400, f"Invalid HTTP request: {error}".encode())
        if self._is_in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431, HEAD_TOO_LARGE)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._connections.discard(self)
        self._let_go()
        self._waiting.clear()
        self._is_closing = True
        if self._reply is not None:
            reply, self._reply = self._reply, None
            reply.leave()

    def pause_writing(self) -> None:
        self.is_writable = False

    def resume_writing(self) -> None:
        self.is_writable = True
        if self._reply is not None and self._reply.on_writable is not None:
            self._reply.on_writable()

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._reset()
        self._is_begun = True

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        before = self._headers.get(name)
        if before is None:
            self._headers[name] = value
        elif len(before) + len(value) <= MAX_JOINED_BYTES:
            self._headers[name] = before + b", " + value
        else:
            self._refuse_whole(431, HEAD_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        length = self._headers.get(b"content-length", b"")
        size_bytes = int(length) if length.isdigit() else 0
        if self._parser.should_upgrade():
            self._unparsed_bytes = size_bytes
        if size_bytes > MAX_BODY_BYTES:
            self._refuse_whole(413, TOO_LARGE)
        elif b"expect" in self._headers:
            self._tell_to_continue()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > MAX_DISCARDED_BYTES:
            self._transport.close()
        elif self._body_bytes > MAX_BODY_BYTES:
            self._refuse_whole(413, TOO_LARGE)
        elif not self._is_refused:
            self._body.append(body)
            self._held_bytes += len(body)
            if not self._connections.hold(len(body), self._body_bytes):
                self._refuse_whole(429, TOO_MANY_BODIES)

    def on_message_complete(self) -> None:
        if self._unparsed_bytes:
            return
        if self._is_refused:
            self._transport.close()
            return
        request = Request(
            self._parser.get_method().decode("latin-1"),
            _path_of(self._url),
            self._headers,
        )
        request.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []  # a connection may stay open, and idle, for long
        self._let_go()
        request.is_alive_after = self._parser.should_keep_alive()
        request.is_old = self._parser.get_http_version() != "1.1"
        self._is_begun, self._is_in_head, self._head_bytes = False, True, 0
        if self._reply is None and not self._waiting:
            self._begin(request)
        else:
            self._waiting.append(request)
            if len(self._waiting) >= MAX_WAITING:
                self._transport.pause_reading()

    # What replies call.

    @property
    def may_chunk(self) -> bool:
        return self._request is None or not self._request.is_old

    def head(self, status: int, rest: bytes, *, is_delimited: bool = True) -> bytes:
        """Return status line and headers."""
        if not is_delimited or not self._stays_open():
            rest += b"connection: close\r\n"
        elif self._request is not None and self._request.is_old:
            rest += b"connection: keep-alive\r\n"
        return b"HTTP/1.1 %d %b\r\n%bdate: %b\r\n\r\n" % (status, _REASONS[status], rest, _date())

    def write(self, content: bytes) -> None:
        self._transport.write(content)

    def finish(self, *, is_delimited: bool) -> None:
        """End the answer; go on with the next request, or hang up."""
        stays_open = is_delimited and self._stays_open()
        self._reply = self._request = None
        if not stays_open:
            self._transport.close()
        elif self._waiting:
            asyncio.get_running_loop().call_soon(self._begin_waiting)

    # What the server calls.

    def close_when_idle(self) -> None:
        """Hang up now, or after the answer that is under way."""
        self._is_closing = True
        if self._reply is None:
            self._transport.close()

    def progress(self) -> Progress:
        """Return where this stands, for those who look now and then."""
        unsent_bytes = self._transport.get_write_buffer_size()
        if unsent_bytes:
            return Progress(Stage.UNREAD, self._headers, unsent_bytes)
        if self._reply is not None:
            return Progress(Stage.SERVING, self._headers, 0)
        if not self._is_in_head:
            return Progress(Stage.BODY, self._headers, self._head_bytes + self._body_bytes)
        stage = Stage.HEAD if self._is_begun else Stage.IDLE
        return Progress(stage, self._headers, self._head_bytes)

    def give_up(self) -> None:
        """Hang up on a client that keeps us waiting; tell it where it may still listen."""
        stage = self.progress().stage
        if stage in (Stage.HEAD, Stage.BODY):
            self._refuse(408, TOO_SLOW)
        if stage is Stage.UNREAD:
            self._transport.abort()
        else:
            self._is_closing = True
            self._transport.close()

    def turn_away(self) -> None:
        """Hang up on a client for whom there is no room."""
        self._refuse(503, TOO_MANY)

    # The rest.

    def _tell_to_continue(self) -> None:
        """Answer a client that asks before it sends its body."""
        is_asked = self._headers[b"expect"].lower() == b"100-continue"
        if is_asked and self._reply is None and self._parser.get_http_version() == "1.1":
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _take_unparsed(self, data: bytes) -> None:
        """Take the body of a request that asked for an upgrade: httptools stops before it."""
        body = data[: self._unparsed_bytes]
        self._unparsed_bytes -= len(body)
        self.on_body(body)
        if not self._unparsed_bytes:
            self.on_message_complete()
            self._parser = httptools.HttpRequestParser(self)
            if rest := data[len(body) :]:
                self.data_received(rest)

    def _let_go(self) -> None:
        self._connections.let_go(self._held_bytes)
        self._held_bytes = 0

    def _reset(self) -> None:
        self._unparsed_bytes = 0
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._head_bytes = 0
        self._is_in_head = True
        self._is_refused = False

    def _stays_open(self) -> bool:
        request = self._request
        return not self._is_closing and (request is None or request.is_alive_after)

    def _begin(self, request: Request) -> None:
        self._request = request
        self._reply = Reply(self, is_head=request.method == "HEAD")
        self._respond(request, self._reply)

    def _begin_waiting(self) -> None:
        if self._waiting and self._reply is None:
            self._transport.resume_reading()
            self._begin(self._waiting.popleft())

    def _refuse_whole(self, status: int, text: bytes) -> None:
        """Answer at once, and go on reading: hanging up now could lose the answer."""
        if not self._is_refused:
            self._is_refused = self._is_closing = True
            self._body.clear()
            self._let_go()
            self._say(status, text)

    def _refuse(self, status: int, text: bytes) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._say(status, text)
            self._transport.close()

    def _say(self, status: int, text: bytes) -> None:
        """Answer a request that never became one, unless another's answer is under way."""
        if self._reply is None and not self._transport.is_closing():
            rest = b"content-type: %b\r\ncontent-length: %d\r\n"
            self.write(self.head(status, rest % (TEXT, len(text))) + text)


def _path_of(url: bytes) -> bytes:
    """Return the path of a request's target, without a query; a proxy's names the host as well."""
    path = url.partition(b"?")[0]
    if path.startswith(b"/") or b"://" not in path:
        return path
    return b"/" + path.partition(b"://")[2].partition(b"/")[2]


_date_cache: dict[int, bytes] = {}


def _date() -> bytes:
    """Return the value of the date header, made once a second."""
    now = int(time.time())
    cached = _date_cache.get(now)
    if cached is None:
        _date_cache.clear()
        cached = _date_cache[now] = formatdate(now, usegmt=True).encode()
    return cached


def connection_maker(
    respond: Callable[[Request, Reply], None], connections: Connections
) -> Callable[[], Any]:
    """Return what `loop.create_server` wants."""
    return lambda: Connection(respond, connections)
