"""The one table from errors to the codes of the OCI distribution specification.

Source: OCI distribution specification 1.1, "Error codes".
"""

import msgspec
from starlette.responses import Response

from coghub.domain import distribution_errors as distribution
from coghub.domain import errors

UNKNOWN = (500, "UNKNOWN")

ANSWER_OF: dict[type[errors.CoghubError], tuple[int, str]] = {
    distribution.BlobUnknown: (404, "BLOB_UNKNOWN"),
    distribution.UploadInvalid: (400, "BLOB_UPLOAD_INVALID"),
    distribution.UploadUnknown: (404, "BLOB_UPLOAD_UNKNOWN"),
    distribution.UploadOutOfOrder: (416, "BLOB_UPLOAD_INVALID"),
    distribution.RangeUnsatisfiable: (416, "RANGE_INVALID"),
    distribution.DigestRefused: (400, "DIGEST_INVALID"),
    distribution.SizeMismatch: (400, "SIZE_INVALID"),
    distribution.ManifestBlobUnknown: (404, "MANIFEST_BLOB_UNKNOWN"),
    distribution.ManifestInvalid: (400, "MANIFEST_INVALID"),
    distribution.VersionRefused: (400, "UNSUPPORTED"),
    distribution.ManifestTooLarge: (413, "SIZE_INVALID"),
    distribution.ManifestUnknown: (404, "MANIFEST_UNKNOWN"),
    distribution.RepositoryNameInvalid: (400, "NAME_INVALID"),
    distribution.RepositoryUnknown: (404, "NAME_UNKNOWN"),
    distribution.TooManyUploads: (429, "TOOMANYREQUESTS"),
    distribution.NotSupported: (405, "UNSUPPORTED"),
    errors.Unauthenticated: (401, "UNAUTHORIZED"),
    errors.Forbidden: (403, "DENIED"),
    errors.NotFound: (404, "NAME_UNKNOWN"),
    errors.Conflict: (409, "DENIED"),
    errors.RequestInvalid: (400, "UNSUPPORTED"),
    errors.StorageUnusable: (503, "UNAVAILABLE"),
    errors.DatabaseUnreachable: (503, "UNAVAILABLE"),
    errors.DiskFull: (507, "UNAVAILABLE"),
}
"""A class stands for those below it, the nearest one wins."""

RETRY_AFTER_S = 60
"""What a client with too many uploads is told to wait."""


def error_response(error: errors.CoghubError, headers: dict[str, str] | None = None) -> Response:
    """Return the answer for an error; its text is shown to people as it is."""
    status, code = next(
        (ANSWER_OF[kind] for kind in type(error).__mro__ if kind in ANSWER_OF), UNKNOWN
    )
    message = f"{error.message}: {error.hint}" if error.hint else error.message
    found = dict(headers or {})
    match error:
        case distribution.RangeUnsatisfiable(size_bytes=size):
            found["Content-Range"] = f"bytes */{size}"
        case distribution.TooManyUploads():
            found["Retry-After"] = str(RETRY_AFTER_S)
        case _:
            pass
    return coded_response(status, code, message, found)


def coded_response(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> Response:
    """Return an answer with one error."""
    content = msgspec.json.encode({"errors": [{"code": code, "message": message, "detail": None}]})
    return Response(content, status, headers, media_type="application/json")
