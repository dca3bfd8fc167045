"""Answers that are the bytes of a file: ranges, validators, and nothing that runs as a page.

What users and models make is served from the hub's own origin. A browser shows images, sounds,
videos and plain text in place; everything else it may only save.

Source: RFC 9110, sections 13 and 14.
"""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from coghub.domain.errors import FileNotFound

SHOWN_IN_PLACE = re.compile(
    r"(?:image/(?:png|jpeg|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon)"
    r"|audio/[\w.+-]+|video/[\w.+-]+|application/json|text/plain|text/csv)(?:;.*)?",
    re.IGNORECASE,
)
"""No SVG, XML, HTML, PDF: these can carry script."""
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
HEADERS = {
    "accept-ranges": "bytes",
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "content-length, content-range, etag",
    "content-security-policy": "sandbox; default-src 'none'; media-src 'self'; img-src 'self'",
    "cross-origin-resource-policy": "cross-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

Reader = Callable[[int, int], AsyncIterator[bytes]]
"""Yields the bytes from a place up to but not including another."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is known of the bytes."""

    name: str
    content_type: str
    size_bytes: int
    etag: str
    modified_at: datetime
    cache_control: str


async def content_response(request: Request, content: Content, read: Reader) -> Response:
    """Return the bytes, the wanted range of them, or only their headers.

    The first piece is read before the answer begins, so that a missing object is a clean refusal.

    Raises:
        FileNotFound: if the object is gone.
    """
    headers = _headers(content)
    if _is_known(request, content):
        return Response(None, 304, headers)
    span = _span(request, content)
    if span is None:
        return Response(None, 416, {**headers, "content-range": f"bytes */{content.size_bytes}"})
    start, end = span
    headers["content-length"] = str(end - start)
    is_part = span != (0, content.size_bytes)
    if is_part:
        headers["content-range"] = f"bytes {start}-{end - 1}/{content.size_bytes}"
    if request.method == "HEAD":
        return Response(None, 200, headers)
    body = await _begun(read(start, end))
    return StreamingResponse(body, 206 if is_part else 200, headers)


def _headers(content: Content) -> dict[str, str]:
    is_shown = SHOWN_IN_PLACE.fullmatch(content.content_type) is not None
    disposition = "inline" if is_shown else "attachment"
    kind = content.content_type
    if kind.startswith("text/") and "charset" not in kind.lower():
        kind = f"{kind}; charset=utf-8"
    return {
        **HEADERS,
        "content-type": kind,
        "content-disposition": f"{disposition}; filename*=UTF-8''{quote(content.name, safe='')}",
        "cache-control": content.cache_control,
        "etag": f'"{content.etag}"',
        "last-modified": format_datetime(content.modified_at, usegmt=True),
    }


def _is_known(request: Request, content: Content) -> bool:
    tags = [
        tag.strip().removeprefix("W/")
        for tag in request.headers.get("if-none-match", "").split(",")
    ]
    return f'"{content.etag}"' in tags or "*" in tags


def _span(request: Request, content: Content) -> tuple[int, int] | None:
    """Return what is wanted, as a half-open range; None if it lies outside.

    Several ranges at once, and ranges of another state of the file, are answered with all of it.
    """
    size = content.size_bytes
    whole = (0, size)
    condition = request.headers.get("if-range")
    found = RANGE.fullmatch(request.headers.get("range", "").strip())
    if not found or (condition is not None and condition != f'"{content.etag}"'):
        return whole
    first, last = found.groups()
    if first:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return whole
    elif last:
        start, end = max(size - int(last), 0), size
    else:
        return whole
    return (start, end) if start < end else None


async def _begun(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        first = await anext(pieces, b"")
    except FileNotFoundError:
        raise FileNotFound from None

    async def everything() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return everything()
