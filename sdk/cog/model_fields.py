"""How a `BaseModel` subclass becomes a dataclass that accepts what pydantic accepted.

1. A field that may be None, without a default, gets None.
2. A list, dict or set as default is copied for each instance.
3. `pydantic.Field(...)` as default is read for its default.
4. A field without default may follow one with: it is still required.
"""

import copy
import dataclasses
import re
import sys
import types
import typing
from collections.abc import Callable
from typing import Any, ClassVar, ForwardRef, NoReturn, Union

Field = dataclasses.Field[Any]
MISSING = dataclasses.MISSING


def make_dataclass(cls: type, base: type, *, init: bool) -> None:
    """Make a class a dataclass in place.

    Args:
        cls: A class that was just defined.
        base: Whose attributes are no defaults: a field may be called `json`.
        init: Write an `__init__`.
    """
    own = {
        name: _declared(cls, base, name, annotation)
        for name, annotation in _own_annotations(cls).items()
        if not _is_no_field(name, annotation)
    }
    for name, field in own.items():
        setattr(cls, name, field)
    late = _required_after_default({**_inherited(cls), **own})
    for name, field in late.items():
        field.default_factory = _refusal(cls, name)
    dataclasses.dataclass(init=init)(cls)
    for field in late.values():
        field.default_factory = MISSING  # whoever reads the fields sees what is required


def names(instance: Any) -> list[str]:
    """Return the names of an instance's fields, in order."""
    fields = getattr(instance, "__dataclass_fields__", {})
    return [field.name for field in fields.values() if hasattr(instance, field.name)]


def _own_annotations(cls: type) -> dict[str, Any]:
    if sys.version_info >= (3, 14):
        import annotationlib  # noqa: PLC0415 - new in 3.14

        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    return vars(cls).get("__annotations__", {})


def _is_no_field(name: str, annotation: Any) -> bool:
    """Tell class variables and the `_: KW_ONLY` mark from fields."""
    if isinstance(annotation, str):
        return name == "_" or "ClassVar" in annotation.partition("[")[0]
    is_class_variable = annotation is ClassVar or typing.get_origin(annotation) is ClassVar
    return is_class_variable or annotation is dataclasses.KW_ONLY


def _declared(cls: type, base: type, name: str, annotation: Any) -> Field:
    """Return a field as the class body declares it, whatever its default looks like."""
    default = _default(cls, base, name)
    if isinstance(default, dataclasses.Field):
        return default
    if _is_pydantic_field(default):
        if default.default_factory is not None:
            return dataclasses.field(default_factory=default.default_factory)
        is_undefined = type(default.default).__name__ in {"PydanticUndefinedType", "UndefinedType"}
        default = MISSING if is_undefined else default.default
    if default is MISSING or default is ...:
        default = None if _may_be_none(annotation) else MISSING
    if type(default).__hash__ is None:
        return dataclasses.field(default_factory=lambda: copy.deepcopy(default))
    return dataclasses.field(default=default)


def _default(cls: type, base: type, name: str) -> Any:
    """Return what stands behind the field in the class body, or in that of a parent."""
    for parent in cls.__mro__:
        if parent is base:
            break
        if name in vars(parent):
            return vars(parent)[name]
    return MISSING


def _is_pydantic_field(default: Any) -> bool:
    kind = type(default)
    return kind.__name__ == "FieldInfo" and kind.__module__.partition(".")[0] == "pydantic"


def _inherited(cls: type) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for parent in reversed(cls.__mro__[1:]):
        fields.update(vars(parent).get("__dataclass_fields__", {}))
    return fields


def _required_after_default(fields: dict[str, Field]) -> dict[str, Field]:
    """Return the fields that a dataclass would refuse because of their place."""
    late: dict[str, Field] = {}
    has_default = False
    for name, field in fields.items():
        if not field.init or field.kw_only is True:
            continue
        if field.default is not MISSING or field.default_factory is not MISSING:
            has_default = True
        elif has_default:
            late[name] = field
    return late


def _refusal(cls: type, name: str) -> Callable[[], NoReturn]:
    """Return a default factory for a field that has no default."""

    def refuse() -> NoReturn:
        raise TypeError(f"{cls.__name__}.__init__() missing 1 required argument: '{name}'")

    return refuse


def _may_be_none(annotation: Any) -> bool:
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return _text_may_be_none(annotation)
    if hasattr(annotation, "__metadata__"):
        return _may_be_none(annotation.__origin__)
    is_union = typing.get_origin(annotation) in {Union, types.UnionType}
    return is_union and type(None) in typing.get_args(annotation)


def _text_may_be_none(annotation: str) -> bool:
    """Read an annotation that is a string: it may name what is not defined yet."""
    bare = re.sub(r"\s|\btyping\.|\bt\.", "", annotation)
    if bare.startswith("Optional["):
        return True
    if bare.startswith("Union["):
        bare = bare[len("Union[") : -1].replace(",", "|")
    while "[" in bare and (shorter := re.sub(r"\[[^\[\]]*\]", "", bare)) != bare:
        bare = shorter
    return "None" in bare.split("|")
