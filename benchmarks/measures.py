"""The measurements of one run, each interleaved between the servers (A B A B …).

Both see the same minutes of the machine, so a slow spell of it falls on both.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environments import FOLDER, MODELS, ROOT, project
from benchmarks.servers import Kind, Server, clean_environ, side_by_side, start, tree

SLOTS = 32


@dataclass(frozen=True)
class Effort:
    """How much is measured: more rounds for the record, fewer to look while tuning."""

    rounds: int
    round_s: float
    starts: int
    commands: int
    rows: int
    """Old predictions in the database of a hub that has many."""
    requests: int
    weights_bytes: int
    """Of the project that is pushed twice."""
    moved_bytes: int
    """Of the blob that is pushed while latency is measured."""
    polls_s: float


GiB = 1024**3
FULL = Effort(
    rounds=8,
    round_s=3.0,
    starts=10,
    commands=15,
    rows=1_000_000,
    requests=150,
    weights_bytes=GiB,
    moved_bytes=4 * GiB,
    polls_s=20.0,
)
QUICK = Effort(
    rounds=3,
    round_s=1.0,
    starts=3,
    commands=5,
    rows=100_000,
    requests=40,
    weights_bytes=GiB // 4,
    moved_bytes=GiB,
    polls_s=5.0,
)


@dataclass(frozen=True)
class Load:
    """What one server did under one kind of load, all rounds together."""

    p50_s: float
    p99_s: float
    per_second: float
    successes: int
    busy: int
    errors: int
    first_error: str | None


@dataclass(frozen=True)
class Start:
    """Start to READY, and the memory of all processes after some predictions (medians)."""

    ready_s: float
    pss_bytes: int
    rss_bytes: int


Ask = Callable[..., dict[str, Any]]


@contextmanager
def load_client() -> Iterator[Ask]:
    """Run the load client; calling the yielded function has it carry out one order."""
    command = [sys.executable, "-m", "benchmarks.load"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    # Without PYTHONUNBUFFERED, which would cut off a line that is longer than a pipe.
    environ = clean_environ()
    with subprocess.Popen(command, cwd=ROOT, env=environ, text=True, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        orders, counts = process.stdin, process.stdout

        def ask(**order: float | str) -> dict[str, Any]:
            print(json.dumps(order), file=orders, flush=True)
            return json.loads(counts.readline() or sys.exit("error: The load client died"))

        yield ask
        process.stdin.close()


def loads(kinds: list[Kind], model: str, *, clients: int, slots: int, effort: Effort) -> list[Load]:
    """Measure each kind under as many clients, turn by turn."""
    with side_by_side(kinds, project(model), FOLDER, slots=slots) as servers:
        return turn_by_turn(servers, effort, clients=clients)


def turn_by_turn(
    servers: list[Server], effort: Effort, *, clients: int, model: str = "adder"
) -> list[Load]:
    """Measure servers that run, each in every round; the others are held meanwhile.

    An idle server that polls would cost the one under measurement something.
    """
    orders = [
        {"port": server.port, "asks": server.asks, "model": model, "clients": clients}
        for server in servers
    ]
    with load_client() as ask:
        for order in orders:
            ask(**order, seconds=effort.round_s / 3)
        rounds: list[list[dict[str, Any]]] = [[] for _ in servers]
        for _ in range(effort.rounds):
            for server, order, seen in zip(servers, orders, rounds, strict=True):
                with held([it for it in servers if it is not server]):
                    seen.append(ask(**order, seconds=effort.round_s))
    return [together(seen) for seen in rounds]


@contextmanager
def held(servers: list[Server]) -> Iterator[None]:
    """Stop all processes of these servers until the block ends."""
    pids = [pid for server in servers for pid in tree(server.process.pid)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def together(rounds: list[dict[str, Any]]) -> Load:
    """Return all rounds of one server as one."""
    latencies = sorted(latency for seen in rounds for latency in seen["latencies_s"]) or [0.0]
    rates = [len(seen["latencies_s"]) / seen["elapsed_s"] for seen in rounds]
    return Load(
        p50_s=statistics.median(latencies),
        p99_s=latencies[int(len(latencies) * 0.99)],
        per_second=statistics.median(rates),
        successes=len(latencies),
        busy=sum(seen["busy"] for seen in rounds),
        errors=sum(seen["errors"] for seen in rounds),
        first_error=next((seen["first_error"] for seen in rounds if seen["first_error"]), None),
    )


def starts(kinds: list[Kind], effort: Effort) -> list[Start]:
    """Measure start to READY and memory, one server after the other, turn by turn.

    The first start of each is not counted: it writes the byte code.
    """
    folder = project("sync")
    seen: list[list[Start]] = [[] for _ in kinds]
    with load_client() as ask:
        for _ in range(effort.starts + 1):
            for kind, found in zip(kinds, seen, strict=True):
                server = start(kind, folder, FOLDER / f"{kind.name}.log")
                found.append(_started(server, ask))
    return [_median_start(found[1:]) for found in seen]


def _started(server: Server, ask: Ask) -> Start:
    try:
        ask(port=server.port, clients=1, seconds=0.3)
        return Start(server.ready_after_s, *server.memory_bytes())
    finally:
        server.stop()


def _median_start(seen: list[Start]) -> Start:
    return Start(
        statistics.median(one.ready_s for one in seen),
        int(statistics.median(one.pss_bytes for one in seen)),
        int(statistics.median(one.rss_bytes for one in seen)),
    )


def help_over_python_s(effort: Effort) -> float:
    """Return how much longer `cog --help` takes than a Python that does nothing."""
    bare, command = [sys.executable, "-c", "pass"], [str(_cog()), "--help"]
    times: tuple[list[float], list[float]] = [], []
    for _ in range(effort.commands):
        times[0].append(_run_s(bare))
        times[1].append(_run_s(command))
    return statistics.median(times[1]) - statistics.median(times[0])


def warm_predict_s(effort: Effort) -> float:
    """Return how long `cog predict` takes on the small model once its environment is made."""
    command = [str(_cog()), "predict", "-i", "number=41"]
    folder = MODELS / "sync"
    _run_s(command, folder)
    return statistics.median(_run_s(command, folder) for _ in range(effort.commands))


def _cog() -> Path:
    return Path(sys.executable).parent / "cog"


def _run_s(command: list[str], folder: Path = ROOT) -> float:
    environ = clean_environ() | {"COG_ENGINE": "local", "COG_CACHE_DIR": str(FOLDER / "cache")}
    started = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    elapsed_s = time.perf_counter() - started
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    if "predict" in command and done.stdout.strip() != "42":
        raise RuntimeError(f"{' '.join(command)} printed {done.stdout!r} and not 42")
    return elapsed_s
