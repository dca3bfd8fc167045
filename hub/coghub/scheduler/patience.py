"""Tries again what cannot be kept now, as while a disk is full: what was told stays."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from coghub.database.sqlite import may_pass
from coghub.domain.errors import StorageUnusable

log = structlog.get_logger()

T = TypeVar("T")

PAUSE_S = 1.0
"""Between two tries."""


async def patiently(work: Callable[[], Awaitable[T]], *, reason: str) -> T:
    """Return what the work returns, once database and storage do it; other errors are raised."""
    is_noted = False
    while True:
        try:
            return await work()
        except Exception as error:
            what = "storage" if isinstance(error, StorageUnusable) else "database"
            if what == "database" and not may_pass(error):
                raise
            if not is_noted:
                log.warning("waited for", what=what, reason=reason, error=str(error))
            is_noted = True
        await asyncio.sleep(PAUSE_S)
