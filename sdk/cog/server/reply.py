"""One request and its answer, without the connection that carries them."""

from collections.abc import Callable
from typing import Protocol

from cog.server.errors import JSON


class Carrier(Protocol):
    """What an answer needs of its connection."""

    is_writable: bool

    @property
    def may_chunk(self) -> bool: ...
    def head(self, status: int, rest: bytes, *, is_delimited: bool = True) -> bytes: ...
    def write(self, content: bytes) -> None: ...
    def finish(self, *, is_delimited: bool) -> None: ...


class Request:
    """One whole request."""

    __slots__ = ("body", "headers", "is_alive_after", "is_old", "method", "path")

    def __init__(self, method: str, path: bytes, headers: dict[bytes, bytes]) -> None:
        self.method = method
        self.path = path
        """As sent: still percent-encoded, without the query."""
        self.headers = headers
        """Names in lower case; the values of a repeated one are joined by commas."""
        self.body: bytes | bytearray = b""
        self.is_alive_after = True
        self.is_old = False
        """HTTP/1.0: knows no chunks, and hangs up unless both sides say otherwise."""


class Reply:
    """The answer to one request: `send` once, or `start` and then `write` and `end`."""

    __slots__ = ("_connection", "_is_chunked", "_is_head", "is_open", "on_gone", "on_writable")

    def __init__(self, connection: Carrier, *, is_head: bool) -> None:
        self._connection = connection
        self._is_head = is_head
        self._is_chunked = False
        self.is_open = True
        """The client is there, and the answer has not ended."""
        self.on_gone: Callable[[], None] | None = None
        """Called if the client leaves before the answer ended."""
        self.on_writable: Callable[[], None] | None = None
        """Called when a slow client has caught up."""

    def send(
        self, status: int, body: bytes, content_type: bytes = JSON, *, headers: bytes = b""
    ) -> None:
        """Answer in one piece; does nothing if the client has gone."""
        if not self.is_open:
            return
        kind = b"content-type: %b\r\n" % content_type if body else b""
        length = b"content-length: %d\r\n" % len(body)
        head = self._connection.head(status, kind + length + headers)
        self._connection.write(head if self._is_head else head + body)
        self._finish()

    def start(self, content_type: bytes) -> None:
        """Begin an answer whose length nobody knows yet."""
        self._is_chunked = self._connection.may_chunk
        framing = b"transfer-encoding: chunked\r\n" if self._is_chunked else b""
        rest = b"content-type: %b\r\ncache-control: no-cache\r\n%b" % (content_type, framing)
        self._connection.write(self._connection.head(200, rest, is_delimited=self._is_chunked))

    def write(self, chunk: bytes) -> None:
        if self.is_open:
            framed = b"%x\r\n%b\r\n" % (len(chunk), chunk) if self._is_chunked else chunk
            self._connection.write(framed)

    def end(self) -> None:
        if self.is_open:
            if self._is_chunked:
                self._connection.write(b"0\r\n\r\n")
            self._finish(is_delimited=self._is_chunked)

    @property
    def is_writable(self) -> bool:
        """False while the client reads more slowly than we write."""
        return self.is_open and self._connection.is_writable

    def leave(self) -> None:
        """Note that the client has gone."""
        self.is_open = False
        if self.on_gone is not None:
            self.on_gone()

    def _finish(self, *, is_delimited: bool = True) -> None:
        self.is_open = False
        self._connection.finish(is_delimited=is_delimited)
