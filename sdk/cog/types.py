"""The types of inputs and outputs: files, secrets, and text that is made piece by piece."""

import io
import os
import pathlib
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, BinaryIO, ClassVar, Final, NoReturn, TypeVar

from cog.files import URL_SCHEMES, download, get_filename, is_url, open_data_url
from cog.input import Input
from cog.pydantic_hooks import PydanticField

__all__ = [
    "AsyncConcatenateIterator",
    "CogConfig",
    "ConcatenateIterator",
    "File",
    "Input",
    "Opaque",
    "Path",
    "Secret",
    "URLFile",
    "URLPath",
    "Weights",
    "get_filename",
]

Item_co = TypeVar("Item_co", covariant=True)

HIDDEN = "**********"
"""What stands for a secret wherever it is shown."""


class Path(PydanticField, pathlib.PosixPath):
    """A file on disk, as an input or an output."""

    @classmethod
    def validate(cls, value: Any) -> pathlib.Path:
        """Return a path as it is, a data or http(s) URL as a `URLPath`, other text as a path."""
        if isinstance(value, pathlib.Path):
            return value
        if isinstance(value, str) and is_url(value):
            return URLPath(source=value, filename=get_filename(value), fileobj=File.validate(value))
        return cls(value)


class URLPath(Path):
    """A file behind a URL; it is fetched when it is first opened, or by `convert`."""

    source: str
    filename: str
    fileobj: io.IOBase | BinaryIO
    _converted: Path | None

    if sys.version_info >= (3, 12):

        def __init__(self, *, source: str, filename: str, fileobj: io.IOBase | BinaryIO) -> None:
            super().__init__(filename)
            self.source, self.filename, self.fileobj = source, filename, fileobj
            self._converted = None

    else:

        def __new__(cls, *, source: str, filename: str, fileobj: io.IOBase | BinaryIO) -> "URLPath":
            self = super().__new__(cls, filename)
            self.source, self.filename, self.fileobj = source, filename, fileobj
            self._converted = None
            return self

    def convert(self) -> Path:
        """Fetch the file into a temporary one, once, and return its path."""
        if self._converted is None:
            import shutil  # noqa: PLC0415 - `import cog` stays light
            import tempfile  # noqa: PLC0415

            with tempfile.NamedTemporaryFile(suffix=self.name, delete=False) as file:
                try:
                    shutil.copyfileobj(self.fileobj, file)
                except BaseException:
                    pathlib.Path(file.name).unlink()
                    raise
            self._converted = Path(file.name)
        return self._converted

    def unlink(self, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - pathlib's signature
        """Remove the temporary file; the URL stays as it is."""
        if self._converted is not None:
            self._converted.unlink(missing_ok=missing_ok)

    def with_segments(self, *segments: str | os.PathLike[str]) -> Path:
        """Make what is derived from this path an ordinary one."""
        return Path(*segments)

    def __fspath__(self) -> str:
        return str(self.convert())

    def __str__(self) -> str:
        return getattr(self, "source", None) or super().__str__()

    def __repr__(self) -> str:
        return f"URLPath({str(self)!r})"

    def __reduce__(self) -> tuple[Callable[[str], pathlib.Path], tuple[str]]:
        return Path.validate, (self.source,)


class File(PydanticField, io.IOBase):
    """An open file, read as bytes, as an input; new models take a `Path`."""

    @classmethod
    def validate(cls, value: Any) -> Any:
        """Return an open file as it is, the content of a data URL, or a `URLFile`.

        Raises:
            ValueError: if it is text but no data or http(s) URL.
        """
        if not isinstance(value, str):
            return value
        scheme = value.partition(":")[0].lower() if ":" in value else ""
        if scheme not in URL_SCHEMES:
            raise ValueError(
                f"'{scheme}' is not a valid URL scheme. 'data', 'http', or 'https' is supported."
            )
        return open_data_url(value) if scheme == "data" else URLFile(value)


class _Download(io.RawIOBase):
    """The content behind a URL, fetched when it is first read."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self._content: BinaryIO | None = None

    @property
    def content(self) -> BinaryIO:
        if self._content is None:
            self._content = download(self.url)
        return self._content

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self.content.readinto(buffer)  # pyrefly: ignore

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self.content.seek(offset, whence)

    def tell(self) -> int:
        """Where it stands; asking fetches nothing, as a reader asks when it is made."""
        return 0 if self._content is None else self._content.tell()

    def close(self) -> None:
        if self._content is not None:
            self._content.close()
        super().close()


class URLFile(io.BufferedReader):
    """An open file behind an http(s) URL; it is fetched when it is first read."""

    def __init__(self, url: str, filename: str | None = None) -> None:
        super().__init__(_Download(url))
        self.url = url
        self._name = filename or get_filename(url)

    @property
    def name(self) -> str:
        """The file name of the URL."""
        return self._name

    def __reduce_ex__(self, _protocol: Any) -> tuple[type["URLFile"], tuple[str, str]]:
        return URLFile, (self.url, self._name)


class Secret(PydanticField):
    """A text that is not shown: not by `str`, not by `repr`, not in logs."""

    json_schema: ClassVar[dict[str, Any]] = {
        "type": "string",
        "format": "password",
        "writeOnly": True,
    }
    secret_value: str | None

    def __init__(self, secret_value: str | None = None) -> None:
        vars(self)["secret_value"] = secret_value

    @classmethod
    def validate(cls, value: Any) -> "Secret":
        """Return a secret as it is, and a text as a secret.

        Raises:
            ValueError: if it is neither.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise ValueError(f"A secret is a text, not {type(value).__name__}")  # noqa: TRY004 - pydantic reads it
        return cls(value)

    def get_secret_value(self) -> str | None:
        """Return the text itself."""
        return self.secret_value

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"cannot assign to field '{name}'")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"cannot delete field '{name}'")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.secret_value == other.secret_value

    def __hash__(self) -> int:
        return hash(self.secret_value)

    def __str__(self) -> str:
        return HIDDEN if self.secret_value else ""

    def __repr__(self) -> str:
        return f"Secret({self})"


class ConcatenateIterator(Iterator[Item_co]):
    """Return type of a model that yields pieces of one text."""


class AsyncConcatenateIterator(AsyncIterator[Item_co]):
    """The same for an asynchronous model."""


class _Opaque:
    """The type of `Opaque`."""

    def __repr__(self) -> str:
        return "cog.Opaque"


Opaque: Final = _Opaque()
"""In `Annotated[T, Opaque]`: the schema says "object" and nothing of what is inside."""

Weights = File | Path | str
"""What `setup(weights)` of an old model may be given."""

CogConfig = dict[str, Any]
"""A cog.yaml once it is read; old models name the type."""


def __getattr__(name: str) -> bool:
    """Answer `PYDANTIC_V2`: whether the model's environment has pydantic 2 or later."""
    if name != "PYDANTIC_V2":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import metadata  # noqa: PLC0415 - heavy, and only old models ask

    try:
        return int(metadata.version("pydantic").partition(".")[0]) > 1
    except metadata.PackageNotFoundError:
        return False
