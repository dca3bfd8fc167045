"""Answers that several routes share."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from coghub.domain.errors import RequestInvalid

DIGEST = "Docker-Content-Digest"
PAGE_NAMES = 1000
"""Names in one answer, at most and unless the client wants fewer."""


def json_response(
    value: Any, headers: dict[str, str] | None = None, media_type: str = "application/json"
) -> Response:
    """Return a JSON answer."""
    return Response(msgspec.json.encode(value), 200, headers, media_type)


def page_size(request: Request, most: int = PAGE_NAMES) -> int:
    """Return how many entries the client wants in one answer.

    Raises:
        RequestInvalid: if `n` is no number.
    """
    text = request.query_params.get("n")
    if text is None:
        return most
    if not (text.isascii() and text.isdecimal()):
        raise RequestInvalid("`n` is not a whole number of 0 or more")
    return min(int(text[:10]), most)


def next_link(request: Request, entries: Sequence[str], size: int) -> dict[str, str]:
    """Return the header that leads to the next page, if there is one: one entry more was read."""
    if len(entries) <= size or size == 0:
        return {}
    others = [
        (name, value)
        for name, value in request.query_params.multi_items()
        if name not in {"n", "last"}
    ]
    query = urlencode([*others, ("n", str(size)), ("last", entries[size - 1])])
    return {"Link": f'<{request.url.path}?{query}>; rel="next"'}
