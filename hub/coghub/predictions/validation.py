"""Checks a prediction's input against its version's schema, in the words that Replicate uses.

The schema came from outside, with a pushed image. What the validator cannot read of it is left to
the model's own server; nothing that it refers to elsewhere is fetched.

Source: names and texts are those of gojsonschema, `locales.go`.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema_rs
import msgspec

from coghub.domain.errors import InputRejected, InvalidField
from coghub.domain.model import Version
from coghub.predictions.dialect import FILE, Schema, is_file_url, translated

MAX_KEPT = 1000
"""Validators; each weighs some ten kilobytes."""
MAX_FIELDS = 100
MAX_DESCRIPTION_CHARACTERS = 500
"""A description may list choices, and what was given."""
WHOLE = "input"
"""The field that stands for the input itself."""

_LIMITS: Mapping[str, tuple[str, str]] = {
    "minimum": ("number_gte", "Must be greater than or equal to {}"),
    "maximum": ("number_lte", "Must be less than or equal to {}"),
    "exclusiveMinimum": ("number_gt", "Must be greater than {}"),
    "exclusiveMaximum": ("number_lt", "Must be less than {}"),
    "minLength": ("string_gte", "String length must be greater than or equal to {}"),
    "maxLength": ("string_lte", "String length must be less than or equal to {}"),
    "minItems": ("array_min_items", "Array must have at least {} items"),
    "maxItems": ("array_max_items", "Array must have at most {} items"),
    "minProperties": ("array_min_properties", "Must have at least {} properties"),
    "maxProperties": ("array_max_properties", "Must have at most {} properties"),
}
_PLAIN: Mapping[str, tuple[str, str]] = {
    "anyOf": ("number_any_of", "Must validate at least one schema (anyOf)"),
    "oneOf": ("number_one_of", "Must validate one and only one schema (oneOf)"),
    "not": ("number_not", "Must not validate the schema (not)"),
    "uniqueItems": ("unique", "Items must be unique"),
    "contains": ("contains", "At least one of the items must match"),
}
_TYPE_NAMES: Mapping[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}


class InputChecks:
    """Checks inputs; what is made of a version's schema for it is made once."""

    def __init__(self) -> None:
        self._kept = OrderedDict[int, InputCheck]()

    def check(self, version: Version, given: Mapping[str, Any]) -> None:
        """Do nothing if the input fits.

        Inputs that the model does not have are no fault: its server leaves them out.

        Raises:
            InputRejected: naming everything that does not.
        """
        check = self._kept.get(version.key)
        if check is None:
            check = self._kept[version.key] = InputCheck(version.openapi_schema)
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        check(given)


class InputCheck:
    """Checks the inputs of one version.

    Called with an input it raises `InputRejected`, naming everything that does not fit.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        schemas = _mapping(_mapping(document.get("components")).get("schemas"))
        schema = _mapping(schemas.get("Input"))
        self._properties: Mapping[str, Any] = _mapping(schema.get("properties"))
        required = schema.get("required")
        names = required if isinstance(required, list) else []
        self._required = {it for it in names if isinstance(it, str)}
        self._may_be_null = {name for name, it in self._properties.items() if self._takes(name, it)}
        self._validator = _validator(schemas)

    def _takes(self, name: str, schema: Any) -> bool:
        """Tell whether null may be given: where it is a value, or says the same as leaving out."""
        said = _mapping(schema)
        return said.get("nullable") is True or (
            name not in self._required and "default" not in said
        )

    def __call__(self, given: Mapping[str, Any]) -> None:
        if self._validator is None:
            return
        nulls = {name for name in self._may_be_null if name in given and given[name] is None}
        kept = {
            name: value
            for name, value in given.items()
            if name in self._properties and name not in nulls
        }
        if self._validator.is_valid(kept):
            return
        fields = list(self._fields(kept, nulls))[:MAX_FIELDS]
        if fields:
            raise InputRejected(fields)

    def _fields(self, kept: dict[str, Any], nulls: set[str]) -> Iterator[InvalidField]:
        assert self._validator is not None
        for error in self._validator.iter_errors(kept):
            missing = error.kind.name == "required" and not error.instance_path
            if not (missing and error.kind.as_dict()["property"] in nulls):
                yield _field(error)


def _validator(schemas: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator | None:
    if "Input" not in schemas:
        return None
    document = {
        "$ref": "#/components/schemas/Input",
        "components": {"schemas": translated(schemas, inputs="Input")},
    }
    try:
        return jsonschema_rs.Draft202012Validator(
            document, validate_formats=True, formats={FILE: is_file_url}, retriever=_nowhere
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError):
        return None


def _nowhere(url: str) -> Any:
    """Refuse to fetch a schema: it could be asked of any host that the hub reaches."""
    raise ValueError(url)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _field(error: jsonschema_rs.ValidationError) -> InvalidField:
    place = ".".join(str(part) for part in [WHOLE, *error.instance_path])
    said: dict[str, Any] = error.kind.as_dict()
    kind, description = _described(error, said, str(place.rpartition(".")[2]))
    if len(description) > MAX_DESCRIPTION_CHARACTERS:
        description = f"{description[:MAX_DESCRIPTION_CHARACTERS]}…"
    return InvalidField(kind, place, description)


def _described(error: jsonschema_rs.ValidationError, said: Schema, field: str) -> tuple[str, str]:
    """Return gojsonschema's name and text of what is wrong."""
    word = error.kind.name
    if word in _LIMITS:
        kind, text = _LIMITS[word]
        return kind, text.format(_json(said["limit"]))
    if word in _PLAIN:
        return _PLAIN[word]
    describe = _DESCRIBED.get(word)
    return describe(error, said, field) if describe else ("invalid", error.message)


def _type(error: jsonschema_rs.ValidationError, said: Schema, field: str) -> tuple[str, str]:
    del field
    wanted = "/".join(name for name in said["types"] if name != "null") or "null"
    given = _TYPE_NAMES.get(type(error.instance), "object")
    return "invalid_type", f"Invalid type. Expected: {wanted}, given: {given}"


def _enum(error: jsonschema_rs.ValidationError, said: Schema, field: str) -> tuple[str, str]:
    del error
    allowed = ", ".join(_json(option) for option in said["options"])
    return "enum", f"{field} must be one of the following: {allowed}"


def _format(error: jsonschema_rs.ValidationError, said: Schema, field: str) -> tuple[str, str]:
    del error, said, field
    return "format", "Does not match format 'uri'"


Describe = Callable[[jsonschema_rs.ValidationError, Schema, str], tuple[str, str]]

_DESCRIBED: Mapping[str, Describe] = {
    "required": lambda _, said, __: ("required", f"{said['property']} is required"),
    "type": _type,
    "enum": _enum,
    "format": _format,
    "const": lambda _, said, field: (
        "const",
        f"{field} does not match: {_json(said['expected_value'])}",
    ),
    "pattern": lambda _, said, __: ("pattern", f"Does not match pattern '{said['pattern']}'"),
    "multipleOf": lambda _, said, __: (
        "multiple_of",
        f"Must be a multiple of {_json(said['multiple_of'])}",
    ),
    "additionalProperties": lambda _, said, __: (
        "additional_property_not_allowed",
        f"Additional property {said['unexpected'][0]} is not allowed",
    ),
}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
