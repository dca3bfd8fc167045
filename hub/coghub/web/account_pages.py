"""`/account`: tokens and password; `/webhooks`: what was told to whom."""

from starlette.responses import Response
from starlette.routing import BaseRoute

from coghub.api.paging import read_cursor, write_cursor
from coghub.domain.errors import CoghubError, RequestInvalid
from coghub.web.site import REFUSED, Site, Visit, see_other, whole


class AccountPages:
    """Answers for what belongs to an account."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        site = self._site
        return [
            site.get("/account", self.show),
            site.get("/settings/tokens", self.tokens),  # where `cog login` leads
            site.post("/account/tokens", self.create_token),
            site.post("/account/tokens/revoke", self.revoke_token),
            site.post("/account/password", self.change_password),
            site.get("/webhooks", self.webhooks),
            site.post("/webhooks/replay", self.replay),
        ]

    async def show(self, visit: Visit) -> Response:
        """Show the account."""
        return await self._page(visit, saved=visit.request.query_params.get("saved", ""))

    async def tokens(self, visit: Visit) -> Response:
        """Lead to the tokens."""
        visit.require_account()
        return see_other("/account")

    async def create_token(self, visit: Visit) -> Response:
        """Make a token, and show it this once."""
        account = visit.require_account()
        await visit.form()
        token = await self._site.hub.accounts.create_token(account.name)
        return await self._page(visit, token=token)

    async def revoke_token(self, visit: Visit) -> Response:
        """Make a token worthless."""
        account, fields = visit.require_account(), await visit.form()
        number = fields.get("id", "")
        try:
            await self._site.hub.accounts.revoke_token_of(account, whole(number))
        except CoghubError as error:
            return await self._page(visit, error=error.message, status=REFUSED)
        return see_other("/account?saved=revoked")

    async def change_password(self, visit: Visit) -> Response:
        """Give the account a password; whoever has one says the old one first."""
        account, fields = visit.require_account(), await visit.form()
        passwords = self._site.hub.passwords
        assert visit.session is not None
        try:
            has_one = await passwords.has_one(account)
            if has_one and not await passwords.fits(account, fields.get("old", "")):
                raise RequestInvalid("The present password is another one")
            await passwords.change(
                account, fields.get("new", ""), kept_session=visit.session.key_hash
            )
        except CoghubError as error:
            return await self._page(visit, error=error.message, status=REFUSED)
        return see_other("/account?saved=password")

    async def webhooks(self, visit: Visit) -> Response:
        """List the calls about ended predictions."""
        account = visit.require_account()
        cursor = read_cursor(visit.request, str)
        page = await self._site.hub.deliveries.page(account, cursor)
        secret = await self._site.hub.webhook_secrets.get(account.id)
        return self._site.page(
            visit,
            "webhooks.html",
            deliveries=page.items,
            next=page.next and write_cursor(page.next),
            previous=page.previous and write_cursor(page.previous),
            secret=secret,
            saved=visit.request.query_params.get("saved", ""),
        )

    async def replay(self, visit: Visit) -> Response:
        """Make a call again."""
        account, fields = visit.require_account(), await visit.form()
        await self._site.hub.deliveries.replay(account, fields.get("id", ""))
        return see_other("/webhooks?saved=replay")

    async def _page(
        self,
        visit: Visit,
        *,
        token: str = "",
        error: str = "",
        saved: str = "",
        status: int = 200,
    ) -> Response:
        account = visit.require_account()
        return self._site.page(
            visit,
            "account.html",
            status=status,
            tokens=await self._site.hub.accounts.tokens(account),
            has_password=await self._site.hub.passwords.has_one(account),
            token=token,
            error=error,
            saved=saved,
        )
