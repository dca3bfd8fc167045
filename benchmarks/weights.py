"""A file of 4 GB from a server on loopback: `cog.weights`, beside curl and aria2c."""

import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.environments import FOLDER
from benchmarks.measures import QUICK, Effort
from benchmarks.report import Row

SIZE_BYTES = 4 * 1000**3
MEMORY = Path("/dev/shm")  # noqa: S108 - what we make there has a name of our own
"""Where it is there: a disk that has to be waited for says more of itself than of who writes."""
SERVE = """
import asyncio, sys
from aiohttp import web

async def main():
    app = web.Application()
    app.router.add_static("/", sys.argv[1])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
"""It sends by `sendfile`, so that the reader is what is measured."""
PGET = [sys.executable, "-m", "cog.weights"]
PEERS = {
    "curl": ["curl", "-s", "-o"],
    "aria2c -x16": ["aria2c", "-q", "-x16", "-s16", "--file-allocation=none", "-o"],
}


def rows(effort: Effort) -> list[Row]:
    """The rate of each, in an order that changes: each leaves the machine in another state."""
    there = {name: words for name, words in PEERS.items() if shutil.which(words[0])}
    size = SIZE_BYTES // 10 if effort is QUICK else SIZE_BYTES
    is_in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 3 * size
    folder = (MEMORY if is_in_memory else FOLDER) / f"cog-bench-{os.getpid()}"
    with _served(folder, size) as url:
        checked = [*PGET, "--sha256", _digest(folder)]
        commands = {"": [*PGET, url, "got"], "sha256": [*checked, url, "got"]}
        commands |= {name: [*words, "got", url] for name, words in there.items()}
        seen: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(max(4, effort.rounds // 2)):
            for name in random.sample(sorted(commands), len(commands)):
                seen[name].append(size / _time(commands[name], folder / "got"))
                print(name or "plain", f"{seen[name][-1] / 1e6:.0f} MB/s", file=sys.stderr)
    rates = {name: statistics.median(found) for name, found in seen.items()}
    place = "memory" if is_in_memory else "the disk"
    what = f"a file of {size / 1e9:g} GB from loopback to {place}"
    found = [
        Row.ratio(f"{what}, beside {name}", rates[""], rates[name], "MB/s", at_least=0.8)
        for name in there
    ]
    found += [
        Row.ratio(f"{what}, with `sha256`, beside {name}", rates["sha256"], rates[name], "MB/s")
        for name in there
    ]
    missing = [name for name in PEERS if name not in there]
    return found + [Row.skipped(f"{what}, beside {name}", "not installed") for name in missing]


@contextmanager
def _served(folder: Path, size: int) -> Generator[str]:
    source = folder / "source"
    source.mkdir(parents=True, exist_ok=True)
    with Path("/dev/urandom").open("rb") as noise, (source / "big").open("wb") as file:
        for _ in range(size // 1000**2):
            file.write(noise.read(1000**2))
    command = [sys.executable, "-c", SERVE, str(source)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}/big"
        finally:
            server.kill()
            shutil.rmtree(folder)


def _digest(folder: Path) -> str:
    command = ["sha256sum", str(folder / "source" / "big")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]


def _time(command: list[str], path: Path) -> float:
    path.unlink(missing_ok=True)
    os.sync()
    started = time.perf_counter()
    subprocess.run(command, cwd=path.parent, check=True, capture_output=True)
    took = time.perf_counter() - started
    if path.stat().st_size != (path.parent / "source" / "big").stat().st_size:
        raise RuntimeError(f"Not the whole file: {' '.join(command)}")
    return took
