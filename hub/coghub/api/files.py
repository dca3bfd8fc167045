"""`/files…`: what clients upload for their inputs, and its download by signed URL."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from coghub.accounts.webhook_secret import PREFIX
from coghub.api.authentication import require_account
from coghub.api.content import Content, content_response
from coghub.api.paging import page_response, read_cursor
from coghub.api.rendering import api_url, json_response
from coghub.api.upload import receive
from coghub.domain.clock import iso
from coghub.domain.errors import AccountNotFound, FileNotFound
from coghub.domain.file import File
from coghub.parts import Hub

NOT_STORED = "private, no-store"
"""The URL carries a signature that ends."""
LATEST_EXPIRY_DIGITS = 11


class FileRoutes:
    """Answers for uploaded files."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [
            Route("/files", self.create, methods=["POST"]),
            Route("/files", self.list, methods=["GET"]),
            Route("/files/{file_id}", self.get, methods=["GET"]),
            Route("/files/{file_id}", self.delete, methods=["DELETE"]),
            Route("/files/{file_id}/download", self.download, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        """Answer POST /files."""
        account = await require_account(request, self._hub.accounts)
        file = await receive(request, account, self._hub.files)
        return json_response(self._json(file, request), 201)

    async def list(self, request: Request) -> Response:
        """Answer GET /files."""
        account = await require_account(request, self._hub.accounts)
        page = await self._hub.files.list(account, read_cursor(request, str))
        return page_response(
            request, self._hub.settings, page, lambda file: self._json(file, request)
        )

    async def get(self, request: Request) -> Response:
        """Answer GET /files/{file_id}: what is known of it, not its bytes."""
        account = await require_account(request, self._hub.accounts)
        file = await self._hub.files.get(account, request.path_params["file_id"])
        return json_response(self._json(file, request))

    async def delete(self, request: Request) -> Response:
        """Answer DELETE /files/{file_id}."""
        account = await require_account(request, self._hub.accounts)
        await self._hub.files.delete(account, request.path_params["file_id"])
        return Response(status_code=204)

    async def download(self, request: Request) -> Response:
        """Answer GET /files/{file_id}/download: no token, but a signature in the query."""
        file = await self._signed(request)
        content = Content(
            name=file.name,
            content_type=file.content_type,
            size_bytes=file.size_bytes,
            etag=file.md5,
            modified_at=file.created_at,
            cache_control=NOT_STORED,
        )
        read = partial(self._hub.files.read, file)
        return await content_response(request, content, read)

    async def _signed(self, request: Request) -> File:
        """Return the file, if the signature is its owner's and has not expired.

        Raises:
            FileNotFound: if not; it does not say why.
        """
        query, file_id = request.query_params, request.path_params["file_id"]
        owner, expiry = query.get("owner", ""), query.get("expiry", "")
        is_time = expiry.isascii() and expiry.isdigit() and len(expiry) <= LATEST_EXPIRY_DIGITS
        if not is_time or datetime.fromtimestamp(int(expiry), UTC) <= self._hub.now():
            raise FileNotFound
        try:
            account = await self._hub.accounts.get(owner)
        except AccountNotFound:
            raise FileNotFound from None
        secret = await self._hub.webhook_secrets.get(account.id)
        given = query.get("signature", "").encode("utf-8", "replace")
        if not hmac.compare_digest(signature(secret, owner, file_id, expiry).encode(), given):
            raise FileNotFound
        return await self._hub.files.get(account, file_id)

    def _json(self, file: File, request: Request) -> dict[str, Any]:
        return {
            "id": file.id,
            "name": file.name,
            "content_type": file.content_type,
            "size": file.size_bytes,
            "etag": file.md5,
            "checksums": {"sha256": file.sha256, "md5": file.md5},
            "metadata": file.metadata,
            "created_at": iso(file.created_at),
            "expires_at": iso(file.expires_at),
            "urls": {"get": f"{api_url(request, self._hub.settings)}/files/{file.id}"},
        }


def signature(secret: str, owner: str, file_id: str, expiry: str) -> str:
    """Return the signature of a download: it ends at `expiry`, in seconds since 1970.

    Args:
        secret: the account's webhook signing secret, `whsec_…`.
        owner: the account's name.
        file_id: which file.
        expiry: as it stands in the URL.
    """
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{owner} {file_id} {expiry}".encode()
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")
