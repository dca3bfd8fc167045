"""`/deployments…`: made, listed, changed, deleted; `predictions` runs them."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from coghub.api.authentication import require_account
from coghub.api.bodies import read_json
from coghub.api.paging import page_response, read_cursor
from coghub.api.rendering import json_response
from coghub.domain.clock import iso
from coghub.domain.deployment import Configuration, Deployment
from coghub.parts import Hub


class DeploymentBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body that makes a deployment."""

    name: str
    model: str
    version: str
    hardware: str
    min_instances: int
    max_instances: int


class DeploymentChange(msgspec.Struct, forbid_unknown_fields=True):
    """The body that makes a release: an absent field stays as it is."""

    model: str | msgspec.UnsetType = msgspec.UNSET
    version: str | msgspec.UnsetType = msgspec.UNSET
    hardware: str | msgspec.UnsetType = msgspec.UNSET
    min_instances: int | msgspec.UnsetType = msgspec.UNSET
    max_instances: int | msgspec.UnsetType = msgspec.UNSET


class DeploymentRoutes:
    """Answers for deployments."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        one = "/deployments/{owner}/{name}"
        return [
            Route("/deployments", self.create, methods=["POST"]),
            Route("/deployments", self.list, methods=["GET"]),
            Route(one, self.get, methods=["GET"]),
            Route(one, self.change, methods=["PATCH"]),
            Route(one, self.delete, methods=["DELETE"]),
        ]

    async def create(self, request: Request) -> Response:
        """Answer POST /deployments."""
        account = await require_account(request, self._hub.accounts)
        body = await read_json(request, DeploymentBody)
        deployment = await self._hub.deployments.create(
            account,
            body.name,
            model=body.model,
            version_id=body.version,
            configuration=Configuration(body.hardware, body.min_instances, body.max_instances),
        )
        return json_response(deployment_json(deployment), 201)

    async def list(self, request: Request) -> Response:
        """Answer GET /deployments: the account's own."""
        account = await require_account(request, self._hub.accounts)
        page = await self._hub.deployments.page(account, read_cursor(request, int))
        return page_response(request, self._hub.settings, page, deployment_json)

    async def get(self, request: Request) -> Response:
        """Answer GET /deployments/{owner}/{name}."""
        account = await require_account(request, self._hub.accounts)
        deployment = await self._hub.deployments.get(account, **request.path_params)
        return json_response(deployment_json(deployment))

    async def change(self, request: Request) -> Response:
        """Answer PATCH /deployments/{owner}/{name}: a release, if it says anything."""
        account = await require_account(request, self._hub.accounts)
        body = await read_json(request, DeploymentChange)
        fields = {
            name: value
            for name, value in msgspec.structs.asdict(body).items()
            if value is not msgspec.UNSET
        }
        deployment = await self._hub.deployments.change(
            account, **request.path_params, fields=fields
        )
        return json_response(deployment_json(deployment))

    async def delete(self, request: Request) -> Response:
        """Answer DELETE /deployments/{owner}/{name}."""
        account = await require_account(request, self._hub.accounts)
        await self._hub.deployments.delete(account, **request.path_params)
        return Response(status_code=204)


def deployment_json(deployment: Deployment) -> dict[str, Any]:
    """Return a deployment with its current release."""
    current = deployment.current_release
    maker = current.created_by
    return {
        "owner": deployment.owner,
        "name": deployment.name,
        "current_release": {
            "number": current.number,
            "model": current.model,
            "version": current.version_id,
            "created_at": iso(current.created_at),
            "created_by": {
                "type": "user",
                "username": maker,
                "name": maker,
                "avatar_url": None,
                "github_url": None,
            },
            "configuration": msgspec.to_builtins(current.configuration),
        },
    }
