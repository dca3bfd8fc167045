"""The calls of a document that take a body, filled in so that they lead somewhere."""

import re
import select
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.fuzz.surfaces import Surface, status_of

PIECE = b"a" * 1024**2


@dataclass(frozen=True)
class Endpoint:
    """A method and a path that take a body, and how it is called."""

    method: str
    path: str
    content_type: str
    headers: Mapping[str, str]

    def head(self, *lines: str, content_type: str | None = None) -> bytes:
        """Return a request up to its body."""
        kind = self.content_type if content_type is None else content_type
        said = [f"{name}: {value}" for name, value in self.headers.items()]
        said += [f"content-type: {kind}"] if kind else []
        whole = [f"{self.method} {self.path} HTTP/1.1", "host: 127.0.0.1", *said, *lines, "", ""]
        return "\r\n".join(whole).encode("latin-1")


def endpoints(surface: Surface) -> Iterator[Endpoint]:
    """Return all that take a body."""
    for path, operations in surface.document["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                [kind, *_] = operation["requestBody"]["content"]
                whole = _filled(path, operation.get("parameters", []))
                named = operation.get("x-method", method).upper()
                yield Endpoint(named, whole, kind, surface.headers)


def _filled(path: str, parameters: list[dict[str, Any]]) -> str:
    known = {it["name"]: it["schema"].get("enum", ["x"])[0] for it in parameters}
    return re.sub(r"\{(\w+)\}", lambda found: quote(known.get(found[1], "x")), path)


def sent_until_answered(connection: socket.socket, size_bytes: int, *, is_chunked: bool) -> bool:
    """Send a body for as long as nobody answers, and tell whether all of it went.

    A client that goes on after the answer would only wait for a reset.
    """
    for _ in range(size_bytes // len(PIECE)):
        if select.select([connection], [], [], 0)[0]:
            return False
        piece = b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if is_chunked else PIECE
        with suppress(ConnectionError):
            connection.sendall(piece)
    if is_chunked:
        with suppress(ConnectionError):
            connection.sendall(b"0\r\n\r\n")
    return True


def answer_to(surface: Surface, sent: bytes) -> int | None:
    """Send a request, and return its answer's status; None where the server hung up."""
    with surface.listener.connect() as connection:
        with suppress(ConnectionError):
            connection.sendall(sent)
        return status_of(connection)
