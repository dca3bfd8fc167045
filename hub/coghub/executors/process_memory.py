"""What the processes of an instance take of this machine's memory; known on Linux."""

from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
KIB = 1024
SESSION_FIELD = 3
"""Of `stat`, behind the command's name, which may hold spaces. Source: proc_pid_stat(5)."""


def memory_of_session(session_id: int) -> int | None:
    """Return the bytes that all processes of a session take, shared pages shared out (PSS).

    None where it cannot be told.
    """
    found = None
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):  # it has ended meanwhile
            behind_name = (folder / "stat").read_text("ascii", "replace").rpartition(")")[2]
            if int(behind_name.split()[SESSION_FIELD]) == session_id:
                found = (found or 0) + _proportional(folder)
    return found


def _proportional(folder: Path) -> int:
    lines = (folder / "smaps_rollup").read_text("ascii", "replace").splitlines()
    sizes = (line.split()[1] for line in lines if line.startswith("Pss:"))
    return int(next(sizes)) * KIB
