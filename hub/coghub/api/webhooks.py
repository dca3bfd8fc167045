"""What webhooks are told, and `GET /webhooks/default/secret`: the key that checks who tells it."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from coghub.api.authentication import require_account
from coghub.api.prediction_view import PredictionView
from coghub.api.rendering import json_response
from coghub.domain.errors import PredictionNotFound
from coghub.parts import Hub
from coghub.scheduler.webhooks import Shown


class WebhookRoutes:
    """Answers for webhooks."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [Route("/webhooks/default/secret", self.secret, methods=["GET"])]

    async def secret(self, request: Request) -> Response:
        """Answer GET /webhooks/default/secret."""
        account = await require_account(request, self._hub.accounts)
        key = await self._hub.webhook_secrets.get(account.id)
        return json_response({"key": key}, headers={"cache-control": "no-store"})


async def show_to_webhook(hub: Hub, prediction_id: str) -> Shown | None:
    """Return a prediction as GET would give it now, files as URLs; None if it is gone."""
    try:
        prediction = await hub.predictions.find(prediction_id)
    except PredictionNotFound:
        return None
    shown = await PredictionView(hub).linked_json(prediction, prediction.base_url)
    return Shown(msgspec.json.encode(shown), prediction.status.is_final)
