"""Large data URIs of inputs become files: rows stay small, and instances fetch them as others."""

import asyncio
import base64
import binascii
import mimetypes
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from coghub.domain.file import DEFAULT_TYPE
from coghub.files.prediction_files import PredictionFiles

MAX_KEPT_CHARACTERS = 64 * 1024
"""A shorter one is kept where it stands."""
DATA_URI = re.compile(
    r"data:(?P<type>[^,;]{0,200})(?P<words>(?:;[^,;]{0,200}){0,8}),", re.IGNORECASE
)


class InlineFiles:
    """Takes the files out of one input."""

    def __init__(self, files: PredictionFiles) -> None:
        self._files = files
        self.keys = list[str]()
        """Of the files that were made; they belong to no prediction yet."""

    async def taken_out(self, value: Any) -> Any:
        """Return a value with references in the places of large data URIs.

        Raises:
            DiskFull: if no space is left.
        """
        match value:
            case str() if len(value) > MAX_KEPT_CHARACTERS:
                return await self._text(value)
            case list():
                return [await self.taken_out(item) for item in value]
            case Mapping():
                return {name: await self.taken_out(item) for name, item in value.items()}
            case _:
                return value

    async def _text(self, text: str) -> str:
        found = DATA_URI.match(text)
        if found is None:
            return text
        is_base64 = ";base64" in found["words"].lower()
        content = await asyncio.to_thread(_decoded, text, found.end(), is_base64=is_base64)
        if content is None:
            return text  # the model's server says what is wrong with it
        kind = found["type"].strip().lower() or DEFAULT_TYPE
        name = f"input{mimetypes.guess_extension(kind) or ''}"
        async with self._files.incoming() as incoming:
            await incoming.write(content)
            key, reference = await self._files.keep(None, incoming, name=name, said_type=kind)
        self.keys.append(key)
        return reference


def _decoded(text: str, start: int, *, is_base64: bool) -> bytes | None:
    try:
        content = text[start:].encode("ascii")
        return (
            base64.b64decode(unquote_to_bytes(content)) if is_base64 else unquote_to_bytes(content)
        )
    except (ValueError, binascii.Error):
        return None
