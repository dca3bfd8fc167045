"""Locks on files between processes: one may make a thing, or many may use it.

The lock belongs to the open file, so a process that replaces itself by another keeps it, and the
kernel drops it with the last process that has it.
"""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from coghub.build.files import is_read_only


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that is held until `release`, or until the process and its successors end."""

    path: Path
    fd: int

    def release(self) -> None:
        """Let go; once only."""
        os.close(self.fd)

    def remove(self) -> None:
        """Remove the lock's file and let go; whoever waits for it notices and makes a new one."""
        self.path.unlink(missing_ok=True)
        self.release()


def shared(path: Path) -> Lock | None:
    """Return a lock that others may share; None while someone holds it alone.

    A file that is there need not be writable for this.
    """
    return _locked(path, fcntl.LOCK_SH | fcntl.LOCK_NB)


def exclusive(path: Path) -> Lock | None:
    """Return a lock that nobody else has; None while anyone does."""
    return _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)


def wait_shared(path: Path) -> Lock:
    """Return a shared lock as soon as it can be had."""
    lock = _locked(path, fcntl.LOCK_SH)
    assert lock is not None
    return lock


def wait_exclusive(path: Path) -> Lock:
    """Return an exclusive lock as soon as it can be had."""
    lock = _locked(path, fcntl.LOCK_EX)
    assert lock is not None
    return lock


def _locked(path: Path, mode: int) -> Lock | None:
    """Open and lock the file; again, if it was removed between the two."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        fd = _opened(path, is_shared=bool(mode & fcntl.LOCK_SH))
        try:
            fcntl.flock(fd, mode)
        except BlockingIOError:
            os.close(fd)
            return None
        except BaseException:
            os.close(fd)
            raise
        if _is_current(fd, path):
            os.set_inheritable(fd, True)  # noqa: FBT003 - the function's own signature
            return Lock(path, fd)
        os.close(fd)


def _opened(path: Path, *, is_shared: bool) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        if is_shared and is_read_only(error) and path.exists():
            return os.open(path, os.O_RDONLY)
        raise


def _is_current(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
