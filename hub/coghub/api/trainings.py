"""`/trainings…`: made by a version of a model, listed, canceled."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from coghub.api.authentication import require_account
from coghub.api.bodies import Room, read_json, require_shallow
from coghub.api.paging import read_cursor
from coghub.api.prediction_view import PredictionView
from coghub.api.predictions import MAX_BODIES_BYTES, MAX_BODY_BYTES, webhook_of
from coghub.api.rendering import json_response
from coghub.api.repeats import Repeats
from coghub.domain.account import Account
from coghub.domain.errors import ModelNotFound, VersionNotFound, VersionNotPermitted
from coghub.domain.model import Model, Version
from coghub.domain.prediction import Prediction, WebhookEvent
from coghub.parts import Hub
from coghub.predictions.predictions import Order
from coghub.public_url import base_url


class TrainingBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body that makes a training."""

    destination: str
    input: dict[str, Any]
    version: str | None = None
    """What one client repeats of the path."""
    webhook: str | None = None
    webhook_completed: str | None = None
    webhook_events_filter: list[WebhookEvent] | None = None


class TrainingRoutes:
    """Answers for trainings."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._view = PredictionView(hub)
        self._room = Room(MAX_BODIES_BYTES)
        self._repeats = Repeats()

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        of_version = "/models/{owner}/{name}/versions/{version_id}/trainings"
        return [
            Route(of_version, self.create, methods=["POST"]),
            Route("/trainings", self.list, methods=["GET"]),
            Route("/trainings/{training_id}", self.get, methods=["GET"]),
            Route("/trainings/{training_id}/cancel", self.cancel, methods=["POST"]),
        ]

    async def create(self, request: Request) -> Response:
        """Answer POST /models/{owner}/{name}/versions/{version_id}/trainings."""
        hub = self._hub
        account = await require_account(request, hub.accounts)
        version, model = await self._trainer(request, account)
        async with self._repeats.attempt(request) as attempt:
            with self._room.share() as share:
                body = await read_json(
                    request, TrainingBody, limit_bytes=MAX_BODY_BYTES, share=share
                )
                require_shallow(body.input, "input")
                earlier = await self._repeats.earlier(attempt, account, body)
                if earlier is None:
                    order = self._order(request, body, model, version)
                    training = await hub.trainings.create(account, order, body.destination)
                else:
                    training = await hub.trainings.get(account, earlier)
            attempt.tell(training.id)
            return await self._answer(request, training, 201)

    def _order(self, request: Request, body: TrainingBody, model: Model, version: Version) -> Order:
        webhook, events = webhook_of(body)
        return Order(
            model=model,
            version=version,
            input=body.input,
            base_url=base_url(request, self._hub.settings),
            webhook=webhook,
            webhook_events=events,
        )

    async def _trainer(self, request: Request, account: Account) -> tuple[Version, Model]:
        try:
            return await self._hub.models.version(account, **request.path_params)
        except (ModelNotFound, VersionNotFound) as error:
            raise VersionNotPermitted(
                "The version does not exist, or you may not train it",
                hint="Name it by the id of 64 characters that the model's versions show",
            ) from error

    async def list(self, request: Request) -> Response:
        """Answer GET /trainings."""
        account = await require_account(request, self._hub.accounts)
        page = await self._hub.trainings.page(account, read_cursor(request, str))
        return await self._view.page(request, page)

    async def get(self, request: Request) -> Response:
        """Answer GET /trainings/{training_id}."""
        account = await require_account(request, self._hub.accounts)
        training = await self._hub.trainings.get(account, **request.path_params)
        return await self._answer(request, training)

    async def cancel(self, request: Request) -> Response:
        """Answer POST /trainings/{training_id}/cancel."""
        account = await require_account(request, self._hub.accounts)
        training = await self._hub.trainings.cancel(account, **request.path_params)
        return await self._answer(request, training)

    async def _answer(self, request: Request, training: Prediction, status: int = 200) -> Response:
        base = base_url(request, self._hub.settings)
        return json_response(await self._view.json(training, base), status)
