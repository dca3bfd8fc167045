"""Files of a playground, in a folder of its own: uploads for inputs, and what came out."""

import asyncio
import base64
import binascii
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from mimetypes import guess_extension
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from coghub.domain.errors import FileNotFound
from coghub.domain.file import content_type, file_name
from coghub.domain.ids import new_key
from coghub.storage.reading import file_pieces
from coghub.ui.output import DATA_URI


@dataclass(frozen=True, slots=True)
class Kept:
    """A file on the shelf."""

    key: str
    name: str
    content_type: str
    path: Path

    @property
    def place(self) -> str:
        """Its path below the playground's address."""
        return f"/files/{self.key}/{quote(self.name)}"


class Shelf:
    """Keeps files as long as the playground runs."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="cog-playground-"))
        self._files = dict[str, Kept]()

    def close(self) -> None:
        """Remove them all."""
        shutil.rmtree(self._folder, ignore_errors=True)

    async def add(self, name: str, kind: str, content: bytes) -> Kept:
        """Keep a file."""
        key = new_key()
        kept = Kept(key, file_name(name), content_type(kind), self._folder / key)
        await asyncio.to_thread(kept.path.write_bytes, content)
        self._files[key] = kept
        return kept

    def find(self, key: str) -> Kept:
        """Return a file.

        Raises:
            FileNotFound: if there is none of that key.
        """
        kept = self._files.get(key)
        if kept is None:
            raise FileNotFound
        return kept

    def read(self, kept: Kept, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield a part of a file."""
        return file_pieces(kept.path, start, end)

    async def taken(self, value: Any) -> Any:
        """Return an output with the files that it holds itself put on the shelf."""
        match value:
            case str() if DATA_URI.match(value):
                return await self._shelved(value)
            case list():
                return [await self.taken(item) for item in value]
            case Mapping():
                return {name: await self.taken(item) for name, item in value.items()}
        return value

    async def given(self, value: Any, address: str) -> Any:
        """Return an input with files of the shelf, named by their URLs, as `data:` URIs.

        A model in a container cannot reach this machine's loopback.
        """
        match value:
            case str() if value.startswith(f"{address}/files/"):
                key = value.removeprefix(f"{address}/files/").partition("/")[0]
                kept = self.find(key)
                content = await asyncio.to_thread(kept.path.read_bytes)
                return f"data:{kept.content_type};base64,{base64.b64encode(content).decode()}"
            case list():
                return [await self.given(item, address) for item in value]
            case Mapping():
                return {name: await self.given(item, address) for name, item in value.items()}
        return value

    async def _shelved(self, uri: str) -> str:
        head, _, body = uri[5:].partition(",")
        kind, *flags = head.split(";")
        try:
            is_base64 = "base64" in flags
            content = base64.b64decode(body) if is_base64 else unquote_to_bytes(body)
        except (binascii.Error, ValueError):
            return uri
        name = f"output{guess_extension(kind) or ''}"
        return (await self.add(name, kind, content)).place
