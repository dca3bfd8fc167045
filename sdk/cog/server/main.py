"""The server's program, and the one place where its parts are made and joined.

The order matters for the time to the first answer: listen, start the worker, and only then import
what the server itself needs, while the worker imports the model.
"""

import os
import signal
import socket
import sys
from collections.abc import Sequence

from cog import __version__
from cog.server import spawning
from cog.server.settings import Settings, read_settings

BACKLOG = 2048


def main(arguments: Sequence[str]) -> None:
    """Serve until told to leave."""
    settings = read_settings(arguments, version=__version__)
    listener = listen(settings)
    _heed_signals(settings)
    environ = dict(os.environ)  # noqa: TID251 - the worker inherits all of it
    try:
        spawned = spawning.spawn(settings, environ)
    except OSError as error:
        raise SystemExit(f"ERROR: Cannot start the worker: {error}") from error
    try:
        from cog.server.serving import serve  # noqa: PLC0415 - while the worker starts

        serve(settings, listener, spawned, respawn=lambda: spawning.spawn(settings, environ))
    finally:
        spawned.abandon()


def _heed_signals(settings: Settings) -> None:
    """Leave in order when told so before the event loop listens to signals."""

    def leave(number: int, _frame: object) -> None:
        if number == signal.SIGINT or not settings.await_explicit_shutdown:
            raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)


def listen(settings: Settings) -> socket.socket:
    """Return the socket to listen on.

    Raises:
        SystemExit: if the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server(
            (settings.host, settings.port), family=family, backlog=BACKLOG
        )
    except OSError as error:
        address = f"{settings.host}:{settings.port}"
        raise SystemExit(f"ERROR: Cannot listen on {address}: {error.strerror}") from error
    if settings.ready_fd is not None:
        with os.fdopen(settings.ready_fd, "w") as file:
            file.write(f"{listener.getsockname()[1]}\n")
    return listener


if __name__ == "__main__":
    main(sys.argv[1:])
