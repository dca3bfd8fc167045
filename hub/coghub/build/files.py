"""Files of the cache and the store: written whole or not at all, measured, removed."""

import errno
import os
import shutil
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from coghub.domain.errors import DiskFull

PIECE_BYTES = 1024**2


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old content or the new, and nothing between."""
    raw = content.encode() if isinstance(content, str) else content
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            temporary.write_bytes(raw)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def pieces(file: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    """Yield what lies between two positions of a file; the last is empty where it ends before."""
    while start < end:
        chunk = os.pread(file.fileno(), min(PIECE_BYTES, end - start), start)
        yield chunk
        if not chunk:
            return
        start += len(chunk)


@contextmanager
def explained(path: Path) -> Generator[None]:
    """Turn a full disk into an error that says where."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        raise DiskFull(
            f"No space is left on the disk: {path}", hint="Free some with `cog env prune`"
        ) from error


def is_full(error: OSError) -> bool:
    """Tell whether an error means that there is no space left, or none for this user."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


def is_read_only(error: OSError) -> bool:
    """Tell whether an error means that a place may be read, not written."""
    return error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}


def size_of(folder: Path) -> int:
    """Return the bytes of all files below the folder."""
    total = 0
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry))
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def remove(folder: Path) -> None:
    """Remove a folder and all below it; what is gone already is fine."""
    shutil.rmtree(folder, ignore_errors=True)
