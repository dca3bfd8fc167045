"""Routes of blobs.

Source: OCI distribution specification 1.1, "Pulling blobs".
"""

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from coghub.database import registry as rows
from coghub.database.audit import Audit
from coghub.domain.audit import Action
from coghub.domain.distribution_errors import BlobUnknown, NotSupported
from coghub.parts import Hub
from coghub.registry.names import checked_digest, repository_of
from coghub.registry.permission import DELETE, PULL, Permission
from coghub.registry.ranges import Span, requested_span
from coghub.registry.responses import DIGEST
from coghub.storage.places import of_blob

BINARY = "application/octet-stream"
NOT_KEPT = {"Cache-Control": "no-store"}
"""An address into the bucket is good for some minutes only."""


class BlobRoutes:
    """Answers who reads and deletes blobs."""

    def __init__(self, hub: Hub, permission: Permission) -> None:
        self._hub = hub
        self._permission = permission

    async def head(self, request: Request) -> Response:
        """Answer HEAD of a blob; who asks may be about to name it, so it is kept for a while."""
        repository, digest = await self._asked(request)
        now = self._hub.now()

        def use(connection: Connection) -> int | None:
            size = rows.blob_size(connection, repository, digest)
            if size is not None:
                rows.use_blob(connection, digest, now)
            return size

        size = await self._whole(digest, await self._hub.database.write(use))
        return Response(headers=_headers(digest, size), media_type=BINARY)

    async def get(self, request: Request) -> Response:
        """Answer GET of a blob, or of a part of it."""
        repository, digest = await self._asked(request)
        row = await self._hub.database.read(lambda c: rows.blob_size(c, repository, digest))
        size = await self._whole(digest, row)
        headers = _headers(digest, size)
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"ETag": headers["ETag"]})
        is_same = request.headers.get("if-range", headers["ETag"]) == headers["ETag"]
        span = requested_span(request.headers.get("range") if is_same else None, size)
        if (link := await self._link(request, digest)) is not None:
            return Response(status_code=307, headers={"Location": link, DIGEST: digest, **NOT_KEPT})
        status = 200
        if span is not None:
            status = 206
            headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{size}"
        part = span or Span(0, size)
        headers["Content-Length"] = str(part.size)
        content = self._hub.storage.read(of_blob(digest), start=part.start, end=part.end)
        return StreamingResponse(content, status, headers, media_type=BINARY)

    async def _link(self, request: Request, digest: str) -> str | None:
        """Return where the client gets it without us; who compares our ETag gets it from us."""
        if not self._hub.settings.redirect_blobs or "if-range" in request.headers:
            return None
        return await self._hub.storage.link_to(of_blob(digest))

    async def delete(self, request: Request) -> Response:
        """Answer DELETE of a blob: this repository no longer has it."""
        repository = repository_of(request.path_params["name"])
        digest = checked_digest(request.path_params["digest"])
        await self._permission.require(request, repository, DELETE)
        note = Audit(self._hub.now).of(Action.REPOSITORY_REMOVE, str(repository), blob=digest)

        def unlink(connection: Connection) -> None:
            _unlink(connection, str(repository), digest)
            note(connection)

        await self._hub.database.write(unlink)
        return Response(status_code=202)

    async def _asked(self, request: Request) -> tuple[str, str]:
        """Return repository and digest, if they may be read."""
        repository = repository_of(request.path_params["name"])
        await self._permission.allowed(request, repository, PULL)
        return str(repository), checked_digest(request.path_params["digest"])

    async def _whole(self, digest: str, size: int | None) -> int:
        """Return the size; a blob is there if both its row and all of its file are."""
        if size is None or await self._hub.storage.size_of(of_blob(digest)) != size:
            raise BlobUnknown(digest)
        return size


def _unlink(connection: Connection, repository: str, digest: str) -> None:
    if rows.blob_size(connection, repository, digest) is None:
        raise BlobUnknown(digest)
    if rows.is_named(connection, repository, digest):
        raise NotSupported(f"A manifest of this repository names the blob: {digest}")
    rows.unlink_blob(connection, repository, digest)


def _headers(digest: str, size: int) -> dict[str, str]:
    return {
        DIGEST: digest,
        "ETag": f'"{digest}"',
        "Content-Length": str(size),
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=31536000, immutable",
    }
