"""Types as JSON schema, in the words of OpenAPI 3.0 and of Cog."""

import dataclasses
import math
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

from cog.schema.interface import REQUIRED, Parameter
from cog.schema.simple_types import plain
from cog.schema.value_types import (
    Anything,
    ChoiceType,
    DictType,
    FileType,
    InnerModel,
    ListType,
    ModelType,
    MomentType,
    NullableType,
    Scalar,
    SecretType,
    StreamType,
    TupleType,
    Type,
    UnionType,
    is_plain,
    parts,
    without_none,
)

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/"


def reference(component: str) -> Schema:
    """Return a reference to a component of the document."""
    return {"$ref": _REFERENCE + component}


def output_schema(output: Type) -> Schema:
    """Return the schema of what a model returns."""
    return {**_schema(output, is_input=False), "title": "Output"}


def input_property(parameter: Parameter, order: int, component: str) -> Schema:
    """Return the property of one input.

    Args:
        parameter: The input.
        order: Its place among the inputs, from 0.
        component: Where its choices stand, if it has any.
    """
    core = without_none(parameter.type)
    if isinstance(core, ChoiceType):
        said: Schema = {"allOf": [reference(component)]}
        if core is not parameter.type:
            said["nullable"] = True
    else:
        said = {"title": title(parameter.name), **_schema(parameter.type, is_input=True)}
        _limit(said, parameter)
    said["x-order"] = order
    default = _default(parameter)
    if default is not REQUIRED:
        said["default"] = default
    if parameter.description is not None:
        said["description"] = str(parameter.description)
    if parameter.is_deprecated:
        said["deprecated"] = True
    if parameter.accept is not None:
        said["x-cog-accept"] = parameter.accept
    return said


def choices_component(choices: ChoiceType, name: str) -> Schema:
    """Return the component that lists an input's choices."""
    return {"title": name, "description": "An enumeration.", **_choice(choices, is_input=True)}


def model_components(shown: Type) -> Iterator[tuple[str, Schema]]:
    """Yield name and schema of each model that stands inside itself, for references to it."""
    if isinstance(shown, InnerModel) and not is_plain(shown):
        whole = shown.whole()
        yield _component_of(whole), _model(whole, is_input=True)
    for part in parts(shown):
        yield from model_components(part)


def title(name: str) -> str:
    """Return a field's name as a heading: `max_new_tokens` as `Max New Tokens`."""
    return " ".join(part[:1].upper() + part[1:] for part in name.split("_") if part)


def _schema(shown: Type, *, is_input: bool) -> Schema:
    return _SCHEMA[type(shown)](shown, is_input=is_input)


def _scalar(shown: Scalar, **_: bool) -> Schema:
    return {"type": shown.json_type}


def _anything(shown: Anything, **_: bool) -> Schema:
    return {"type": "object"} if shown.is_documented else {}


def _file(_shown: FileType, **_: bool) -> Schema:
    return {"type": "string", "format": "uri"}


def _secret(_shown: SecretType, **_: bool) -> Schema:
    return {"type": "string", "format": "password", "writeOnly": True, "x-cog-secret": True}


def _moment(shown: MomentType, **_: bool) -> Schema:
    return {"type": "string", "format": shown.json_format}


def _choice(shown: ChoiceType, **_: bool) -> Schema:
    """Return the values, and their type if they share one; a float's choices may be whole."""
    kinds = {type(value) for value in shown.values} | {
        type(member) for member in shown.members if isinstance(member, float)
    }
    said: Schema = {"enum": [_number(value) for value in shown.values]}
    for types, name in _CHOICE_TYPES:
        if kinds <= types:
            return {**said, "type": name}
    return said


_CHOICE_TYPES = (
    ({str}, "string"),
    ({bool}, "boolean"),
    ({int}, "integer"),
    ({int, float}, "number"),
)


def _list(shown: ListType, *, is_input: bool) -> Schema:
    return {"type": "array", "items": _schema(shown.items, is_input=is_input)}


def _tuple(shown: TupleType, *, is_input: bool) -> Schema:
    items = [_schema(item, is_input=is_input) for item in shown.items]
    distinct = [item for place, item in enumerate(items) if item not in items[:place]]
    one = distinct[0] if len(distinct) == 1 else {"anyOf": distinct} if distinct else {}
    return {"type": "array", "items": one, "minItems": len(items), "maxItems": len(items)}


def _dict(shown: DictType, *, is_input: bool) -> Schema:
    """Return an object; Cog says nothing of an input's values, we do where there are files."""
    is_silent = is_plain(shown.values) if is_input else isinstance(shown.values, Anything)
    if is_silent:
        return {"type": "object"}
    return {"type": "object", "additionalProperties": _schema(shown.values, is_input=is_input)}


def _model(shown: ModelType, *, is_input: bool) -> Schema:
    is_loose = is_input and shown.is_loose
    fields = [field for field in shown.fields if not (is_loose and is_plain(field.type))]
    if is_loose and not fields:
        return {"type": "object"}
    properties = {
        field.name: {"title": title(field.name), **_schema(field.type, is_input=is_input)}
        for field in fields
    }
    required = [field.name for field in fields if field.is_required and not is_loose]
    said: Schema = {"type": "object", "properties": properties}
    return {**said, "required": required} if required else said


def _inner_model(shown: InnerModel, **_: bool) -> Schema:
    return {"type": "object"} if is_plain(shown) else reference(_component_of(shown.whole()))


def _component_of(model: ModelType) -> str:
    """Return a name that is the class's own: no input's, and no other component's, has a dot."""
    owner = model.owner
    return re.sub(r"[^A-Za-z0-9._-]", "_", f"{owner.__module__}.{owner.__qualname__}")


def _union(shown: UnionType, *, is_input: bool) -> Schema:
    return {"anyOf": [_schema(member, is_input=is_input) for member in shown.members]}


def _nullable(shown: NullableType, *, is_input: bool) -> Schema:
    said = _schema(shown.type, is_input=is_input)
    if isinstance(shown.type, UnionType):
        said["anyOf"] = [{**variant, "nullable": True} for variant in said["anyOf"]]
    return {**said, "nullable": True}


def _stream(shown: StreamType, *, is_input: bool) -> Schema:
    items = _schema(shown.items, is_input=is_input)
    said = {"type": "array", "items": items, "x-cog-array-type": "iterator"}
    return {**said, "x-cog-array-display": "concatenate"} if shown.is_concatenated else said


_SCHEMA: dict[type, Callable[..., Schema]] = {
    Scalar: _scalar,
    Anything: _anything,
    FileType: _file,
    SecretType: _secret,
    MomentType: _moment,
    ChoiceType: _choice,
    ListType: _list,
    TupleType: _tuple,
    DictType: _dict,
    ModelType: _model,
    InnerModel: _inner_model,
    UnionType: _union,
    NullableType: _nullable,
    StreamType: _stream,
}


def _limit(said: Schema, parameter: Parameter) -> None:
    """Add the limits; those of a list's items stand at the items, and its length is its own."""
    of_each = said["items"] if said.get("type") == "array" else said
    length = "Items" if of_each is not said else "Length"
    limits = (
        (of_each, "minimum", _bound(parameter.ge)),
        (of_each, "maximum", _bound(parameter.le)),
        (of_each, "pattern", parameter.regex),
        (said, f"min{length}", parameter.min_length),
        (said, f"max{length}", parameter.max_length),
    )
    for place, word, limit in limits:
        if limit is not None:
            place[word] = limit


def _bound(limit: float | None) -> float | None:
    return None if limit is None or not math.isfinite(limit) else _number(limit)


def _default(parameter: Parameter) -> Any:
    """Return the default as JSON, or REQUIRED where there is nothing to say.

    None is a default only where None may be given; else it means that the input may be left out.
    """
    default, core = parameter.default, without_none(parameter.type)
    if default is REQUIRED or (default is None and core is parameter.type):
        return REQUIRED
    if isinstance(core, ChoiceType) and default in core.members:
        default = core.values[core.members.index(default)]
    try:
        return _json(default)
    except (TypeError, ValueError):
        return REQUIRED


def _json(value: Any) -> Any:
    """Return a default as JSON.

    Raises:
        TypeError, ValueError: if JSON has no such value.
    """
    value = plain(value)
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(_json, value), key=repr)
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return _finite(value)
    return str(value) if isinstance(value, os.PathLike) else _json(_fields(value))


def _fields(value: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    for method in ("model_dump", "dict"):
        if hasattr(value, method):
            return dict(getattr(value, method)())
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("Out of range float values are not JSON compliant")
    return _number(value)


def _number(value: Any) -> Any:
    """Return a whole float as int, so that it is written in its shortest form."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if is_whole else value
