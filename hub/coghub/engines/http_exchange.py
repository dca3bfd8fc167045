"""One HTTP request and its answer over a socket that never blocks.

The command waits for several things at once, the answer's next piece and what the server prints,
so it cannot sit in a blocking read. Parsing is left to httptools, which the server uses too.
"""

import socket
from collections.abc import Mapping

import httptools

RECEIVE_BYTES = 256 * 1024


class Exchange:
    """A request on its way out and the answer on its way in."""

    def __init__(
        self,
        address: tuple[str, int],
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.address = address
        self.status = 0
        """The answer's status, 0 until it is known."""
        self.headers: dict[str, str] = {}
        """The answer's headers, with names in lower case."""
        self.is_complete = False
        self._outgoing = memoryview(_request(address, method, path, body, headers or {}))
        self._incoming = list[bytes]()
        self._parser = httptools.HttpResponseParser(self)
        self._socket: socket.socket | None = None

    def connect(self) -> None:
        """Open the connection.

        Raises:
            OSError: if nobody listens.
        """
        self._socket = socket.create_connection(self.address)
        self._socket.settimeout(0)

    def close(self) -> None:
        """Close the connection; may be called twice."""
        if self._socket:
            self._socket.close()

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        assert self._socket is not None
        return self._socket.fileno()

    @property
    def wants_to_write(self) -> bool:
        """Whether part of the request has not been sent."""
        return bool(self._outgoing)

    def advance(self) -> bytes:
        """Send and receive what can be without waiting; return new bytes of the answer's body.

        Raises:
            OSError: if the connection broke before the answer was complete.
        """
        assert self._socket is not None
        try:
            if self._outgoing:
                self._outgoing = self._outgoing[self._socket.send(self._outgoing) :]
            received = self._socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return b""
        except (BrokenPipeError, ConnectionResetError):
            received = b"" if not self._outgoing else self._last_words()
        self._parse(received)
        body = b"".join(self._incoming)
        self._incoming.clear()
        return body

    def _last_words(self) -> bytes:
        """Return what a server said that would not read the request to its end."""
        assert self._socket is not None
        self._outgoing = memoryview(b"")
        try:
            return self._socket.recv(RECEIVE_BYTES)
        except OSError:
            return b""

    def _parse(self, received: bytes) -> None:
        if not received:
            has_length = "content-length" in self.headers or "transfer-encoding" in self.headers
            if not self.is_complete and (has_length or not self.status):
                raise ConnectionResetError("the server closed the connection")
            self.is_complete = True
            return
        try:
            self._parser.feed_data(received)
        except httptools.HttpParserError as error:
            raise ConnectionResetError(f"the server's answer is not HTTP: {error}") from error

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; called by the parser."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Take the status; called by the parser."""
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; called by the parser."""
        self._incoming.append(body)

    def on_message_complete(self) -> None:
        """Take the end; called by the parser."""
        self.is_complete = True


def _request(
    address: tuple[str, int], method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> bytes:
    host, port = address
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}:{port}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
