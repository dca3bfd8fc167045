"""The server's program, and the one place where its parts are made and joined.

The order matters for the time to the first answer: listen, start the worker, and only then import
what the server itself needs, while the worker imports the model.
"""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import closing

from cog import __version__
from cog.server import spawning
from cog.server.listening import Listener, listen
from cog.server.settings import Settings, read_settings


def main(arguments: Sequence[str]) -> None:
    """Serve until told to leave."""
    settings = read_settings(arguments, version=__version__)
    with closing(listen(settings)) as listener:
        _heed_signals(settings)
        _serve(settings, listener)


def _serve(settings: Settings, listener: Listener) -> None:
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


if __name__ == "__main__":
    main(sys.argv[1:])
