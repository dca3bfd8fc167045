"""What the processes of an instance take of this machine's memory; known on Linux."""

from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
KIB = 1024
PARENT_FIELD = 1
"""Of `stat`, behind the command's name, which may hold spaces. Source: proc_pid_stat(5)."""


def memory_of_tree(process_id: int) -> int | None:
    """Return the bytes that a process and all below it take, shared pages shared out (PSS).

    None where it cannot be told.
    """
    parents = dict[int, int]()
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):  # it has ended meanwhile
            behind_name = (folder / "stat").read_text("ascii", "replace").rpartition(")")[2]
            parents[int(folder.name)] = int(behind_name.split()[PARENT_FIELD])
    found, members = None, [process_id]
    for member in members:
        members += [child for child, parent in parents.items() if parent == member]
        with suppress(OSError, ValueError, StopIteration):
            found = (found or 0) + _proportional(PROC / str(member))
    return found


def _proportional(folder: Path) -> int:
    lines = (folder / "smaps_rollup").read_text("ascii", "replace").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("Pss:"))) * KIB
