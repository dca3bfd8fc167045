"""The routes of the registry."""

from starlette.applications import Starlette
from starlette.types import ASGIApp

from coghub.parts import Hub


def registry_app(hub: Hub) -> ASGIApp:
    """Return the registry as an application that is asked for `/v2/…` and `/cog/v1/…`."""
    del hub
    return Starlette(routes=[])
