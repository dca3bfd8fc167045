"""HTTP for bulk: bodies stream both ways, one thread a connection, and connections are kept.

On the standard library's `http.client`: the commands are synchronous, it costs no import that they
do not already pay, it never holds more than a piece of a body, and it lets us read an answer that
came before the request was sent to its end, which is how a registry refuses an upload.
"""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http.client import HTTPException, HTTPResponse
from urllib.parse import urlsplit

from coghub.build.registry_client.connection import (
    CHUNK_BYTES,
    TIMEOUT_S,
    Body,
    Connection,
    Request,
    explained,
    port_of,
)
from coghub.build.registry_client.routes import proxy_for, tls_context
from coghub.domain.errors import RegistryUnreachable

LONG_TIMEOUT_S = 600.0
"""For an answer that a registry gives when it has put a large blob together."""
MAX_DRAINED_BYTES = 64 * 1024
"""What is left of an answer is read for the connection's sake; more is cheaper to cut off."""


def body_of(content: bytes) -> Body:
    """Return a body that is in memory."""
    return Body(len(content), lambda: [content] if content else [])


class Answer:
    """A status, headers, and a body that is still on its way."""

    def __init__(self, url: str, response: HTTPResponse, give_back: Callable[[bool], None]) -> None:
        self.url = url
        self.status = response.status
        self.headers = response.headers
        self._response = response
        self._give_back = give_back

    def read(self, limit: int) -> bytes:
        """Return the body up to a limit, and be done with the answer."""
        with self:
            return b"".join(self.chunks(limit))

    def chunks(self, limit: int | None = None) -> Iterator[bytes]:
        """Yield the body piece by piece.

        Raises:
            RegistryUnreachable: if the connection breaks before the end.
        """
        left = limit
        while left is None or left > 0:
            chunk = self._piece(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left))
            if not chunk:
                return
            left = None if left is None else left - len(chunk)
            yield chunk

    def close(self) -> None:
        """Give the connection back, if what is left of the body is little; may be called twice."""
        length = self._response.length
        if not self._response.isclosed() and length is not None and length <= MAX_DRAINED_BYTES:
            try:
                self._response.read()
            except (OSError, HTTPException):
                self._response.will_close = True
        self._give_back(self._response.isclosed() and not self._response.will_close)
        self._response.close()

    def _piece(self, size: int) -> bytes:
        address = urlsplit(self.url).netloc
        try:
            piece = self._response.read(size)
        except (OSError, HTTPException) as error:
            raise explained(error, address) from error
        if not piece and self._response.length:  # which `read` with a size does not mind
            raise RegistryUnreachable(f"The connection to {address} broke amid an answer")
        return piece

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Connections:
    """Connections to any host, safe to use from many threads."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, str], list[Connection]] = {}
        self._busy = set[Connection]()
        self._tls: ssl.SSLContext | None = None
        self._is_closed = False

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Body | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Answer:
        """Send a request and return the answer, whose body the caller reads or closes.

        Raises:
            RegistryUnreachable: if there is no connection, or it breaks.
        """
        request = Request(method, urlsplit(url), headers, body, timeout_s)
        while True:
            connection = self._taken(request)
            was_idle = connection.is_open
            try:
                response = connection.exchange(request)
            except BaseException as error:
                self._give_back(request, connection, keep=False)
                if not isinstance(error, OSError | HTTPException):
                    raise
                if was_idle and request.is_cheap and not self._is_closed:
                    continue  # the server closed it meanwhile; the next one may be new
                raise explained(error, request.parts.netloc) from error
            return Answer(url, response, partial(self._give_back, request, connection))

    def close(self) -> None:
        """Close all connections, also under the hands of other threads, which then fail."""
        with self._lock:
            self._is_closed = True
            idle = [one for many in self._idle.values() for one in many]
            self._idle.clear()
            busy = list(self._busy)
        for connection in idle:
            connection.close()
        for connection in busy:
            connection.cut()

    def _taken(self, request: Request) -> Connection:
        key = (request.parts.scheme, request.parts.netloc)
        with self._lock:
            if self._is_closed:
                raise RegistryUnreachable("The connections were closed", is_final=True)
            idle = self._idle.get(key)
            connection = idle.pop() if idle else self._new(request)
            self._busy.add(connection)
            return connection

    def _give_back(self, request: Request, connection: Connection, keep: bool) -> None:  # noqa: FBT001 - bound above
        key = (request.parts.scheme, request.parts.netloc)
        with self._lock:
            if connection not in self._busy:
                return
            self._busy.discard(connection)
            if keep and not self._is_closed:
                self._idle.setdefault(key, []).append(connection)
                return
        connection.close()

    def _new(self, request: Request) -> Connection:
        parts = request.parts
        proxy = proxy_for(parts.scheme, parts.hostname or "", port_of(parts), self.environ)
        if parts.scheme == "https" and self._tls is None:
            self._tls = tls_context(self.environ)
        return Connection(parts, proxy, self._tls if parts.scheme == "https" else None)
