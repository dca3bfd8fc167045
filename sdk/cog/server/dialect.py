"""A model's document in the words of the validator.

The document is OpenAPI 3.0, the validator knows JSON Schema 2020-12. Two things differ that matter:
`nullable` is unknown there, and patterns are written for Python, whose dialect it only knows most
of. A pattern that it refuses is left to the worker, which checks with Python's `re`.
"""

from collections.abc import Callable
from typing import Any

import jsonschema_rs

Schema = dict[str, Any]
Warn = Callable[[str], None]

_SCHEMAS_IN = ("anyOf", "oneOf", "allOf")
_SCHEMA_IN = ("items", "additionalProperties", "not")


def translate(schemas: dict[str, Any], *, inputs: str, warn: Warn) -> dict[str, Any]:
    """Return a copy of all schemas of a document.

    Args:
        schemas: By name, from `components`.
        inputs: The one that lists the inputs. Who validates takes care of inputs that are null
            itself, so that they may also be left out; only what is inside them is translated.
        warn: Told of each pattern that is left out.
    """
    translated = {name: _schema(it, warn) for name, it in schemas.items() if name != inputs}
    properties = {
        name: _inside(it, warn) for name, it in schemas[inputs].get("properties", {}).items()
    }
    return {**translated, inputs: {**schemas[inputs], "properties": properties}}


def _schema(schema: Any, warn: Warn) -> Any:
    said = _inside(schema, warn)
    return _with_null(said) if isinstance(said, dict) and said.get("nullable") is True else said


def _inside(schema: Any, warn: Warn) -> Any:
    if not isinstance(schema, dict):
        return schema
    said = schema.copy()
    for word in _SCHEMA_IN:
        if word in said:
            said[word] = _schema(said[word], warn)
    for word in _SCHEMAS_IN:
        if word in said:
            said[word] = [_schema(it, warn) for it in said[word]]
    if "properties" in said:
        said["properties"] = {name: _schema(it, warn) for name, it in said["properties"].items()}
    if "pattern" in said and not _is_known(said["pattern"]):
        warn(str(said.pop("pattern")))
    return said


def _with_null(schema: Schema) -> Schema:
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
