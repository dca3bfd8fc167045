"""What is attacked: each listener of ours, with what is needed to watch it."""

import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PATIENCE_S = 30.0
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="measures memory in /proc")
FAULT = re.compile(r"Traceback|Request failed|request failed|page failed|level=ERROR|\"ERROR\"")
"""What a log says of a mistake of ours; a refused request is none."""
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


@dataclass(frozen=True)
class Listener:
    """A port, and the process behind it."""

    name: str
    port: int
    pid: int
    log: Callable[[], str]
    alive: str
    """A path that is answered with 200 as long as the process serves."""

    def ask(self, sent: bytes, *, patience_s: float = PATIENCE_S) -> int | None:
        """Send bytes, and return the first answer's status; None where it hung up before."""
        with self.connect(patience_s) as connection:
            with suppress(ConnectionError):
                connection.sendall(sent)
            return status_of(connection)

    @contextmanager
    def connect(self, patience_s: float = PATIENCE_S) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), patience_s) as connection:
            yield connection

    def is_alive(self) -> bool:
        """Tell whether a well-behaved client is served."""
        head = f"GET {self.alive} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
        return self.ask(head.encode()) in (200, 404)

    @contextmanager
    def kept_well(self) -> Iterator[None]:
        """Require that inside the block nothing happens that a log would call our mistake."""
        before = len(self.log())
        yield
        assert self.is_alive()
        said = self.log()[before:]
        assert not FAULT.search(said), said[-4000:]

    @contextmanager
    def no_larger_than(self, limit_mib: float) -> Iterator[None]:
        """Require that inside the block its memory grows by no more than that, at any moment."""
        with suppress(OSError):  # not on this system, or not ours: the peak of all time has to do
            Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        before = memory_mib(self.pid, "VmRSS")
        yield
        grown = memory_mib(self.pid, "VmHWM") - before
        assert grown < limit_mib, f"{self.name} grew by {grown:.0f} MiB"


@dataclass(frozen=True)
class Surface:
    """A part of what a listener answers, with the document that describes it."""

    listener: Listener
    document: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    """Who asks."""
    keeps_its_word: bool = False
    """Every answer is one that the document names."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.port}"


def status_of(connection: socket.socket) -> int | None:
    """Return the status of the answer that comes on a connection; None where none comes."""
    answer = b""
    with suppress(ConnectionError):
        while b"\r\n" not in answer and (piece := connection.recv(4096)):
            answer += piece
    if not answer:
        return None
    found = STATUS.match(answer)
    assert found, answer[:200]
    return int(found[1])


def memory_mib(pid: int, kind: str) -> float:
    """Return what a process has of the memory (`VmRSS`), or had at most (`VmHWM`)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{kind}:")[2].split()[0]) / 1024


class Log:
    """What a process says, collected while it runs."""

    def __init__(self, stream: Any) -> None:
        self.text = ""
        self._grown = threading.Condition()
        self._reader = threading.Thread(target=self._read, args=[stream], daemon=True)
        self._reader.start()

    def _read(self, stream: Any) -> None:
        for line in stream:
            with self._grown:
                self.text += line
                self._grown.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + PATIENCE_S
        with self._grown:
            while not (found := re.search(pattern, self.text)):
                assert self._grown.wait(deadline - time.monotonic()), self.text
        return found
