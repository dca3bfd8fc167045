"""Files by URL: their names, and reading them with the standard library alone.

The server fetches the files of a prediction itself and faster; this is for who
calls a model in Python, and for the URL types that a model may be given.
"""

import os
from typing import IO, BinaryIO

from cog import mimetypes_ext
from cog.errors import DownloadError
from cog.settings import user_agent

MAX_NAME_BYTES = 200
"""File systems allow 255; the rest is for what `tempfile` puts in front."""
TIMEOUT_S = 10.0
"""How long a server may stay silent, per read."""
URL_SCHEMES = ("data", "http", "https")


def is_url(value: str) -> bool:
    """Tell whether a text is a URL that can be read: data, http or https."""
    return value[:8].lower().startswith(("data:", "http://", "https://"))


def get_filename(url: str) -> str:
    """Return the file name of a URL: its last path segment; for data `file` and an extension.

    Empty where a URL ends in a slash. No longer than 200 bytes: a `~` stands for what was cut.
    """
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415 - `import cog` stays light

    if url[:5].lower() == "data:":
        return "file" + mimetypes_ext.extension_of(_data_type(url))
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    return _shortened(name.replace("/", "_").replace("\0", "_"))


def guess_filename(file: IO[bytes]) -> str:
    """Return the name of an open file, or `file` if it has none."""
    name = getattr(file, "name", None)
    return os.path.basename(name) if isinstance(name, str) else "file"  # noqa: PTH119 - a text


def upload_file(file: IO[bytes], output_file_prefix: str | None = None) -> str:
    """Return an open file's content as a data URL; a prefix to upload to is no longer known.

    Raises:
        ValueError: if there is a prefix.
    """
    if output_file_prefix is not None:
        raise ValueError("output_file_prefix is not supported: the server uploads output files")
    return data_url(file.read(), mimetypes_ext.type_of(guess_filename(file)))


def data_url(content: bytes, mime_type: str) -> str:
    """Return content as a base64 data URL."""
    import base64  # noqa: PLC0415 - `import cog` stays light

    return f"data:{mime_type};base64,{base64.b64encode(content).decode()}"


def open_data_url(url: str) -> BinaryIO:
    """Return the content of a data URL, base64 or percent-encoded.

    Raises:
        ValueError: if the URL has no comma or its base64 is broken.
    """
    import base64  # noqa: PLC0415 - `import cog` stays light
    import io  # noqa: PLC0415
    from urllib.parse import unquote_to_bytes  # noqa: PLC0415

    head, comma, body = url.partition(",")
    if not comma:
        raise ValueError("A data URL has a comma before its content")
    if not head.lower().endswith(";base64"):
        return io.BytesIO(unquote_to_bytes(body))
    return io.BytesIO(base64.b64decode(unquote_to_bytes(body), validate=False))


def download(url: str) -> BinaryIO:
    """Return the content of an http(s) URL as an unnamed temporary file, at its beginning.

    A connection that breaks on the way is made once more.

    Raises:
        DownloadError: if the server does not answer, or not with success, or not to the end.
    """
    import tempfile  # noqa: PLC0415 - `import cog` stays light
    from http.client import HTTPException  # noqa: PLC0415
    from urllib.error import HTTPError  # noqa: PLC0415

    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        try:
            _copy(url, file)
        except (ConnectionError, HTTPException):
            file.seek(0)
            file.truncate()
            _copy(url, file)
    except (OSError, HTTPException, ValueError) as error:
        file.close()
        if isinstance(error, HTTPError):
            error.close()
        raise DownloadError(f"Could not download `{url}`: {error}") from error
    file.seek(0)
    return file


def _copy(url: str, file: BinaryIO) -> None:
    import shutil  # noqa: PLC0415 - `import cog` stays light
    from http.client import IncompleteRead  # noqa: PLC0415
    from urllib.request import Request, urlopen  # noqa: PLC0415

    request = Request(url, headers={"User-Agent": user_agent()})  # noqa: S310 - http by now
    with urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - likewise
        shutil.copyfileobj(response, file, 1024**2)
        if response.length:  # a read of so many bytes takes the end of the connection for the end
            raise IncompleteRead(b"", response.length)


def _data_type(url: str) -> str:
    return url[5:].partition(",")[0].partition(";")[0] or "text/plain"


def _shortened(name: str) -> str:
    """Cut a name in the middle, so that it keeps its suffix."""
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - a name, not a path
    if len(suffix.encode()) >= MAX_NAME_BYTES:
        stem, suffix = name, ""
    room = MAX_NAME_BYTES - len(suffix.encode()) - len("~")
    return stem.encode()[:room].decode(errors="ignore") + "~" + suffix
