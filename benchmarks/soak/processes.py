"""The processes of a running hub or server, and what each of them is; on Linux only."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import tree


@dataclass(frozen=True)
class Seen:
    """A process of a running hub or server, at one moment."""

    pid: int
    kind: str
    """`worker` runs the model, `server` is above it, `hub` above all; else `other`."""
    resident_mib: float


def processes(root: int) -> list[Seen]:
    """Return a process and all below it, as far as they are still there; on Linux only."""
    found = []
    for pid in tree(root):
        with suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            found.append(Seen(pid, _kind(command), _resident_mib(pid)))
    return found


def _kind(command: bytes) -> str:
    kinds = {b"lifeline": "other", b"cog.worker": "worker", b"cog.server": "server"}
    kinds |= {b"coghub\0up": "hub"}
    return next((kind for mark, kind in kinds.items() if mark in command), "other")


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0] if "VmRSS:" in status else 0) / 1024
