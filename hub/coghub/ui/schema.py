"""Reads a version's OpenAPI document; it came from outside, of any shape."""

from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 4
"""Of types in types, such as lists of lists."""


def component(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a named schema; empty where there is none."""
    schemas = mapping(mapping(document.get("components")).get("schemas"))
    return mapping(schemas.get(name))


def resolved(document: Mapping[str, Any], schema: Any) -> Mapping[str, Any]:
    """Return a schema with what it refers to written into it.

    That is a reference, the first of `allOf`, or the only type beside null of `anyOf`.
    """
    said = mapping(schema)
    inner = said
    for word in ("allOf", "anyOf", "oneOf"):
        parts = said.get(word)
        if isinstance(parts, list):
            typed = [it for it in parts if mapping(it).get("type") != "null"]
            if word == "allOf" or len(typed) == 1:
                inner = mapping(typed[0]) if typed else inner
    reference = inner.get("$ref")
    if isinstance(reference, str):
        inner = component(document, reference.rpartition("/")[2])
    return {**inner, **{name: value for name, value in said.items() if name != "type" or value}}


def kind_of(document: Mapping[str, Any], schema: Any, depth: int = 0) -> str:
    """Return a type in a person's words, such as `list of file`."""
    said = resolved(document, schema)
    if depth > MAX_DEPTH:
        return "…"
    if said.get("type") == "array":
        return f"list of {kind_of(document, said.get('items'), depth + 1)}"
    words = {("string", "uri"): "file", ("string", "password"): "secret"}
    kind = str(said.get("type") or "any")
    return words.get((kind, str(said.get("format"))), kind)


def output_kind(document: Mapping[str, Any]) -> str:
    """Return what comes out, in a person's words."""
    return kind_of(document, component(document, "Output"))


def is_text_stream(document: Mapping[str, Any]) -> bool:
    """Tell whether the items of the output are pieces of one text."""
    return component(document, "Output").get("x-cog-array-display") == "concatenate"


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a value if it is an object; else an empty one."""
    return value if isinstance(value, Mapping) else {}
