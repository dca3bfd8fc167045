"""Secret inputs: taken out before rows are written, put back when an instance is given the input.

The version's schema says what is secret, at any depth. A row holds the input with `[REDACTED]` in
their places, and beside it, sealed, where each stood and what it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from coghub.database.encryption import Box
from coghub.domain.prediction import REDACTED

Path = tuple[str | int, ...]
"""Where a value stands: names of fields and numbers of items, from the outside."""

UNIONS = ("allOf", "anyOf", "oneOf")
LOCAL = "#/"
"""Begins a reference to another part of the same document."""
MAX_DEPTH = 64
"""Of schemas that refer to schemas. Beyond, the value is taken for a secret: nothing is shown."""


def without_secrets(
    schema: Mapping[str, Any], inputs: Mapping[str, Any], box: Box
) -> tuple[dict[str, Any], bytes | None]:
    """Return the input as it may be shown, and its secrets sealed; None if it has none.

    Args:
        schema: the version's OpenAPI document. It came from outside: nothing in it is relied on.
        inputs: what the client gave.
        box: seals the secrets.
    """
    found = _outermost(dict(_Search(schema).secrets(inputs)))
    if not found:
        return dict(inputs), None
    shown = _with(inputs, dict.fromkeys(found, REDACTED))
    return shown, box.seal(msgspec.json.encode(list(found.items())))


def with_secrets(inputs: Mapping[str, Any], sealed: bytes | None, box: Box) -> dict[str, Any]:
    """Return the input as it was given.

    Raises:
        KeyFileInvalid: if it was sealed with another key.
    """
    if sealed is None:
        return dict(inputs)
    return _with(inputs, dict(_opened(sealed, box)))


def values_of(sealed: bytes | None, box: Box) -> list[str]:
    """Return every text among the secrets: what logs must not show.

    Raises:
        KeyFileInvalid: if they were sealed with another key.
    """
    if sealed is None:
        return []
    return [text for _, value in _opened(sealed, box) for text in _texts(value)]


def _opened(sealed: bytes, box: Box) -> list[tuple[Path, Any]]:
    return msgspec.json.decode(box.open(sealed), type=list[tuple[Path, Any]])


class _Search:
    """Looks for secrets in one input."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._seen = set[tuple[int, Path]]()
        """Which part of the document was held against which value: it may refer to itself."""

    def secrets(self, inputs: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
        """Yield place and value of each secret; one may stand inside another."""
        schema = _at(self._document, ("components", "schemas", "Input"))
        for at, value in self._inside(schema, inputs, ()):
            yield from [(at, value)] if at else (((name,), it) for name, it in inputs.items())

    def _inside(
        self, schema: Any, value: Any, at: Path, depth: int = 0
    ) -> Iterator[tuple[Path, Any]]:
        if value is None or not isinstance(schema, Mapping) or (id(schema), at) in self._seen:
            return
        self._seen.add((id(schema), at))
        if _is_secret(schema) or depth > MAX_DEPTH:
            yield at, value
            return
        for other in self._same_value(schema):
            yield from self._inside(other, value, at, depth + 1)
        for key, inner, item in _parts(schema, value):
            yield from self._inside(inner, item, (*at, key), depth + 1)

    def _same_value(self, schema: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the other schemas that speak of the same value."""
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith(LOCAL):
            yield _at(self._document, reference.removeprefix(LOCAL).split("/"))
        for word in UNIONS:
            variants = schema.get(word)
            if isinstance(variants, list):
                yield from variants


def _at(document: Any, names: Sequence[str]) -> Any:
    for name in names:
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document


def _is_secret(schema: Mapping[str, Any]) -> bool:
    return schema.get("x-cog-secret") is True or schema.get("format") == "password"


def _parts(schema: Mapping[str, Any], value: Any) -> Iterator[tuple[str | int, Any, Any]]:
    """Yield key, schema and value of what is inside a value."""
    match value:
        case list():
            for number, item in enumerate(value):
                yield number, schema.get("items"), item
        case Mapping():
            properties = schema.get("properties")
            named = properties if isinstance(properties, Mapping) else {}
            for name, item in value.items():
                yield name, named.get(name, schema.get("additionalProperties")), item
        case _:
            pass


def _outermost(values: Mapping[Path, Any]) -> dict[Path, Any]:
    """Return the places that are inside no other."""
    return {
        path: value
        for path, value in values.items()
        if not any(path[:length] in values for length in range(1, len(path)))
    }


def _with(inputs: Mapping[str, Any], values: Mapping[Path, Any]) -> dict[str, Any]:
    """Return the input with other values at some places; the given one stays as it is."""
    copy = dict(inputs)
    copied = set[Path]()
    for path, value in values.items():
        holder: Any = copy
        for length in range(1, len(path)):
            key = path[length - 1]
            if path[:length] not in copied:
                holder[key] = holder[key].copy()
                copied.add(path[:length])
            holder = holder[key]
        holder[path[-1]] = value
    return copy


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case Mapping():
            for item in value.values():
                yield from _texts(item)
        case bool() | None:
            pass
        case _:
            yield str(value)
