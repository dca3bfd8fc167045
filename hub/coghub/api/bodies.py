"""Bodies of requests: bounded, JSON whatever their content type says, of the wanted shape."""

import re
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from coghub.domain.errors import BadRequest, InputRejected, InvalidField, QueueFull, TooLarge

T = TypeVar("T")

MAX_BODY_BYTES = 1024**2
"""Of a request about a model and the like."""

MAX_DRAINED_BYTES = 200 * 1024**2
"""Of a refused body."""
SMALL_BYTES = 256 * 1024
"""A body up to this is read however many others are."""
MAX_DEPTH = 64
"""Of an input: lists and objects in each other."""

_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>[^`]*)`")
_EXPECTED = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<given>[^`]*)`")
_PLACE = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")
"""Source: the messages of msgspec's ValidationError."""


class Room:
    """Bounds what the large bodies of all requests together take of the memory."""

    def __init__(self, most_bytes: int) -> None:
        self._left_bytes = most_bytes

    @contextmanager
    def share(self) -> Generator["Share"]:
        """Return what one request takes of it, until it has done with its body."""
        share = Share(self)
        try:
            yield share
        finally:
            share.release()

    def take(self, size_bytes: int) -> None:
        """Take some of it.

        Raises:
            QueueFull: if not so much is left.
        """
        if size_bytes > self._left_bytes:
            raise QueueFull("Request was throttled. Too many large requests at once", 1)
        self._left_bytes -= size_bytes

    def give_back(self, size_bytes: int) -> None:
        """Let others have it."""
        self._left_bytes += size_bytes


class Share:
    """What the body of one request takes."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.taken_bytes = 0

    def grow(self, size_bytes: int) -> None:
        """Take what a body of this size needs; a small one needs nothing.

        Raises:
            QueueFull: if not so much is left.
        """
        more_bytes = size_bytes - max(self.taken_bytes, SMALL_BYTES)
        if more_bytes > 0:
            wanted_bytes = size_bytes - self.taken_bytes
            self._room.take(wanted_bytes)
            self.taken_bytes += wanted_bytes

    def release(self) -> None:
        """Give all of it back; may be done twice."""
        self._room.give_back(self.taken_bytes)
        self.taken_bytes = 0


async def read_bytes(
    request: Request, *, limit_bytes: int = MAX_BODY_BYTES, share: Share | None = None
) -> bytes:
    """Return the body.

    Raises:
        TooLarge: if it is longer than the limit.
        QueueFull: if the share cannot grow so far.
    """
    body = bytearray()
    pieces = request.stream()
    said = request.headers.get("content-length", "")
    said_bytes = int(said[:20]) if said.isdecimal() else 0
    try:
        _require_at_most(limit_bytes, said_bytes)
        if share is not None:  # all of it at once: else many would get a part, and nobody all
            share.grow(said_bytes)
        async for piece in pieces:
            body += piece
            _require_at_most(limit_bytes, len(body))
            if share is not None:
                share.grow(len(body))
    except (TooLarge, QueueFull):
        body.clear()
        if share is not None:
            share.release()
        if request.headers.get("expect", "").lower() != "100-continue":
            await _drain(pieces)
        raise
    return bytes(body)


def _require_at_most(limit_bytes: int, size_bytes: int) -> None:
    if size_bytes > limit_bytes:
        mib, kib = limit_bytes // 1024**2, limit_bytes // 1024
        raise TooLarge(f"The body is larger than {f'{mib} MiB' if mib else f'{kib} KiB'}")


async def _drain(pieces: AsyncIterator[bytes]) -> None:
    """Read on and throw away: many clients hear no refusal before they have sent it all."""
    drained_bytes = 0
    async for piece in pieces:
        drained_bytes += len(piece)
        if drained_bytes > MAX_DRAINED_BYTES:
            return


async def read_json(
    request: Request,
    shape: type[T],
    *,
    limit_bytes: int = MAX_BODY_BYTES,
    share: Share | None = None,
) -> T:
    """Return the body as a value of the shape; an empty one is an empty object.

    Raises:
        TooLarge: if it is longer than the limit.
        QueueFull: if the share cannot grow so far.
        BadRequest: if it is not JSON.
        InputRejected: if it has another shape.
    """
    content = await read_bytes(request, limit_bytes=limit_bytes, share=share)
    return decoded(content or b"{}", shape)


def decoded(body: bytes, shape: type[T]) -> T:
    """Return JSON as a value of the shape.

    Raises:
        BadRequest: if it is not JSON.
        InputRejected: if it has another shape.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise InputRejected([_field(str(error))]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise BadRequest(f"The body is not JSON: {error}") from error
    except RecursionError as error:
        raise BadRequest("The body is nested too deeply") from error


def require_shallow(value: Any, field: str) -> None:
    """Do nothing if a value is nested no deeper than what reads it later can go.

    Raises:
        InputRejected: naming the field.
    """
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for holder in level
            for item in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return
    raise InputRejected([InvalidField("invalid_value", field, f"Nested deeper than {MAX_DEPTH}")])


def _field(message: str) -> InvalidField:
    """Return what is wrong in the words that Replicate uses."""
    place = _PLACE.search(message)
    field = place["place"] if place else ""
    text = message[: place.start()] if place else message
    if found := _MISSING.match(text):
        return InvalidField("required", field, f"{found['name']} is required")
    if found := _UNKNOWN.match(text):
        description = f"Additional property {found['name']} is not allowed"
        return InvalidField("additional_property_not_allowed", field, description)
    if found := _EXPECTED.match(text):
        description = f"Invalid type. Expected: {found['wanted']}, given: {found['given']}"
        return InvalidField("invalid_type", field, description)
    kind = "enum" if text.startswith("Invalid enum value") else "invalid_value"
    return InvalidField(kind, field, text)
