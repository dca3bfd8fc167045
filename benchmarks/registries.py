"""Pushes and pulls of large blobs, beside CNCF distribution's registry."""

import base64
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from benchmarks.databases import Database
from benchmarks.environments import FOLDER, ROOT
from benchmarks.hub import running_hub
from benchmarks.measures import Effort
from benchmarks.servers import clean_environ
from benchmarks.transfer import Target, new_blob, pull, push

PEER = "docker-registry"
"""The peer's command, and its Debian package."""
BLOB_BYTES = 1024**3
READY_LIMIT_S = 60.0


@dataclass(frozen=True)
class Rates:
    """Bytes per second (medians)."""

    push: float
    pull: float


def is_there() -> bool:
    """Tell whether the peer is installed."""
    return shutil.which(PEER) is not None


def rates(effort: Effort, on: Database) -> tuple[Rates, Rates]:
    """Return ours and the peer's, taken turn by turn; every blob is new."""
    with ExitStack() as stack:
        hub = stack.enter_context(running_hub("registry", on))
        targets = (_repository(hub.port, hub.owner, hub.token), stack.enter_context(cncf()))
        seen: tuple[list[Rates], list[Rates]] = [], []
        for _ in range(effort.rounds // 2 + 1):
            for target, found in zip(targets, seen, strict=True):
                found.append(_moved(target))
    ours, peer = (
        Rates(statistics.median(it.push for it in one), statistics.median(it.pull for it in one))
        for one in seen
    )
    return ours, peer


def _moved(target: Target) -> Rates:
    blob = new_blob(BLOB_BYTES)
    digest = blob.digest
    push_s = push(target, blob, digest)
    return Rates(BLOB_BYTES / push_s, BLOB_BYTES / pull(target, digest, BLOB_BYTES))


def _repository(port: int, owner: str, token: str) -> Target:
    login = base64.b64encode(f"{owner}:{token}".encode()).decode()
    return Target("127.0.0.1", port, f"{owner}/weights", f"Basic {login}")


@contextmanager
def cncf() -> Iterator[Target]:
    """Run CNCF distribution's registry without a login, and yield a repository of it."""
    folder = FOLDER / PEER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = folder / "registry.yml"
    settings.write_text(
        "version: 0.1\nlog: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/content}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    with (folder / "log").open("wb") as log, _stopped([PEER, "serve", str(settings)], log):
        _wait_for(port)
        yield Target("127.0.0.1", port, "alice/weights")
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _stopped(command: list[str], output: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command inside the block."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
    process = subprocess.Popen(command, cwd=ROOT, env=clean_environ(), **streams)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    raise RuntimeError(f"{PEER} does not listen")
