"""The HTTP client: one session, made when something first goes out.

aiohttp takes longer to import than all the rest of the server together, and most predictions
need none of it; so it is imported on a thread when it is first needed.
"""

import asyncio
from contextlib import suppress
from importlib import import_module
from typing import Any

CONNECT_TIMEOUT_S = 10.0
NOT_NOW = frozenset({502, 503, 504})


class Outgoing:
    """Makes the session and closes it."""

    def __init__(self, allow: str | None = None) -> None:
        self._allow = allow
        """What `cog.network_guard` is to allow; everything if None."""
        self._aiohttp: Any = None
        self._guarding: Any = None
        self._session: Any = None
        self._opening: asyncio.Lock | None = None

    async def session(self) -> Any:
        """Return the `aiohttp.ClientSession`.

        Proxies come from the environment, unless there is a guard: it would see their addresses
        instead of those that they connect to.
        """
        if self._opening is None:
            self._opening = asyncio.Lock()
        async with self._opening:
            if self._session is None:
                self._aiohttp = await asyncio.to_thread(import_module, "aiohttp")
                self._guarding = await asyncio.to_thread(import_module, "cog.network_guard")
                self._session = self._aiohttp.ClientSession(
                    connector=self._connector(),
                    trust_env=self._allow is None,
                    timeout=self.timeout(read_s=60.0),
                )
        return self._session

    def _connector(self) -> Any:
        if self._allow is None:
            return self._aiohttp.TCPConnector()
        guard = self._guarding.read_guard(self._allow)
        return self._aiohttp.TCPConnector(socket_factory=guard.open_socket)

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

    def is_broken(self, error: Exception) -> bool:
        """Tell whether a connection broke that had been made."""
        http = self._aiohttp
        if isinstance(error, http.ClientConnectorError):
            return False
        kinds = (http.ClientPayloadError, http.ServerDisconnectedError, http.ClientOSError)
        return isinstance(error, (*kinds, ConnectionError))

    def is_away(self, error: Exception) -> bool:
        """Tell whether somebody answered who cannot do it just now."""
        return isinstance(error, self._aiohttp.ClientResponseError) and error.status in NOT_NOW

    def reason(self, error: Exception) -> str:
        """Return in plain words why an exchange failed; its URL may hold a key, and is not said."""
        if isinstance(error, self._aiohttp.ClientResponseError):
            return f"{error.status} {error.message}".strip()
        return str(self._guarding.explained(error))

    async def close(self) -> None:
        if self._session is not None:
            with suppress(OSError):
                await self._session.close()
