"""The routes of the API, under `/v1`, `/v1/v1`, and without a prefix."""

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from coghub.api.account import AccountRoutes
from coghub.api.errors import problem, problem_response
from coghub.domain.errors import CoghubError
from coghub.domain.ids import new_id
from coghub.parts import Hub

log = structlog.get_logger()

PREFIX = "/v1"


def api_app(hub: Hub) -> ASGIApp:
    """Return the API as an application that is asked for `/v1/…`, `/v1/v1/…` or `/…`."""
    routes: list[BaseRoute] = [*AccountRoutes(hub).routes()]
    inner = Starlette(
        routes=[*routes, Route("/{path:path}", _no_route)],
        exception_handlers={CoghubError: _refused, Exception: _failed},
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        """Take the prefix off: official clients disagree about where their base URL ends."""
        path = scope["path"]
        while path == PREFIX or path.startswith(f"{PREFIX}/"):
            path = path[len(PREFIX) :]
        await inner({**scope, "path": path or "/"}, receive, send)

    return app


async def _no_route(request: Request) -> Response:
    del request
    return problem_response(
        404, {"detail": "The requested resource could not be found.", "status": 404}
    )


async def _refused(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, CoghubError)
    return problem(error)


async def _failed(request: Request, error: Exception) -> Response:
    """Answer a mistake of ours with an id that stands in the log beside the traceback."""
    error_id = new_id()
    log.error("request failed", error_id=error_id, path=request.url.path, exc_info=error)
    detail = f"Internal error; the hub's log has it under the id {error_id}"
    return problem_response(500, {"detail": detail, "status": 500}, {"x-should-retry": "false"})
