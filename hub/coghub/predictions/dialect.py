"""A version's schema in the words of the validator.

The document is OpenAPI 3.0, the validator knows JSON Schema 2020-12: `nullable` is unknown there,
and patterns are written for Python, whose dialect it only knows most of. A pattern that it refuses
is left to the model's server.
"""

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

Schema = Mapping[str, Any]

FILE = "coghub-file"
"""The format of a string that the model's server fetches a file from; OpenAPI says `uri`."""
FILE_SCHEMES = ("http://", "https://", "data:")
MAX_DEPTH = 64
"""Of schemas inside schemas; what is deeper is not checked here."""

_SCHEMAS_IN = ("anyOf", "oneOf", "allOf")
_SCHEMA_IN = ("items", "additionalProperties", "not")


def is_file_url(text: str) -> bool:
    """Tell whether a model's server can fetch a file from this."""
    return text.startswith(FILE_SCHEMES)


def translated(schemas: Schema, *, inputs: str) -> dict[str, Any]:
    """Return a copy of all schemas of a document.

    Args:
        schemas: By name, from `components`.
        inputs: The one that lists the inputs. Who validates takes care of inputs that are null
            itself, so that they may also be left out; only what is inside them is translated.
    """
    copies = {name: _schema(it, 0) for name, it in schemas.items() if name != inputs}
    return {**copies, inputs: _inside(schemas[inputs], 0, is_nullable=False)}


def _schema(schema: Any, depth: int) -> Any:
    said = _inside(schema, depth)
    return _with_null(said) if isinstance(said, dict) and said.get("nullable") is True else said


def _inside(schema: Any, depth: int, *, is_nullable: bool = True) -> Any:
    """Return a copy with what is inside translated; `is_nullable` is for the properties."""
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
        return schema if isinstance(schema, bool) else dict[str, Any]()
    said = dict(schema)
    inner = _schema if is_nullable else _inside
    for word in _SCHEMA_IN:
        if word in said:
            said[word] = _schema(said[word], depth + 1)
    for word in _SCHEMAS_IN:
        if isinstance(said.get(word), list):
            said[word] = [_schema(it, depth + 1) for it in said[word]]
    properties = said.get("properties")
    if isinstance(properties, Mapping):
        said["properties"] = {name: inner(it, depth + 1) for name, it in properties.items()}
    _translate_words(said)
    return said


def _translate_words(said: dict[str, Any]) -> None:
    is_file = said.pop("format", None) == "uri"
    if is_file:
        said["format"] = FILE
    if "pattern" in said and not _is_known(said["pattern"]):
        del said["pattern"]


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that takes null as well."""
    kind = schema.get("type")
    if kind is None and not (schema.keys() & {"enum", "$ref", *_SCHEMAS_IN}):
        return schema
    if kind is None or schema.keys() & {"$ref", *_SCHEMAS_IN}:
        return {"anyOf": [{"type": "null"}, schema]}
    said = {**schema, "type": [*([kind] if isinstance(kind, str) else kind), "null"]}
    return {**said, "enum": [*schema["enum"], None]} if "enum" in schema else said


def _is_known(pattern: Any) -> bool:
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern})
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True
