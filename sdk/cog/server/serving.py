"""Makes the parts, joins them, and runs the event loop until the server is told to leave.

Leaving: stop listening, let predictions end, let the worker go, let the last webhooks out.
A second signal leaves at once.
"""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import uvloop

import cog
from cog.server.app import App
from cog.server.connection import connection_maker
from cog.server.connections import Connections, affordable_connections
from cog.server.container_log import ContainerLog
from cog.server.exchange import remove_abandoned_soon
from cog.server.intake import Intake
from cog.server.listening import Listener
from cog.server.model import Model
from cog.server.outgoing import Outgoing
from cog.server.settings import Settings
from cog.server.spawning import Spawned
from cog.server.webhooks import Webhooks

SIGNALS = (signal.SIGTERM, signal.SIGINT)
WEBHOOKS_GRACE_S = 10.0
"""For deliveries under way when everything else has ended."""


def serve(
    settings: Settings, listener: Listener, spawned: Spawned, *, respawn: Callable[[], Spawned]
) -> None:
    """Serve until told to leave."""
    uvloop.run(_Server(settings, listener, respawn).run(spawned))
    for number in SIGNALS:  # Python's end takes a while, without handlers, and would be cut short
        signal.signal(number, signal.SIG_IGN)


class _Server:
    def __init__(
        self, settings: Settings, listener: Listener, respawn: Callable[[], Spawned]
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._respawn = respawn
        self._log = ContainerLog(level=settings.log_level, is_console=settings.is_console)
        self._connections = Connections(limit=affordable_connections())
        self._outgoing = Outgoing(settings.fetch_allow)

    async def run(self, spawned: Spawned) -> None:
        loop = asyncio.get_running_loop()
        self._leaving = asyncio.Event()
        self._now = asyncio.Event()
        self._model = Model(self._settings, self._log, self._outgoing, spawn=self._respawn)
        self._webhooks = Webhooks(
            self._settings, self._log, self._outgoing, user_agent=f"coglet/{cog.__version__}"
        )
        self._intake = Intake(self._settings, self._log, self._model, self._webhooks)
        app = App(
            self._settings,
            self._log,
            self._model,
            self._intake,
            shut_down=self._leaving.set,
            version=cog.__version__,
        )
        self._model.worker.adopt(spawned)
        for number in SIGNALS:
            loop.add_signal_handler(number, self._signaled, number)
        listens = loop.create_server if self._listener.path is None else loop.create_unix_server
        server = await listens(
            connection_maker(app.respond, self._connections), sock=self._listener.socket
        )
        self._log.info(f"Starting coglet server on {self._listener.address}")
        remove_abandoned_soon()
        self._connections.watch()
        watching = self._watch_sources() if self._settings.reload else None
        try:
            await self._leaving.wait()
            self._listener.withdraw()
            server.close()
            await self._leave()
        finally:
            if watching is not None:
                watching.cancel()
            self._model.worker.kill_now()

    def _watch_sources(self) -> "asyncio.Task[None]":
        from cog.server.reloading import Reloading  # noqa: PLC0415 - for authors, not in production

        root = Path.cwd()
        reloading = Reloading(
            self._settings, self._log, self._model.worker, self._intake, root=root
        )
        self._model.on_swapped = reloading.swapped
        self._model.on_ready = reloading.ready
        return asyncio.ensure_future(reloading.watch())

    def _signaled(self, number: signal.Signals) -> None:
        if number is signal.SIGTERM and self._settings.await_explicit_shutdown:
            self._log.info("Ignoring SIGTERM: waiting for POST /shutdown")
            return
        self._log.info(f"Received {number.name}, shutting down...")
        if self._leaving.is_set():
            self._now.set()
        self._leaving.set()

    async def _leave(self) -> None:
        """Wait for what is under way; not after a second signal."""
        leave = asyncio.ensure_future(self._leave_in_order())
        hurry = asyncio.ensure_future(self._now.wait())
        await asyncio.wait({leave, hurry}, return_when=asyncio.FIRST_COMPLETED)
        for task in (leave, hurry):
            task.cancel()
        await asyncio.gather(leave, hurry, return_exceptions=True)

    async def _leave_in_order(self) -> None:
        self._intake.is_closed = True
        for connection in self._connections:
            connection.close_when_idle()
        await self._model.predictions.idle.wait()
        self._model.worker.shut_down()
        await self._model.worker.ended.wait()
        if self._webhooks.under_way:
            await asyncio.wait(self._webhooks.under_way, timeout=WEBHOOKS_GRACE_S)
        await self._outgoing.close()
