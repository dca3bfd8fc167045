"""Types that are not made of others: scalars, files, secrets, choices."""

import datetime
import enum
import io
import typing
from collections.abc import Iterable
from typing import Any

from cog.errors import SchemaError
from cog.schema.value_types import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    Anything,
    ChoiceType,
    FileType,
    MomentType,
    NullableType,
    SecretType,
    Type,
)

_SIMPLE: dict[Any, Type] = {
    str: STRING,
    int: INTEGER,
    float: NUMBER,
    bool: BOOLEAN,
    Any: Anything(),
    object: Anything(),
    None: NullableType(Anything()),
    type(None): NullableType(Anything()),
}
_MOMENTS = {datetime.datetime: "date-time", datetime.date: "date", datetime.time: "time"}
_MADE_JSON: dict[tuple[str, str], Type] = {
    ("uuid", "UUID"): STRING,
    ("decimal", "Decimal"): NUMBER,
    ("datetime", "timedelta"): NUMBER,
    ("ipaddress", "_IPAddressBase"): STRING,
    ("pydantic.networks", "_BaseUrl"): STRING,
    ("pydantic.networks", "_BaseMultiHostUrl"): STRING,
    ("pydantic.networks", "EmailStr"): STRING,
    ("pydantic_core._pydantic_core", "Url"): STRING,
    ("pydantic_core._pydantic_core", "MultiHostUrl"): STRING,
}
"""What `cog.encoding` makes of values of these classes, by module and name: none is imported."""
_JSON_SCALARS = (str, int, float, bool)


def simple_type(annotation: Any, *, is_output: bool) -> Type | None:
    """Return the type of an annotation that has no parts, or None if it is of no known kind."""
    if is_hashable(annotation) and annotation in _SIMPLE:
        return _SIMPLE[annotation]
    if isinstance(annotation, typing.TypeVar):
        return Anything()
    return _class_type(annotation, is_output=is_output) if isinstance(annotation, type) else None


def choice_type(values: Iterable[Any]) -> ChoiceType:
    """Return the type of some values, of which Python gets what JSON says."""
    listed = tuple(map(plain, values))
    return ChoiceType(listed, listed)


def literal_type(arguments: tuple[Any, ...]) -> Type:
    """Return the type of a `Literal`; one of None alone may be anything that is None."""
    members = tuple(argument for argument in arguments if argument is not None)
    if not members:
        return _SIMPLE[None]
    choice = ChoiceType(tuple(map(plain, members)), members)
    return NullableType(choice) if len(members) < len(arguments) else choice


def plain(value: Any) -> Any:
    """Return a value as JSON has it: an Enum's value, and numpy's numbers as Python's."""
    value = value.value if isinstance(value, enum.Enum) else value
    to_python = getattr(value, "item", None)
    return to_python() if callable(to_python) else value


def is_from_pydantic(owner: type) -> bool:
    """Tell whether pydantic itself defines a class, in either of its versions."""
    return owner.__module__.partition(".")[0] == "pydantic"


def is_hashable(annotation: Any) -> bool:
    """Tell whether an annotation may be looked up; not all are hashable."""
    try:
        hash(annotation)
    except TypeError:
        return False
    return True


def _class_type(annotation: Any, *, is_output: bool) -> Type | None:
    if issubclass(annotation, enum.Enum):
        return _enumeration(annotation)
    if hasattr(annotation, "__fspath__"):
        return FileType()
    if issubclass(annotation, (io.IOBase, typing.IO)):
        return FileType(is_open=True)
    if hasattr(annotation, "get_secret_value"):
        return SecretType(annotation)
    made = _made_json(annotation) if is_output else None
    return made or _constrained(annotation)


def _made_json(annotation: type) -> Type | None:
    if annotation in _MOMENTS:
        return MomentType(_MOMENTS[annotation])
    names = ((one.__module__, one.__name__) for one in annotation.__mro__)
    return next((_MADE_JSON[name] for name in names if name in _MADE_JSON), None)


def _constrained(annotation: type) -> Type | None:
    """Return what a type of pydantic 1, such as `conint()`, is a subclass of; it checks itself."""
    if not any(map(is_from_pydantic, annotation.__mro__)):
        return None
    return next((_SIMPLE[one] for one in (str, int, float) if issubclass(annotation, one)), None)


def _enumeration(annotation: type[enum.Enum]) -> Type:
    """Return the values of an Enum, or its names where its values are no plain JSON."""
    members = tuple(annotation)
    if not members:
        raise SchemaError(f"unsupported Cog type {annotation.__name__}: it has no members")
    values = tuple(map(plain, members))
    if not all(type(value) in _JSON_SCALARS for value in values):
        values = tuple(member.name for member in members)
    return ChoiceType(values, members)
