"""The headers that name a part: `Range` of a download, `Content-Range` of a chunk."""

import re
from dataclasses import dataclass

from coghub.domain.distribution_errors import RangeUnsatisfiable, UploadInvalid

_DIGITS = r"[0-9]{1,18}"
"""Of a position: ASCII only, and bounded, as the numbers that files have."""
_RANGE = re.compile(rf"bytes=(?:({_DIGITS})-({_DIGITS})?|-({_DIGITS}))", re.IGNORECASE)
_CONTENT_RANGE = re.compile(
    rf"(?:bytes[ =])?({_DIGITS})-({_DIGITS})(?:/(?:{_DIGITS}|\*))?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `start` up to but not including `end`."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """How many bytes that is."""
        return self.end - self.start


def requested_span(header: str | None, size: int) -> Span | None:
    """Return the part of a blob that a `Range` header asks for; None for the whole.

    A header that makes no sense, or names several parts, is ignored, as HTTP has it.

    Raises:
        RangeUnsatisfiable: if the part begins behind the end.
    """
    match = _RANGE.fullmatch(header.replace(" ", "")) if header else None
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        start, end = max(0, size - int(suffix)), size
    else:
        start = int(first)
        end = min(size, int(last) + 1) if last is not None else size
        if last is not None and int(last) < start:
            return None
    if start >= size:
        raise RangeUnsatisfiable(size)
    return Span(start, end)


def chunk_span(header: str | None) -> Span | None:
    """Return where a chunk belongs: `0-99`, as the OCI has it, or `bytes 0-99/*`, as HTTP.

    Raises:
        UploadInvalid: if the header says neither.
    """
    if header is None:
        return None
    match = _CONTENT_RANGE.fullmatch(header.strip())
    if match is None or int(match[2]) < int(match[1]):
        raise UploadInvalid("`Content-Range` is not of the form `START-END`, END included")
    return Span(int(match[1]), int(match[2]) + 1)
