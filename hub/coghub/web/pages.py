"""The pages: plain, to be read only, without a script; they show what the API would tell."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from coghub.domain.account import Account
from coghub.domain.clock import iso
from coghub.domain.model import Model, ModelOrder, Version
from coghub.domain.prediction import FILE_SCHEME, Prediction
from coghub.parts import Hub
from coghub.public_url import base_url
from coghub.web.markdown import rendered
from coghub.web.schema_rows import input_rows, output_kind
from coghub.web.visitor import CHALLENGE, visitor

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters["iso"] = iso
MAX_SHOWN_CHARACTERS = 64 * 1024
"""Of logs, input and output on a page; the API gives all of it."""


class Pages:
    """Answers browsers."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def home(self, request: Request) -> Response:
        """Show the public models, and the visitor's own."""
        account = await visitor(request, self._hub.accounts)
        public = list[Model]()
        if account is not None or self._hub.settings.allow_anonymous:
            public.extend((await self._hub.models.public(ModelOrder(), None)).items)
        own: Sequence[Model] = ()
        if account is not None:
            own = await self._hub.models.of_owner(account)
        return self._page(request, "home.html", account=account, own=own, public=public)

    async def login(self, request: Request) -> Response:
        """Have the browser ask for name and token, and go back to where it came from."""
        account = await visitor(request, self._hub.accounts)
        if account is None:
            return self._page(request, "login.html", status=401, headers=CHALLENGE)
        target = request.query_params.get("next", "/")
        is_here = target.startswith("/") and target[1:2] not in {"/", "\\"} and target.isprintable()
        return RedirectResponse(target if is_here else "/", 303)

    async def tokens(self, request: Request) -> Response:
        """Say how one gets a token; `cog login` leads here."""
        account = await visitor(request, self._hub.accounts)
        return self._page(request, "tokens.html", account=account)

    async def model(self, request: Request) -> Response:
        """Show a model, with its latest version."""
        account = await visitor(request, self._hub.accounts)
        model = await self._hub.models.get(account, **request.path_params)
        return await self._model(request, account, model, model.latest_version)

    async def version(self, request: Request) -> Response:
        """Show a model with one of its versions."""
        account = await visitor(request, self._hub.accounts)
        version, model = await self._hub.models.version(account, **request.path_params)
        return await self._model(request, account, model, version)

    async def prediction(self, request: Request) -> Response:
        """Show a prediction to its owner; to others who have the link, how far it is."""
        account = await visitor(request, self._hub.accounts)
        found = await self._hub.predictions.find(request.path_params["prediction_id"])
        is_own = account is not None and (account.id == found.account_id or account.is_admin)
        shown = _shown(found) if is_own else {}
        return self._page(
            request, "prediction.html", account=account, prediction=found, is_own=is_own, **shown
        )

    def not_found(self, request: Request) -> Response:
        """Say that there is nothing, or nothing for this visitor."""
        return self._page(request, "not_found.html", status=404)

    def refused(self, request: Request, message: str) -> Response:
        """Say what is wrong with the request."""
        return self._page(request, "refused.html", status=400, message=message)

    async def _model(
        self, request: Request, account: Account | None, model: Model, version: Version | None
    ) -> Response:
        schema = version.openapi_schema if version else {}
        return self._page(
            request,
            "model.html",
            account=account,
            model=model,
            version=version,
            versions=await self._hub.models.versions(account, model.owner, model.name),
            inputs=input_rows(schema),
            output=output_kind(schema),
            readme=rendered(model.readme) if model.readme else None,
        )

    def _page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **values: Any,
    ) -> Response:
        base = base_url(request, self._hub.settings)
        values = {"account": None, **values, "base": base, "path": request.url.path}
        html = TEMPLATES.get_template(template).render(values)
        return HTMLResponse(html, status, {"cache-control": "no-store", **(headers or {})})


def _shown(prediction: Prediction) -> dict[str, Any]:
    """Return what only the owner sees."""
    return {
        "input": _json(prediction.input),
        "output": None if prediction.output is None else _json(prediction.output),
        "logs": prediction.logs[-MAX_SHOWN_CHARACTERS:],
        "files": list(_files(prediction.output)),
    }


def _files(output: Any) -> list[str]:
    """Return the paths of files in an output: one, or a list of them."""
    values = output if isinstance(output, list) else [output]
    return [
        value.removeprefix(FILE_SCHEME)
        for value in values
        if isinstance(value, str) and value.startswith(f"{FILE_SCHEME}/files/")
    ]


def _json(value: Any) -> str:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return text[:MAX_SHOWN_CHARACTERS]
