"""Small bodies: read whole, and bounded."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from coghub.domain.distribution_errors import ManifestTooLarge
from coghub.domain.errors import RequestInvalid

MAX_FORM_BYTES = 64 * 1024
MAX_FIELDS = 100


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form.

    Raises:
        RequestInvalid: if the body is no form, or larger than any that makes sense.
    """
    try:
        body = await read_body(request, MAX_FORM_BYTES)
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except (ValueError, ManifestTooLarge) as error:
        raise RequestInvalid("The body is not a form of a few fields") from error
    return dict(pairs)


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """Return the whole body.

    Raises:
        ManifestTooLarge: if it is larger than the limit.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit_bytes:
            raise ManifestTooLarge(f"The body is larger than {limit_bytes} bytes")
    return bytes(body)
