"""`GET /search`: public models and collections by words, as in Replicate's newer search."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from coghub.api.authentication import optional_account
from coghub.api.rendering import collection_json, json_response, model_json
from coghub.domain.errors import BadRequest
from coghub.parts import Hub
from coghub.public_url import base_url

DEFAULT_LIMIT = 20
MAX_LIMIT = 50


class SearchRoutes:
    """Answers searches."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [Route("/search", self.search, methods=["GET"])]

    async def search(self, request: Request) -> Response:
        """Answer GET /search: a hub has no other pages to find."""
        await optional_account(request, self._hub)
        text = request.query_params.get("query", "")
        if not text.strip():
            raise BadRequest("Nothing to search for: `query` is missing or empty")
        limit = _limit(request)
        found = await self._hub.models.search(text, limit=limit)
        grouped = await self._hub.collections.search(text, limit=limit)
        base = base_url(request, self._hub.settings)
        metadata = {"generated_description": None, "tags": list[str](), "score": None}
        models = [{"model": model_json(model, base), "metadata": metadata} for model in found]
        collections = [{**collection_json(it), "models": None} for it in grouped]
        return json_response(
            {"query": text, "models": models, "collections": collections, "pages": []}
        )


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) <= MAX_LIMIT):
        raise BadRequest(f"`limit` is no whole number from 1 to {MAX_LIMIT}: {text[:20]}")
    return int(text)
