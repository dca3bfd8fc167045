"""What is written after `-i` and `--json`, as the JSON that the model's schema asks for.

A file (`@path`) becomes a placeholder of the right media type and is listed beside the values:
it is read or served when everything has been checked.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cog.mimetypes_ext import type_of
from coghub.cli.input_schema import Schema, types_of
from coghub.domain.errors import InputInvalid

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file on this machine that is an input."""

    at: tuple[str | int, ...]
    """Where in the input its content belongs."""
    path: Path

    @property
    def media_type(self) -> str:
        return type_of(self.path.name)


@dataclass(slots=True)
class Inputs:
    """The values of a prediction, and the files among them."""

    values: dict[str, Any] = field(default_factory=dict)
    files: list[AttachedFile] = field(default_factory=list)

    def attach(self, at: tuple[str | int, ...], name: str) -> str:
        """Note a file, and return what stands in its place.

        Raises:
            InputInvalid: if it cannot be read.
        """
        if not name:
            raise InputInvalid(f'input "{at[0]}": no path follows the @')
        file = AttachedFile(at, Path(name).expanduser())
        try:
            if not file.path.is_fifo():  # its writer may be waiting for the one real reader
                file.path.open("rb").close()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputInvalid(f'input "{at[0]}": open {file.path}: {reason}') from error
        self.files.append(file)
        return f"data:{file.media_type};base64,"


def inputs_of_flags(flags: Sequence[str], properties: Mapping[str, Schema]) -> Inputs:
    """Return what repeated `-i name=value` say.

    Raises:
        InputInvalid: if one has no `=`, or names a file that cannot be read.
    """
    inputs = Inputs()
    for name, texts in _grouped(flags).items():
        inputs.values[name] = _value(texts, properties.get(name, {}), (name,), inputs)
    return inputs


def inputs_of_json(text: str) -> Inputs:
    """Return the inputs of one JSON object; a string `@path` at its top level is a file.

    Raises:
        InputInvalid: if it is no JSON object, or names a file that cannot be read.
    """
    try:
        read = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputInvalid(f"Failed to parse JSON: {error}") from error
    if not isinstance(read, dict):
        raise InputInvalid("Failed to parse JSON: the inputs are not an object")
    inputs = Inputs()
    for name, value in read.items():
        is_path = isinstance(value, str) and value.startswith("@")
        inputs.values[name] = inputs.attach((name,), value[1:]) if is_path else value
    return inputs


def _grouped(flags: Sequence[str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for flag in flags:
        name, separator, text = flag.partition("=")
        if not separator:
            raise InputInvalid(
                f"Failed to parse input '{flag}', expected format is 'name=value'",
                hint=f"Write `-i name={flag}`" if name else None,
            )
        if not flag.isascii() and _has_stray_bytes(flag):
            raise InputInvalid(f'input "{ascii(name)[1:-1]}" is not valid UTF-8')
        grouped.setdefault(name, []).append(_unquoted(text))
    return grouped


def _has_stray_bytes(text: str) -> bool:
    """Return whether the shell passed bytes that are no text; a file name may have them."""
    return any("\ud800" <= character <= "\udfff" for character in text) and "=@" not in text


def _unquoted(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1] if is_quoted else text


def _value(texts: list[str], schema: Schema, at: tuple[str | int, ...], inputs: Inputs) -> Any:
    if len(texts) == 1 and "array" not in types_of(schema):
        return _single(texts[0], schema, at, inputs)
    if len(texts) == 1 and isinstance(whole := _parsed(texts[0]), list):
        return whole
    if len(texts) == 1 and types_of(schema) != ("array",):
        return _single(texts[0], schema, at, inputs)
    items = _items_of(schema)
    return [_single(text, items, (*at, index), inputs) for index, text in enumerate(texts)]


def _items_of(schema: Schema) -> Schema:
    variants = schema.get("anyOf") or [schema]
    items = [part["items"] for part in variants if "items" in part]
    return items[0] if len(items) == 1 else {"anyOf": items} if items else {}


def _single(text: str, schema: Schema, at: tuple[str | int, ...], inputs: Inputs) -> Any:
    if text.startswith("@"):
        return inputs.attach(at, text[1:])
    types = types_of(schema)
    for name, read in _READERS.items():
        if name in types and (value := read(text)) is not None:
            return value
    return text


def _boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text)


def _integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) and len(text) <= MAX_DIGITS else None


def _number(text: str) -> float | None:
    """Return an integer where the text is one: it has more digits than a double."""
    if _INTEGER.fullmatch(text):
        return _integer(text)
    value = float(text) if _NUMBER.fullmatch(text) else float("inf")
    return value if abs(value) != float("inf") else None


def _structure(kind: type) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = _parsed(text)
        return value if isinstance(value, kind) else None

    return read


MAX_DIGITS = 4000
"""Python refuses to read longer integers, to be safe from quadratic time."""

_READERS: dict[str, Callable[[str], Any]] = {
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "array": _structure(list),
    "object": _structure(dict),
}
"""How a text becomes a value of a type; the first that can, wins, and else it is a string."""


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
