"""Where the server listens: on a TCP port, or at a path that nobody but its user may connect to.

Standard library only: it comes before the server's own imports.
"""

import errno
import os
import socket
from contextlib import suppress
from pathlib import Path

from cog.server.settings import Settings

BACKLOG = 2048
OWNER_ONLY = 0o177
"""What the mode of a socket's file leaves out."""


class Listener:
    """The socket that was opened, and its file if it has one."""

    def __init__(self, opened: socket.socket, path: str | None) -> None:
        self.socket = opened
        self.path = path
        self._file = None if path is None else Path(path)

    @property
    def address(self) -> str:
        """The address as people read it."""
        if self.path is not None:
            return f"unix:{self.path}"
        host, port = self.socket.getsockname()[:2]
        return f"{host}:{port}"

    def withdraw(self) -> None:
        """Remove the file, once, and while we still listen: later it may be another server's."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.unlink()

    def close(self) -> None:
        self.withdraw()
        self.socket.close()


def listen(settings: Settings) -> Listener:
    """Open the socket to listen on, and tell who waits for it.

    Raises:
        SystemExit: if the address cannot be had.
    """
    path = settings.unix_socket
    try:
        listener = Listener(_at_port(settings) if path is None else _at_path(path), path)
    except OSError as error:
        address = f"{settings.host}:{settings.port}" if path is None else f"unix:{path}"
        reason = error.strerror or error
        raise SystemExit(f"ERROR: Cannot listen on {address}: {reason}") from error
    if settings.ready_fd is not None:
        with os.fdopen(settings.ready_fd, "w") as file:
            file.write(f"{path or listener.socket.getsockname()[1]}\n")
    return listener


def _at_port(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)


def _at_path(path: str) -> socket.socket:
    _remove_abandoned(path)
    opened = socket.socket(socket.AF_UNIX)
    mask = os.umask(OWNER_ONLY)
    try:
        opened.bind(path)
    except OSError:
        opened.close()
        raise
    finally:
        os.umask(mask)
    opened.listen(BACKLOG)
    return opened


def _remove_abandoned(path: str) -> None:
    """Remove the socket that a killed server left: nobody answers there."""
    file = Path(path)
    if not file.is_socket():
        return
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)  # noqa: FBT003 - its own signature
        if client.connect_ex(path) == errno.ECONNREFUSED:
            file.unlink()
