"""Places in an input, found by what the version's schema says of them, at any depth."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Path = tuple[str | int, ...]
"""Where a value stands: names of fields and numbers of items, from the outside."""

UNIONS = ("allOf", "anyOf", "oneOf")
LOCAL = "#/"
"""Begins a reference to another part of the same document."""
MAX_DEPTH = 64
"""Of schemas that refer to schemas. Beyond, the value is taken for one that is looked for."""


def places(
    document: Mapping[str, Any],
    inputs: Mapping[str, Any],
    is_wanted: Callable[[Mapping[str, Any]], bool],
) -> dict[Path, Any]:
    """Return the values of an input whose schema is wanted, by place; none stands inside another.

    Args:
        document: the version's OpenAPI document. It came from outside: nothing in it is relied on.
        inputs: what the client gave.
        is_wanted: tells it of a schema.
    """
    return _outermost(dict(_Search(document, is_wanted).found(inputs)))


def is_described(document: Mapping[str, Any]) -> bool:
    """Tell whether a document says anything of inputs."""
    return isinstance(_at(document, INPUT), Mapping)


INPUT = ("components", "schemas", "Input")


class _Search:
    """Looks for values in one input."""

    def __init__(
        self, document: Mapping[str, Any], is_wanted: Callable[[Mapping[str, Any]], bool]
    ) -> None:
        self._document = document
        self._is_wanted = is_wanted
        self._seen = set[tuple[int, Path]]()
        """Which part of the document was held against which value: it may refer to itself."""

    def found(self, inputs: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
        """Yield place and value of each; one may stand inside another."""
        schema = _at(self._document, INPUT)
        for at, value in self._inside(schema, inputs, ()):
            yield from [(at, value)] if at else (((name,), it) for name, it in inputs.items())

    def _inside(
        self, schema: Any, value: Any, at: Path, depth: int = 0
    ) -> Iterator[tuple[Path, Any]]:
        if value is None or not isinstance(schema, Mapping) or (id(schema), at) in self._seen:
            return
        self._seen.add((id(schema), at))
        if self._is_wanted(schema) or depth > MAX_DEPTH:
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


def with_values(inputs: Mapping[str, Any], values: Mapping[Path, Any]) -> dict[str, Any]:
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
