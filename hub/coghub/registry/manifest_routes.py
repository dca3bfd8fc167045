"""Routes of manifests.

Source: OCI distribution specification 1.1, "Pulling manifests" and "Pushing manifests".
"""

from sqlalchemy import Connection, RowMapping
from starlette.requests import Request
from starlette.responses import Response

from coghub.database import manifests as rows
from coghub.database import models as model_rows
from coghub.database.audit import Audit
from coghub.domain.audit import Action
from coghub.domain.digest import digest_of, is_digest
from coghub.domain.distribution_errors import DigestRefused, ManifestUnknown, NotSupported
from coghub.parts import Hub
from coghub.registry.forms import read_body
from coghub.registry.manifest_content import MAX_BYTES, read_manifest
from coghub.registry.names import Repository, checked_reference, repository_of
from coghub.registry.permission import DELETE, PULL, PUSH, Permission
from coghub.registry.pushes import Pushes
from coghub.registry.responses import DIGEST


class ManifestRoutes:
    """Answers who pushes, pulls and deletes manifests."""

    def __init__(self, hub: Hub, permission: Permission) -> None:
        self._hub = hub
        self._permission = permission
        self._pushes = Pushes(hub)

    async def get(self, request: Request) -> Response:
        """Answer GET and HEAD of a manifest by tag or digest."""
        repository = repository_of(request.path_params["name"])
        await self._permission.allowed(request, repository, PULL)
        reference = checked_reference(request.path_params["reference"])
        row = await self._hub.database.read(lambda c: _find(c, str(repository), reference))
        await self._keep(row)
        headers = {
            DIGEST: row["digest"],
            "ETag": f'"{row["digest"]}"',
            "X-Content-Type-Options": "nosniff",
        }
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(row["content"], headers=headers, media_type=row["media_type"])

    async def _keep(self, row: RowMapping) -> None:
        """Renew a manifest's last use: who asks may be about to push an index that names it."""
        now = self._hub.now()
        age_s = (now - row["used_at"]).total_seconds()
        if age_s > self._hub.settings.gc_grace_s / OFTEN:
            repository, digest = row["repository"], row["digest"]
            await self._hub.database.write(lambda c: rows.use(c, repository, digest, now))

    async def put(self, request: Request) -> Response:
        """Answer PUT of a manifest."""
        repository = repository_of(request.path_params["name"])
        await self._permission.require(request, repository, PUSH)
        reference = checked_reference(request.path_params["reference"])
        content = await read_body(request, MAX_BYTES)
        if is_digest(reference) and digest_of(content) != reference:
            raise DigestRefused(f"The content has the digest {digest_of(content)}")
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        manifest = read_manifest(content, media_type or None)
        await self._pushes.put(repository, reference, manifest)
        headers = {
            "Location": f"/v2/{repository}/manifests/{manifest.digest}",
            DIGEST: manifest.digest,
        }
        if manifest.subject is not None:
            headers["OCI-Subject"] = manifest.subject
        return Response(status_code=201, headers=headers)

    async def delete(self, request: Request) -> Response:
        """Answer DELETE of a tag, or of a manifest with all its tags."""
        repository = repository_of(request.path_params["name"])
        await self._permission.require(request, repository, DELETE)
        reference = checked_reference(request.path_params["reference"])
        kind = "manifest" if is_digest(reference) else "tag"
        note = Audit(self._hub.now).of(
            Action.REPOSITORY_REMOVE, str(repository), **{kind: reference}
        )

        def remove(connection: Connection) -> None:
            _remove(connection, repository, reference)
            note(connection)

        await self._hub.database.write(remove)
        return Response(status_code=202)


OFTEN = 100
"""A manifest's last use is renewed so many times within the grace, at most: reads stay reads."""


def _find(connection: Connection, repository: str, reference: str) -> RowMapping:
    find = rows.by_digest if is_digest(reference) else rows.by_tag
    row = find(connection, repository, reference)
    if row is None:
        raise ManifestUnknown(reference)
    return row


def _remove(connection: Connection, repository: Repository, reference: str) -> None:
    name = str(repository)
    if not is_digest(reference):
        if not rows.untag(connection, name, reference):
            raise ManifestUnknown(reference)
        return
    model = model_rows.by_name(connection, repository.owner, repository.model)
    if model is not None and rows.is_version(connection, model.id, reference):
        raise NotSupported(
            "The manifest is a version of the model", hint="delete the version with the HTTP API"
        )
    if not rows.remove(connection, name, reference):
        raise ManifestUnknown(reference)
