"""Routes under `/cog/v1`: what Cog's and our own command ask of a registry's host."""

from starlette.requests import Request
from starlette.responses import Response

import coghub
from coghub.domain.errors import NotFound, Unauthenticated
from coghub.parts import Hub
from coghub.public_url import base_url
from coghub.registry.forms import read_form
from coghub.registry.responses import json_response

TOKEN_PAGE = "settings/tokens"  # noqa: S105 - the path of a page
"""Where a person who is logged in finds a token to paste."""


class CogRoutes:
    """Answers `cog login`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def display_token_url(self, request: Request) -> Response:
        """Answer GET /cog/v1/display-token-url."""
        return json_response({"url": f"{base_url(request, self._hub.settings)}/{TOKEN_PAGE}"})

    async def verify_token(self, request: Request) -> Response:
        """Answer POST /cog/v1/verify-token: whose token it is."""
        form = await read_form(request)
        try:
            account = await self._hub.accounts.authenticate(form.get("token", "").strip())
        except Unauthenticated as error:
            raise NotFound("Not a valid token") from error
        return json_response({"username": account.name})

    async def hub(self, request: Request) -> Response:
        """Answer GET /cog/v1/hub: what this host is."""
        url = base_url(request, self._hub.settings)
        return json_response({"hub": "coghub", "version": coghub.__version__, "url": url})
