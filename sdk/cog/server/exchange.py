"""The private folder through which server and worker pass what is too large for their socket.

A folder is locked while its server lives, however that ends: the kernel lets go of the lock. The
next server of the same user removes what the dead left behind. Standard library only.
"""

import fcntl
import os
import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

PREFIX = "cog-exchange-"
MAX_ROUNDS = 3
"""A thread may still be writing a file while its folder is removed."""


class Exchange:
    """One folder, held until it is removed."""

    def __init__(self, path: str, lock: int) -> None:
        self.path = path
        self._lock: int | None = lock

    def remove(self) -> None:
        """Remove the folder; doing so again changes nothing."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        for _ in range(MAX_ROUNDS):
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(lock)


def make_exchange() -> Exchange:
    """Make a folder that nobody else may look into."""
    made = Path(tempfile.mkdtemp(prefix="cog-"))
    lock = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
    with suppress(OSError):  # a file system without locks: it keeps a name that nobody looks for
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        made = made.rename(made.with_name(made.name.replace("cog-", PREFIX, 1)))
    return Exchange(str(made), lock)


def remove_abandoned_soon() -> None:
    """Remove what dead servers left, in the background: there may be much of it."""
    threading.Thread(target=remove_abandoned, name="leftovers", daemon=True).start()


def remove_abandoned() -> None:
    """Remove the folders of servers of this user that live no more."""
    with suppress(OSError):
        for name in os.listdir(tempfile.gettempdir()):  # noqa: PTH208 - names are all it needs
            if name.startswith(PREFIX):
                with suppress(OSError):
                    _remove_if_abandoned(Path(tempfile.gettempdir()) / name)


def _remove_if_abandoned(path: Path) -> None:
    """Remove one.

    Raises:
        OSError: if it is no folder, or locked because its server lives.
    """
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(lock).st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path)
    finally:
        os.close(lock)
