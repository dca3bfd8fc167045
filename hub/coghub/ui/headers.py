"""What every page says to browsers: nothing of others is loaded, run, framed or told.

Pictures, sounds and videos may also be `data:` (in outputs) and `blob:` (a preview of a file that
is being uploaded).
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import Message, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
]


def with_headers(send: Send) -> Send:
    """Return what sends an answer with these headers, but for those that it has itself."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", ()))
            names = {name for name, _ in given}
            message["headers"] = given + [it for it in HEADERS if it[0] not in names]
        await send(message)

    return sent


def is_same_site(request: Request, host: str) -> bool:
    """Tell whether a request comes from a page of this very host, or from no browser at all."""
    said, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if said is not None:
        return said == "same-origin"
    return origin is None or urlsplit(origin).netloc == host
