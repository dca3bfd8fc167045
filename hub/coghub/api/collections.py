"""`/collections`: groups of models, which whoever runs the hub puts together."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from coghub.api.authentication import optional_account
from coghub.api.paging import page_response
from coghub.api.rendering import collection_json, json_response, model_json
from coghub.domain.page import Page
from coghub.parts import Hub
from coghub.public_url import base_url


class CollectionRoutes:
    """Answers for collections."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [
            Route("/collections", self.list, methods=["GET"]),
            Route("/collections/{slug}", self.get, methods=["GET"]),
        ]

    async def list(self, request: Request) -> Response:
        """Answer GET /collections: all of them; clients expect one page."""
        await optional_account(request, self._hub)
        found = await self._hub.collections.all()
        return page_response(request, self._hub.settings, Page(found), collection_json)

    async def get(self, request: Request) -> Response:
        """Answer GET /collections/{slug}: with the models that the client may see."""
        account = await optional_account(request, self._hub)
        collection = await self._hub.collections.get(request.path_params["slug"])
        models = await self._hub.collections.readable_models(account, collection)
        base = base_url(request, self._hub.settings)
        return json_response(
            {
                **collection_json(collection),
                "full_description": collection.full_description,
                "models": [model_json(model, base) for model in models],
            }
        )
