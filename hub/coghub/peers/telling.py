"""What other hubs are to be told, gathered for a moment: one message may hold many news."""

import asyncio

import structlog

from coghub.database.bus import Bus
from coghub.domain.errors import DatabaseUnreachable
from coghub.domain.peers import News

log = structlog.get_logger()

GATHER_S = 0.003
"""News wait so long for others."""
MOST_KEPT = 100_000
"""While the database does not answer; what is dropped, others find in the rows."""


class Telling:
    """Tells news, in their order; nobody waits for it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._news = list[News]()
        self._has_news = asyncio.Event()

    def add(self, news: News) -> None:
        """Let something be told soon."""
        if len(self._news) < MOST_KEPT:
            self._news.append(news)
            self._has_news.set()

    async def run(self) -> None:
        """Tell until canceled."""
        while True:
            await self._has_news.wait()
            await asyncio.sleep(GATHER_S)
            await self.flush()

    async def flush(self) -> None:
        """Tell what there is."""
        news, self._news = self._news, list[News]()
        self._has_news.clear()
        if not news:
            return
        try:
            await self._bus.tell(news)
        except DatabaseUnreachable as error:
            log.warning("other hubs are not told", error=error.message)
        except Exception:
            log.exception("other hubs are not told")
