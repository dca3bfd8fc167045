"""What instances may ask of the hub, on a listener of its own: take an output, hand out an input.

The first part of the path is the key of one instance; whoever has another one gets 404.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from cog.network_guard import Guard
from coghub.api.bodies import Room, read_json
from coghub.api.errors import problem
from coghub.api.fetcher import Fetcher
from coghub.database.registry import blob_size
from coghub.domain.errors import CoghubError, FileNotFound
from coghub.parts import Hub
from coghub.scheduler.fleet import Member
from coghub.storage.places import of_blob


class AnyName(PathConvertor):
    """The rest of a path; `path` ends at a line feed, which a name may have."""

    regex = r"[\s\S]*"


register_url_convertor("any", AnyName())

MAX_WEBHOOK_BYTES = 128 * 1024**2
"""As much as an output may have."""
MAX_WEBHOOKS_BYTES = 2 * MAX_WEBHOOK_BYTES
"""Of all that are read in one moment: models are code of strangers."""
FindMember = Callable[[str], Member | None]


class Callbacks:
    """Answers instances."""

    def __init__(self, hub: Hub, find_member: FindMember, guard: Guard) -> None:
        self._hub = hub
        self._find_member = find_member
        self._fetcher = Fetcher(guard)
        self._room = Room(MAX_WEBHOOKS_BYTES)

    def app(self) -> ASGIApp:
        """Return it as an application."""
        return Starlette(
            routes=[
                Route("/{key}/uploads/{name:any}", self.upload, methods=["PUT"]),
                Route("/{key}/predictions/{id}/files/{file_id}", self.uploaded_file),
                Route("/{key}/files/{file_key}/{name:any}", self.made_file),
                Route("/{key}/weights/{name:any}", self.weights),
                Route("/{key}/fetched/{token}/{name:any}", self.fetched_file),
                Route("/{key}/webhooks/{id}", self.webhook, methods=["POST"]),
            ],
            exception_handlers={CoghubError: _refused},
        )

    async def upload(self, request: Request) -> Response:
        """Take an output file of a prediction that the instance runs; answer where it is."""
        member = self._member(request)
        prediction_id = unquote(request.headers.get("x-prediction-id", ""))
        if prediction_id not in member.running:
            raise FileNotFound
        files = self._hub.prediction_files
        async with files.incoming() as incoming:
            async for piece in request.stream():
                await incoming.write(piece)
            location = await files.add(
                prediction_id,
                incoming,
                name=request.path_params["name"],
                said_type=request.headers.get("content-type", ""),
            )
        return Response(status_code=201, headers={"Location": location})

    async def uploaded_file(self, request: Request) -> Response:
        """Hand out a file of the account whose prediction the instance runs."""
        waiting = self._member(request).running.get(request.path_params["id"])
        file = await self._hub.files.find(request.path_params["file_id"])
        if waiting is None or file.account_id != waiting.account_id:
            raise FileNotFound
        return _streamed(self._hub.files.read(file), file.content_type, file.size_bytes)

    async def made_file(self, request: Request) -> Response:
        """Hand out a file of an earlier prediction; its key is enough."""
        self._member(request)
        file = await self._hub.prediction_files.find(request.path_params["file_key"])
        content = self._hub.prediction_files.read(file)
        return _streamed(content, file.content_type, file.size_bytes)

    async def weights(self, request: Request) -> Response:
        """Hand out what the instance's version was trained to, if its repository has it."""
        member = self._member(request)
        if member.weights is None or not member.weights.is_blob:
            raise FileNotFound
        digest, repository = member.weights.place, member.entry.model
        size_bytes = await self._hub.database.read(lambda c: blob_size(c, repository, digest))
        if size_bytes is None:
            raise FileNotFound
        content = self._hub.storage.read(of_blob(digest))
        return _streamed(content, "application/octet-stream", size_bytes)

    async def fetched_file(self, request: Request) -> Response:
        """Hand out what a prediction's input names, fetched now for a server without a guard."""
        _, url = self._member(request).fetches.get(request.path_params["token"], ("", ""))
        if not url:
            raise FileNotFound
        return await self._fetcher.answer(url)

    async def webhook(self, request: Request) -> Response:
        """Take how a prediction stands, from a server that tells it in no other way."""
        hear = self._member(request).tellers.get(request.path_params["id"])
        if hear is not None:
            with self._room.share() as share:
                limit = MAX_WEBHOOK_BYTES
                hear(await read_json(request, dict[str, Any], limit_bytes=limit, share=share))
        return Response(status_code=200)

    def _member(self, request: Request) -> Member:
        member = self._find_member(request.path_params["key"])
        if member is None:
            raise HTTPException(404)
        return member


def _streamed(content: AsyncIterator[bytes], content_type: str, size_bytes: int) -> Response:
    headers = {"Content-Length": str(size_bytes)}
    return StreamingResponse(content, media_type=content_type, headers=headers)


async def _refused(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, CoghubError)
    return problem(error)
