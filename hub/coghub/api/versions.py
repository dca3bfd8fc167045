"""`/models/{owner}/{name}/versions…`: what was pushed of a model."""

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from coghub.api.authentication import optional_account, require_account
from coghub.api.paging import page_response
from coghub.api.rendering import json_response, version_json
from coghub.domain.page import Page
from coghub.parts import Hub


class VersionRoutes:
    """Answers for versions."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        every = "/models/{owner}/{name}/versions"
        one = f"{every}/{{version_id}}"
        return [
            Route(every, self.list, methods=["GET"]),
            Route(one, self.get, methods=["GET"]),
            Route(one, self.delete, methods=["DELETE"]),
        ]

    async def list(self, request: Request) -> Response:
        """Answer GET: all of them, the newest first; clients read one page only."""
        account = await optional_account(request, self._hub)
        owner, name = request.path_params["owner"], request.path_params["name"]
        found = await self._hub.models.versions(account, owner, name)
        return page_response(request, self._hub.settings, Page(found), version_json)

    async def get(self, request: Request) -> Response:
        """Answer GET of one."""
        account = await optional_account(request, self._hub)
        version, _ = await self._hub.models.version(account, **request.path_params)
        return json_response(version_json(version))

    async def delete(self, request: Request) -> Response:
        """Answer DELETE: it is gone at once; what was made with it is removed afterwards."""
        account = await require_account(request, self._hub.accounts)
        await self._hub.deletion.delete_version(account, **request.path_params)
        return Response(status_code=202, background=BackgroundTask(self._hub.deletion.purge))
