"""Classes with named fields: cog's `BaseModel`, dataclasses, pydantic 1 and 2, `TypedDict`.

Pydantic is recognised by its classes' attributes: nothing here imports it.
"""

import dataclasses
import typing
from collections.abc import Callable, Iterator
from typing import Any

from cog.schema.signatures import Names, annotations_of, names_in
from cog.schema.simple_types import is_from_pydantic
from cog.schema.value_types import (
    Field,
    NullableType,
    Type,
)

Within = Callable[[Names, Any], Type]
"""Reads an annotation with the names of the class that it stands in."""


def is_record(annotation: Any) -> bool:
    """Tell whether a class has fields that a schema can list."""
    return isinstance(annotation, type) and (
        is_typed_dict(annotation)
        or _is_pydantic(annotation)
        or dataclasses.is_dataclass(annotation)
    )


def is_typed_dict(annotation: Any) -> bool:
    """Tell whether a class is a `TypedDict`, of `typing` or `typing_extensions`."""
    return hasattr(annotation, "__total__") and hasattr(annotation, "__required_keys__")


def fields(owner: Any, within: Within) -> Iterator[Field]:
    """Yield a class's fields, those of its bases first."""
    annotations = _annotations(owner)
    for name in _field_names(owner, annotations):
        names, annotation = annotations.get(name, (names_in(owner), Any))
        read = within(names, annotation)
        may_be_none = isinstance(read, NullableType)
        is_required = _is_required(owner, name, names.resolve(annotation))
        has_default = is_typed_dict(owner) or not _must_be_passed(owner, name)
        yield Field(name, read, is_required and not may_be_none, has_default)


def builder(owner: Any) -> Callable[[dict[str, Any]], Any]:
    """Return what makes an instance from its fields, and raises ValueError or TypeError."""
    if is_typed_dict(owner):
        return dict
    if _is_pydantic_2(owner):
        return lambda values: owner.model_validate(_aliased(owner.model_fields, values))
    if _is_pydantic(owner):
        return lambda values: owner.parse_obj(_aliased(owner.__fields__, values))
    return lambda values: owner(**values)


def checks_itself(owner: type) -> bool:
    """Tell whether instances are checked and converted as they are made."""
    return _is_pydantic(owner)


def _is_pydantic(owner: Any) -> bool:
    """Look for pydantic's own base class: others have methods of the same names."""
    return isinstance(owner, type) and any(
        ancestor.__name__ == "BaseModel" and is_from_pydantic(ancestor)
        for ancestor in owner.__mro__
    )


def _is_pydantic_2(owner: Any) -> bool:
    return _is_pydantic(owner) and hasattr(owner, "model_validate")


def _aliased(known: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values under the names that pydantic reads them by."""
    aliases = {name: getattr(field, "alias", None) for name, field in known.items()}
    return {aliases.get(name) or name: value for name, value in values.items()}


def _annotations(owner: Any) -> dict[str, tuple[Names, Any]]:
    found: dict[str, tuple[Names, Any]] = {}
    lineage = (owner,) if is_typed_dict(owner) else reversed(owner.__mro__)
    for ancestor in lineage:
        names = names_in(ancestor)
        for name, annotation in annotations_of(ancestor).items():
            found[name] = (names, annotation)
    if getattr(owner, "__pydantic_generic_metadata__", {}).get("args"):
        filled = {name: field.annotation for name, field in owner.model_fields.items()}
        found |= {name: (names_in(owner), annotation) for name, annotation in filled.items()}
    return found


def _field_names(owner: Any, annotations: dict[str, Any]) -> list[str]:
    if is_typed_dict(owner):
        return list(annotations)
    if _is_pydantic_2(owner):
        return list(owner.model_fields)
    if _is_pydantic(owner):
        return list(owner.__fields__)
    return [field.name for field in dataclasses.fields(owner)]


def _is_required(owner: Any, name: str, annotation: Any) -> bool:
    if is_typed_dict(owner):
        return _is_key_required(owner, name, annotation)
    return _must_be_passed(owner, name)


def _must_be_passed(owner: Any, name: str) -> bool:
    """Tell whether an instance cannot be made without this field."""
    if _is_pydantic_2(owner):
        return bool(owner.model_fields[name].is_required())
    if _is_pydantic(owner):
        return bool(owner.__fields__[name].required)
    field = next(field for field in dataclasses.fields(owner) if field.name == name)
    missing = dataclasses.MISSING
    return field.init and field.default is missing and field.default_factory is missing


def _is_key_required(owner: Any, name: str, annotation: Any) -> bool:
    """Look at the mark itself: Python misses one that is text."""
    mark = getattr(typing.get_origin(annotation), "_name", "")
    if mark in {"Required", "NotRequired"}:
        return bool(mark == "Required")
    return name in owner.__required_keys__
