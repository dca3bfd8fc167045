"""`/admin`: users, hardware, storage, retention, garbage collection."""

import shutil

from starlette.responses import Response
from starlette.routing import BaseRoute

from coghub.database import overview
from coghub.domain.errors import CoghubError
from coghub.domain.size import size_text
from coghub.registry.asked_collection import collect
from coghub.web.site import REFUSED, Site, Visit, said_of


class Administration:
    """Answers for administrators."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        site = self._site
        return [
            site.get("/admin", self.show),
            site.post("/admin/users", self.create_user),
            site.post("/admin/tokens", self.create_token),
            site.post("/admin/password", self.set_password),
            site.post("/admin/gc", self.collect),
        ]

    async def show(self, visit: Visit) -> Response:
        """Show how the hub is."""
        return await self._page(visit)

    async def create_user(self, visit: Visit) -> Response:
        """Make an account with a first token, shown once."""
        visit.require_admin()
        fields = await visit.form()
        accounts = self._site.hub.accounts
        try:
            made = await accounts.create(
                fields.get("name", "").strip(), is_admin=fields.get("is_admin") == "on"
            )
        except CoghubError as error:
            return await self._page(visit, error=said_of(error), status=REFUSED)
        token = await accounts.create_token(made.name)
        return await self._page(visit, new_token=(made.name, token))

    async def create_token(self, visit: Visit) -> Response:
        """Make a token for an account, shown once."""
        visit.require_admin()
        name = (await visit.form()).get("name", "")
        token = await self._site.hub.accounts.create_token(name)
        return await self._page(visit, new_token=(name, token))

    async def set_password(self, visit: Visit) -> Response:
        """Give an account a password; its sessions end."""
        visit.require_admin()
        fields, hub = await visit.form(), self._site.hub
        try:
            account = await hub.accounts.get(fields.get("name", ""))
            kept = visit.session.key_hash if visit.session else ""
            await hub.passwords.change(account, fields.get("password", ""), kept_session=kept)
        except CoghubError as error:
            return await self._page(visit, error=error.message, status=REFUSED)
        return await self._page(visit, said="The password was set")

    async def collect(self, visit: Visit) -> Response:
        """Remove what nothing in the registry leads to."""
        visit.require_admin()
        await visit.form()
        removed = await collect(self._site.hub)
        freed = size_text(removed.freed_bytes)
        return await self._page(
            visit,
            said=f"Removed {removed.blobs} blobs, {removed.manifests} manifests and "
            f"{removed.uploads} uploads: {freed}",
        )

    async def _page(
        self,
        visit: Visit,
        *,
        new_token: tuple[str, str] | None = None,
        error: str = "",
        said: str = "",
        status: int = 200,
    ) -> Response:
        visit.require_admin()
        hub = self._site.hub
        disk = shutil.disk_usage(hub.settings.data)
        return self._site.page(
            visit,
            "admin.html",
            status=status,
            accounts=await hub.accounts.list(),
            hardware=hub.hardware,
            settings=hub.settings,
            sizes=await hub.database.read(overview.sizes),
            counts=await hub.database.read(overview.counts),
            disk=disk,
            new_token=new_token,
            error=error,
            said=said,
        )
