"""Tries again what the database cannot do now, as while its disk is full: what was told stays."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from coghub.database.sqlite import may_pass

log = structlog.get_logger()

T = TypeVar("T")

PAUSE_S = 1.0
"""Between two tries."""


async def patiently(work: Callable[[], Awaitable[T]], *, reason: str) -> T:
    """Return what the work returns, once the database does it; other errors are raised."""
    is_noted = False
    while True:
        try:
            return await work()
        except Exception as error:
            if not may_pass(error):
                raise
            if not is_noted:
                log.warning("database waited for", reason=reason, error=str(error))
            is_noted = True
        await asyncio.sleep(PAUSE_S)
