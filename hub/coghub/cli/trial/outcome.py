"""What came of one prediction, with its files as bytes: what expectations are held against."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

from coghub.cli.data_url import content_of
from coghub.cli.output_kind import OutputKind
from coghub.domain.size import size_text

MAX_SHOWN_CHARACTERS = 120
"""Of a value in a reason."""
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
PREFIX = "Prediction failed: "
"""What a server puts before an error of the model."""


class End(Enum):
    """How a prediction ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """With an error of the model's own."""
    REFUSED = "refused"
    """The input does not fit the schema."""
    CANCELED = "canceled"
    DIED = "died"
    """The process that ran it is gone."""
    OVERDUE = "overdue"
    BROKEN = "broken"
    """The server answered what is no prediction, or an output that cannot be read."""


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file that a model has given."""

    content: bytes
    suffix: str = ""

    @property
    def is_image(self) -> bool:
        """Whether its type says so."""
        return self.suffix in IMAGE_SUFFIXES

    def __str__(self) -> str:
        return f"a file of {size_text(len(self.content))}"


@dataclass(frozen=True)
class StoredFile:
    """A file beside the tests, read when it is needed."""

    path: Path

    @cached_property
    def content(self) -> bytes:
        """Its content."""
        return self.path.read_bytes()

    def __str__(self) -> str:
        return f"the file {self.path.name}"


AnyFile = OutputFile | StoredFile


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one prediction."""

    end: End
    output: Any = None
    """JSON, with an `OutputFile` for each file, and one text for pieces that belong together."""
    error: str = ""
    logs: str = ""
    duration_s: float = 0.0
    raw: Any = None
    """The output as the server told it."""

    @property
    def story(self) -> str:
        """Say how it ended."""
        error = self.error.removeprefix(PREFIX) or "without a word"
        return _STORIES[self.end].format(error=error)

    @property
    def is_clean(self) -> bool:
        """Whether the model answered, and can go on: with an output or with an error."""
        return self.end in (End.SUCCEEDED, End.FAILED, End.REFUSED)


_STORIES = {
    End.SUCCEEDED: "the prediction succeeded",
    End.FAILED: "the prediction failed: {error}",
    End.REFUSED: "the input was refused: {error}",
    End.CANCELED: "the prediction was canceled",
    End.DIED: "the model died: {error}",
    End.OVERDUE: "the prediction did not end: {error}",
    End.BROKEN: "the answer cannot be used: {error}",
}


def with_files(value: Any, kind: OutputKind) -> Any:
    """Return an output with its files as bytes, and the pieces of one text joined.

    Raises:
        PredictionFailed: if a file cannot be read.
    """
    match kind, value:
        case OutputKind.FILE, str():
            return _file(value)
        case OutputKind.FILES, list():
            return [_file(item) if isinstance(item, str) else item for item in value]
        case OutputKind.TOKENS, list() if all(isinstance(item, str) for item in value):
            return "".join(value)
        case _, dict() | list():
            return _nested(value)
        case _:
            return value


def shown(value: Any) -> str:
    """Return a value for people, on one line, shortened."""
    return shortened(_shown(value))


def shortened(text: str, *, keeps_end: bool = False) -> str:
    """Return a text, or its beginning if it is long; or the beginning and the end."""
    if len(text) <= MAX_SHOWN_CHARACTERS:
        return text
    half = MAX_SHOWN_CHARACTERS // 2
    return f"{text[:half]}…{text[-half:]}" if keeps_end else f"{text[: MAX_SHOWN_CHARACTERS - 1]}…"


def _file(url: str) -> OutputFile:
    content = content_of(url)
    return OutputFile(content.data, content.suffix)


def _nested(value: Any) -> Any:
    match value:
        case dict():
            return {key: _nested(item) for key, item in value.items()}
        case list():
            return [_nested(item) for item in value]
        case str() if value.startswith("data:") and ";base64," in value:
            return _file(value)
        case _:
            return value


def _shown(value: Any) -> str:
    import json  # noqa: PLC0415 - only to tell of a mistake

    match value:
        case OutputFile() | StoredFile():
            return str(value)
        case Mapping():
            members = (f"{json.dumps(key)}: {_shown(item)}" for key, item in value.items())
            return f"{{{', '.join(members)}}}"
        case list():
            return f"[{', '.join(map(_shown, value))}]"
        case _:
            return json.dumps(value, ensure_ascii=False, default=str)
