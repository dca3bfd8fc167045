"""A version's inputs and output as rows of a page; the schema came from outside, of any shape."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

MAX_DEPTH = 4
"""Of types in types, such as lists of lists."""


@dataclass(frozen=True, slots=True)
class InputRow:
    """One input."""

    name: str
    kind: str
    """Such as `string`, `file`, `list of file`."""
    is_required: bool
    description: str
    default: str
    """As JSON; empty where there is none."""
    limits: str


def input_rows(document: Mapping[str, Any]) -> list[InputRow]:
    """Return the inputs, in the order of the signature."""
    schema = _component(document, "Input")
    properties = _mapping(schema.get("properties"))
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    rows = [
        (_order(said), _row(document, str(name), said, is_required=name in names))
        for name, said in properties.items()
    ]
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def output_kind(document: Mapping[str, Any]) -> str:
    """Return what comes out."""
    return kind_of(document, _component(document, "Output"))


def kind_of(document: Mapping[str, Any], schema: Any, depth: int = 0) -> str:
    """Return a type in a person's words."""
    said = _resolved(document, schema)
    if depth > MAX_DEPTH:
        return "…"
    if said.get("type") == "array":
        return f"list of {kind_of(document, said.get('items'), depth + 1)}"
    words = {("string", "uri"): "file", ("string", "password"): "secret"}
    kind = str(said.get("type") or "any")
    return words.get((kind, str(said.get("format"))), kind)


def _row(document: Mapping[str, Any], name: str, schema: Any, *, is_required: bool) -> InputRow:
    said = _resolved(document, schema)
    return InputRow(
        name=name,
        kind=kind_of(document, said),
        is_required=is_required,
        description=str(said.get("description") or ""),
        default=_json(said["default"]) if "default" in said else "",
        limits=", ".join(_limits(said)),
    )


def _limits(said: Mapping[str, Any]) -> Iterator[str]:
    words = {"minimum": "at least", "maximum": "at most", "pattern": "pattern"}
    for key, text in words.items():
        if key in said:
            yield f"{text} {said[key]}"
    if isinstance(said.get("enum"), list):
        yield "one of " + ", ".join(_json(choice) for choice in said["enum"])


def _resolved(document: Mapping[str, Any], schema: Any) -> Mapping[str, Any]:
    """Return a schema with a reference, and the first of `allOf`, written into it."""
    said = _mapping(schema)
    parts = said.get("allOf")
    inner = _mapping(parts[0]) if isinstance(parts, list) and parts else said
    reference = inner.get("$ref")
    if isinstance(reference, str):
        named = _component(document, reference.rpartition("/")[2])
        return {**named, **said}
    return said


def _component(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    schemas = _mapping(_mapping(document.get("components")).get("schemas"))
    return _mapping(schemas.get(name))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _order(schema: Any) -> float:
    order = _mapping(schema).get("x-order")
    return order if isinstance(order, (int, float)) else 0  # as it is: a float has no 10**400


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
