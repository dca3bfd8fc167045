"""What a model's form asks for: its input checked, a prediction made, a file uploaded."""

from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute

from coghub.api.bodies import read_json, require_shallow
from coghub.api.rendering import json_response
from coghub.api.upload import receive
from coghub.domain.account import Account
from coghub.domain.errors import InputRejected, SignInNeeded
from coghub.domain.model import Model, Version, Visibility
from coghub.domain.prediction import Source
from coghub.predictions.predictions import Order
from coghub.web.sight import Sight, uploads_in
from coghub.web.site import NOT_KEPT, Site, Visit
from coghub.web.throttle import Throttle
from coghub.web.upload_answer import upload_answer

MAX_INPUT_BYTES = 16 * 1024**2
MAX_STRANGERS_INPUT_BYTES = 1024**2
CREATED = 201


class InputBody(msgspec.Struct):
    """What a form sends."""

    input: dict[str, Any]


class Playground:
    """Answers forms of models."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sight = Sight(site)
        self._strangers = Throttle(most=20, every_s=10)

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        site, one = self._site, "/{owner}/{name}/versions/{version_id}"
        return [
            site.post("/uploads", self.upload),
            site.get("/uploads/{file_id}", self.uploaded),
            site.post(f"{one}/run", self.run),
            site.post(f"{one}/check", self.check),
        ]

    async def check(self, visit: Visit) -> Response:
        """Say what of an input does not fit."""
        body = await self._body(visit)
        version, _ = await self._version(visit)
        try:
            self._site.hub.predictions.check(version, body.input)
        except InputRejected as error:
            return json_response({"fields": error.fields}, headers=NOT_KEPT)
        return json_response({"fields": []}, headers=NOT_KEPT)

    async def run(self, visit: Visit) -> Response:
        """Make a prediction, and return what the page shows of it."""
        body = await self._body(visit)
        version, model = await self._version(visit)
        account = await self._runner(visit, model)
        hub = self._site.hub
        order = Order(
            model=model,
            version=version,
            input=body.input,
            base_url=visit.base,
            source=Source.WEB,
        )
        await hub.files.keep(account, list(uploads_in(body.input)))
        prediction = await hub.predictions.create(account, order)
        html = str(await self._sight.result(visit, prediction))
        return json_response({"id": prediction.id, "html": html}, CREATED, NOT_KEPT)

    async def upload(self, visit: Visit) -> Response:
        """Keep a file for an input."""
        visit.require_csrf_header()
        account = await self._uploader(visit)
        file = await receive(visit.request, account, self._site.hub.files)
        made = {"url": f"{visit.base}/v1/files/{file.id}", "name": file.name}
        return json_response(made, CREATED, NOT_KEPT)

    async def uploaded(self, visit: Visit) -> Response:
        """Give a file back to whoever uploaded it, for a preview."""
        account = await self._uploader(visit)
        file = await self._site.hub.files.get(account, visit.path["file_id"])
        return await upload_answer(visit.request, file, self._site.hub.files)

    async def _body(self, visit: Visit) -> InputBody:
        visit.require_csrf_header()
        limit = MAX_INPUT_BYTES if visit.account else MAX_STRANGERS_INPUT_BYTES
        body = await read_json(visit.request, InputBody, limit_bytes=limit)
        require_shallow(body.input, "input")
        return body

    async def _version(self, visit: Visit) -> tuple[Version, Model]:
        path = visit.path
        model = await self._site.hub.models.visible(visit.account, path["owner"], path["name"])
        if model.latest_version and model.latest_version.id == path["version_id"]:
            return model.latest_version, model
        return await self._site.hub.models.version_of(model, path["version_id"]), model

    async def _runner(self, visit: Visit, model: Model) -> Account:
        """Return for whom a prediction is made.

        Raises:
            SignInNeeded: if a stranger asks, and the hub has no anonymous use.
        """
        hub = self._site.hub
        if visit.account is not None:
            return visit.account
        if hub.settings.allow_anonymous and model.visibility is Visibility.PUBLIC:
            return await self._stranger(visit)
        raise SignInNeeded

    async def _uploader(self, visit: Visit) -> Account:
        if visit.account is None and self._site.hub.settings.allow_anonymous:
            return await self._stranger(visit)
        return visit.require_account()

    async def _stranger(self, visit: Visit) -> Account:
        """Return the account of strangers, for each of them now and then only."""
        self._strangers.take(visit.address)
        return await self._site.hub.accounts.anonymous()
