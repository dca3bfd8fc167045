"""Pages of lists as the API writes them, and the opaque cursors that lead from one to the next."""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from coghub.api.rendering import api_url, json_response
from coghub.database.columns import EPOCH, MICROSECOND
from coghub.domain.errors import BadRequest
from coghub.domain.page import Cursor, Page
from coghub.hub_settings import HubSettings

T = TypeVar("T")

CURSOR = re.compile(
    r"(?P<direction>[np]) (?P<moment>[0-9]{1,16}) (?P<key>[0-9a-z]{1,18}|(?:msg_)?[0-9a-z]{26})"
)
"""Where to go, the moment in microseconds since 1970, and the row's key; no larger numbers."""


def page_response(
    request: Request, settings: HubSettings, page: Page[T], render: Callable[[T], Any]
) -> Response:
    """Return a page with absolute URLs of its neighbours, the request's other parameters kept."""
    return json_response(
        {
            "previous": _url(request, settings, page.previous),
            "next": _url(request, settings, page.next),
            "results": [render(item) for item in page.items],
        }
    )


def read_cursor(request: Request, kind: type[str] | type[int]) -> Cursor | None:
    """Return where the wanted page is; None for the first.

    Raises:
        BadRequest: if the cursor is none of ours.
    """
    text = request.query_params.get("cursor")
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        content = base64.urlsafe_b64decode(padded).decode("ascii")
    except (ValueError, binascii.Error):
        content = ""
    found = CURSOR.fullmatch(content)
    if found is None or (kind is int and not found["key"].isdecimal()):
        raise BadRequest("Invalid cursor")
    moment = EPOCH + timedelta(microseconds=int(found["moment"]))
    return Cursor(moment, kind(found["key"]), is_backward=found["direction"] == "p")


def _url(request: Request, settings: HubSettings, cursor: Cursor | None) -> str | None:
    if cursor is None:
        return None
    others = [
        (name, value) for name, value in request.query_params.multi_items() if name != "cursor"
    ]
    query = urlencode([*others, ("cursor", write_cursor(cursor))])
    return f"{api_url(request, settings)}{request.scope['path']}?{query}"


def write_cursor(cursor: Cursor) -> str:
    """Return a place as `read_cursor` reads it."""
    direction = "p" if cursor.is_backward else "n"
    content = f"{direction} {(cursor.moment - EPOCH) // MICROSECOND} {cursor.key}"
    return base64.urlsafe_b64encode(content.encode("ascii")).decode("ascii")
