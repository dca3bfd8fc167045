"""Containers of commands that were killed outright: found by whose they are, and removed.

Each container carries a label with its owner: the machine since it was booted, the process, and
when that process began, as numbers of processes come again.
"""

import os
import socket
from contextlib import suppress
from pathlib import Path

from coghub.build.docker.client import Docker
from coghub.build.docker.container import LABEL
from coghub.domain.errors import CoghubError

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
FIELD_OF_START = 19
"""Of `/proc/PID/stat` after the name: when the process began, in ticks since the boot."""


def owner_of(pid: int) -> str:
    """Return the label's value for containers of a process of this machine."""
    return f"{_machine()} {pid} {_began(pid) or 'unknown'}"


def own_label() -> dict[str, str]:
    """Return the label for a container of this process, or of what it becomes."""
    return {LABEL: owner_of(os.getpid())}


def remove_leftovers(docker: Docker) -> int:
    """Remove the containers of this machine's processes that have ended; return their number.

    What cannot be removed now is left for the next time.

    Raises:
        DockerUnreachable: if no engine answers.
    """
    shown = f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}'
    lines = docker.ask(["ps", "--all", "--filter", f"label={LABEL}", "--format", shown])
    gone = [line.split(" ")[0] for line in lines.splitlines() if _is_orphan(line)]
    with suppress(CoghubError):
        if gone:
            docker.ask(["rm", "--force", "--volumes", *gone])
    return len(gone)


def _is_orphan(line: str) -> bool:
    """Tell whether a container's owner was a process of this machine, and is no more."""
    _, _, owner = line.partition(" ")
    machine, pid = owner.rpartition(" ")[0].rpartition(" ")[::2]
    if machine.partition(" ")[0] != socket.gethostname():
        return False
    if machine != _machine():
        return True  # this machine, before it was booted the last time
    return not pid.isdecimal() or owner != owner_of(int(pid))


def _machine() -> str:
    with suppress(OSError):
        return f"{socket.gethostname()} {BOOT_ID.read_text().strip()}"
    return f"{socket.gethostname()} -"


def _began(pid: int) -> str | None:
    """Return when a process began; None if it is not there."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return _is_there(pid)
    return text.rpartition(")")[2].split()[FIELD_OF_START]


def _is_there(pid: int) -> str | None:
    """Where there is no /proc, a process that lives counts as the same one."""
    if BOOT_ID.exists():
        return None
    try:
        os.kill(pid, 0)
    except OSError:
        return None
    return "alive"
