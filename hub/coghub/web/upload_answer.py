"""An uploaded file as the answer to a page: for a preview, or beside a prediction."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from coghub.api.content import Content, content_response
from coghub.domain.file import File
from coghub.files.files import Files


async def upload_answer(request: Request, file: File, files: Files) -> Response:
    """Return the bytes of a file, for whom the caller has looked at."""
    content = Content(
        name=file.name,
        content_type=file.content_type,
        size_bytes=file.size_bytes,
        etag=file.md5,
        modified_at=file.created_at,
        cache_control="private, max-age=3600",
    )
    return await content_response(request, content, partial(files.read, file))
