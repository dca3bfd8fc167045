"""The upload of a file: its content goes to the storage, what is said of it is collected.

Clients say it in the content part's head, or in fields of their own; the metadata as JSON in a
field, as JSON in a file, or as fields such as `metadata[a][b]`.
"""

import re
from typing import Any

import msgspec
from starlette.requests import Request

from coghub.api.bodies import decoded
from coghub.api.multipart import Part, read_parts
from coghub.domain.account import Account
from coghub.domain.errors import BadRequest, InputRejected, InvalidField, TooLarge
from coghub.domain.file import (
    DEFAULT_NAME,
    DEFAULT_TYPE,
    MAX_NAME_BYTES,
    File,
    content_type,
    file_name,
)
from coghub.files.files import Description, Files
from coghub.storage.incoming import Incoming

MAX_FIELDS_BYTES = 1024**2
"""Of everything but the content."""
MAX_FIELDS = 1000
MAX_DRAINED_BYTES = 1024**3
"""Read to its end and thrown away: many clients hear no refusal before they have sent it all."""
BRACKETS = re.compile(r"metadata((?:\[[^\[\]]*\]){1,16})")


async def receive(request: Request, account: Account, files: Files) -> File:
    """Return the file that a request uploads.

    Raises:
        BadRequest: if the body cannot be read.
        InputRejected: if it says what cannot be.
        TooLarge: if the file is above its limit.
        DiskFull: if no space is left.
    """
    try:
        async with files.incoming() as incoming:
            upload = _Upload(incoming)
            async for event in read_parts(request):
                await upload.take(event)
            return await files.add(account, incoming, upload.description())
    except TooLarge:
        await _drain(request)
        raise


async def _drain(request: Request) -> None:
    if request.headers.get("expect", "").lower() == "100-continue":
        return
    drained = 0
    async for piece in request.stream():
        drained += len(piece)
        if drained > MAX_DRAINED_BYTES:
            return


class _Upload:
    """What has come so far."""

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self._content: Part | None = None
        self._fields = list[tuple[str, bytearray]]()
        self._fields_bytes = 0
        self._is_content = False

    async def take(self, event: Part | bytes) -> None:
        """Take the head of a part, or content of the last one."""
        match event:
            case Part(name="content"):
                if self._content is not None:
                    raise BadRequest("The body has more than one part `content`")
                self._content, self._is_content = event, True
            case Part(name=name):
                if len(self._fields) >= MAX_FIELDS:
                    raise BadRequest("The body has too many parts")
                self._fields.append((name, bytearray()))
                self._is_content = False
            case bytes():
                await self._take_bytes(event)

    async def _take_bytes(self, content: bytes) -> None:
        if self._is_content:
            await self._incoming.write(content)
            return
        self._fields_bytes += len(content)
        if self._fields_bytes > MAX_FIELDS_BYTES:
            raise TooLarge("The fields beside the file are larger than 1 MiB")
        if self._fields:
            self._fields[-1][1].extend(content)

    def description(self) -> Description:
        """Return what was said of the file."""
        if self._content is None:
            raise _invalid("required", "", "content is required")
        texts = {
            name: content.decode("utf-8", "replace")
            for name, content in self._fields
            if name in {"filename", "type"}
        }
        given_name = texts.get("filename") or self._content.filename or DEFAULT_NAME
        if len(given_name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
            raise _invalid("string_lte", "filename", f"Must be at most {MAX_NAME_BYTES} bytes long")
        kind = texts.get("type") or self._content.content_type or DEFAULT_TYPE
        return Description(file_name(given_name), content_type(kind), self._metadata())

    def _metadata(self) -> dict[str, Any]:
        metadata = dict[str, Any]()
        for name, content in self._fields:
            if name == "metadata" and content.strip():
                metadata |= _json_object(bytes(content))
            elif found := BRACKETS.fullmatch(name):
                keys = found[1][1:-1].split("][")
                _put(metadata, keys, content.decode("utf-8", "replace"))
        return metadata


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        value = decoded(content, dict[str, Any])
    except (BadRequest, InputRejected):
        raise _invalid("invalid_type", "metadata", "Must be an object as JSON") from None
    try:
        msgspec.json.encode(value)
    except RecursionError:
        raise _invalid("invalid_value", "metadata", "Nested too deeply") from None
    return value


def _put(metadata: dict[str, Any], keys: list[str], value: str) -> None:
    """Put a value where `metadata[a][b]` says; an empty last key makes a list."""
    is_item = len(keys) > 1 and keys[-1] == ""
    *outer, last = keys[:-1] if is_item else keys
    holder: Any = metadata
    for key in outer:
        holder = holder.setdefault(key, {})
        _require(holder, dict)
    if is_item:
        items = holder.setdefault(last, [])
        _require(items, list)
        items.append(value)
    else:
        holder[last] = value


def _require(holder: Any, kind: type) -> None:
    if not isinstance(holder, kind):
        raise _invalid("invalid_type", "metadata", "A field is both a value and an object or list")


def _invalid(kind: str, field: str, description: str) -> InputRejected:
    return InputRejected([InvalidField(kind, field, description)])
