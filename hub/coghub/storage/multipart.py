"""Parts that a killed hub had sent of an object: a store keeps them, unseen, until it is told.

obstore neither lists nor aborts such uploads, so these two requests are made and signed here.

Source: Amazon S3 API, ListMultipartUploads and AbortMultipartUpload; Signature Version 4.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree as ET

from coghub.storage.s3_access import S3Access, S3Place

TIMEOUT_S = 60.0
EMPTY = hashlib.sha256(b"").hexdigest()
OK = range(200, 300)
GONE = 404


@dataclass(frozen=True, slots=True)
class PartialUpload:
    """An upload in parts that has not ended."""

    key: str
    id: str
    begun_at: datetime


class PartialUploads:
    """The uploads in parts below one place; methods block, and belong in a thread."""

    def __init__(self, place: S3Place, access: S3Access) -> None:
        self._place = place
        self._access = access

    def abort(self, before: datetime) -> int:
        """End those that began before a moment, and return how many that were.

        Without keys nothing is done: rights of a machine cannot be used here.

        Raises:
            OSError: if the store does not answer, or refuses.
            ValueError: if its answer makes no sense.
        """
        if self._access.access_key_id is None:
            return 0
        stale = [upload for upload in self._all() if upload.begun_at < before]
        for upload in stale:
            self._ask("DELETE", upload.key, {"uploadId": upload.id})
        return len(stale)

    def _all(self) -> Iterator[PartialUpload]:
        query = {"uploads": "", "prefix": self._place.key("")}
        while True:
            try:
                page = ET.fromstring(self._ask("GET", "", query))  # noqa: S314 - of our own store
            except ET.ParseError as error:
                raise ValueError(f"no XML: {error}") from error
            for found in page.iterfind("{*}Upload"):
                begun_at = datetime.fromisoformat(_text(found, "Initiated"))
                begun_at = begun_at if begun_at.tzinfo else begun_at.replace(tzinfo=UTC)
                yield PartialUpload(_text(found, "Key"), _text(found, "UploadId"), begun_at)
            if _text(page, "IsTruncated") != "true":
                return
            query["key-marker"] = _text(page, "NextKeyMarker")
            query["upload-id-marker"] = _text(page, "NextUploadIdMarker")

    def _ask(self, method: str, key: str, query: Mapping[str, str]) -> bytes:
        region, bucket = self._access.region, self._place.bucket
        url = urlsplit(self._access.endpoint or f"https://s3.{region}.amazonaws.com")
        path = quote(f"{url.path}/{bucket}/{key}" if key else f"{url.path}/{bucket}", safe="/-_.~")
        asked = urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")
        headers = signed(self._access, method, url.netloc, path, asked)
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        connection = kind(url.netloc, timeout=TIMEOUT_S)
        try:
            connection.request(method, f"{path}?{asked}", headers=headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status not in OK and answer.status != GONE:
            raise OSError(f"{method} answered {answer.status}")
        return content


def signed(
    access: S3Access, method: str, host: str, path: str, query: str, now: datetime | None = None
) -> dict[str, str]:
    """Return the headers of a request without body that show who asks."""
    moment = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": host, "x-amz-content-sha256": EMPTY, "x-amz-date": moment}
    if access.session_token:
        headers["x-amz-security-token"] = access.session_token
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = "\n".join([method, path, query, lines, names, EMPTY])
    scope = f"{moment[:8]}/{access.region}/s3/aws4_request"
    summed = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{summed}"
    key = f"AWS4{access.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    said = f"Credential={access.access_key_id}/{scope}, SignedHeaders={names}"
    headers["authorization"] = f"AWS4-HMAC-SHA256 {said}, Signature={signature}"
    return headers


def _text(element: ET.Element, name: str) -> str:
    return element.findtext(f"{{*}}{name}") or ""
