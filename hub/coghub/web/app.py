"""The routes of the pages, what every answer of theirs carries, and how they refuse."""

from urllib.parse import quote

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coghub.api.errors import problem
from coghub.domain.errors import CoghubError, NotFound, SignInNeeded
from coghub.domain.ids import new_id
from coghub.parts import Hub
from coghub.ui.headers import with_headers
from coghub.ui.static_files import static_file
from coghub.web.account_pages import AccountPages
from coghub.web.administration import Administration
from coghub.web.audit_page import AuditPage
from coghub.web.dashboard import Dashboard
from coghub.web.deployment_pages import DeploymentPages
from coghub.web.home import HomePages
from coghub.web.model_pages import ModelPages
from coghub.web.model_settings import ModelSettings
from coghub.web.playground import Playground
from coghub.web.prediction_pages import PredictionPages
from coghub.web.sign_in import SignInPages
from coghub.web.site import Site, see_other
from coghub.web.train_pages import TrainPages
from coghub.web.usage_page import UsagePage

log = structlog.get_logger()

SENT_BY_SCRIPTS = frozenset({"application/json", "multipart/form-data"})
PARTS = (
    HomePages,
    SignInPages,
    AccountPages,
    Dashboard,
    DeploymentPages,
    Administration,
    AuditPage,
    UsagePage,
    PredictionPages,
    Playground,
    ModelSettings,
    TrainPages,
    ModelPages,  # the last: its paths begin with any word
)


def web_app(hub: Hub) -> ASGIApp:
    """Return the pages as an application that is asked for everything else."""
    site = Site(hub)
    routes = [Route("/static/{hash}/{name:path}", static_file, methods=["GET"])]
    for part in PARTS:
        routes += part(site).routes()
    router = Router(routes, redirect_slashes=False, default=_no_route)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        inner = {**scope, "app": app}
        await _answered(site, router, inner, receive, send)

    return app


async def _answered(site: Site, router: Router, scope: Scope, receive: Receive, send: Send) -> None:
    has_begun, dressed = False, with_headers(send)

    async def begin(message: Message) -> None:
        nonlocal has_begun
        has_begun = True
        await dressed(message)

    try:
        await router(scope, receive, begin)
    except Exception as error:  # noqa: BLE001 - around a request; a mistake of ours is logged
        answer = await _refusal(site, error, Request(scope, receive))
        if not has_begun:
            await answer(scope, receive, begin)


async def _refusal(site: Site, error: Exception, request: Request) -> Response:
    match error:
        case CoghubError():
            return await _told(site, error, request)
        case HTTPException(status_code=404):
            return site.page(await site.visit(request), "not_found.html", 404)
        case HTTPException(status_code=status, headers=headers):
            return Response(error.detail, status, dict(headers or {}), media_type="text/plain")
        case ClientDisconnect():
            return Response(status_code=400)
        case _:
            error_id = new_id()
            log.error("page failed", error_id=error_id, path=request.url.path, exc_info=error)
            text = f"Internal error; the hub's log has it under the id {error_id}"
            return Response(text, 500, media_type="text/plain")


async def _told(site: Site, error: CoghubError, request: Request) -> Response:
    """Tell a script as the API does, and people by a page."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind in SENT_BY_SCRIPTS:
        return problem(error)
    match error:
        case SignInNeeded():
            place = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return see_other(f"/login?next={quote(place, safe='')}")
        case NotFound():
            return site.page(await site.visit(request), "not_found.html", 404)
        case _:
            return await _refused(site, request, error)


async def _refused(site: Site, request: Request, error: CoghubError) -> Response:
    visit, status = await site.visit(request), problem(error).status_code
    return site.page(visit, "refused.html", status, message=error.message, hint=error.hint)


async def _no_route(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive, send
    raise HTTPException(404)
