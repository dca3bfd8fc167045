"""What every page is made with: who visits, the frame around it, and the guard of its forms.

A form is taken if it comes from a page of this very hub: the browser says so (`Sec-Fetch-Site`, or
`Origin`), and, where somebody is signed in, the form knows what only a page of that session does.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from coghub.accounts.sessions import Session
from coghub.api.bodies import read_bytes
from coghub.domain.account import Account
from coghub.domain.audit import identify
from coghub.domain.errors import BadRequest, CoghubError, Forbidden, SignInNeeded
from coghub.parts import Hub
from coghub.public_url import base_url
from coghub.ui.headers import is_same_site
from coghub.ui.static_files import static_root
from coghub.ui.templates import environment

MAX_FORM_BYTES = 5 * 1024**2
"""A README may be one of its fields."""
MAX_STRANGERS_FORM_BYTES = 64 * 1024
"""A name, a password: who is not signed in may have thousands of connections."""
MAX_FIELDS = 200
MAX_DIGITS = 18
"""Of a number that a database can hold."""
CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"
NOT_KEPT = {"cache-control": "no-store"}
REFUSED = 422
"""The status of a form that is shown again."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a browser."""

    request: Request
    session: Session | None
    base: str
    """How the browser reaches the hub."""

    @property
    def account(self) -> Account | None:
        """Who visits; None is a stranger."""
        return self.session.account if self.session else None

    def require_account(self) -> Account:
        """Return who visits.

        Raises:
            SignInNeeded: if it is a stranger.
        """
        if self.session is None:
            raise SignInNeeded
        return self.session.account

    def require_admin(self) -> Account:
        """Return who visits, if it is an administrator.

        Raises:
            SignInNeeded: if it is a stranger.
            Forbidden: if it is another account.
        """
        account = self.require_account()
        if not account.is_admin:
            raise Forbidden("This page is for administrators")
        return account

    @property
    def address(self) -> str:
        """From where the browser comes, for counting."""
        return self.request.client.host if self.request.client else ""

    @property
    def path(self) -> Mapping[str, str]:
        """What the route takes from the path."""
        return self.request.path_params

    async def form(self) -> dict[str, str]:
        """Return the fields of a form that was sent."""
        limit_bytes = MAX_FORM_BYTES if self.session else MAX_STRANGERS_FORM_BYTES
        body = await read_bytes(self.request, limit_bytes=limit_bytes)
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError as error:
            raise BadRequest("The form cannot be read") from error
        fields = dict(pairs)
        self.require_csrf(fields.get(CSRF_FIELD, ""))
        return fields

    def require_csrf_header(self) -> None:
        """Do nothing if a script of one of this session's own pages asks.

        Raises:
            Forbidden: if not.
        """
        self.require_csrf(self.request.headers.get(CSRF_HEADER, ""))

    def require_csrf(self, given: str) -> None:
        """Do nothing if the form is one of this session's own.

        Raises:
            Forbidden: if not.
        """
        if self.session is not None and not hmac.compare_digest(
            self.session.csrf.encode(), given.encode("utf-8", "replace")
        ):
            raise Forbidden(
                "The form is of another session", hint="Reload the page, and send it again"
            )


Handler = Callable[[Visit], Awaitable[Response]]


class Site:
    """Makes the pages of one hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._templates = environment(Path(__file__).with_name("templates"))

    def get(self, path: str, handler: Handler) -> Route:
        """Return the route of a page."""

        async def answer(request: Request) -> Response:
            return await handler(await self.visit(request))

        return Route(path, answer, methods=["GET"])

    def post(self, path: str, handler: Handler) -> Route:
        """Return the route of something that a page asks for.

        A handler reads it with `Visit.form`, or calls `Visit.require_csrf` itself.
        """

        async def answer(request: Request) -> Response:
            visit = await self.visit(request)
            if not is_same_site(request, urlsplit(visit.base).netloc):
                raise Forbidden("The request comes from a page of another site")
            return await handler(visit)

        return Route(path, answer, methods=["POST"])

    async def visit(self, request: Request) -> Visit:
        """Return who visits."""
        base = base_url(request, self.hub.settings)
        key = request.cookies.get(cookie_name(base))
        session = await self.hub.sessions.find(key) if key else None
        if session is not None:
            identify(session.account)
        return Visit(request, session, base)

    def page(self, visit: Visit, template: str, /, status: int = 200, **values: Any) -> Response:
        """Return a page, or a part of one."""
        html = self.html(template, **{**self.frame(visit), **values})
        return HTMLResponse(html, status, NOT_KEPT)

    def frame(self, visit: Visit) -> dict[str, Any]:
        """Return what the frame around every page needs."""
        return {
            "account": visit.account,
            "csrf": visit.session.csrf if visit.session else "",
            "base": visit.base,
            "here": visit.request.url.path,
            "back": quote(_place(visit.request), safe=""),
            "static": static_root(),
            "may_sign_up": self.hub.settings.sign_up == "open",
        }

    def html(self, template: str, **values: Any) -> Markup:
        """Return a template filled in, which may be put into another one."""
        return Markup(self._templates.get_template(template).render(values))  # noqa: S704 - escaped


def cookie_name(base: str) -> str:
    """Return the name of the session's cookie: browsers mix up the ports of one host."""
    port = urlsplit(base).port
    return "coghub_session" if port is None else f"coghub_session_{port}"


def see_other(path: str) -> Response:
    """Return the answer to a form that leads to a page."""
    return RedirectResponse(path, 303, NOT_KEPT)


def whole(text: str) -> int:
    """Return a number from a request; 0 for what is none."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS
    return int(text) if is_number else 0


def is_here(target: str) -> bool:
    """Tell whether a path leads to this hub, and nowhere else."""
    return (
        target.startswith("/")
        and target[1:2] not in {"/", "\\"}
        and target.isprintable()
        and "\\" not in target
    )


def _place(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def said_of(error: CoghubError) -> str:
    """Return an error and its hint in one text, for a form that is shown again."""
    return f"{error.message}. {error.hint}" if error.hint else error.message
