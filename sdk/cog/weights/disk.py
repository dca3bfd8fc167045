"""Files and folders of a store: measured, written to the disk, removed."""

import os
import shutil
from pathlib import Path

BLOCK_BYTES = 512
"""The unit of `st_blocks`, whatever the disk's own blocks are."""


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of a folder's files."""
    if not path.is_dir():
        return path.lstat().st_size
    return sum(it.lstat().st_size for it in path.rglob("*") if not it.is_dir() or it.is_symlink())


def bytes_on_disk(path: Path) -> int:
    """Return the bytes that a file takes so far; none if it is not there."""
    try:
        return path.stat().st_blocks * BLOCK_BYTES
    except FileNotFoundError:
        return 0


def settled(path: Path) -> int:
    """Wait until a file, or a folder's files, are on the disk; return how many bytes."""
    for file in path.rglob("*") if path.is_dir() else [path]:
        if file.is_file() and not file.is_symlink():
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    return size_of(path)


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, "ascii")
    part.replace(path)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
