"""Input files: URLs and data URLs in an input become files in the worker's exchange folder."""

import asyncio
import base64
import binascii
import os
import tempfile
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from cog.files import get_filename
from cog.mimetypes_ext import extension_of
from cog.server.errors import InputFileError
from cog.server.file_places import Place
from cog.server.outgoing import Outgoing
from cog.server.settings import Settings

MAX_DOWNLOADS = 8
"""Of one prediction, at once."""
CHUNK_BYTES = 1024**2
ATTEMPTS = 3
PAUSE_S = 0.2
"""Before a download whose connection broke is begun again."""


class InputFiles:
    """Fetches what inputs name."""

    def __init__(self, settings: Settings, outgoing: Outgoing) -> None:
        self._max_bytes = settings.max_input_file_bytes
        self._headers = {"User-Agent": settings.user_agent} if settings.user_agent else {}
        self._outgoing = outgoing

    async def fetch(
        self, inputs: dict[str, Any], places: Sequence[Place], folder: str
    ) -> dict[str, Any]:
        """Return the input with the path of a file at each place; the files are in the folder.

        Raises:
            InputFileError: if one cannot be had; the folder may then hold others.
        """
        limit = asyncio.Semaphore(MAX_DOWNLOADS)

        async def fetch_one(place: Place) -> str:
            async with limit:
                return await self._fetch(_at(inputs, place), folder)

        paths = await _all([fetch_one(place) for place in places])
        return with_paths(inputs, dict(zip(places, paths, strict=True)))

    async def _fetch(self, url: str, folder: str) -> str:
        if url[:5].lower() == "data:":
            return await asyncio.to_thread(self._write_data_url, url, folder)
        return await self._download(url, folder)

    def _write_data_url(self, url: str, folder: str) -> str:
        name, content = decode_data_url(url)
        if len(content) > self._max_bytes:
            raise self._too_large(f"{url[:40]}…")
        descriptor, path = tempfile.mkstemp(suffix=name, dir=folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        return path

    async def _download(self, url: str, folder: str) -> str:
        descriptor, path = tempfile.mkstemp(suffix=name_in_url(url), dir=folder)
        try:
            await self._fill(descriptor, url)
        finally:
            os.close(descriptor)
        return path

    async def _fill(self, descriptor: int, url: str) -> None:
        """Write what a URL has; a connection that breaks on the way is made again."""
        errors = await self._outgoing.errors()
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(PAUSE_S)
                os.ftruncate(descriptor, 0)
                os.lseek(descriptor, 0, os.SEEK_SET)
            try:
                return await self._get(descriptor, url)
            except errors as error:
                if attempt + 1 == ATTEMPTS or not self._outgoing.is_broken(error):
                    reason = self._outgoing.reason(error)
                    raise InputFileError(f"Could not download {url}: {reason}") from error
        return None

    async def _get(self, descriptor: int, url: str) -> None:
        session = await self._outgoing.session()
        async with session.get(url, headers=self._headers) as response:
            if response.status >= 400:  # noqa: PLR2004 - errors begin there
                raise InputFileError(_refusal(response.status, response.reason, url))
            written = 0
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                written += len(chunk)
                if written > self._max_bytes:
                    raise self._too_large(url)
                _write_all(descriptor, chunk)

    def _too_large(self, url: str) -> InputFileError:
        return InputFileError(f"File is larger than {self._max_bytes} bytes: {url}")


def _refusal(status: int, reason: str | None, url: str) -> str:
    """Return what Cog says, which is what `requests` says."""
    side = "Client" if status < 500 else "Server"  # noqa: PLR2004 - HTTP's two kinds of errors
    return f"{status} {side} Error: {reason} for url: {url}"


def with_paths(inputs: dict[str, Any], paths: dict[Place, str]) -> dict[str, Any]:
    """Return the input with paths put at their places; the given one stays as it is."""
    fetched = inputs.copy()
    copied: set[int] = set()
    for (*parents, last), path in paths.items():
        holder: Any = fetched
        for key in parents:
            if id(holder[key]) not in copied:
                holder[key] = holder[key].copy()
                copied.add(id(holder[key]))
            holder = holder[key]
        holder[last] = path
    return fetched


def decode_data_url(url: str) -> tuple[str, bytes]:
    """Return the file name and the content of a data URL.

    Raises:
        InputFileError: if it is malformed.

    Source: RFC 2397.
    """
    head, comma, body = url.partition(",")
    if not comma:
        raise InputFileError("A data URL has no comma")
    kind, *parameters = head[len("data:") :].split(";")
    try:
        content = unquote_to_bytes(body) if "%" in body else body.encode("ascii")
        if "base64" in (it.strip().lower() for it in parameters):
            content = base64.b64decode(content)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise InputFileError(f"A data URL is malformed: {error}") from error
    return f"file{extension_of(kind or 'text/plain')}", content


def name_in_url(url: str) -> str:
    """Return the file name that a URL suggests; none where it is no URL at all."""
    try:
        return get_filename(url)
    except ValueError:
        return ""


async def _all(coroutines: list[Coroutine[Any, Any, str]]) -> list[str]:
    """Run them at once; if one fails, end the others before raising."""
    tasks = [asyncio.ensure_future(it) for it in coroutines]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _at(inputs: dict[str, Any], place: Place) -> str:
    value: Any = inputs
    for key in place:
        value = value[key]
    return str(value)


def _write_all(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def remove(path: str) -> None:
    """Remove a file if it is there."""
    with suppress(OSError):
        Path(path).unlink()
