"""`GET /webhooks/default/secret`: the key by which receivers check our signatures."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from coghub.api.authentication import require_account
from coghub.api.rendering import json_response
from coghub.parts import Hub


class WebhookRoutes:
    """Answers for webhooks."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [Route("/webhooks/default/secret", self.secret, methods=["GET"])]

    async def secret(self, request: Request) -> Response:
        """Answer GET /webhooks/default/secret."""
        account = await require_account(request, self._hub.accounts)
        key = await self._hub.webhook_secrets.get(account.id)
        return json_response({"key": key}, headers={"cache-control": "no-store"})
