"""`/files/{key}/{name}`: files that went into or came out of predictions; no token is needed."""

from functools import partial

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from coghub.api.content import Content, content_response
from coghub.parts import Hub


class KeyConvertor(StringConvertor):
    """A part of a path that is such a key, and no file's id."""

    regex = r"[\w-]{43}"


register_url_convertor("file_key", KeyConvertor())

KEPT_FOR_AN_HOUR = "public, max-age=3600"


class OutputRoutes:
    """Answers for the files of predictions."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [Route("/files/{key:file_key}/{name}", self.get, methods=["GET"])]

    async def get(self, request: Request) -> Response:
        """Answer GET and HEAD of a file."""
        file = await self._hub.prediction_files.find(request.path_params["key"])
        content = Content(
            name=file.name,
            content_type=file.content_type,
            size_bytes=file.size_bytes,
            etag=file.etag,
            modified_at=file.created_at,
            cache_control=KEPT_FOR_AN_HOUR,
        )
        read = partial(self._hub.prediction_files.read, file)
        return await content_response(request, content, read)
