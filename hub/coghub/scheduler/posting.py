"""Posts a webhook, once, to an address that the guard allows."""

import asyncio
import re

import aiohttp
from yarl import URL

from cog.network_guard import AddressRefused, Guard, explained
from coghub import __version__
from coghub.database.webhooks import Attempt

TIMEOUT_S = 5.0
"""For an answer. A receiver that has more to do answers first, and does it then."""
RESPONSE_TIMEOUT_S = 0.5
MAX_RESPONSE_BYTES = 2048
HEADERS = {"Content-Type": "application/json", "User-Agent": f"coghub/{__version__}"}
OK = range(200, 300)
UNUSABLE = (ValueError, aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError)
"""What a URL that is none of HTTP raises."""
SCHEMES = frozenset({"http", "https"})
PRINTABLE = re.compile(r"[!-~]+")


class Poster:
    """Sends bodies to URLs; redirects are not followed, of answers the beginning is read."""

    def __init__(self, guard: Guard, *, timeout_s: float = TIMEOUT_S) -> None:
        self._guard = guard
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Attempt:
        """Send, and return how that went; it never raises."""
        session = self._opened()
        try:
            target = _as_given(url)
            async with session.post(
                target, data=body, headers={**HEADERS, **headers}, allow_redirects=False
            ) as answer:
                status, response = answer.status, await _beginning(answer)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Attempt(None, self._reason(error), is_final=_is_final(error))
        error = None if status in OK else f"The receiver answered {status}"
        return Attempt(status, error, response=response)

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # Who sends has limits of its own, which know accounts.
                connector=aiohttp.TCPConnector(limit=0, socket_factory=self._guard.open_socket),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            )
        return self._session

    def _reason(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"No answer within {self._timeout_s:g} s"
        if isinstance(error, UNUSABLE):
            return "Not an http or https URL"
        return explained(error)


async def _beginning(answer: aiohttp.ClientResponse) -> str:
    """Return the beginning of what the receiver says, for its owner to read; it decides nothing."""
    try:
        async with asyncio.timeout(RESPONSE_TIMEOUT_S):
            return (await answer.content.read(MAX_RESPONSE_BYTES)).decode("utf-8", "replace")
    except (aiohttp.ClientError, TimeoutError, OSError):
        return ""


def _as_given(url: str) -> URL:
    """Return a URL that is sent as it was written, unless it holds what no request may.

    What was escaped stays so, and what was not: it may be part of a signature.

    Raises:
        ValueError: if it is no URL of HTTP.
    """
    target = URL(url, encoded=PRINTABLE.fullmatch(url) is not None)
    if target.scheme not in SCHEMES or not target.host:
        raise ValueError(url)
    return target


def _is_final(error: Exception) -> bool:
    """Tell whether trying again cannot help: the guard refused, or it is no URL of HTTP."""
    is_refused = isinstance(getattr(error, "os_error", None), AddressRefused)
    return is_refused or isinstance(error, UNUSABLE)
