"""What kind of output a model's document promises, which decides how it is shown."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from coghub.cli.input_schema import is_file

COMPONENTS = {"predict": ("Output",), "train": ("TrainingOutput", "Output")}


class OutputKind(Enum):
    """How an output is shown."""

    FILE = auto()
    """One URL, written to a file."""
    FILES = auto()
    """A list of them."""
    TEXT = auto()
    """Printed as it is."""
    TOKENS = auto()
    """Pieces of one text."""
    FIELDS = auto()
    """An object with files among its fields, from a training."""
    JSON = auto()
    """Everything else."""


def output_kind(document: Mapping[str, Any], mode: str) -> OutputKind:
    """Return the kind of output in a mode; JSON where the document does not say."""
    components = document.get("components", {}).get("schemas", {})
    names = [name for name in COMPONENTS[mode] if name in components]
    schema = _plain(components[names[0]], components) if names else {}
    items = _plain(schema.get("items", {}), components)
    if is_file(schema):
        return OutputKind.FILE
    if schema.get("type") == "array" and is_file(items):
        return OutputKind.FILES
    if mode == "train" and any(is_file(it) for it in schema.get("properties", {}).values()):
        return OutputKind.FIELDS
    if schema.get("x-cog-array-display") == "concatenate":
        return OutputKind.TOKENS
    return OutputKind.TEXT if schema.get("type") == "string" else OutputKind.JSON


def _plain(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema without the wrappings that older servers put around it."""
    for _ in range(len(components) + 1):
        variants = schema.get("anyOf") or schema.get("allOf") or []
        variants = [part for part in variants if part.get("type") != "null"]
        if "$ref" in schema:
            schema = components.get(str(schema["$ref"]).rpartition("/")[2], {})
        elif len(variants) == 1:
            schema = variants[0]
    return schema
