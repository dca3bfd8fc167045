"""The files behind the URLs that a server answers: inside `data:` URLs, or to be downloaded."""

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from cog.mimetypes_ext import DEFAULT_TYPE, extension_of
from coghub.domain.errors import PredictionFailed

_HEAD = re.compile(r"data:(?P<type>[^,]*?)(?P<base64>;base64)?,", re.IGNORECASE)
DOWNLOAD_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of an output file."""

    data: bytes
    suffix: str
    """With its dot; empty when the type says nothing."""


def content_of(url: str) -> Content:
    """Return the file behind an output's URL.

    Older servers answer `data:None;base64,…` for a type that they do not know.

    Raises:
        PredictionFailed: if the URL has no content that can be read.
    """
    if url.startswith(("http://", "https://")):
        return _download(url)
    head = _HEAD.match(url)
    if not head:
        raise PredictionFailed(f"Failed to decode data URL: {url[:80]}")
    body = url[head.end() :]
    try:
        data = base64.b64decode(body, validate=True) if head["base64"] else unquote_to_bytes(body)
    except (binascii.Error, ValueError) as error:
        raise PredictionFailed(f"Failed to decode data URL: {error}") from error
    return Content(data, _suffix(head["type"]))


def _download(url: str) -> Content:
    import urllib.request  # noqa: PLC0415 - hardly any output is a link

    try:
        with urllib.request.urlopen(url, timeout=DOWNLOAD_TIMEOUT_S) as response:  # noqa: S310 - http, see above
            return Content(response.read(), _suffix(response.headers.get_content_type()))
    except OSError as error:
        raise PredictionFailed(f"Failed to download output {url}: {error}") from error


def _suffix(media_type: str) -> str:
    """Return the suffix for a file of that type; none for bytes of which nothing is known."""
    return "" if media_type.lower() == DEFAULT_TYPE else extension_of(media_type)
