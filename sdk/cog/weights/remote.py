"""A file at a URL: how large it is, whether it can be read in parts, and its parts.

Source: RFC 9110, sections 13.1.5 (If-Range) and 14 (ranges).
"""

import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from typing import Any
from urllib.parse import urlsplit

from cog.errors import FetchError
from cog.weights.sources import located

TIMEOUT_S = 30.0
"""Without a byte; then the part is asked for again."""
ATTEMPTS = 6
MOST_PAUSE_S = 30.0
PARTIAL = 206
EMPTY = 416
LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which asking again may help."""
CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+)")
PRIVATE = ("authorization", "cookie")
FAILURES = (OSError, HTTPException)
"""What a connection that breaks raises; `URLError` and time-outs are of them."""


class Changed(Exception):
    """It is another file than the one that was begun."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, and tells other hosts no secrets."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Any:
        """Return the next request."""
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            for name in list(following.headers):
                if name.lower() in PRIVATE:
                    following.remove_header(name)
        return following


_OPENER = urllib.request.build_opener(_Redirects)


@dataclass(frozen=True)
class Remote:
    """What a server says of a file."""

    url: str
    """As the caller says it: what messages show."""
    address: str
    """Where it is asked for; may hold a signature."""
    headers: Mapping[str, str]
    size_bytes: int | None
    """None where the server does not say."""
    validator: str | None
    """By which the server tells whether it is still the same file."""
    has_ranges: bool

    def open(self, start: int, stop: int) -> Any:
        """Return the response whose body is a part of the file; it is to be closed.

        Raises:
            Changed: if the file has changed since.
            FetchError: if the server refuses.
            OSError, HTTPException: if it cannot be reached.
        """
        headers = dict(self.headers)
        if self.has_ranges:
            headers["Range"] = f"bytes={start}-{stop - 1}"
            if self.validator:
                headers["If-Range"] = self.validator
        response = _opened(self.url, self.address, headers)
        found = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if self.has_ranges and (found is None or found[1] != str(start)):
            response.close()
            raise Changed
        return response


def look_at(url: str, headers: Mapping[str, str]) -> Remote:
    """Ask for the first byte of a file, and return what is learned by that.

    Raises:
        FetchError: if it cannot be had.
    """
    address, headers = located(url, headers)
    said = {"Accept-Encoding": "identity", **headers}
    for attempt in range(ATTEMPTS):
        try:
            with _opened(url, address, {**said, "Range": "bytes=0-0"}) as response:
                return _remote(url, address, said, response)
        except FAILURES as error:  # noqa: PERF203 - each attempt may fail
            pause(url, error, attempt)
    raise AssertionError  # the last pause raises


def _remote(url: str, address: str, headers: Mapping[str, str], response: Any) -> Remote:
    found = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    length = response.headers.get("Content-Length")
    etag = response.headers.get("ETag", "")
    strong = etag if etag.startswith('"') else None
    has_ranges = found is not None and response.status == PARTIAL
    size = found[2] if found is not None else length
    return Remote(
        url=url,
        address=address,
        headers=headers,
        size_bytes=None if size is None else int(size),
        validator=strong or response.headers.get("Last-Modified"),
        has_ranges=has_ranges,
    )


def _opened(url: str, address: str, headers: Mapping[str, str]) -> Any:
    request = urllib.request.Request(address, headers=dict(headers))  # noqa: S310 - http was asked for
    try:
        return _OPENER.open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == EMPTY:  # of an empty file there is no first byte
            return error
        if error.code in LATER:
            raise
        with error:
            raise FetchError(f"{error.code} {error.reason}: {url}") from error


def pause(url: str, error: Exception, attempt: int) -> None:
    """Wait before a part is asked for again, longer each time.

    Raises:
        FetchError: if it was asked for often enough.
    """
    if attempt + 1 >= ATTEMPTS:
        reason = getattr(error, "reason", None) or error
        raise FetchError(f"Could not be fetched after {ATTEMPTS} attempts: {url}: {reason}")
    headers = error.headers if isinstance(error, urllib.error.HTTPError) else {}
    wanted = headers.get("Retry-After", "")
    seconds = float(wanted) if wanted.isdecimal() else 0.25 * 2**attempt
    time.sleep(min(seconds, MOST_PAUSE_S))
