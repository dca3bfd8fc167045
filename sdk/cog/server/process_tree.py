"""Ends a worker with everything it started, also what left its session or lost its parent.

Three signs of belonging: the worker's session, a chain of parents, and a variable in the
environment, which a daemon that forked twice still carries. Linux shows all three in `/proc`;
elsewhere `ps` shows the first two.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cog.server.spawning import TREE_VARIABLE

MAX_ROUNDS = 20
"""What forks while we look is found in the next round."""


_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class _Process(NamedTuple):
    pid: int
    parent: int
    session: int
    is_marked: bool


def kill_tree(root: int, *, tree: str) -> None:
    """Kill a worker and its descendants; `root` itself may be gone already."""
    for _ in range(MAX_ROUNDS):
        found = _members(list(_processes(tree)), session=root)
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def resident_bytes(root: int) -> int:
    """Return what a process and its children hold in memory; 0 if it has ended."""
    if not Path("/proc/self/statm").exists():
        return _resident_bytes_by_ps(root)
    total, pids = 0, [root]
    for pid in pids:  # grows while it is walked
        folder = Path("/proc") / str(pid)
        with contextlib.suppress(OSError, ValueError):
            total += int((folder / "statm").read_bytes().split()[1]) * _PAGE_BYTES
            for task in folder.glob("task/*/children"):
                pids += map(int, task.read_bytes().split())
    return total


def _resident_bytes_by_ps(root: int) -> int:
    command = ["/bin/ps", "-A", "-o", "pid=,ppid=,rss="]
    listing = subprocess.run(command, capture_output=True, check=False, text=True)
    rows = [tuple(map(int, line.split())) for line in listing.stdout.splitlines()]
    total, pids = 0, [root]
    for known in pids:  # grows while it is walked
        pids += [pid for pid, parent, _ in rows if parent == known and pid not in pids]
        total += sum(kilobytes * 1024 for pid, _, kilobytes in rows if pid == known)
    return total


def _members(processes: list[_Process], *, session: int) -> set[int]:
    found = {it.pid for it in processes if it.is_marked or it.session == session}
    while more := {it.pid for it in processes if it.parent in found} - found:
        found |= more
    return found - {os.getpid()}


def _processes(tree: str) -> Iterator[_Process]:
    """Yield the processes that live; the dead whom nobody has waited for are not shown."""
    proc = Path("/proc")
    if not (proc / "self" / "stat").exists():
        yield from _processes_by_ps()
        return
    mark = f"{TREE_VARIABLE}={tree}".encode()
    for folder in proc.iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                # The name, in parentheses, may itself hold spaces and parentheses.
                state, parent, _, session = (
                    (folder / "stat").read_bytes().rpartition(b")")[2].split()[:4]
                )
                if state not in {b"Z", b"X"}:
                    is_marked = mark in _environment(folder)
                    yield _Process(int(folder.name), int(parent), int(session), is_marked)


def _environment(folder: Path) -> bytes:
    try:
        return (folder / "environ").read_bytes()
    except OSError:  # another user's
        return b""


def _processes_by_ps() -> Iterator[_Process]:
    listing = subprocess.run(
        ["/bin/ps", "-A", "-o", "pid=,ppid=,sess=,stat="],
        capture_output=True,
        check=False,
        text=True,
    )
    for line in listing.stdout.splitlines():
        pid, parent, session, state = line.split(None, 3)
        if not state.startswith("Z"):
            # macOS prints the session as an address there; 0 means that it is not known.
            number = int(session) if session.isdigit() else 0
            yield _Process(int(pid), int(parent), number, is_marked=False)
