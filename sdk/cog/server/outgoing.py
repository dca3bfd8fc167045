"""The HTTP client: one session, made when something first goes out.

aiohttp takes longer to import than all the rest of the server together, and most predictions
need none of it; so it is imported on a thread when it is first needed.
"""

import asyncio
from contextlib import suppress
from importlib import import_module
from typing import Any

CONNECT_TIMEOUT_S = 10.0


class Outgoing:
    """Makes the session and closes it."""

    def __init__(self) -> None:
        self._aiohttp: Any = None
        self._session: Any = None
        self._opening: asyncio.Lock | None = None

    async def session(self) -> Any:
        """Return the `aiohttp.ClientSession`; proxies come from the environment."""
        if self._opening is None:
            self._opening = asyncio.Lock()
        async with self._opening:
            if self._session is None:
                self._aiohttp = await asyncio.to_thread(import_module, "aiohttp")
                self._session = self._aiohttp.ClientSession(
                    trust_env=True, timeout=self.timeout(read_s=60.0)
                )
        return self._session

    def timeout(self, *, read_s: float, total_s: float | None = None) -> Any:
        """Return the limits of one exchange: to connect, between two reads, in all."""
        return self._aiohttp.ClientTimeout(
            total=total_s, sock_connect=CONNECT_TIMEOUT_S, sock_read=read_s
        )

    async def errors(self) -> tuple[type[Exception], ...]:
        """Return what an exchange raises when it fails."""
        await self.session()
        return (self._aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError)

    def may_pass(self, error: Exception) -> bool:
        """Tell whether the same exchange may go better later; not where the URL cannot be used."""
        return not isinstance(error, (ValueError, self._aiohttp.NonHttpUrlClientError))

    async def close(self) -> None:
        if self._session is not None:
            with suppress(OSError):
                await self._session.close()
