"""What a model returned, as JSON and the files that stand in it.

1. `encode` walks the value and notes each file (a path, an open file, an image) and its place.
2. Where the annotation says `Path`, other things that make a file become one: see `adapters`.
3. The rest becomes JSON: see `encoding`.
"""

import io
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from cog import adapters, content
from cog.encoding import NOT_A_LEAF, Place, to_json
from cog.errors import OutputError
from cog.files import is_url
from cog.worker.messages import OutputFile


@dataclass(frozen=True)
class Encoded:
    """A value that can be sent."""

    value: Any
    """JSON; None wherever a file stands."""
    files: list[OutputFile] = field(default_factory=list)


def encode(
    value: Any,
    *,
    directory: str,
    is_path: bool = False,
    is_text: bool = False,
    copy_files: bool = False,
) -> Encoded:
    """Return a model's output, or one item of it, as JSON and files.

    Args:
        value: What the model returned.
        directory: Where files are made for what is a file but not on disk.
        is_path: The annotation, or that of the items, says `Path` or `File`.
        is_text: It also says `str`, so that text is not taken for a path.
        copy_files: The code that made the files goes on, and may overwrite or remove them.

    Raises:
        OutputError: if something in the value has no JSON form, or a file does not exist.
    """
    files = _Files(directory, is_path=is_path, is_text=is_text, copy_files=copy_files)
    try:
        return Encoded(to_json(value, files.leaf), files.found)
    except BaseException:
        files.remove()
        raise


class _Files:
    """The files met on the walk through one value."""

    def __init__(self, directory: str, *, is_path: bool, is_text: bool, copy_files: bool) -> None:
        self.directory = directory
        self.is_path = is_path
        self.is_text = is_text
        self.copy_files = copy_files
        self.found: list[OutputFile] = []

    def leaf(self, value: Any, at: Place) -> Any:
        """Note the value if it is a file; answers as `encoding.Leaf`."""
        wants_file = self.is_path and all(isinstance(step, int) for step in at)
        if isinstance(value, str):
            if not wants_file or self.is_text or is_url(value):
                return NOT_A_LEAF
            value = pathlib.Path(value)
        if isinstance(value, (float, dict, list, tuple, type)):
            return NOT_A_LEAF
        file = self._file(value, at, wants_file=wants_file)
        if file is None:
            return NOT_A_LEAF
        self.found.append(file)
        return None

    def remove(self) -> None:
        """Remove the files that were made."""
        for file in self.found:
            if file.is_temporary:
                pathlib.Path(file.path).unlink(missing_ok=True)

    def _file(self, value: Any, at: Place, *, wants_file: bool) -> OutputFile | None:
        if isinstance(value, os.PathLike):
            return self._on_disk(value, at)
        if isinstance(value, io.IOBase) or _is_wrapped_file(value):
            return self._open_file(value, at)
        adapted = adapters.adapted(value, wants_file=wants_file)
        if adapted is None:
            return None
        return self._made(adapted.write, at, suffix=adapted.suffix)

    def _on_disk(self, value: os.PathLike[str], at: Place) -> OutputFile:
        path = os.path.abspath(os.fsdecode(value))  # noqa: PTH100 - a `URLPath` is fetched
        name = getattr(value, "name", "") or os.path.basename(path)  # noqa: PTH119 - a text by now
        if not os.path.isfile(path):  # noqa: PTH113 - likewise
            raise OutputError(_why_no_file(path))
        if not self.copy_files:
            return OutputFile(list(at), path, name)
        suffix = pathlib.PurePath(name).suffix
        return self._made(lambda file: _copy_path(path, file), at, suffix=suffix, name=name)

    def _open_file(self, value: Any, at: Place) -> OutputFile:
        name = getattr(value, "name", None)
        name = os.path.basename(name) if isinstance(name, str) else None  # noqa: PTH119 - a text
        if value.closed:
            if name is None:
                raise OutputError("Failed to read IOBase: the file is closed")
            return self._on_disk(pathlib.Path(value.name), at)
        body = _read(value)
        suffix = pathlib.PurePath(name).suffix if name else content.suffix_of(body)
        return self._made(lambda file: file.write(body), at, suffix=suffix, name=name)

    def _made(
        self,
        write: Callable[[BinaryIO], Any],
        at: Place,
        *,
        suffix: str,
        name: str | None = None,
    ) -> OutputFile:
        """Write a temporary file, with a name of its own: uploads of one output do not collide."""
        descriptor, path = tempfile.mkstemp(prefix="output-", suffix=suffix, dir=self.directory)
        with os.fdopen(descriptor, "wb") as file:
            write(file)
        own_name = os.path.basename(path)  # noqa: PTH119 - a text
        return OutputFile(list(at), path, name or own_name, is_temporary=True)


def _is_wrapped_file(value: Any) -> bool:
    """Tell a `NamedTemporaryFile` and its like, which only wrap an open file."""
    return type(value).__module__ == "tempfile" and hasattr(value, "read")


def _read(file: Any) -> bytes:
    """Return all that an open file holds, from its beginning; text as UTF-8."""
    try:
        file.flush()
        if not hasattr(file, "seekable") or file.seekable():  # one of Python 3.10 does not say
            file.seek(0)
        body = file.read()
    except (OSError, ValueError) as error:
        return _read_again(file, error)
    return body.encode() if isinstance(body, str) else bytes(body)


def _read_again(file: Any, error: Exception) -> bytes:
    """Read a file that was opened for writing only."""
    if isinstance(file.name, str) and os.path.isfile(file.name):  # noqa: PTH113 - a text
        return pathlib.Path(file.name).read_bytes()
    raise OutputError(f"Failed to read IOBase: {type(error).__name__}: {error}") from error


def _copy_path(path: str, file: BinaryIO) -> None:
    with open(path, "rb") as source:  # noqa: PTH123 - a text
        shutil.copyfileobj(source, file, 1024**2)


def _why_no_file(path: str) -> str:
    if os.path.isdir(path):  # noqa: PTH112 - a text
        return f"Output is a folder, not a file: {path}"
    return f"Output file does not exist: {path}"
