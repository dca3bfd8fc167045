"""Whether a hub can do its work: database and storage answer, and the scheduler runs."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import literal, select

from coghub.parts import Hub

log = structlog.get_logger()

LIMIT_S = 5.0
"""For each part; orchestrators give up after a few seconds themselves."""
KEPT_S = 1.0
"""An answer serves others for so long: strangers may ask, and it costs a look at the disk."""
STALLED_S = 30.0
"""The scheduler looks at least once a second, unless what it works with hangs."""
PROBE = "readyz"
"""A key that no object has."""

Check = Callable[[], Awaitable[bool]]


class Readiness:
    """Looks at the parts of a hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._turn = asyncio.Lock()
        self._found: dict[str, bool] = {}
        self._looked_at = -KEPT_S

    async def parts(self) -> dict[str, bool]:
        """Return which parts are ready, as of a second ago at most."""
        async with self._turn:
            if time.monotonic() - self._looked_at >= KEPT_S:
                self._found = await self._look()
                self._looked_at = time.monotonic()
            return self._found

    async def _look(self) -> dict[str, bool]:
        checks = {"database": self._database, "storage": self._storage}
        found = await asyncio.gather(*(_answers(name, it) for name, it in checks.items()))
        return {**dict(zip(checks, found, strict=True)), "scheduler": self._is_scheduling()}

    async def _database(self) -> bool:
        return await self._hub.database.read(lambda c: c.execute(select(literal(1))).scalar()) == 1

    async def _storage(self) -> bool:
        storage = self._hub.storage
        await storage.size_of(PROBE)
        return await asyncio.to_thread(os.access, storage.incoming, os.W_OK)

    def _is_scheduling(self) -> bool:
        now = self._hub.live.now()
        return (
            now is not None
            and time.monotonic() - now.ticked_at < STALLED_S
            and not (self._hub.signals.is_stopping or self._hub.signals.is_leaving)
        )


async def _answers(name: str, check: Check) -> bool:
    """Return what a check says; no, where it fails or takes too long."""
    try:
        async with asyncio.timeout(LIMIT_S):
            return await check()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is not ready
        log.warning("part is not ready", part=name, error=str(error) or type(error).__name__)
        return False
