"""The worker process from its first line to its last.

1. Make sure not to outlive the server, and take the doorbell. 2. Load the model: `Loaded`. 3. Set
it up: `SetupFinished`. 4. Answer, until `ShutDown` or the end of the stream. 5. Leave at once.
"""

import atexit
import faulthandler
import os
import signal
import sys
from types import NoneType

from cog.worker import life, startup
from cog.worker.answer import Surroundings
from cog.worker.cancel import CancelBell
from cog.worker.connection import Connection
from cog.worker.logs import StandardStreams
from cog.worker.messages import Loaded, SetupFinished, ShutDown
from cog.worker.sequential import SequentialWorker
from cog.worker.settings import Settings


def run(settings: Settings) -> None:
    """Serve one model until the server shuts the worker down, or goes away."""
    life.end_with_server(life=settings.life, socket=settings.socket)
    os.set_inheritable(settings.socket, False)  # noqa: FBT003 - its own signature
    connection = Connection(settings.socket, spill_directory=settings.exchange)
    bell = CancelBell(connection)
    bell.install()
    os.register_at_fork(after_in_child=lambda: _let_go(connection, bell))
    # Ctrl-C is the server's business. A handler, as children would inherit that it is ignored.
    signal.signal(signal.SIGINT, lambda *_: None)
    faulthandler.enable()  # where a crash in C code happened belongs into the logs
    streams = StandardStreams()
    streams.prepare(is_routed=settings.may_overlap())
    try:
        _start(settings, connection, bell, streams)
    except startup.StartFailed as failed:
        streams.settle()
        connection.send(SetupFinished(str(failed)))
        while type(connection.receive()) not in {NoneType, ShutDown}:
            pass
    _leave(connection, streams)


def _start(
    settings: Settings, connection: Connection, bell: CancelBell, streams: StandardStreams
) -> None:
    loaded = startup.read(settings)
    renewal = None
    if settings.keeps:
        from cog.worker.swap.renewal import Renewal  # noqa: PLC0415 - for authors, not in production

        renewal = Renewal(settings, loaded, connection, _loaded)
    connection.send(_loaded(loaded))
    model = startup.set_up(loaded, settings.weights)
    streams.settle()
    connection.send(SetupFinished())
    surroundings = Surroundings(
        connection, streams, loaded.interface, settings.exchange, bell.shielded
    )
    if not loaded.is_async:
        SequentialWorker(connection, bell, model, surroundings, renewal).serve()
        return
    from cog.worker import concurrent  # noqa: PLC0415 - asyncio costs 5 MB

    worker = concurrent.ConcurrentWorker(
        connection, model, surroundings, slots=loaded.slots, renewal=renewal
    )
    worker.serve()


def _loaded(loaded: startup.LoadedModel) -> Loaded:
    return Loaded(
        document=loaded.document,
        slots=loaded.slots,
        is_async=loaded.is_async,
        has_healthcheck=loaded.model.is_class and hasattr(loaded.model.target, "healthcheck"),
        python=".".join(map(str, sys.version_info[:3])),
    )


def _let_go(connection: Connection, bell: CancelBell) -> None:
    """Make a forked child a stranger to the server."""
    connection.abandon()
    bell.uninstall()


def _leave(connection: Connection, streams: StandardStreams) -> None:
    """End without waiting for the model's threads; the server has no use for us any more."""
    if not connection.is_foreign:
        atexit._run_exitfuncs()  # noqa: SLF001 - as multiprocessing does; sys.exit() would wait for threads
    streams.settle()
    os._exit(0)
