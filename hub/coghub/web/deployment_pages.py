"""`/deployments…`: an account's deployments, their releases, and the forms that change them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from coghub.api.paging import read_cursor, write_cursor
from coghub.domain.account import Account
from coghub.domain.deployment import Configuration, Deployment
from coghub.domain.errors import CoghubError, InputRejected, RequestInvalid, VersionNotPermitted
from coghub.web.site import REFUSED, Site, Visit, said_of, see_other, whole

NEW: Mapping[str, Any] = {"min_instances": 0, "max_instances": 1}
"""What the form for a new one says."""
Change = Callable[[Account, Deployment, Mapping[str, str]], Awaitable[object]]


class DeploymentPages:
    """Answers for deployments."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._deployments = site.hub.deployments
        self._changes: Mapping[str, Change] = {
            "release": self._release,
            "roll back": self._roll_back,
        }

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        site, one = self._site, "/deployments/{owner}/{name}"
        return [
            site.get("/deployments", self.list),
            site.get("/deployments/new", self.new),
            site.post("/deployments/new", self.create),
            site.get(one, self.show),
            site.post(one, self.change),
        ]

    async def list(self, visit: Visit) -> Response:
        """List the account's deployments."""
        account = visit.require_account()
        page = await self._deployments.page(account, read_cursor(visit.request, int))
        return self._site.page(
            visit,
            "deployments.html",
            deployments=page.items,
            next=page.next and write_cursor(page.next),
            previous=page.previous and write_cursor(page.previous),
            saved=visit.request.query_params.get("saved", ""),
        )

    async def new(self, visit: Visit) -> Response:
        """Show the form for a new one, of what the query names."""
        visit.require_account()
        given = visit.request.query_params
        named = {name: given.get(name, "") for name in ("model", "version")}
        return self._form(visit, {**NEW, **named})

    async def create(self, visit: Visit) -> Response:
        """Make a deployment."""
        account, fields = visit.require_account(), await visit.form()
        model = fields.get("model", "").strip()
        try:
            made = await self._deployments.create(
                account,
                fields.get("name", "").strip(),
                model=model,
                version_id=await self._version_id(account, model, fields),
                configuration=_configuration(fields),
            )
        except CoghubError as error:
            return self._form(visit, fields, error=_said(error), status=REFUSED)
        return see_other(f"/deployments/{made.full_name}")

    async def show(self, visit: Visit) -> Response:
        """Show a deployment with its releases."""
        return await self._page(visit, await self._deployment(visit))

    async def change(self, visit: Visit) -> Response:
        """Do one thing of those that the page offers."""
        fields, deployment = await visit.form(), await self._deployment(visit)
        account, asked = visit.require_account(), fields.get("do", "")
        try:
            if asked == "delete":
                await self._deployments.delete(account, deployment.owner, deployment.name)
                return see_other("/deployments?saved=deleted")
            if asked not in self._changes:
                raise RequestInvalid("The form asks for nothing that is known")
            await self._changes[asked](account, deployment, fields)
        except CoghubError as error:
            return await self._page(visit, deployment, fields, _said(error))
        return see_other(f"/deployments/{deployment.full_name}?saved=release")

    async def _release(
        self, account: Account, deployment: Deployment, fields: Mapping[str, str]
    ) -> None:
        model, limits = fields.get("model", "").strip(), _configuration(fields)
        change = {
            "model": model,
            "version": await self._version_id(account, model, fields),
            "hardware": limits.hardware,
            "min_instances": limits.min_instances,
            "max_instances": limits.max_instances,
        }
        await self._deployments.change(account, deployment.owner, deployment.name, change)

    async def _roll_back(
        self, account: Account, deployment: Deployment, fields: Mapping[str, str]
    ) -> None:
        number = whole(fields.get("number", ""))
        await self._deployments.roll_back(account, deployment.owner, deployment.name, number)

    async def _version_id(self, account: Account, model: str, fields: Mapping[str, str]) -> str:
        """Return the version of a form; the model's latest where it names none."""
        given = fields.get("version", "").strip()
        if given:
            return given
        owner, _, name = model.partition("/")
        latest = (await self._site.hub.models.get(account, owner, name)).latest_version
        if latest is None:
            raise VersionNotPermitted(f"The model has no versions yet: {model}")
        return latest.id

    async def _deployment(self, visit: Visit) -> Deployment:
        account = visit.require_account()
        return await self._deployments.get(account, visit.path["owner"], visit.path["name"])

    async def _page(
        self,
        visit: Visit,
        deployment: Deployment,
        fields: Mapping[str, str] | None = None,
        error: str = "",
    ) -> Response:
        live = await self._site.hub.live.instances()
        is_release = fields is not None and fields.get("do") == "release"
        return self._site.page(
            visit,
            "deployment.html",
            status=REFUSED if error else 200,
            deployment=deployment,
            current=deployment.current_release,
            live=[it for it in live if it.deployment_id == deployment.id],
            releases=await self._deployments.releases(deployment),
            fields=fields if is_release else _shown(deployment),
            hardware=self._site.hub.hardware,
            error=error,
            saved=visit.request.query_params.get("saved", ""),
        )

    def _form(
        self, visit: Visit, fields: Mapping[str, Any], *, error: str = "", status: int = 200
    ) -> Response:
        hardware = self._site.hub.hardware
        return self._site.page(
            visit, "deploy.html", status=status, fields=fields, hardware=hardware, error=error
        )


def _shown(deployment: Deployment) -> dict[str, Any]:
    current = deployment.current_release
    limits = current.configuration
    return {
        "model": current.model,
        "version": current.version_id,
        "hardware": limits.hardware,
        "min_instances": limits.min_instances,
        "max_instances": limits.max_instances,
    }


def _configuration(fields: Mapping[str, str]) -> Configuration:
    return Configuration(
        fields.get("hardware", ""), _count(fields, "min_instances"), _count(fields, "max_instances")
    )


def _count(fields: Mapping[str, str], name: str) -> int:
    text = fields.get(name, "").strip()
    if not (text.isascii() and text.isdecimal()):
        raise RequestInvalid(f"`{name}` is not a number of instances: {text}")
    return whole(text)


def _said(error: CoghubError) -> str:
    if isinstance(error, InputRejected):
        return "; ".join(field.text for field in error.fields)
    return said_of(error)
