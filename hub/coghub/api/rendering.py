"""Values as the API's JSON."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from coghub.hub_settings import HubSettings


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")


def base_url(request: Request, settings: HubSettings) -> str:
    """Return how this client reaches the hub, without a slash at the end."""
    if settings.public_url:
        return settings.public_url
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
