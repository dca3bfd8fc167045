"""`/predictions…`: made by version or by model, held for, listed, canceled."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from coghub.api.authentication import require_account
from coghub.api.bodies import Room, read_json, require_shallow
from coghub.api.fields import is_web_url
from coghub.api.paging import read_cursor
from coghub.api.prediction_view import PredictionView
from coghub.api.preferences import Wait, read_cancel_after, read_wait
from coghub.api.rendering import json_response
from coghub.api.repeats import Attempt, Repeats
from coghub.database.predictions import Filter
from coghub.domain.account import Account
from coghub.domain.deployment import Deployment
from coghub.domain.errors import (
    BadRequest,
    InputRejected,
    InvalidField,
    ModelNotFound,
    VersionNotFound,
    VersionNotPermitted,
)
from coghub.domain.model import Model, Version
from coghub.domain.prediction import Prediction, Source, Status, WebhookEvent
from coghub.domain.signals import Hold
from coghub.parts import Hub
from coghub.predictions.predictions import Order
from coghub.public_url import base_url

MAX_BODY_BYTES = 100 * 1024**2
"""Inputs may hold files as data URIs."""
MAX_BODIES_BYTES = 256 * 1024**2
"""Of all bodies that are read and looked at in one moment: each takes several times its size."""
VERSION_ID = re.compile(r"[0-9a-f]{64}")


class HasWebhook(Protocol):
    """A body that may name a webhook."""

    webhook: str | None
    webhook_completed: str | None
    webhook_events_filter: list[WebhookEvent] | None


class PredictionBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body that makes a prediction."""

    input: dict[str, Any]
    version: str | None = None
    webhook: str | None = None
    webhook_completed: str | None = None
    """What old clients send for a webhook that is told of the end alone."""
    webhook_events_filter: list[WebhookEvent] | None = None
    stream: bool | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a prediction is to be of."""

    model: Model
    version: Version
    deployment: Deployment | None = None


Choose = Callable[[PredictionBody], Awaitable[Chosen]]
"""Finds what a body asks for."""


class PredictionRoutes:
    """Answers for predictions."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._view = PredictionView(hub)
        self._room = Room(MAX_BODIES_BYTES)
        self._repeats = Repeats()

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [
            Route("/predictions", self.create, methods=["POST"]),
            Route("/predictions", self.list, methods=["GET"]),
            Route("/predictions/{prediction_id}", self.get, methods=["GET"]),
            Route("/predictions/{prediction_id}/cancel", self.cancel, methods=["POST"]),
            Route("/models/{owner}/{name}/predictions", self.create_by_model, methods=["POST"]),
            Route(
                "/deployments/{owner}/{name}/predictions",
                self.create_by_deployment,
                methods=["POST"],
            ),
        ]

    async def create(self, request: Request) -> Response:
        """Answer POST /predictions."""
        account = await require_account(request, self._hub.accounts)

        async def named(body: PredictionBody) -> Chosen:
            if body.version is None:
                raise InputRejected([InvalidField("required", "", "version is required")])
            return Chosen(*await self._version(account, body.version))

        return await self._created(request, account, named)

    async def create_by_model(self, request: Request) -> Response:
        """Answer POST /models/{owner}/{name}/predictions: its latest version."""
        account = await require_account(request, self._hub.accounts)
        model = await self._hub.models.get(account, **request.path_params)

        async def latest(_: PredictionBody) -> Chosen:
            if model.latest_version is None:
                raise VersionNotPermitted(f"The model has no versions yet: {model.full_name}")
            return Chosen(model, model.latest_version)

        return await self._created(request, account, latest)

    async def create_by_deployment(self, request: Request) -> Response:
        """Answer POST /deployments/{owner}/{name}/predictions: what it runs now."""
        account = await require_account(request, self._hub.accounts)
        target = await self._hub.deployments.target(account, **request.path_params)

        async def deployed(_: PredictionBody) -> Chosen:
            return Chosen(target.model, target.version, target.deployment)

        return await self._created(request, account, deployed)

    async def list(self, request: Request) -> Response:
        """Answer GET /predictions."""
        account = await require_account(request, self._hub.accounts)
        wanted = Filter(
            created_after=_moment(request, "created_after"),
            created_before=_moment(request, "created_before"),
            source=_source(request),
        )
        page = await self._hub.predictions.page(account, wanted, read_cursor(request, str))
        return await self._view.page(request, page)

    async def get(self, request: Request) -> Response:
        """Answer GET /predictions/{prediction_id}."""
        account = await require_account(request, self._hub.accounts)
        prediction = await self._hub.predictions.get(account, **request.path_params)
        return await self._answer(request, prediction)

    async def cancel(self, request: Request) -> Response:
        """Answer POST /predictions/{prediction_id}/cancel."""
        account = await require_account(request, self._hub.accounts)
        prediction = await self._hub.predictions.cancel(account, **request.path_params)
        return await self._answer(request, prediction)

    async def _version(self, account: Account, text: str) -> tuple[Model, Version]:
        """Return what one of the three forms names: ID, OWNER/MODEL:ID, OWNER/MODEL.

        Raises:
            VersionNotPermitted: if it names nothing that the account may run.
        """
        name, _, version_id = text.rpartition(":") if ":" in text else (text, "", "")
        owner, _, model_name = name.partition("/")
        models = self._hub.models
        with suppress(ModelNotFound, VersionNotFound):
            if VERSION_ID.fullmatch(text):
                version, model = await models.version_by_id(account, text)
                return model, version
            if version_id:
                version, model = await models.version(account, owner, model_name, version_id)
                return model, version
            model = await models.get(account, owner, model_name)
            if model.latest_version is not None:
                return model, model.latest_version
        raise VersionNotPermitted(
            "The version does not exist, or you may not run it", hint=NAMES_A_VERSION
        )

    async def _created(self, request: Request, account: Account, choose: Choose) -> Response:
        wait, headers = read_wait(request), dict[str, str]()
        with self._hub.signals.holding() as hold:
            async with self._repeats.attempt(request) as attempt:
                prediction = await self._made(request, attempt, account, choose, hold)
                if wait is not None:
                    prediction = await self._held(attempt, prediction, hold, wait)
                    headers["preference-applied"] = wait.applied
                return await self._answer(request, prediction, 201, headers)

    async def _made(
        self, request: Request, attempt: Attempt, account: Account, choose: Choose, hold: Hold
    ) -> Prediction:
        """Make what a body asks for; nobody has the body any more when this returns."""
        with self._room.share() as share:
            body = await read_json(request, PredictionBody, limit_bytes=MAX_BODY_BYTES, share=share)
            require_shallow(body.input, "input")
            earlier = await self._repeats.earlier(attempt, account, body)
            if earlier is None:
                order = self._order(request, body, await choose(body))
                prediction = await self._hub.predictions.create(account, order, hold)
            else:
                hold.on(earlier)
                prediction = await self._hub.predictions.get(account, earlier)
        attempt.tell(prediction.id)
        return prediction

    def _order(self, request: Request, body: PredictionBody, chosen: Chosen) -> Order:
        cancel_after = read_cancel_after(request)
        webhook, events = webhook_of(body)
        return Order(
            model=chosen.model,
            version=chosen.version,
            deployment=chosen.deployment,
            input=body.input,
            base_url=base_url(request, self._hub.settings),
            webhook=webhook,
            webhook_events=events,
            deadline=None if cancel_after is None else self._hub.now() + cancel_after,
            is_inline=read_wait(request) is not None or bool(body.stream),
        )

    async def _held(
        self, attempt: Attempt, prediction: Prediction, hold: Hold, wait: Wait
    ) -> Prediction:
        """Return the prediction when it has ended, the time is up, or the client is gone.

        Clients take any status but `starting` for the end, so an unended one has that.
        """
        if prediction.status.is_final:  # a repeated request may ask for one
            return prediction
        ended = asyncio.ensure_future(self._hub.predictions.held(prediction, hold, wait.timeout_s))
        try:
            await asyncio.wait({ended, attempt.gone()}, return_when=asyncio.FIRST_COMPLETED)
            current = ended.result() if ended.done() else prediction
        finally:
            ended.cancel()
        if current.status.is_final:
            return current
        return replace(current, status=Status.STARTING, started_at=None, output=None)

    async def _answer(
        self,
        request: Request,
        prediction: Prediction,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> Response:
        base = base_url(request, self._hub.settings)
        return json_response(await self._view.json(prediction, base), status, headers)


NAMES_A_VERSION = "Name it by its id of 64 characters, by OWNER/MODEL:ID, or by OWNER/MODEL"


def webhook_of(body: HasWebhook) -> tuple[str | None, tuple[WebhookEvent, ...] | None]:
    """Return which webhook a body names, and what it is to be told of; None for the usual.

    Raises:
        BadRequest: if it is no URL of the web.
    """
    url, events = body.webhook, body.webhook_events_filter
    if not url and body.webhook_completed:
        url, events = body.webhook_completed, [WebhookEvent.COMPLETED]
    if url and not is_web_url(url):
        raise BadRequest("`webhook` is not an http or https URL")
    return url or None, None if events is None else tuple(dict.fromkeys(events))


def _moment(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        # A `+` that was not encoded arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"`{name}` is not a time, such as 2026-01-31T12:00:00Z") from error


def _source(request: Request) -> Source | None:
    text = request.query_params.get("source")
    if not text:
        return None
    if text not in set(Source):
        raise BadRequest("`source` is neither `api` nor `web`")
    return Source(text)
