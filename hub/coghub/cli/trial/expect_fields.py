"""The fields of `expect` in a test, as expectations."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coghub.cli.trial.expectations import (
    Between,
    Contains,
    Equal,
    Expectation,
    Fails,
    FileSize,
    Images,
    Length,
    Matches,
    PixelSize,
)
from coghub.cli.trial.likeness import Likeness
from coghub.cli.trial.outcome import StoredFile

IMAGE_TOLERANCE = 0.01
"""Without one of its own: what another processor or encoder makes of the same picture."""
TOLERANT = ("equal", "json", "image")
PAIR = 2


class Faulty(Exception):
    """A field that means nothing."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key
        self.message = message


@dataclass(frozen=True, slots=True)
class Reading:
    """The fields of one test."""

    fields: Mapping[str, Any]
    folder: Path
    """From where files are named."""

    @property
    def keys(self) -> tuple[str, ...]:
        """All that there may be."""
        return (*_READERS, "tolerance")

    @property
    def tolerance(self) -> float | None:
        """How far apart values may be.

        Raises:
            Faulty: if it is no number, or nothing is there for which it counts.
        """
        given = self.fields.get("tolerance")
        if given is None:
            return None
        if isinstance(given, bool) or not isinstance(given, int | float) or given < 0:
            raise Faulty("tolerance", "must be a number that is not below 0")
        if not any(key in self.fields for key in TOLERANT):
            raise Faulty("tolerance", "goes with `equal`, `json` or `image`")
        return float(given)

    def file(self, key: str, name: str) -> StoredFile:
        """Return a file beside the tests.

        Raises:
            Faulty: if it is not there.
        """
        path = self.folder / Path(name).expanduser()
        if not name or not path.is_file():
            raise Faulty(key, f"no such file: {name}")
        return StoredFile(path)

    def with_files(self, key: str, value: Any) -> Any:
        """Return a value in which each text `@PATH` is a file; `@@` is one `@`."""
        match value:
            case dict():
                return {name: self.with_files(key, item) for name, item in value.items()}
            case list():
                return [self.with_files(key, item) for item in value]
            case str() if value.startswith("@@"):
                return value[1:]
            case str() if value.startswith("@"):
                return self.file(key, value[1:])
            case _:
                return value


def expectations_of(reading: Reading) -> tuple[tuple[Expectation, ...], float]:
    """Return what the fields expect, and their tolerance.

    Raises:
        Faulty: if one means nothing, or two exclude each other.
    """
    found = [read(reading, reading.fields[key]) for key, read in _READERS.items() if
             key in reading.fields]  # fmt: skip
    if "fails" in reading.fields and len(found) > 1:
        raise Faulty("fails", "excludes all others: a prediction that fails has no output")
    default = IMAGE_TOLERANCE if "image" in reading.fields else 0.0
    return tuple(found), default if reading.tolerance is None else reading.tolerance


def _equal(reading: Reading, given: Any) -> Expectation:
    return Equal(reading.with_files("equal", given), Likeness(reading.tolerance or 0.0))


def _json(reading: Reading, given: Any) -> Expectation:
    likeness = Likeness(reading.tolerance or 0.0, is_subset=True)
    return Equal(reading.with_files("json", given), likeness)


def _contains(_reading: Reading, given: Any) -> Expectation:
    values = given if isinstance(given, list) else [given]
    if not values or "" in values or None in values:
        raise Faulty("contains", "must be a text, or a list of them")
    return Contains(tuple(values))


def _regex(_reading: Reading, given: Any) -> Expectation:
    if not isinstance(given, str):
        raise Faulty("regex", "must be a text")
    try:
        return Matches(re.compile(given))
    except (re.error, RecursionError, OverflowError) as error:
        raise Faulty("regex", f"is no regular expression: {error}") from error


def _image(reading: Reading, given: Any) -> Expectation:
    names = given if isinstance(given, list) else [given]
    if not names or not all(isinstance(name, str) for name in names):
        raise Faulty("image", "must be the path of an image, or a list of them")
    files = tuple(reading.file("image", name.removeprefix("@")) for name in names)
    tolerance = reading.tolerance
    return Images(files, IMAGE_TOLERANCE if tolerance is None else tolerance)


def _size(_reading: Reading, given: Any) -> Expectation:
    if not (isinstance(given, list) and len(given) == PAIR and all(map(_is_count, given))):
        raise Faulty("size", "must be [WIDTH, HEIGHT] in pixels")
    return PixelSize(*given)


def _bytes(_reading: Reading, given: Any) -> Expectation:
    return FileSize(_between("bytes", given))


def _length(_reading: Reading, given: Any) -> Expectation:
    return Length(_between("length", given))


def _fails(_reading: Reading, given: Any) -> Expectation:
    if given is True:
        return Fails()
    if not isinstance(given, str):
        raise Faulty("fails", "must be a text that the error contains, or true for any")
    return Fails(given)


def _between(key: str, given: Any) -> Between:
    pair = [given, given] if _is_count(given) else given
    is_pair = isinstance(pair, list) and len(pair) == PAIR and all(map(_is_count, pair))
    if not is_pair or pair[0] > pair[1]:
        raise Faulty(key, "must be a number, or [LEAST, MOST]")
    return Between(*pair)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_READERS: dict[str, Callable[[Reading, Any], Expectation]] = {
    "equal": _equal,
    "contains": _contains,
    "regex": _regex,
    "json": _json,
    "image": _image,
    "size": _size,
    "bytes": _bytes,
    "length": _length,
    "fails": _fails,
}
