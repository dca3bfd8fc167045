"""The routes of the pages, what every answer of theirs carries, and how they refuse."""

from pathlib import Path

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coghub.domain.errors import CoghubError, NotFound
from coghub.domain.ids import new_id
from coghub.parts import Hub
from coghub.web.pages import Pages

log = structlog.get_logger()

STYLE = Path(__file__).with_name("static") / "coghub.css"
POLICY = (
    b"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    b"form-action 'none'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


def web_app(hub: Hub) -> ASGIApp:
    """Return the pages as an application that is asked for everything else."""
    pages = Pages(hub)
    routes = [
        Route("/", pages.home, methods=["GET"]),
        Route("/static/coghub.css", _style, methods=["GET"]),
        Route("/login", pages.login, methods=["GET"]),
        Route("/settings/tokens", pages.tokens, methods=["GET"]),
        Route("/p/{prediction_id}", pages.prediction, methods=["GET"]),
        Route("/{owner}/{name}", pages.model, methods=["GET"]),
        Route("/{owner}/{name}/versions/{version_id}", pages.version, methods=["GET"]),
    ]
    router = Router(routes, redirect_slashes=False, default=_no_route)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        inner = {**scope, "app": app}
        await _answered(pages, router, inner, receive, send)

    return app


async def _answered(
    pages: Pages, router: Router, scope: Scope, receive: Receive, send: Send
) -> None:
    has_begun = False

    async def begin(message: Message) -> None:
        nonlocal has_begun
        if message["type"] == "http.response.start":
            has_begun = True
            message["headers"] = [*message.get("headers", ()), *HEADERS]
        await send(message)

    try:
        await router(scope, receive, begin)
    except Exception as error:  # noqa: BLE001 - around a request; a mistake of ours is logged
        answer = _refusal(pages, error, scope)
        if not has_begun:
            await answer(scope, receive, begin)


def _refusal(pages: Pages, error: Exception, scope: Scope) -> Response:
    request = Request(scope)
    match error:
        case NotFound() | HTTPException(status_code=404):
            return pages.not_found(request)
        case HTTPException(status_code=status, headers=headers):
            return Response(error.detail, status, dict(headers or {}), media_type="text/plain")
        case CoghubError():
            return pages.refused(request, error.message)
        case ClientDisconnect():
            return Response(status_code=400)
        case _:
            error_id = new_id()
            log.error("page failed", error_id=error_id, path=scope["path"], exc_info=error)
            text = f"Internal error; the hub's log has it under the id {error_id}"
            return Response(text, 500, media_type="text/plain")


async def _no_route(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive, send
    raise HTTPException(404)


async def _style(request: Request) -> Response:
    del request
    headers = {"cache-control": "max-age=3600"}
    return Response(STYLE.read_text("utf-8"), headers=headers, media_type="text/css")
