"""Gathers the numbers of a hub: those counted since its start, and those of the moment."""

import asyncio
import importlib
import shutil
import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass

from coghub.database import overview
from coghub.domain.hardware import Hardware
from coghub.domain.live import LiveNow
from coghub.domain.statistics import Statistics
from coghub.parts import Hub

EXPOSITION = "coghub.monitoring.exposition"
KEPT_S = 60.0
"""Sums over all blobs and files are as old as this: they change slowly, and take a while."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is written for Prometheus."""

    statistics: Statistics
    """A copy: they go on changing meanwhile."""
    ended_by_status: Mapping[str, int]
    now: LiveNow | None
    hardware: tuple[Hardware, ...]
    stored: Mapping[str, tuple[int, int]]
    """What takes space → how many, and how many bytes."""
    counts: Mapping[str, int]
    disk_free_bytes: int
    disk_total_bytes: int


class Numbers:
    """Writes the numbers of a hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._turn = asyncio.Lock()
        self._stored: Mapping[str, tuple[int, int]] = {}
        self._counts: Mapping[str, int] = {}
        self._summed_at = -KEPT_S

    async def text(self) -> tuple[bytes, str]:
        """Return all numbers as Prometheus reads them, and the media type of that.

        Its library is imported when it is first asked for, and off the event loop: it would cost
        each start a tenth of a second.
        """
        gathered = await self._gathered()
        exposition = await asyncio.to_thread(importlib.import_module, EXPOSITION)
        return await asyncio.to_thread(exposition.text, gathered), exposition.MEDIA_TYPE

    async def _gathered(self) -> Gathered:
        hub = self._hub
        async with self._turn:
            await self._sum()
        disk = await asyncio.to_thread(shutil.disk_usage, hub.settings.data)
        return Gathered(
            statistics=deepcopy(hub.statistics),
            ended_by_status=dict(hub.signals.ended_by_status),
            now=hub.live.now(),
            hardware=hub.hardware,
            stored=self._stored,
            counts=self._counts,
            disk_free_bytes=disk.free,
            disk_total_bytes=disk.total,
        )

    async def _sum(self) -> None:
        if time.monotonic() - self._summed_at < KEPT_S:
            return
        self._stored = await self._hub.database.read(overview.sizes)
        self._counts = await self._hub.database.read(overview.counts)
        self._summed_at = time.monotonic()
