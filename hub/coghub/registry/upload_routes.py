"""Routes of uploads.

Source: OCI distribution specification 1.1, "Pushing blobs" and "Mounting a blob".
"""

from starlette.requests import Request
from starlette.responses import Response

from coghub.database import registry as rows
from coghub.domain.distribution_errors import DistributionError
from coghub.domain.errors import RequestInvalid
from coghub.parts import Hub
from coghub.registry.names import Repository, checked_digest, repository_of
from coghub.registry.permission import PUSH, Permission
from coghub.registry.ranges import chunk_span
from coghub.registry.responses import DIGEST
from coghub.registry.uploads import Chunk, Upload, Uploads
from coghub.storage.places import of_blob


class UploadRoutes:
    """Answers who pushes blobs."""

    def __init__(self, hub: Hub, permission: Permission, uploads: Uploads) -> None:
        self._hub = hub
        self._permission = permission
        self._uploads = uploads

    async def post(self, request: Request) -> Response:
        """Answer POST …/blobs/uploads/: begin, mount, or push in one request."""
        repository = repository_of(request.path_params["name"])
        account = await self._permission.require(request, repository, PUSH)
        query = request.query_params
        if "mount" in query:
            mounted = await self._mounted(request, repository)
            if mounted is not None:
                return mounted
        digest = checked_digest(query["digest"]) if "digest" in query else None
        upload = await self._uploads.begin(account, repository)
        if digest is None:
            return _accepted(upload, 0)
        try:
            return await self._finished(request, upload, digest)
        except BaseException:
            await self._uploads.drop(upload)  # nobody was told its id
            raise

    async def _mounted(self, request: Request, target: Repository) -> Response | None:
        """Answer a mount; None where an upload has to do, which is no error."""
        digest = checked_digest(request.query_params["mount"])
        try:
            source = repository_of(request.query_params.get("from") or str(target))
        except DistributionError:
            return None
        is_allowed = await self._permission.may_pull(request, source)
        if not is_allowed or await self._hub.storage.size_of(of_blob(digest)) is None:
            return None
        now = self._hub.now()
        is_mounted = await self._hub.database.write(
            lambda c: rows.mount_blob(
                c, digest=digest, source=str(source), target=str(target), now=now
            )
        )
        return _created(str(target), digest) if is_mounted else None

    async def patch(self, request: Request) -> Response:
        """Answer PATCH of an upload: take a chunk in."""
        upload = await self._found(request)
        reached = await self._uploads.append(upload, _chunk(request))
        return _accepted(upload, reached)

    async def put(self, request: Request) -> Response:
        """Answer PUT of an upload: take the last chunk in, and check the digest."""
        upload = await self._found(request)
        if "digest" not in request.query_params:
            raise RequestInvalid("The query lacks `digest`")
        digest = checked_digest(request.query_params["digest"])
        return await self._finished(request, upload, digest)

    async def get(self, request: Request) -> Response:
        """Answer GET of an upload: how far it came."""
        upload = await self._found(request)
        return _accepted(upload, self._uploads.reached(upload), status=204)

    async def delete(self, request: Request) -> Response:
        """Answer DELETE of an upload."""
        await self._uploads.drop(await self._found(request))
        return Response(status_code=204)

    async def _found(self, request: Request) -> Upload:
        repository = repository_of(request.path_params["name"])
        account = await self._permission.require(request, repository, PUSH)
        return await self._uploads.find(account, repository, request.path_params["upload"])

    async def _finished(self, request: Request, upload: Upload, digest: str) -> Response:
        await self._uploads.finish(upload, _chunk(request), digest)
        return _created(upload.repository, digest)


def upload_headers(location: str, upload_id: str, reached: int) -> dict[str, str]:
    """Return what tells a client how far an upload is; its end is included in the range."""
    return {
        "Location": location,
        "Range": f"0-{max(0, reached - 1)}",
        "Docker-Upload-UUID": upload_id,
    }


def _accepted(upload: Upload, reached: int, status: int = 202) -> Response:
    location = f"/v2/{upload.repository}/blobs/uploads/{upload.id}"
    return Response(status_code=status, headers=upload_headers(location, upload.id, reached))


def _created(repository: str, digest: str) -> Response:
    headers = {"Location": f"/v2/{repository}/blobs/{digest}", DIGEST: digest}
    return Response(status_code=201, headers=headers)


def _chunk(request: Request) -> Chunk:
    length = request.headers.get("content-length")
    size = int(length) if length is not None and length.isascii() and length.isdecimal() else None
    return Chunk(request.stream(), chunk_span(request.headers.get("content-range")), size)
