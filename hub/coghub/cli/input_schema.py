"""The inputs that a model takes, as its OpenAPI document describes them."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from coghub.domain.errors import InputInvalid

Schema = Mapping[str, Any]

COMPONENTS = {"predict": ("Input",), "train": ("TrainingInput", "Input")}
"""Where the inputs of a mode stand; a server in train mode falls back in the same way."""


class InputSchema:
    """The `Input` component of a document, with references resolved."""

    def __init__(self, document: Schema, mode: str) -> None:
        self._components: Schema = document.get("components", {}).get("schemas", {})
        names = [name for name in COMPONENTS[mode] if name in self._components]
        if not names:
            raise InputInvalid("The model's schema does not describe its inputs")
        self._input: Schema = self._components[names[0]]

    @cached_property
    def properties(self) -> dict[str, Schema]:
        """Each input's schema, in the order of the signature."""
        found = {
            name: self.resolved(schema)
            for name, schema in self._input.get("properties", {}).items()
        }
        return dict(sorted(found.items(), key=lambda pair: pair[1].get("x-order", 0)))

    @property
    def required(self) -> list[str]:
        """The inputs that have no default, in the order of the signature."""
        names = self._input.get("required", [])
        return [name for name in self.properties if name in names]

    def resolved(self, schema: Schema) -> Schema:
        """Return a schema with `$ref` and `allOf` written out: choices stand behind them."""
        parts = [self.resolved(part) for part in schema.get("allOf", [])]
        if "$ref" in schema:
            name = str(schema["$ref"]).rpartition("/")[2]
            parts.append(self.resolved(self._components.get(name, {})))
        own = {key: value for key, value in schema.items() if key not in ("allOf", "$ref")}
        return {key: value for part in [*parts, own] for key, value in part.items()}

    @cached_property
    def json_schema(self) -> dict[str, Any]:
        """Everything as one JSON Schema: OpenAPI's `nullable` becomes a type."""
        return _json_schema({**self._input, "components": {"schemas": self._components}})


def types_of(schema: Schema) -> tuple[str, ...]:
    """Return the JSON types that a resolved schema accepts; empty when it accepts any."""
    variants = schema.get("anyOf") or schema.get("oneOf")
    if variants:
        return tuple(dict.fromkeys(name for part in variants for name in types_of(part)))
    named = schema.get("type")
    return tuple(named) if isinstance(named, list) else (named,) if named else ()


def is_file(schema: Schema) -> bool:
    """Return whether the value is a file: a string that the server reads as a URL."""
    return schema.get("type") == "string" and schema.get("format") == "uri"


def _json_schema(node: Any) -> Any:
    if isinstance(node, list):
        return [_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    written = {key: _json_schema(value) for key, value in node.items() if key != "default"}
    if written.pop("nullable", None) is not True:
        return written
    return {"anyOf": [written, {"type": "null"}]}
