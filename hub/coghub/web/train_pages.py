"""Trainings: the Train tab of a model, what its form asks for, and the list of an account's."""

from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute

from coghub.api.bodies import read_json, require_shallow
from coghub.api.paging import read_cursor, write_cursor
from coghub.api.rendering import json_response
from coghub.domain.account import Account
from coghub.domain.errors import InputRejected, TrainingNotFound, VersionNotFound
from coghub.domain.model import Model
from coghub.domain.prediction import Source
from coghub.predictions.predictions import Order
from coghub.ui.form import fields_of, values_of
from coghub.web.model_pages import can_train, model_values, shown_model
from coghub.web.sight import Sight, uploads_in
from coghub.web.site import NOT_KEPT, Site, Visit

TRAINING_KEY, FROM_KEY, DESTINATION_KEY = "_p", "_from", "_to"
"""Of the address; inputs are named by themselves, and none begins like these."""
MAX_INPUT_BYTES = 16 * 1024**2
CREATED = 201


class TrainingForm(msgspec.Struct):
    """What the form sends."""

    input: dict[str, Any]


class TrainPages:
    """Answers for trainings."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sight = Sight(site)

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        site, one = self._site, "/{owner}/{name}"
        return [
            site.get("/trainings", self.all),
            site.get(f"{one}/train", self.form),
            site.post(f"{one}/versions/{{version_id}}/train", self.train),
            site.post(f"{one}/versions/{{version_id}}/train/check", self.check),
        ]

    async def all(self, visit: Visit) -> Response:
        """Show an account's trainings."""
        account = visit.require_account()
        cursor = read_cursor(visit.request, str)
        page = await self._site.hub.trainings.page(account, cursor)
        return self._site.page(
            visit,
            "trainings.html",
            page=page,
            next=page.next and write_cursor(page.next),
            previous=page.previous and write_cursor(page.previous),
        )

    async def form(self, visit: Visit) -> Response:
        """Show the form of a training, and what one makes of it."""
        shown = await shown_model(self._site, visit)
        if shown.version is None or not can_train(shown.version):
            raise VersionNotFound("train")
        fields = fields_of(shown.version.openapi_schema, "TrainingInput")
        given = await self._training(visit, FROM_KEY)
        values = {**(given.input if given else {}), **values_of(fields, visit.request.query_params)}
        training = await self._training(visit, TRAINING_KEY)
        models = await self._destinations(visit.account)
        return self._site.page(
            visit,
            "train.html",
            **model_values(visit, shown),
            fields=[it for it in fields if not it.is_deprecated],
            deprecated=[it for it in fields if it.is_deprecated],
            values=values,
            destinations=models,
            destination=_chosen(visit, models, shown.model),
            result=await self._sight.result(visit, training) if training else "",
        )

    async def _destinations(self, account: Account | None) -> list[str]:
        """Return the names of the models that may get what the visitor trains."""
        if account is None:
            return []
        return [it.full_name for it in await self._site.hub.models.of_owner(account)]

    async def _training(self, visit: Visit, key: str) -> Any:
        """Return the training that the address names, if the visitor may see it."""
        training_id = visit.request.query_params.get(key)
        if not training_id or visit.account is None:
            return None
        try:
            return await self._site.hub.trainings.get(visit.account, training_id)
        except TrainingNotFound:
            return None

    async def train(self, visit: Visit) -> Response:
        """Make a training, and return what the page shows of it."""
        account, order = await self._order(visit)
        hub = self._site.hub
        destination = visit.request.query_params.get(DESTINATION_KEY, "")
        await hub.files.keep(account, list(uploads_in(order.input)))
        training = await hub.trainings.create(account, order, destination)
        html = str(await self._sight.result(visit, training))
        return json_response({"id": training.id, "html": html}, CREATED, NOT_KEPT)

    async def check(self, visit: Visit) -> Response:
        """Say what of an input does not fit."""
        _, order = await self._order(visit)
        try:
            self._site.hub.trainings.check(order.version, order.input)
        except InputRejected as error:
            return json_response({"fields": error.fields}, headers=NOT_KEPT)
        return json_response({"fields": []}, headers=NOT_KEPT)

    async def _order(self, visit: Visit) -> tuple[Account, Order]:
        visit.require_csrf_header()
        account = visit.require_account()
        body = await read_json(visit.request, TrainingForm, limit_bytes=MAX_INPUT_BYTES)
        require_shallow(body.input, "input")
        version, model = await self._site.hub.models.version(account, **visit.path)
        return account, Order(model, version, body.input, visit.base, source=Source.WEB)


def _chosen(visit: Visit, models: list[str], trainer: Model) -> str:
    """Return the destination that the address names, or one to begin with."""
    named = visit.request.query_params.get(DESTINATION_KEY, "")
    first = [it for it in (named, trainer.full_name, *models) if it in models]
    return first[0] if first else ""
