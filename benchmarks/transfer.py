"""A client that moves one blob over a raw socket, so that the client is not what is measured.

`python -m benchmarks.transfer push|pull HOST:PORT REPOSITORY SIZE_BYTES [AUTHORIZATION]` goes on
until it is ended: it is the load beside which the latency of other requests is measured.
"""

import hashlib
import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

PIECE_BYTES = 1024**2
MAX_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True)
class Target:
    """A repository of a registry."""

    host: str
    port: int
    repository: str
    authorization: str | None = None


@dataclass(frozen=True)
class Blob:
    """Content that is made while it is sent: numbered pieces, after a random beginning."""

    seed: bytes
    size_bytes: int

    def pieces(self) -> Iterator[bytes]:
        """Yield the content."""
        rest = self.seed * ((PIECE_BYTES - 8) // len(self.seed))
        for number in range(self.size_bytes // PIECE_BYTES):
            yield number.to_bytes(8, "big") + rest

    @property
    def digest(self) -> str:
        """The digest, which takes a while."""
        summed = hashlib.sha256()
        for piece in self.pieces():
            summed.update(piece)
        return f"sha256:{summed.hexdigest()}"


def new_blob(size_bytes: int) -> Blob:
    """Return a blob that no registry has."""
    return Blob(os.urandom(8), size_bytes)


class Connection:
    """One kept-alive connection."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._socket = socket.create_connection((target.host, target.port))
        self._left = b""

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def ask(self, method: str, path: str, blob: Blob | None = None) -> tuple[int, dict[str, str]]:
        """Send a request, and return status and headers of the answer."""
        head = [f"{method} {path} HTTP/1.1", f"Host: {self.target.host}:{self.target.port}"]
        head += [f"Authorization: {self.target.authorization}"] if self.target.authorization else []
        head += [f"Content-Length: {blob.size_bytes if blob else 0}"] if method != "GET" else []
        head += ["Content-Type: application/octet-stream"] if blob else []
        self._socket.sendall("\r\n".join([*head, "", ""]).encode())
        for piece in blob.pieces() if blob else ():
            self._socket.sendall(piece)
        return self._head()

    def skip(self, size_bytes: int) -> None:
        """Read a body and forget it."""
        piece = bytearray(PIECE_BYTES)
        size_bytes -= len(self._left)
        self._left = b""
        while size_bytes > 0:
            got = self._socket.recv_into(piece, min(size_bytes, PIECE_BYTES))
            if got == 0:
                raise ConnectionError("The answer ended early")
            size_bytes -= got

    def _head(self) -> tuple[int, dict[str, str]]:
        while b"\r\n\r\n" not in self._left:
            some = self._socket.recv(MAX_HEAD_BYTES)
            if not some:
                raise ConnectionError("No answer")
            self._left += some
        head, _, self._left = self._left.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        return int(status.split()[1]), {name.lower(): value.strip() for name, value in pairs}


def push(target: Target, blob: Blob, digest: str) -> float:
    """Push a blob as Docker does, and return the seconds until the last answer."""
    connection = Connection(target)
    started = time.perf_counter()
    _, begun = _expect(connection.ask("POST", f"/v2/{target.repository}/blobs/uploads/"), 202)
    _, sent = _expect(connection.ask("PATCH", _path(begun["location"]), blob), 202)
    location = _path(sent["location"])
    finish = f"{location}{'&' if '?' in location else '?'}digest={digest}"
    _expect(connection.ask("PUT", finish), 201)
    elapsed_s = time.perf_counter() - started
    connection.close()
    return elapsed_s


def pull(target: Target, digest: str, size_bytes: int) -> float:
    """Pull a blob, and return the seconds."""
    connection = Connection(target)
    started = time.perf_counter()
    _expect(connection.ask("GET", f"/v2/{target.repository}/blobs/{digest}"), 200)
    connection.skip(size_bytes)
    elapsed_s = time.perf_counter() - started
    connection.close()
    return elapsed_s


def _expect(answer: tuple[int, dict[str, str]], status: int) -> tuple[int, dict[str, str]]:
    if answer[0] != status:
        raise ConnectionError(f"The registry answered {answer[0]}, not {status}")
    return answer


def _path(location: str) -> str:
    return re.sub(r"^https?://[^/]*", "", location)


def main() -> None:
    """Push or pull until ended."""
    what, address, repository, size, *authorization = sys.argv[1:]
    host, port = address.rsplit(":", 1)
    target = Target(host, int(port), repository, authorization[0] if authorization else None)
    blob = new_blob(int(size))
    digest = blob.digest
    if what == "pull":
        push(target, blob, digest)
    print("ready", flush=True)
    while True:
        if what == "pull":
            pull(target, digest, blob.size_bytes)
        else:
            push(target, blob, digest)


if __name__ == "__main__":
    main()
