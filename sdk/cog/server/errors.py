"""What ends a request without a prediction, as the answer that says so.

::

    CogError                the SDK's tree
    └── ServerError
        ├── Refusal         a request is answered at once, with a status and a body
        ├── InputFileError  an input's file cannot be fetched
        └── UploadError     an output's file cannot be delivered
"""

from typing import Any

import msgspec

from cog.errors import CogError

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"


class ServerError(CogError):
    """Base of what goes wrong in the server."""

    code = "server"


class InputFileError(ServerError):
    """An input's file cannot be fetched."""

    code = "input-file"


class UploadError(ServerError):
    """An output's file cannot be delivered."""

    code = "upload"


class Refusal(ServerError):
    """The request is answered at once, with this."""

    code = "refused"

    def __init__(self, status: int, body: bytes, content_type: bytes = JSON) -> None:
        super().__init__(f"{status}: {body[:200]!r}")
        self.status = status
        self.body = body
        self.content_type = content_type


def text_refusal(status: int, text: str) -> Refusal:
    """Return a refusal in plain text."""
    return Refusal(status, text.encode(errors="replace"), TEXT)


def failed_refusal(status: int, error: str) -> Refusal:
    """Return a refusal that reads like a failed prediction, as Cog's own 409 and 503 do."""
    return Refusal(status, msgspec.json.encode({"error": error, "status": "failed"}))


def invalid(problems: list[dict[str, Any]]) -> Refusal:
    """Return the 422 that lists what is wrong with a body."""
    return Refusal(422, msgspec.json.encode({"detail": problems}))


def problem(message: str, *where: str, kind: str = "value_error") -> dict[str, Any]:
    """Return one entry of that list."""
    return {"loc": ["body", *where], "msg": message, "type": kind}
