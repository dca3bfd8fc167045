"""Output files: each becomes a data URL, or is uploaded and becomes the URL where it now is."""

import asyncio
import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from cog.mimetypes_ext import type_of
from cog.server.errors import UploadError
from cog.server.files import remove
from cog.server.outgoing import Outgoing
from cog.server.wire import WireOutput
from cog.worker.messages import OutputFile

PAUSES_S = (0.2, 0.4, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Between tries, where the receiver says that it cannot just now: its own store may be away."""
ATTEMPTS = 3
"""Where something else is wrong."""
TIMEOUT_S = 25.0
SLOWEST_BYTES_PER_S = 512 * 1024
"""A large file may take longer than the timeout, at this speed at least."""


class OutputFiles:
    """Delivers the files of outputs."""

    def __init__(self, upload_url: str | None, outgoing: Outgoing) -> None:
        self._folder_url = upload_url and f"{upload_url.rstrip('/')}/"
        self._outgoing = outgoing

    async def resolve(self, output: WireOutput, *, prediction_id: str) -> msgspec.Raw:
        """Return the value with a URL wherever a file stood.

        Raises:
            UploadError: if a file cannot be read or uploaded.
        """
        value = msgspec.json.decode(output.value)
        try:
            for file in output.files:
                value = _with(value, file.at, await self._url(file, prediction_id))
        finally:
            discard(output)
        return msgspec.Raw(msgspec.json.encode(value))

    async def _url(self, file: OutputFile, prediction_id: str) -> str:
        try:
            if self._folder_url is None:
                return await asyncio.to_thread(data_url, file)
            return await self._upload(file, f"{self._folder_url}{quote(file.name)}", prediction_id)
        except OSError as error:
            raise UploadError(f"Output file cannot be read: {file.name}: {error}") from error

    async def _upload(self, file: OutputFile, url: str, prediction_id: str) -> str:
        session = await self._outgoing.session()
        errors = await self._outgoing.errors()
        reason = ""
        for attempt in range(len(PAUSES_S) + 1):
            if attempt:
                await asyncio.sleep(PAUSES_S[attempt - 1])
            try:
                return await self._put(session, file, url, prediction_id)
            except errors as error:
                reason = self._outgoing.reason(error)
                if attempt + 1 >= ATTEMPTS and not self._outgoing.is_away(error):
                    break
        raise UploadError(f"Output file cannot be uploaded: {file.name}: {reason}")

    async def _put(self, session: Any, file: OutputFile, url: str, prediction_id: str) -> str:
        headers = {
            "Content-Type": type_of(file.name),
            "X-Prediction-ID": quote(prediction_id, safe=" !#$&'()*+,/:;=?@[]"),
        }
        size_bytes = await asyncio.to_thread(os.path.getsize, file.path)
        timeout = self._outgoing.timeout(
            read_s=TIMEOUT_S, total_s=TIMEOUT_S + size_bytes / SLOWEST_BYTES_PER_S
        )
        content = await asyncio.to_thread(open, file.path, "rb")
        with content:
            async with session.put(url, data=content, headers=headers, timeout=timeout) as response:
                response.raise_for_status()
                return _without_query(response.headers.get("Location") or str(response.url))


def discard(output: WireOutput) -> None:
    """Remove the files that the worker made for an output."""
    for file in output.files:
        if file.is_temporary:
            remove(file.path)


def data_url(file: OutputFile) -> str:
    """Return a file as a data URL."""
    content = base64.b64encode(Path(file.path).read_bytes()).decode("ascii")
    return f"data:{type_of(file.name)};base64,{content}"


def _with(value: Any, at: Sequence[str | int], url: str) -> Any:
    if not at:
        return url
    holder = value
    for key in at[:-1]:
        holder = holder[key]
    holder[at[-1]] = url
    return value


def _without_query(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
