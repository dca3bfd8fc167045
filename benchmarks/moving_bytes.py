"""The measurements of the hub as a registry of models: pushes again, and latency beside them."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.databases import Database
from benchmarks.environments import MODELS, ROOT
from benchmarks.hub import Hub, running_hub
from benchmarks.hub_measures import Caller
from benchmarks.measures import Effort
from benchmarks.servers import clean_environ

PIECE_BYTES = 1024**2
CODE_FILES, CODE_FILE_BYTES = 16, 64 * 1024
PULLED_BYTES = 1024**3
GET_EVERY_S = 0.005
"""So often a prediction is asked for, like many clients that poll."""


class Counter:
    """Passes connections on to a hub, and counts what clients send."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.sent_bytes = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """Where clients connect to."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                hub = socket.create_connection(("127.0.0.1", self._to))
                for pair in ((client, hub, 1), (hub, client, 0)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, counted: int) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                with self._lock:
                    self.sent_bytes += len(piece) * counted
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)


def second_push(effort: Effort, on: Database) -> tuple[int, int]:
    """Return the bytes sent by a first push, and by a second after a change of the code."""
    with running_hub("second-push", on) as hub, closing(Counter(hub.port)) as counter:
        hub.login(counter.address)
        project = _heavy_project(hub.folder / "heavy", effort.weights_bytes)
        reference = f"{counter.address.removeprefix('http://')}/{hub.owner}/heavy"
        sent = []
        for number in range(2):
            (project / "lib" / "part0.py").write_text(f"VERSION = {number}\n" + _code())
            before = counter.sent_bytes
            hub.cog("push", reference, folder=project)
            sent.append(counter.sent_bytes - before)
    return sent[0], sent[1]


def _heavy_project(folder: Path, weights_bytes: int) -> Path:
    shutil.copytree(MODELS / "sync", folder, ignore=shutil.ignore_patterns("__pycache__", ".cog"))
    with (folder / "weights.bin").open("wb") as weights:
        for _ in range(weights_bytes // PIECE_BYTES):
            weights.write(os.urandom(PIECE_BYTES))
    (folder / "lib").mkdir()
    for number in range(CODE_FILES):
        (folder / "lib" / f"part{number}.py").write_text(_code())
    return folder


def _code() -> str:
    """Return text that hardly compresses: the least that a change of code can be sent as."""
    return "#" + os.urandom(CODE_FILE_BYTES // 2).hex() + "\n"


@dataclass(frozen=True)
class Latencies:
    """Of `GET /v1/predictions/ID`, sorted."""

    sample_s: list[float]

    @property
    def p50_s(self) -> float:
        """The median."""
        return self.sample_s[len(self.sample_s) // 2]

    @property
    def p99_s(self) -> float:
        """What one of a hundred exceeds."""
        return self.sample_s[int(len(self.sample_s) * 0.99)]


def beside_transfers(effort: Effort, on: Database) -> tuple[Latencies, Latencies]:
    """Measure polls of a prediction by themselves, and while a push and a pull run."""
    with running_hub("transfers", on) as hub:
        version = hub.push_model("sync")
        with closing(Caller(hub, version)) as caller:
            _, made = caller.create(1)
            caller.end_of(made["id"], 1)
            path = f"/v1/predictions/{made['id']}"
            alone = _polled(caller, path, effort.polls_s)
            with _transfers(hub, effort.moved_bytes):
                beside = _polled(caller, path, effort.polls_s)
    return alone, beside


def _polled(caller: Caller, path: str, seconds: float) -> Latencies:
    sample, ends_at = [], time.perf_counter() + seconds
    while time.perf_counter() < ends_at:
        elapsed_s, found = caller.get(path)
        if found["output"] != 2:
            raise RuntimeError(f"the hub answered {found}")
        sample.append(elapsed_s)
        time.sleep(GET_EVERY_S)
    return Latencies(sorted(sample))


@contextmanager
def _transfers(hub: Hub, moved_bytes: int) -> Iterator[None]:
    """Push and pull large blobs inside the block, over and over; fail if either ended early."""
    sizes = {"pull": min(PULLED_BYTES, moved_bytes), "push": moved_bytes}
    with ExitStack() as stack:
        started = [stack.enter_context(_transfer(hub, what, size)) for what, size in sizes.items()]
        yield
        for process in started:
            if process.poll() is not None:
                raise RuntimeError(f"{process.args} ended early")


@contextmanager
def _transfer(hub: Hub, what: str, size_bytes: int) -> Iterator[subprocess.Popen[str]]:
    target = [f"127.0.0.1:{hub.port}", f"{hub.owner}/moved-{what}", str(size_bytes)]
    command = [sys.executable, "-m", "benchmarks.transfer", what, *target, f"Bearer {hub.token}"]
    environ = clean_environ()
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{command} did not start")
        yield process
    finally:
        process.kill()
        process.communicate()
