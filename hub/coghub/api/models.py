"""`/models…`: models, their readmes and examples, and the search for them."""

from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from coghub.api.authentication import optional_account, require_account
from coghub.api.bodies import read_bytes, read_json
from coghub.api.fields import require_sku, require_url
from coghub.api.paging import page_response, read_cursor
from coghub.api.prediction_view import PredictionView
from coghub.api.rendering import json_response, model_json
from coghub.domain.errors import BadRequest, NotFound
from coghub.domain.model import Model, ModelOrder, Visibility
from coghub.domain.page import Page
from coghub.parts import Hub
from coghub.public_url import base_url

MAX_README_BYTES = 4 * 1024**2
URLS = ("github_url", "paper_url", "weights_url", "license_url", "cover_image_url")

Text = str | msgspec.UnsetType | None


class ModelBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body that makes a model."""

    owner: str
    name: str
    visibility: Visibility
    hardware: str
    description: str | None = None
    github_url: str | None = None
    paper_url: str | None = None
    weights_url: str | None = None
    license_url: str | None = None
    cover_image_url: str | None = None


class ModelChange(msgspec.Struct, forbid_unknown_fields=True):
    """The body that changes a model: null empties a field, an absent one stays."""

    description: Text = msgspec.UNSET
    readme: Text = msgspec.UNSET
    github_url: Text = msgspec.UNSET
    paper_url: Text = msgspec.UNSET
    weights_url: Text = msgspec.UNSET
    license_url: Text = msgspec.UNSET


class ModelRoutes:
    """Answers for models."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._view = PredictionView(hub)

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        one = "/models/{owner}/{name}"
        return [
            Route("/models", self.create, methods=["POST"]),
            Route("/models", self.list, methods=["GET"]),
            Route("/models", self.search, methods=["QUERY"]),
            Route(one, self.get, methods=["GET"]),
            Route(one, self.change, methods=["PATCH"]),
            Route(one, self.delete, methods=["DELETE"]),
            Route(f"{one}/readme", self.readme, methods=["GET"]),
            Route(f"{one}/examples", self.examples, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        """Answer POST /models."""
        account = await require_account(request, self._hub.accounts)
        body = await read_json(request, ModelBody)
        fields = msgspec.structs.asdict(body)
        owner, name, visibility = (fields.pop(key) for key in ("owner", "name", "visibility"))
        _check(fields)
        require_sku(body.hardware, self._hub)
        model = await self._hub.models.create(
            account, owner, name, visibility=visibility, fields=fields
        )
        return json_response(self._json(model, request), 201)

    async def list(self, request: Request) -> Response:
        """Answer GET /models: the public ones."""
        await optional_account(request, self._hub)
        order = ModelOrder(
            by=_choice(request, "sort_by", "latest_version_created_at", other="model_created_at"),
            is_ascending=_choice(request, "sort_direction", "desc", other="asc") == "asc",
        )
        page = await self._hub.models.public(order, read_cursor(request, int))
        return self._page(request, page)

    async def search(self, request: Request) -> Response:
        """Answer QUERY /models: public ones with the words; clients send JSON or plain text."""
        await optional_account(request, self._hub)
        text = _search_text(await read_bytes(request))
        return self._page(request, Page(await self._hub.models.search(text)))

    async def get(self, request: Request) -> Response:
        """Answer GET /models/{owner}/{name}: with its newest example, unlike in lists."""
        model = await self._model(request)
        base = base_url(request, self._hub.settings)
        told = self._json(model, request)
        for prediction in await self._hub.examples.of_model(model, limit=1):
            told["default_example"] = await self._view.example_json(prediction, base)
        return json_response(told)

    async def change(self, request: Request) -> Response:
        """Answer PATCH /models/{owner}/{name}."""
        account = await require_account(request, self._hub.accounts)
        body = await read_json(request, ModelChange, limit_bytes=MAX_README_BYTES)
        fields = {
            name: value
            for name, value in msgspec.structs.asdict(body).items()
            if value is not msgspec.UNSET
        }
        _check(fields)
        model = await self._hub.models.change(account, **_names(request), fields=fields)
        return json_response(self._json(model, request))

    async def delete(self, request: Request) -> Response:
        """Answer DELETE /models/{owner}/{name}."""
        account = await require_account(request, self._hub.accounts)
        await self._hub.deletion.delete_model(account, **_names(request))
        return Response(status_code=204)

    async def readme(self, request: Request) -> Response:
        """Answer GET /models/{owner}/{name}/readme."""
        model = await self._model(request)
        if model.readme is None:
            raise NotFound("The requested resource could not be found.")
        return PlainTextResponse(model.readme)

    async def examples(self, request: Request) -> Response:
        """Answer GET /models/{owner}/{name}/examples."""
        found = await self._hub.examples.of_model(await self._model(request))
        base = base_url(request, self._hub.settings)
        shown = [await self._view.example_json(prediction, base) for prediction in found]
        return page_response(request, self._hub.settings, Page(shown), lambda it: it)

    async def _model(self, request: Request) -> Model:
        account = await optional_account(request, self._hub)
        return await self._hub.models.get(account, **_names(request))

    def _page(self, request: Request, page: Page[Model]) -> Response:
        return page_response(
            request, self._hub.settings, page, lambda model: self._json(model, request)
        )

    def _json(self, model: Model, request: Request) -> dict[str, Any]:
        return model_json(model, base_url(request, self._hub.settings))


def _names(request: Request) -> dict[str, str]:
    return {key: request.path_params[key] for key in ("owner", "name")}


def _check(fields: dict[str, Any]) -> None:
    for name in URLS:
        require_url(fields.get(name), name)


def _choice(
    request: Request,
    name: Literal["sort_by", "sort_direction"],
    default: str,
    *,
    other: str,
) -> str:
    value = request.query_params.get(name, default)
    if value not in {default, other}:
        raise BadRequest(f"`{name}` is neither {default} nor {other}: {value}")
    return value


def _search_text(body: bytes) -> str:
    """Return what is searched for: the value of a JSON string, else the text as it is."""
    try:
        value = msgspec.json.decode(body, type=str)
    except (msgspec.DecodeError, ValueError):
        value = body.decode("utf-8", "replace")
    if not value.strip():
        raise BadRequest("Nothing to search for: the body is empty")
    return value
