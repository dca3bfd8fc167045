"""The servers under measurement: how each is started, when it is ready, what it holds in memory."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

READY_LIMIT_S = 60.0
POLL_S = 0.002


@dataclass(frozen=True)
class Kind:
    """One way to serve a model: the interpreter, and what its environment variables add."""

    name: str
    python: Path
    environ: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ("-m", "cog.server.http", "--host", "127.0.0.1")
    """What its Python is given; the port is put in place of `{port}`."""
    health: str = "/health-check"
    """What answers 200 when it is ready; Cog's servers also have to say so."""
    asks: str = "cog"
    """How it is asked: `cog`, or `plain` for the inputs alone as a body."""


@dataclass
class Server:
    """A started server."""

    process: subprocess.Popen[bytes]
    port: int
    ready_after_s: float
    asks: str = "cog"

    def memory_bytes(self) -> tuple[int, int]:
        """Return resident memory of the whole process tree: proportional (PSS) and plain (RSS).

        The proportional measure shares out pages that several processes map, and is on Linux only;
        elsewhere it is given as 0.
        """
        sizes = [_memory_of(pid) for pid in tree(self.process.pid)]
        return sum(pss for pss, _ in sizes), sum(rss for _, rss in sizes)

    def stop(self) -> None:
        """End the server and everything it started."""
        pids = tree(self.process.pid)
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in pids[1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def start(kind: Kind, project: Path, log: Path, *, slots: int = 1) -> Server:
    """Start a server on the project and wait until it says READY."""
    port = _free_port()
    environ = clean_environ() | kind.environ
    environ |= {"PORT": str(port), "COG_PREDICT_TYPE_STUB": "predict.py:Predictor"}
    environ |= {"PATH": f"{kind.python.parent}:{environ['PATH']}"}
    environ |= {"COG_MAX_CONCURRENCY": str(slots)} if slots > 1 else {}
    command = [str(kind.python), *(word.format(port=port) for word in kind.command)]
    with log.open("wb") as output:
        started = time.perf_counter()
        streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
        process = subprocess.Popen(command, cwd=project, env=environ, **streams)
    server = Server(process, port, 0.0, kind.asks)
    try:
        _wait_until_ready(server, log, kind.health)
    except BaseException:
        server.stop()
        raise
    server.ready_after_s = time.perf_counter() - started
    return server


@contextmanager
def side_by_side(
    kinds: list[Kind], project: Path, logs: Path, *, slots: int = 1
) -> Iterator[list[Server]]:
    """Run one server of each kind at the same time; stop them all at the end."""
    with ExitStack() as stack:
        servers = []
        for kind in kinds:
            server = start(kind, project, logs / f"{kind.name}.log", slots=slots)
            stack.callback(server.stop)
            servers.append(server)
        yield servers


def clean_environ() -> dict[str, str]:
    """Return this process's variables without those that change how Python or a server starts."""
    dropped = ("PYTHON", "COG_", "VIRTUAL_ENV", "RUST_LOG", "LOG_FORMAT")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


def _wait_until_ready(server: Server, log: Path, health: str) -> None:
    url = f"http://127.0.0.1:{server.port}{health}"
    deadline = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                text = answer.read() or b"ready"
        except OSError:
            text = b""
        if b'"READY"' in text or (text and server.asks != "cog"):
            return
        if b'"SETUP_FAILED"' in text:
            break
        time.sleep(POLL_S)
    raise RuntimeError(f"{server.process.args} did not become ready:\n{log.read_text()[-4000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tree(root: int) -> list[int]:
    """Return the process and all its descendants, the process first."""
    parents = _parents()
    found = [root]
    for pid in found:  # grows while it is walked
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _parents() -> dict[int, int]:
    if not Path("/proc/self/stat").exists():
        return {int(line.split()[0]): int(line.split()[1]) for line in _ps("pid=,ppid=", "-ax")}
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    return parents


def _memory_of(pid: int) -> tuple[int, int]:
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    if not rollup.exists():
        return 0, sum(int(line) * 1024 for line in _ps("rss=", "-p", str(pid)))
    fields = dict(line.split(":", 1) for line in rollup.read_text().splitlines()[1:])
    pss, rss = (int(fields[name].split()[0]) * 1024 for name in ("Pss", "Rss"))
    return pss, rss


def _ps(columns: str, *selection: str) -> list[str]:
    command = ["/bin/ps", *selection, "-o", columns]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
