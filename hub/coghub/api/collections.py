"""`/collections`: groups of models; there are none yet."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from coghub.api.authentication import optional_account
from coghub.api.paging import page_response
from coghub.domain.page import Page
from coghub.parts import Hub


class CollectionRoutes:
    """Answers for collections."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [Route("/collections", self.list, methods=["GET"])]

    async def list(self, request: Request) -> Response:
        """Answer GET /collections."""
        await optional_account(request, self._hub)
        return page_response(request, self._hub.settings, Page(()), str)
