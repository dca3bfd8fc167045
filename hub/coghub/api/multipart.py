"""Bodies of type multipart/form-data, part after part as they come; nothing is collected.

Source: RFC 7578.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from coghub.domain.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Part:
    """The head of a part; its content follows."""

    name: str
    filename: str | None
    content_type: str | None


async def read_parts(request: Request) -> AsyncIterator[Part | bytes]:
    """Yield the head of each part, and then its content in pieces.

    Raises:
        BadRequest: if the body is no multipart/form-data, or not whole.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise BadRequest("The body is not multipart/form-data")
    told = _Told()
    try:
        # The parser's own type of the dictionary is not for others to import.
        callbacks: Any = told.callbacks()
        parser = MultipartParser(options[b"boundary"], callbacks)
        async for piece in request.stream():
            parser.write(piece)
            for event in told.take():
                yield event
    except FormParserError as error:
        raise BadRequest(f"The body is not multipart/form-data: {error}") from error
    if not told.is_whole:
        raise BadRequest("The body ends too early")


class _Told:
    """What the parser told since the last time."""

    def __init__(self) -> None:
        self.is_whole = False
        self._events = list[Part | bytes]()
        self._headers = dict[bytes, bytes]()
        self._field = b""
        self._value = b""

    def callbacks(self) -> dict[str, Callable[..., None]]:
        """Return what the parser calls."""
        return {
            "on_part_begin": self._headers.clear,
            "on_header_field": self._add_to_field,
            "on_header_value": self._add_to_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin,
            "on_part_data": self._add_content,
            "on_end": self._end,
        }

    def take(self) -> list[Part | bytes]:
        """Return the events, once."""
        taken = self._events.copy()
        self._events.clear()
        return taken

    def _add_content(self, content: bytes, start: int, end: int) -> None:
        self._events.append(content[start:end])

    def _add_to_field(self, content: bytes, start: int, end: int) -> None:
        self._field += content[start:end]

    def _add_to_value(self, content: bytes, start: int, end: int) -> None:
        self._value += content[start:end]

    def _end_header(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _begin(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"").decode("latin-1")
        _, options = parse_options_header(disposition)
        filename = options.get(b"filename")
        kind = self._headers.get(b"content-type")
        self._events.append(
            Part(
                options.get(b"name", b"").decode("utf-8", "replace"),
                None if filename is None else filename.decode("utf-8", "replace"),
                None if kind is None else kind.decode("latin-1"),
            )
        )

    def _end(self) -> None:
        self.is_whole = True
