"""Messages as bytes: length-prefixed frames on a stream socket.

A frame is a 5-byte head, the length of its body and its kind, then the body: the message's fields
as a JSON object in UTF-8. A body above `MAX_INLINE_BYTES` goes through a file: the head carries
`SPILLED`, the body is the file's path, and the reader removes the file.
"""

import json
import os
import struct
from collections.abc import Iterator
from typing import Any

from cog.worker import messages

HEAD = struct.Struct("!IB")
SPILLED = 0x80
MAX_INLINE_BYTES = 1024**2
"""Larger bodies go through a file: a socket buffer holds about 200 KiB, so both would wait."""

KINDS: tuple[type, ...] = (
    messages.Predict,
    messages.Cancel,
    messages.CheckHealth,
    messages.ShutDown,
    messages.Loaded,
    messages.SetupFinished,
    messages.Log,
    messages.Metric,
    messages.Output,
    messages.Completed,
    messages.Health,
    messages.Swap,
    messages.Swapped,
)
"""A message's kind on the wire is its place in this table."""

_KIND_OF = {kind: number for number, kind in enumerate(KINDS)}
_OUTPUT = _KIND_OF[messages.Output]


class FrameError(Exception):
    """The bytes are not frames of this protocol; the stream cannot be read any further."""


def encode(message: Any, *, spill_directory: str) -> bytes:
    """Return a message as one frame.

    Half a character (a lone surrogate), which is no text to other programs, becomes U+FFFD.

    Raises:
        TypeError: if a value in the message is not JSON.
        ValueError: if a number in it is NaN or infinite.
        RecursionError: if it is nested too deeply.
    """
    body = _utf8(_to_json(vars(message)))
    kind = _KIND_OF[type(message)]
    if len(body) > MAX_INLINE_BYTES:
        body, kind = _spill(body, spill_directory), kind | SPILLED
    return HEAD.pack(len(body), kind) + body


def decode(kind: int, body: bytes | bytearray) -> Any:
    """Return the message of a frame.

    Raises:
        TooDeep: if the body is nested too deeply.
        FrameError: if the body is not the fields of that kind.
    """
    try:
        fields = _from_json(body.decode())
        if kind == _OUTPUT:
            fields["files"] = [messages.OutputFile(**file) for file in fields["files"]]
        return KINDS[kind](**fields)
    except RecursionError as error:
        # Every message begins with its seq: `{"seq":7,`
        seq = bytes(body[:30]).partition(b":")[2].partition(b",")[0]
        raise TooDeep(kind, int(seq) if seq.strip().isdigit() else 0) from error
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise FrameError(f"A frame of kind {kind} cannot be read: {error}") from error


class TooDeep(FrameError):
    """The body is nested more deeply than this Python reads JSON; the stream itself is whole."""

    def __init__(self, kind: int, seq: int) -> None:
        super().__init__(f"A frame of kind {kind} is nested too deeply")
        self.kind = kind
        self.seq = seq


class FrameSplitter:
    """Cuts a stream of bytes into frames, however it was chopped on the way."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the kind and body of each frame that is whole once the chunk is added.

        Raises:
            FrameError: if a head names no kind, or a longer body than a frame may have,
                or if the file of a large body is not there.
        """
        content = self._rest + chunk if self._rest else chunk
        begin, size = HEAD.size, len(content)
        while begin <= size:
            length, kind = HEAD.unpack_from(content, begin - HEAD.size)
            if length > MAX_INLINE_BYTES or (kind & ~SPILLED) >= len(KINDS):
                raise FrameError(f"Not a frame: kind {kind}, {length} bytes")
            if begin + length > size:
                break
            body = content[begin : begin + length]
            begin += length + HEAD.size
            yield kind & ~SPILLED, _unspill(body) if kind & SPILLED else body
        self._rest = content[begin - HEAD.size :]


def _fields(value: Any) -> dict[str, Any]:
    if isinstance(value, messages.OutputFile):
        return vars(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


_to_json = json.JSONEncoder(
    default=_fields, allow_nan=False, ensure_ascii=False, separators=(",", ":")
).encode
_from_json = json.JSONDecoder().decode


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.encode()


def _spill(body: bytes, directory: str) -> bytes:
    import tempfile  # noqa: PLC0415 - most workers never need it, and it loads a dozen modules

    descriptor, path = tempfile.mkstemp(prefix="frame-", dir=directory)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
    return os.fsencode(path)


def _unspill(path: bytes) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a bytes path
            body = file.read()
        os.unlink(path)  # noqa: PTH108 - a bytes path
    except (OSError, ValueError) as error:
        raise FrameError(f"A large frame's file cannot be read: {error}") from error
    return body
