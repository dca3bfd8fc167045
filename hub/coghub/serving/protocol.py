"""HTTP on uvicorn's httptools protocol, with a bound on what a client may send before its body."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
"""Of a request's URL and headers: eight times what browsers and proxies send at most."""


class BoundedProtocol(HttpToolsProtocol):
    """Answers 431 where the head of a request does not end.

    uvicorn 0.54 collects it without a limit when it reads with httptools.
    """

    _head_bytes = 0

    def on_message_begin(self) -> None:
        """See `HttpToolsProtocol`."""
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """See `HttpToolsProtocol`."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """See `HttpToolsProtocol`."""
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            empty = b"content-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[431] + empty)
            self.transport.close()
