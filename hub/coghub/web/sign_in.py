"""`/login`, `/logout`, `/signup`: who is who."""

from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import BaseRoute

from coghub.domain.account import Account
from coghub.domain.errors import (
    AccountNotFound,
    CoghubError,
    Forbidden,
    QueueFull,
    Unauthenticated,
)
from coghub.domain.ids import TOKEN_PREFIX
from coghub.web.site import REFUSED, Site, Visit, cookie_name, is_here, said_of, see_other
from coghub.web.throttle import Throttle

COOKIE_AGE_S = 30 * 24 * 3600
WRONG = "Name and password do not fit"
TOO_MANY = 429


class SignInPages:
    """Answers for signing in, out and up."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._of_name = Throttle(most=10, every_s=30)
        self._of_address = Throttle(most=60, every_s=10)
        self._sign_ups = Throttle(most=5, every_s=600)

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        site = self._site
        return [
            site.get("/login", self.form),
            site.post("/login", self.sign_in),
            site.post("/logout", self.sign_out),
            site.get("/signup", self.sign_up_form),
            site.post("/signup", self.sign_up),
        ]

    async def form(self, visit: Visit) -> Response:
        """Show the form."""
        if visit.account is not None:
            return see_other(_target(visit.request.query_params.get("next", "/")))
        return self._form(visit, visit.request.query_params.get("next", "/"))

    async def sign_in(self, visit: Visit) -> Response:
        """Begin a session."""
        fields = await visit.form()
        name, target = fields.get("name", "").strip(), fields.get("next", "/")
        try:
            account = await self._account(visit, name, fields.get("password", ""))
        except Unauthenticated:
            return self._form(visit, target, name=name, error=WRONG, status=REFUSED)
        except QueueFull as error:
            return self._form(visit, target, name=name, error=error.message, status=TOO_MANY)
        return await self._begun(visit, account, target)

    async def _account(self, visit: Visit, name: str, password: str) -> Account:
        """Return who knows the password, or has the token, of that name.

        Raises:
            Unauthenticated: if nobody has.
            QueueFull: if too much was tried.
        """
        self._of_address.take(visit.address)
        self._of_name.take(f"{name} {visit.address}")
        hub = self._site.hub
        if password.startswith(TOKEN_PREFIX):
            account = await hub.accounts.authenticate(password)
            if account.name != name:
                raise Unauthenticated(WRONG)
        else:
            try:
                account = await hub.accounts.get(name)
            except AccountNotFound:
                account = None
            if not await hub.passwords.fits(account, password) or account is None:
                raise Unauthenticated(WRONG)
        self._of_name.forget(f"{name} {visit.address}")
        return account

    async def sign_out(self, visit: Visit) -> Response:
        """End the session."""
        await visit.form()
        if visit.session is not None:
            await self._site.hub.sessions.end(visit.session)
        answer = see_other("/")
        answer.delete_cookie(cookie_name(visit.base), path="/", httponly=True, samesite="lax")
        return answer

    async def sign_up_form(self, visit: Visit) -> Response:
        """Show the form."""
        self._require_open()
        return self._site.page(visit, "signup.html", name="", error="")

    async def sign_up(self, visit: Visit) -> Response:
        """Make an account, and begin its first session."""
        self._require_open()
        fields = await visit.form()
        name, password = fields.get("name", "").strip(), fields.get("password", "")
        try:
            self._sign_ups.take(visit.address)
            hub = self._site.hub
            hub.passwords.require_good(password)
            account = await hub.accounts.create(name)
            await hub.passwords.change(account, password)
        except CoghubError as error:
            said = said_of(error)
            return self._site.page(visit, "signup.html", status=REFUSED, name=name, error=said)
        return await self._begun(visit, account, "/")

    def _require_open(self) -> None:
        if self._site.hub.settings.sign_up != "open":
            raise Forbidden(
                "This hub makes no accounts by itself",
                hint="Ask who operates it: `coghub user create NAME`",
            )

    def _form(
        self, visit: Visit, target: str, *, name: str = "", error: str = "", status: int = 200
    ) -> Response:
        return self._site.page(
            visit, "login.html", status=status, name=name, error=error, target=_target(target)
        )

    async def _begun(self, visit: Visit, account: Account, target: str) -> Response:
        key = await self._site.hub.sessions.begin(account)
        answer = see_other(_target(target))
        answer.set_cookie(
            cookie_name(visit.base),
            key,
            max_age=COOKIE_AGE_S,
            path="/",
            httponly=True,
            samesite="lax",
            secure=visit.base.startswith("https:"),
        )
        return answer


def _target(path: str) -> str:
    return quote(path, safe="/?&=%:@+,;~.-_!*'()[]") if is_here(path) else "/"
