"""How a client reaches the hub: the beginning of every URL that API, registry and pages give."""

import re

from starlette.requests import Request

from coghub.hub_settings import HubSettings

HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
"""What a Host header may be to become part of a URL."""


def base_url(request: Request, settings: HubSettings) -> str:
    """Return how this client reaches the hub, without a slash at the end."""
    if settings.public_url:
        return settings.public_url
    host = request.headers.get("host", "")
    if not HOST.fullmatch(host):
        server = request.scope.get("server") or (settings.host, settings.port)
        host = f"{server[0]}:{server[1]}"
    return f"{request.url.scheme}://{host}"
