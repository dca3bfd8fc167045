"""Fetches files of the web for instances that may not go there by themselves."""

from collections.abc import AsyncIterator

import aiohttp
from starlette.responses import Response, StreamingResponse

from cog.network_guard import Guard, explained
from coghub.domain.errors import BadRequest

CHUNK_BYTES = 256 * 1024
CONNECT_TIMEOUT_S = 30.0
SILENCE_TIMEOUT_S = 60.0
OK = 200
KEPT = ("Content-Type", "Content-Length")


class Fetcher:
    """Streams what is at a URL, if the guard allows its address; at every redirect too."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def answer(self, url: str) -> Response:
        """Return the file as an answer.

        Raises:
            BadRequest: if it cannot be had.
        """
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(socket_factory=self._guard.open_socket),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=SILENCE_TIMEOUT_S
            ),
            auto_decompress=False,
        )
        try:
            found = await session.get(url)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            await session.close()
            raise BadRequest(f"Could not fetch an input: {explained(error)}") from error
        except BaseException:
            await session.close()
            raise
        if found.status != OK:
            await session.close()
            raise BadRequest(f"Could not fetch {found.url.host}: it answered {found.status}")
        headers = {name: found.headers[name] for name in KEPT if name in found.headers}
        return StreamingResponse(_pieces(session, found), headers=headers)


async def _pieces(
    session: aiohttp.ClientSession, found: aiohttp.ClientResponse
) -> AsyncIterator[bytes]:
    try:
        async for piece in found.content.iter_chunked(CHUNK_BYTES):
            yield piece
    finally:
        await session.close()
