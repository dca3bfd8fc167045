"""Types of an OpenAPI document as values that can be compared: references written out."""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

Schema = Mapping[str, Any]

MAX_DEPTH = 8
"""Of unions in unions; a document of a stranger may refer to itself without end."""
MAX_SHOWN_DEPTH = 3
MAX_SHOWN_CHOICES = 8
MAX_VARIANTS = 64
"""Of one union; more than anybody writes."""


class Document:
    """The components of an OpenAPI document, whatever else it holds."""

    def __init__(self, document: Schema) -> None:
        self._schemas = mapping(mapping(document.get("components")).get("schemas"))
        self._known: dict[str, Schema] = {}
        """Components with their references written out; an empty one while that goes on."""

    def component(self, name: str) -> Schema | None:
        """Return a component with its references written out; None if there is none."""
        if not isinstance(self._schemas.get(name), Mapping):
            return None
        if name not in self._known:
            self._known[name] = {}
            self._known[name] = self.resolved(self._schemas[name])
        return self._known[name]

    def resolved(self, schema: Any) -> Schema:
        """Return a schema with `$ref` and `allOf` written out, at its top."""
        schema = mapping(schema)
        parts = [self.resolved(part) for part in sequence(schema.get("allOf"))]
        if "$ref" in schema:
            parts.append(self.component(str(schema["$ref"]).rpartition("/")[2]) or {})
        own = {key: value for key, value in schema.items() if key not in ("allOf", "$ref")}
        return {key: value for part in [*parts, own] for key, value in part.items()}

    def variants(self, schema: Any) -> list[Schema]:
        """Return what a value may be, one resolved schema each; null is one of them."""
        return list(islice(self._variants(schema, 0), MAX_VARIANTS))

    def text(self, schema: Any, depth: int = 0) -> str:
        """Return the type in words, such as "list of file or null"."""
        texts = (self._variant_text(variant, depth) for variant in self.variants(schema))
        return " or ".join(dict.fromkeys(texts))

    def _variants(self, schema: Any, depth: int) -> Iterator[Schema]:
        schema = self.resolved(schema)
        alternatives = sequence(schema.get("anyOf")) or sequence(schema.get("oneOf"))
        if alternatives and depth < MAX_DEPTH:
            for part in alternatives:
                yield from self._variants(part, depth + 1)
        else:
            yield from _by_type(schema)
        if schema.get("nullable") is True:
            yield {"type": "null"}

    def _variant_text(self, variant: Schema, depth: int) -> str:
        if "enum" in variant:
            shown = ", ".join(
                json.dumps(it) for it in sequence(variant["enum"])[:MAX_SHOWN_CHOICES]
            )
            return f"one of {shown}"
        if kind(variant) == "array" and depth < MAX_SHOWN_DEPTH:
            return f"list of {self.text(variant.get('items'), depth + 1)}"
        return kind(variant)


def kind(variant: Schema) -> str:
    """Return the name of a variant's type; a file is one of its own, and a secret is a string."""
    name = str(variant.get("type") or "any")
    return "file" if name == "string" and variant.get("format") == "uri" else name


def mapping(value: Any) -> Schema:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: Any) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def _by_type(schema: Schema) -> Iterator[Schema]:
    """Yield a schema for each of its types: newer documents write a list of them."""
    types = schema.get("type")
    if not isinstance(types, list):
        yield schema
        return
    for name in types:
        yield {**schema, "type": name}
