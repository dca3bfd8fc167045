"""The one table from errors to HTTP statuses, and their body: problem+json.

Source: RFC 7807; the fields that the official clients read are title, detail and status.
"""

from typing import TypeVar

import msgspec
from starlette.responses import Response

from coghub.domain import errors

T = TypeVar("T")

STATUS_OF: dict[type[errors.CoghubError], int] = {
    errors.BadRequest: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.RequestInvalid: 422,
    errors.QueueFull: 429,
    errors.Throttled: 429,
    errors.StorageUnusable: 503,
    errors.DatabaseUnreachable: 503,
    errors.DiskFull: 507,
}
"""A class stands for those below it, the nearest one wins."""

TITLE_OF: dict[type[errors.CoghubError], str] = {
    errors.Unauthenticated: "Unauthenticated",
    errors.InputRejected: "Input validation failed",
    errors.VersionNotPermitted: "Invalid version or not permitted",
}

NEVER_AGAIN = frozenset({409, 500, 507})
"""Of these statuses, clients that would try again are told not to: it cannot help."""


def problem(error: errors.CoghubError) -> Response:
    """Return the answer for an error."""
    status = _nearest(STATUS_OF, error) or 500
    body: dict[str, object] = {"detail": error.message, "status": status, "code": error.code}
    title = _nearest(TITLE_OF, error)
    if title:
        body = {"title": title, **body}
    if error.hint:
        body["hint"] = error.hint
    headers = dict[str, str]()
    if status in NEVER_AGAIN:
        headers["x-should-retry"] = "false"
    match error:
        case errors.InputRejected(fields=fields):
            body["invalid_fields"] = fields
        case errors.QueueFull(retry_after_s=wait_s) | errors.Throttled(retry_after_s=wait_s):
            headers["Retry-After"] = str(wait_s)
            body["retry_after"] = wait_s
        case _:
            pass
    return problem_response(status, body, headers)


def problem_response(
    status: int, body: dict[str, object], headers: dict[str, str] | None = None
) -> Response:
    """Return a problem+json answer; its body ends with a line feed."""
    content = msgspec.json.encode(body) + b"\n"
    return Response(content, status, headers, media_type="application/problem+json")


def _nearest(table: dict[type[errors.CoghubError], T], error: errors.CoghubError) -> T | None:
    return next((table[kind] for kind in type(error).__mro__ if kind in table), None)
