"""`/OWNER/MODEL/settings`: who sees a model, what it runs on, and what its instances are given."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from coghub.domain.account import Account
from coghub.domain.errors import CoghubError, RequestInvalid
from coghub.domain.model import Model, Visibility
from coghub.web.model_pages import Shown, deployments_of, model_values
from coghub.web.site import REFUSED, Site, Visit, said_of, see_other

TEXTS = ("description", "readme")
Change = Callable[[Account, Model, Mapping[str, str]], Awaitable[None]]


class ModelSettings:
    """Answers for the settings of models."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._changes: Mapping[str, Change] = {
            "about": self._about,
            "visibility": self._visibility,
            "hardware": self._hardware,
            "share": self._share,
            "unshare": self._unshare,
            "variable": self._variable,
            "unset": self._unset,
        }

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        site, one = self._site, "/{owner}/{name}/settings"
        return [site.get(one, self.show), site.post(one, self.change)]

    async def show(self, visit: Visit) -> Response:
        """Show the settings to whoever may change them."""
        return await self._page(visit, await self._model(visit))

    async def change(self, visit: Visit) -> Response:
        """Do one thing of those that the page offers."""
        fields, model = await visit.form(), await self._model(visit)
        change = self._changes.get(fields.get("do", ""))
        if fields.get("do") == "delete":
            return await self._delete(visit, model, fields)
        try:
            if change is None:
                raise RequestInvalid("The form asks for nothing that is known")
            await change(visit.require_account(), model, fields)
        except CoghubError as error:
            return await self._page(visit, model, error=said_of(error), status=REFUSED)
        return see_other(f"/{model.full_name}/settings?saved={fields['do']}")

    async def _page(
        self, visit: Visit, model: Model, *, error: str = "", status: int = 200
    ) -> Response:
        hub = self._site.hub
        deployments = await deployments_of(self._site, visit.account, model)
        shown = Shown(model, model.latest_version, is_latest=True, deployments=deployments)
        return self._site.page(
            visit,
            "model_settings.html",
            status=status,
            **model_values(visit, shown),
            error=error,
            saved=visit.request.query_params.get("saved", ""),
            hardware=hub.hardware,
            shares=await hub.sharing.names(model),
            variables=await hub.variables.names(model),
        )

    async def _model(self, visit: Visit) -> Model:
        account = visit.require_account()
        return await self._site.hub.access.writable(
            account, visit.path["owner"], visit.path["name"]
        )

    async def _change(self, account: Account, model: Model, fields: Mapping[str, Any]) -> None:
        await self._site.hub.models.change(account, model.owner, model.name, fields)

    async def _about(self, account: Account, model: Model, fields: Mapping[str, str]) -> None:
        texts = {name: fields.get(name, "").strip() or None for name in TEXTS}
        await self._change(account, model, texts)

    async def _visibility(self, account: Account, model: Model, fields: Mapping[str, str]) -> None:
        if fields.get("visibility") not in set(Visibility):
            raise RequestInvalid("A model is public or private")
        await self._change(account, model, {"visibility": Visibility(fields["visibility"])})

    async def _hardware(self, account: Account, model: Model, fields: Mapping[str, str]) -> None:
        sku = fields.get("hardware") or None
        if sku is not None and sku not in {it.sku for it in self._site.hub.hardware}:
            raise RequestInvalid(f"This hub has no such hardware: {sku}")
        await self._change(account, model, {"hardware": sku})

    async def _share(self, account: Account, model: Model, fields: Mapping[str, str]) -> None:
        del account
        await self._site.hub.sharing.add(model, fields.get("name", "").strip())

    async def _unshare(self, account: Account, model: Model, fields: Mapping[str, str]) -> None:
        del account
        await self._site.hub.sharing.remove(model, fields.get("name", ""))

    async def _variable(self, account: Account, model: Model, fields: Mapping[str, str]) -> None:
        del account
        await self._site.hub.variables.put(
            model,
            fields.get("name", "").strip(),
            fields.get("value", ""),
            is_secret=fields.get("is_secret") == "on",
        )

    async def _unset(self, account: Account, model: Model, fields: Mapping[str, str]) -> None:
        del account
        await self._site.hub.variables.remove(model, fields.get("name", ""))

    async def _delete(self, visit: Visit, model: Model, fields: Mapping[str, str]) -> Response:
        if fields.get("name", "").strip() != model.full_name:
            said = f"To delete the model, write its whole name: {model.full_name}"
            return await self._page(visit, model, error=said, status=REFUSED)
        account = visit.require_account()
        try:
            await self._site.hub.deletion.delete_model(account, model.owner, model.name)
        except CoghubError as error:
            return await self._page(visit, model, error=error.message, status=REFUSED)
        return see_other("/")
