"""A `BaseModel` as a dict or as JSON, by the rules of pydantic."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from cog import encoding, model_fields


def dumped(model: Any, *, exclude_none: bool) -> dict[str, Any]:
    """Return a model's fields; models inside become dicts, other values stay what they are."""
    fields = {name: getattr(model, name) for name in model_fields.names(model)}
    return {
        name: _dumped(value, exclude_none=exclude_none)
        for name, value in fields.items()
        if not (exclude_none and value is None)
    }


def as_json(fields: dict[str, Any]) -> dict[str, Any]:
    """Return dumped fields as JSON; a path becomes its text."""
    return encoding.to_json(fields, _path_text)


def _dumped(value: Any, *, exclude_none: bool) -> Any:
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        return dumped(value, exclude_none=exclude_none)
    if isinstance(value, Mapping):
        return {key: _dumped(item, exclude_none=exclude_none) for key, item in value.items()}
    if type(value) is list:
        return [_dumped(item, exclude_none=exclude_none) for item in value]
    if type(value) is tuple:
        return tuple(_dumped(item, exclude_none=exclude_none) for item in value)
    return value


def _path_text(value: Any, _at: encoding.Place) -> Any:
    return str(value) if isinstance(value, PurePath) else encoding.NOT_A_LEAF
