"""The files that pages load: kept in memory, compressed once, under an address that never changes.

The address has a hash of all of them, so browsers may keep them for good, and modules that import
each other by relative paths get those of the same release.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).with_name("static")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file, as it is and compressed."""

    content_type: str
    plain: bytes
    compressed: bytes


@cache
def static_files() -> Mapping[str, StaticFile]:
    """Return the files by their path below the folder, in its order."""
    found = dict[str, StaticFile]()
    for path in sorted(FOLDER.rglob("*")):
        if path.suffix in TYPES:
            content = path.read_bytes()
            packed = gzip.compress(content, mtime=0)
            found[path.relative_to(FOLDER).as_posix()] = StaticFile(
                TYPES[path.suffix], content, packed
            )
    return found


@cache
def static_root() -> str:
    """Return the path below which they are, such as `/static/0f3a…`."""
    whole = hashlib.sha256()
    for name, file in static_files().items():
        whole.update(f"{name}\0{len(file.plain)}\0".encode() + file.plain)
    return f"/static/{whole.hexdigest()[:16]}"


async def static_file(request: Request) -> Response:
    """Answer GET of a file; under the address of another release there is nothing."""
    name = request.path_params["name"]
    file = static_files().get(name)
    if file is None or request.path_params["hash"] != static_root().rpartition("/")[2]:
        raise HTTPException(404)
    headers = {"cache-control": FOREVER, "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(file.compressed, headers=headers, media_type=file.content_type)
    return Response(file.plain, headers=headers, media_type=file.content_type)
