"""Symbolic links of a project: only those that mean the same wherever it lies."""

from pathlib import PurePosixPath


def stays_inside(path: str, target: str) -> bool:
    """Tell whether a link at a path below the project leads to a place below the project.

    A `..` after a name is refused: the name may be a link itself, and what is above the place that
    it leads to is not what is written.
    """
    parts = PurePosixPath(target).parts
    ups = 0
    while ups < len(parts) and parts[ups] == "..":
        ups += 1
    depth = len(PurePosixPath(path).parts) - 1
    return not target.startswith("/") and ".." not in parts[ups:] and ups <= depth
