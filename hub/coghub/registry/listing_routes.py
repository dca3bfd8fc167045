"""Routes that list: tags, repositories, referrers.

Source: OCI distribution specification 1.1, "Content discovery"; the catalog is Docker's.
"""

from typing import Any

from sqlalchemy import Connection, RowMapping
from starlette.requests import Request
from starlette.responses import Response

from coghub.build.oci import INDEX
from coghub.database import manifests as rows
from coghub.database import models as model_rows
from coghub.domain.distribution_errors import RepositoryUnknown
from coghub.parts import Hub
from coghub.registry.names import checked_digest, repository_of
from coghub.registry.permission import PULL, Permission, not_logged_in
from coghub.registry.responses import json_response, next_link, page_size

PAGE_REFERRERS = 100
"""An answer stays below the size that clients take, even with long annotations."""


class ListingRoutes:
    """Answers who looks around."""

    def __init__(self, hub: Hub, permission: Permission) -> None:
        self._hub = hub
        self._permission = permission

    async def tags(self, request: Request) -> Response:
        """Answer GET …/tags/list."""
        repository = repository_of(request.path_params["name"])
        await self._permission.allowed(request, repository, PULL)
        size, after = page_size(request), request.query_params.get("last", "")

        def find(connection: Connection) -> list[str]:
            if model_rows.by_name(connection, repository.owner, repository.model) is None:
                raise RepositoryUnknown(str(repository))
            found = rows.tag_names(connection, str(repository), after=after, limit=size + 1)
            return list(found)

        names = await self._hub.database.read(find)
        answer = {"name": str(repository), "tags": names[:size]}
        return json_response(answer, next_link(request, names, size))

    async def catalog(self, request: Request) -> Response:
        """Answer GET /v2/_catalog: the repositories that the account may read."""
        account = (await self._permission.caller(request)).account
        if account is None and not self._hub.settings.allow_anonymous:
            raise not_logged_in()
        size, after = page_size(request), request.query_params.get("last", "")
        names = await self._hub.database.read(
            lambda c: list(rows.repository_names(c, account, after=after, limit=size + 1))
        )
        return json_response({"repositories": names[:size]}, next_link(request, names, size))

    async def referrers(self, request: Request) -> Response:
        """Answer GET …/referrers/DIGEST: an index of the manifests that name a subject."""
        repository = repository_of(request.path_params["name"])
        await self._permission.allowed(request, repository, PULL)
        digest = checked_digest(request.path_params["digest"])
        wanted, after = request.query_params.get("artifactType"), request.query_params.get("last")
        size = page_size(request, PAGE_REFERRERS)
        found = await self._hub.database.read(
            lambda c: rows.referrers(
                c, str(repository), digest, artifact_type=wanted, after=after or "", limit=size + 1
            )
        )
        headers = next_link(request, [row["digest"] for row in found], size)
        headers |= {} if wanted is None else {"OCI-Filters-Applied": "artifactType"}
        manifests = [_descriptor(row) for row in found[:size]]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        return json_response(index, headers, INDEX)


def _descriptor(row: RowMapping) -> dict[str, Any]:
    descriptor = {
        "mediaType": row["media_type"],
        "digest": row["digest"],
        "size": len(row["content"]),
    }
    descriptor |= {"artifactType": row["artifact_type"]} if row["artifact_type"] else {}
    descriptor |= {"annotations": row["annotations"]} if row["annotations"] else {}
    return descriptor
