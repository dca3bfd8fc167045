"""Speaks Cog's HTTP to one instance, over its socket.

Understands our server's stream of events, and the single JSON answer of Cog's own.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from coghub.domain.errors import InputRefused, InstanceBusy, InstanceError, InstanceGone
from coghub.domain.instance_event import Completed, Event, Log, Output, completed_of, event_of
from coghub.executors.base import Address, TCPAddress

ANSWER_TIMEOUT_S = 15.0
"""The server gives the model's own health check five seconds."""
SIGN_OF_LIFE_S = 60.0
"""The server sends a blank line each 15 s; a connection silent for so long is dead."""
NDJSON = "application/x-ndjson"
UNPROCESSABLE = 422
NOT_NOW = frozenset({409, 503})
"""Every slot is taken; or the worker died, and its successor is being set up."""
ERROR = 400
MAX_ERROR_CHARACTERS = 2000
NO_PREDICTION = "The model's server answered something else than a prediction"


class InstanceClient:
    """One instance, as the hub sees it."""

    def __init__(self, address: Address | str, *, is_silent: bool = False) -> None:
        """Keep the address.

        Args:
            address: where the instance listens; or a URL, without a path.
            is_silent: it says nothing while it works, so silence is no sign of death.
        """
        connector, url = _connector(address)
        silence_s = None if is_silent else SIGN_OF_LIFE_S
        timeout = aiohttp.ClientTimeout(total=None, sock_read=silence_s)
        self._session = aiohttp.ClientSession(
            url, connector=connector, timeout=timeout, auto_decompress=False
        )
        self._speakers = 0
        self._is_silent = asyncio.Event()
        self._is_silent.set()

    async def close(self) -> None:
        """Let go, once the instance has ended and everyone who speaks to it has noticed.

        aiohttp 3.14 forgets who still reads from a session that is closed: they wait for ever.
        """
        await self._is_silent.wait()
        await self._session.close()

    @contextmanager
    def _speaking(self) -> Generator[None]:
        if self._session.closed:
            raise InstanceGone("The instance was stopped")
        self._speakers += 1
        self._is_silent.clear()
        try:
            yield
        finally:
            self._speakers -= 1
            if not self._speakers:
                self._is_silent.set()

    async def health(self) -> dict[str, Any]:
        """Return what `/health-check` says.

        Raises:
            InstanceGone: if nobody answers.
        """
        body = await self._answer_to("GET", "/health-check")
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise InstanceGone(f"The model's server does not answer: {error}") from error

    async def document(self) -> dict[str, Any]:
        """Return the model's OpenAPI document.

        Raises:
            InstanceGone: if nobody answers, or with something else.
        """
        body = await self._answer_to("GET", "/openapi.json")
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise InstanceGone("The model's server has no OpenAPI document") from error

    async def predict(
        self, prediction_id: str, body: Mapping[str, Any], *, after: int = 0
    ) -> AsyncGenerator[tuple[int, Event]]:
        """Run a prediction and yield what happens, the end last, with the events' numbers.

        Asked again with `after`, it attaches to the same run, behind that event.

        Raises:
            InputRefused: if the server refuses the input.
            InstanceBusy: if it has no free slot, or is being set up again.
            InstanceError: if it answers with something else than a prediction.
            InstanceGone: if the connection breaks.
        """
        headers = {"Accept": f"{NDJSON}, application/json", "Content-Type": "application/json"}
        if after:
            headers["Last-Event-ID"] = str(after)
        path = f"/predictions/{quote(prediction_id)}"
        content = msgspec.json.encode(body)
        with self._speaking():
            try:
                async with self._session.put(path, data=content, headers=headers) as response:
                    async for event in _answer(response):
                        yield event
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise InstanceGone(f"The connection to the server broke: {error}") from error

    async def cancel(self, prediction_id: str) -> None:
        """Ask the instance to end a prediction; its stream tells when it has.

        Raises:
            InstanceGone: if nobody answers.
        """
        await self._answer_to("POST", f"/predictions/{quote(prediction_id)}/cancel")

    async def _answer_to(self, method: str, path: str) -> bytes:
        with self._speaking():
            try:
                async with (
                    asyncio.timeout(ANSWER_TIMEOUT_S),
                    self._session.request(method, path) as response,
                ):
                    return await response.read()
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise InstanceGone(f"The model's server does not answer: {error}") from error


def _connector(address: Address | str) -> tuple[aiohttp.BaseConnector, str]:
    match address:
        case str():
            return aiohttp.TCPConnector(limit=0), address
        case TCPAddress(host, port):
            return aiohttp.TCPConnector(limit=0), f"http://{host}:{port}"
        case socket:
            return aiohttp.UnixConnector(path=str(socket), limit=0), "http://instance"


async def _answer(response: aiohttp.ClientResponse) -> AsyncGenerator[tuple[int, Event]]:
    if response.status >= ERROR:
        raise _refusal(response.status, await response.read())
    if response.content_type == NDJSON:
        async for event in _events_of(response.content):
            yield event
    else:
        for event in _events_in(await response.read()):
            yield event


async def _events_of(content: aiohttp.StreamReader) -> AsyncGenerator[tuple[int, Event]]:
    """Yield the events of a stream; a line may be of any length."""
    pending: list[bytes] = []
    async for piece in content.iter_any():
        head, *rest = piece.split(b"\n")
        pending.append(head)
        for following in rest:
            line = b"".join(pending)
            pending = [following]
            event = _event_on(line)
            if event:
                yield event
                if isinstance(event[1], Completed):
                    return
    raise InstanceGone("The model's server ended the stream before the prediction")


def _event_on(line: bytes) -> tuple[int, Event] | None:
    if not line:
        return None
    try:
        told = msgspec.json.decode(line, type=_Line)
    except msgspec.DecodeError as error:
        raise InstanceError(f"The model's server sent no event: {error}") from error
    event = event_of(told.event, told.data)
    return (told.sequence, event) if event else None


class _Line(msgspec.Struct):
    sequence: int
    event: str
    data: dict[str, Any]


def _events_in(body: bytes) -> list[tuple[int, Event]]:
    """Return the events of a prediction that was answered as a whole, as Cog's server does."""
    try:
        answer = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InstanceError(NO_PREDICTION) from error
    if "status" not in answer:
        raise InstanceError(NO_PREDICTION)
    end = completed_of(answer)
    logs = [Log(answer["logs"])] if answer.get("logs") else []
    return list(enumerate([*logs, Output(answer.get("output"), None), end], 1))


def _refusal(status: int, body: bytes) -> InstanceError:
    text = body[:MAX_ERROR_CHARACTERS].decode("utf-8", "replace")
    if status == UNPROCESSABLE:
        return InputRefused(_problems(body) or text)
    if status in NOT_NOW:
        return InstanceBusy(text)
    return InstanceError(f"The model's server answered with status {status}: {text}")


def _problems(body: bytes) -> str | None:
    try:
        detail = msgspec.json.decode(body)["detail"]
        lines = [f"{'.'.join(map(str, it['loc'][2:]))}: {it['msg']}" for it in detail]
    except (msgspec.DecodeError, KeyError, TypeError):
        return None
    return "; ".join(lines)
