"""JSON to arguments.

The server has checked the JSON against the document before; this gives Python what its annotations
promise, and says clearly where that cannot be. Text becomes the path of a file only where the
server has put that path: else a client could read the server's disk.
"""

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cog.errors import InputError
from cog.schema import constraints
from cog.schema.interface import REQUIRED, Interface, Parameter
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
    written,
)
from cog.types import Path, URLPath

Place = tuple[str | int, ...]
"""Where in an input something stands: the input's name, then keys and indexes."""


def arguments(
    interface: Interface,
    input: Mapping[str, Any],  # noqa: A002 - the wire's word
    fetched: Iterable[Sequence[str | int]] = (),
) -> dict[str, Any]:
    """Return what to call the model with, given JSON; names that it does not know are ignored.

    In Python one may also give what the annotation says: a `Path`, an `Enum`'s member, a model.

    Args:
        interface: Of the model to be called.
        input: The values by name, as clients spell it.
        fetched: Places where the value is the path of a file that was fetched for this call.

    Raises:
        InputError: naming the input that is missing or does not fit.
    """
    coercer = _Coercer(frozenset(tuple(place) for place in fetched))
    return {
        parameter.keyword: _argument(coercer, parameter, input)
        for parameter in interface.parameters
    }


def coerce_default(parameter: Parameter) -> Any:
    """Return a parameter's default as its type has it; its author may name files by path.

    Raises:
        InputError: if it does not fit.
    """
    return _TRUSTING.coerce(parameter.type, parameter.default, (parameter.name,))


def coerce_choice(wanted: Type, value: Any) -> Any:
    """Return one of an input's choices as the input's type has it.

    Raises:
        InputError: if it does not fit.
    """
    return _TRUSTING.coerce(wanted, value, ())


def _argument(coercer: "_Coercer", parameter: Parameter, given: Mapping[str, Any]) -> Any:
    value = given.get(parameter.name, REQUIRED)
    if value is REQUIRED:
        return _omitted(parameter)
    if value is None and parameter.default is None:
        return None
    try:
        coerced = coercer.coerce(parameter.type, value, (parameter.name,))
    except RecursionError as error:  # a model inside itself, again and again
        raise InputError(f"{parameter.name}: nested too deeply") from error
    if coerced is not None and parameter.has_limits:
        broken = constraints.violation(parameter, coerced)
        if broken is not None:
            raise InputError(f"{parameter.name}: {broken}")
    return coerced


def _omitted(parameter: Parameter) -> Any:
    """Return the default, made anew for each call so that a call cannot change the next one's."""
    if parameter.default is REQUIRED:
        if isinstance(parameter.type, NullableType):
            return None
        raise InputError(f"{parameter.name}: Field required")
    if parameter.default is None:
        return None
    default = coerce_default(parameter)
    return default.convert() if isinstance(default, URLPath) else default


class _Coercer:
    """Coerces values of one input; knows which texts are files."""

    def __init__(self, fetched: frozenset[Place], *, is_trusting: bool = False) -> None:
        self._fetched = fetched
        self._is_trusting = is_trusting
        """Text for a file is its path: for what the model's author wrote."""

    def coerce(self, wanted: Type, value: Any, at: Place) -> Any:
        return _COERCE[type(wanted)](self, wanted, value, at)

    def anything(self, _wanted: Type, value: Any, _at: Place) -> Any:
        """Copy what the author wrote: it is the same object for every call."""
        is_shared = self._is_trusting and isinstance(value, (list, dict, set))
        return type(value)(value) if is_shared else value

    def scalar(self, wanted: Scalar, value: Any, at: Place) -> Any:
        if type(value) is wanted.python:
            return value
        if wanted.python is not bool and not isinstance(value, bool):
            if wanted.python is str and isinstance(value, str):
                return value
            if wanted.python is int and (exact := _integer(value)) is not None:
                return exact
            if wanted.python is float and (number := _number(value)) is not None:
                return number
        raise _misfit(wanted, at)

    def file(self, wanted: FileType, value: Any, at: Place) -> Any:
        is_path = isinstance(value, os.PathLike) or (
            isinstance(value, str) and (self._is_trusting or at in self._fetched)
        )
        if wanted.is_open and hasattr(value, "read"):
            return value
        if not is_path:
            raise _misfit(wanted, at, "neither an http(s) nor a data URL")
        path = Path.validate(value)
        path = path if isinstance(path, Path) else Path(path)
        return open(path, "rb") if wanted.is_open else path  # noqa: PTH123 - the model closes it

    def secret(self, wanted: SecretType, value: Any, at: Place) -> Any:
        if hasattr(value, "get_secret_value"):
            return value
        if not isinstance(value, str):
            raise _misfit(wanted, at)
        return wanted.wrap(value)

    def choice(self, wanted: ChoiceType, value: Any, at: Place) -> Any:
        for member, plain in zip(wanted.members, wanted.values, strict=True):
            if member is value or _is_same(plain, value):
                return member
        raise InputError(f"{_written(at)}: does not match choices")

    def collection(self, wanted: ListType, value: Any, at: Place) -> Any:
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise _misfit(wanted, at)
        items = [self.coerce(wanted.items, item, (*at, i)) for i, item in enumerate(value)]
        try:
            return wanted.container(items)
        except TypeError as error:  # a set of what cannot be hashed
            raise _misfit(wanted, at, str(error)) from error

    def fixed(self, wanted: TupleType, value: Any, at: Place) -> Any:
        if not isinstance(value, (list, tuple)) or len(value) != len(wanted.items):
            raise _misfit(wanted, at)
        pairs = zip(wanted.items, value, strict=True)
        return tuple(self.coerce(item, one, (*at, i)) for i, (item, one) in enumerate(pairs))

    def mapping(self, wanted: DictType, value: Any, at: Place) -> Any:
        """Values that need no conversion are not looked at: the document says no more."""
        if not isinstance(value, Mapping):
            raise _misfit(wanted, at)
        if is_plain(wanted.values):
            return self.anything(wanted, value, at)
        return {key: self.coerce(wanted.values, one, (*at, key)) for key, one in value.items()}

    def model(self, wanted: ModelType, value: Any, at: Place) -> Any:
        if not wanted.is_loose and isinstance(value, wanted.owner):
            return value
        if not isinstance(value, Mapping):
            raise _misfit(wanted, at)
        try:
            return wanted.build(self._fields(wanted, value, at))
        except (ValueError, TypeError) as error:
            raise InputError(f"{_written(at)}: {error}") from error

    def inner_model(self, wanted: InnerModel, value: Any, at: Place) -> Any:
        return self.model(wanted.whole(), value, at)

    def _fields(self, wanted: ModelType, value: Mapping[str, Any], at: Place) -> dict[str, Any]:
        known = {field.name for field in wanted.fields}
        is_lenient = wanted.is_loose or wanted.checks_itself
        fields = {key: one for key, one in value.items() if is_lenient and key not in known}
        for field in wanted.fields:
            if field.name in value:
                given, place = value[field.name], (*at, field.name)
                is_left = is_lenient and is_plain(field.type)
                fields[field.name] = given if is_left else self.coerce(field.type, given, place)
            elif field.is_required:
                if not wanted.is_loose:
                    raise InputError(f"{_written((*at, field.name))}: Field required")
            elif not field.has_default:
                fields[field.name] = None
        return fields

    def union(self, wanted: UnionType, value: Any, at: Place) -> Any:
        """Prefer the member that takes the value as it is, then the first that takes it at all."""
        if at in self._fetched:
            files = [member for member in wanted.members if isinstance(member, FileType)]
            return self.coerce(files[0], value, at) if files else value
        for member in wanted.members:
            if isinstance(member, Scalar) and type(value) is member.python:
                return value
        attempts = (self._attempt(member, value, at) for member in wanted.members)
        fitting = next((attempt for attempt in attempts if attempt is not None), None)
        if fitting is None:
            raise _misfit(wanted, at)
        return fitting[0]

    def _attempt(self, wanted: Type, value: Any, at: Place) -> tuple[Any] | None:
        try:
            return (self.coerce(wanted, value, at),)
        except InputError:
            return None

    def nullable(self, wanted: NullableType, value: Any, at: Place) -> Any:
        return None if value is None else self.coerce(wanted.type, value, at)


_TRUSTING = _Coercer(frozenset(), is_trusting=True)

_COERCE: dict[type, Callable[..., Any]] = {
    Scalar: _Coercer.scalar,
    Anything: _Coercer.anything,
    MomentType: _Coercer.anything,
    StreamType: _Coercer.anything,
    FileType: _Coercer.file,
    SecretType: _Coercer.secret,
    ChoiceType: _Coercer.choice,
    ListType: _Coercer.collection,
    TupleType: _Coercer.fixed,
    DictType: _Coercer.mapping,
    ModelType: _Coercer.model,
    InnerModel: _Coercer.inner_model,
    UnionType: _Coercer.union,
    NullableType: _Coercer.nullable,
}


def _integer(value: Any) -> int | None:
    """Return a whole number as int: JSON knows no difference between 2 and 2.0."""
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value == int(value) else None
    return value.__index__() if hasattr(value, "__index__") else None


def _number(value: Any) -> float | None:
    try:
        return float(value) if hasattr(value, "__float__") else None
    except OverflowError:
        return None


def _is_same(choice: Any, value: Any) -> bool:
    """Compare as JSON does: 1 is 1.0 but not true."""
    return isinstance(choice, bool) == isinstance(value, bool) and bool(choice == value)


def _misfit(wanted: Type, at: Place, reason: str = "") -> InputError:
    detail = f": {reason}" if reason else ""
    return InputError(f"{_written(at)}: Invalid value for type {written(wanted)}{detail}")


def _written(at: Place) -> str:
    return ".".join(map(str, at)) or "value"
