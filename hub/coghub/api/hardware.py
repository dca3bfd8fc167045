"""`GET /hardware`: what models may run on."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from coghub.api.authentication import require_account
from coghub.api.rendering import json_response
from coghub.parts import Hub


class HardwareRoutes:
    """Answers for hardware."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [Route("/hardware", self.list, methods=["GET"])]

    async def list(self, request: Request) -> Response:
        """Answer GET /hardware: a bare list, unlike the others."""
        await require_account(request, self._hub.accounts)
        return json_response([{"sku": it.sku, "name": it.name} for it in self._hub.hardware])
