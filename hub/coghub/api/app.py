"""The routes of the API, under `/v1`, `/v1/v1`, and without a prefix."""

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coghub.api.account import AccountRoutes
from coghub.api.collections import CollectionRoutes
from coghub.api.deployments import DeploymentRoutes
from coghub.api.docs import DocumentRoutes
from coghub.api.errors import problem, problem_response
from coghub.api.files import FileRoutes
from coghub.api.hardware import HardwareRoutes
from coghub.api.models import ModelRoutes
from coghub.api.outputs import OutputRoutes
from coghub.api.predictions import PredictionRoutes
from coghub.api.rate_limits import RateLimits
from coghub.api.search import SearchRoutes
from coghub.api.streams import StreamRoutes
from coghub.api.trainings import TrainingRoutes
from coghub.api.usage import UsageRoutes
from coghub.api.versions import VersionRoutes
from coghub.api.webhooks import WebhookRoutes
from coghub.domain.errors import CoghubError
from coghub.domain.ids import new_id
from coghub.parts import Hub

log = structlog.get_logger()

PREFIX = "/v1"
PARTS = (
    AccountRoutes,
    CollectionRoutes,
    DeploymentRoutes,
    DocumentRoutes,
    StreamRoutes,  # before files, and outputs too: their paths overlap
    OutputRoutes,
    FileRoutes,
    HardwareRoutes,
    ModelRoutes,
    PredictionRoutes,
    SearchRoutes,
    TrainingRoutes,
    UsageRoutes,
    VersionRoutes,
    WebhookRoutes,
)


def api_app(hub: Hub) -> ASGIApp:
    """Return the API as an application that is asked for `/v1/…`, `/v1/v1/…` or `/…`."""
    routes = [route for part in PARTS for route in part(hub).routes()]
    router = Router(routes, redirect_slashes=False, default=_no_route)
    limits = RateLimits(hub.settings)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        """Take the prefix off: official clients disagree about where their base URL ends."""
        path = scope["path"]
        while path == PREFIX or path.startswith(f"{PREFIX}/"):
            path = path[len(PREFIX) :]
        # With "app" in the scope, Starlette raises for a wrong method and does not answer itself.
        inner = {**scope, "path": path or "/", "root_path": "", "app": app}
        await _answered(router, limits, inner, receive, send)

    return app


async def _answered(
    router: Router, limits: RateLimits, scope: Scope, receive: Receive, send: Send
) -> None:
    """Have a request answered, whatever happens on the way."""
    has_begun = False
    allowance = limits.take(scope)

    async def begin(message: Message) -> None:
        nonlocal has_begun
        if message["type"] == "http.response.start":
            has_begun = True
            message["headers"] = [*message.get("headers", ()), *allowance.headers]
        await send(message)

    try:
        allowance.require()
        await router(scope, receive, begin)
    except Exception as error:  # noqa: BLE001 - around a request; a mistake of ours is logged
        answer = _refusal(error, scope["path"])
        if not has_begun:
            await answer(scope, receive, begin)


def _refusal(error: Exception, path: str) -> Response:
    match error:
        case CoghubError():
            return problem(error)
        case HTTPException(status_code=status, detail=detail, headers=headers):
            body: dict[str, object] = {"detail": detail, "status": status}
            return problem_response(status, body, dict(headers or {}))
        case ClientDisconnect():
            return Response(status_code=400)
        case _:
            return _failure(error, path)


def _failure(error: Exception, path: str) -> Response:
    """Answer a mistake of ours with an id that stands in the log beside the traceback."""
    error_id = new_id()
    log.error("request failed", error_id=error_id, path=path, exc_info=error)
    detail = f"Internal error; the hub's log has it under the id {error_id}"
    return problem_response(500, {"detail": detail, "status": 500}, {"x-should-retry": "false"})


async def _no_route(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer for what is not there."""
    detail = "The requested resource could not be found."
    body: dict[str, object] = {"detail": detail, "status": 404}
    await problem_response(404, body)(scope, receive, send)
