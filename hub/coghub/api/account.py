"""`GET /account`: who the token's owner is."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from coghub.api.authentication import require_account
from coghub.api.rendering import account_json, json_response
from coghub.parts import Hub


class AccountRoutes:
    """Answers for the account itself."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [Route("/account", self.get, methods=["GET"])]

    async def get(self, request: Request) -> Response:
        """Answer GET /account."""
        return json_response(account_json(await require_account(request, self._hub.accounts)))
