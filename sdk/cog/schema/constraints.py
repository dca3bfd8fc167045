"""What `Input()` asks of a value beyond its type, and of itself.

`check_declaration` is for the author: limits that fit no type, a default that breaks its own limit.
`violation` is for the caller: the sentence for a value that breaks a limit.
"""

import re
from collections.abc import Iterator
from typing import Any

from cog.errors import SchemaError
from cog.schema.interface import Parameter
from cog.schema.value_types import (
    INTEGER,
    NUMBER,
    STRING,
    Anything,
    ChoiceType,
    FileType,
    ListType,
    NullableType,
    SecretType,
    TupleType,
    Type,
    UnionType,
    parts,
    without_none,
)

_OTHER_DIALECTS = ("bad escape", "unknown extension")
"""Errors for what other dialects allow, such as `\\p{L}`: the server has the last word."""


def violation(parameter: Parameter, value: Any) -> str | None:
    """Return what is wrong with a value of the right type, as `fails constraint >= 1`, or None."""
    for one in value if isinstance(value, (list, tuple, set, frozenset)) else (value,):
        if (broken := _broken_limit(parameter, one)) is not None:
            return broken
    length = _length(value)
    if length is None:
        return None
    if parameter.min_length is not None and length < parameter.min_length:
        return f"fails constraint len() >= {parameter.min_length}"
    if parameter.max_length is not None and length > parameter.max_length:
        return f"fails constraint len() <= {parameter.max_length}"
    return None


def check_declaration(parameter: Parameter, type_name: str) -> None:
    """Refuse limits that mean nothing for the parameter's type.

    Raises:
        SchemaError: naming the limit and the parameter.
    """
    core = list(_leaves(parameter.type))
    subject = f"{parameter.name}: {type_name}"
    if parameter.ge is not None or parameter.le is not None:
        _require(core, (INTEGER, NUMBER), f"incompatible input type for ge/le: {subject}")
        if not all(
            _is_number(limit) for limit in (parameter.ge, parameter.le) if limit is not None
        ):
            raise SchemaError(f"ge/le must be numbers: {subject}")
    if parameter.regex is not None:
        _require(core, (STRING,), f"incompatible input type for regex: {subject}")
        _check_regex(parameter)
    has_length = parameter.min_length is not None or parameter.max_length is not None
    if has_length and not isinstance(without_none(parameter.type), (ListType, TupleType)):
        message = f"incompatible input type for min_length/max_length: {subject}"
        _require(core, (STRING,), message)
    if parameter.accept is not None and not any(isinstance(leaf, FileType) for leaf in core):
        raise SchemaError(
            f"accept is only valid on Path or File inputs (parameter '{parameter.name}')"
        )


def check_default(parameter: Parameter, value: Any, type_name: str) -> None:
    """Refuse a default, already of the right type, that a client could not send.

    Raises:
        SchemaError: naming the limit and the parameter.
    """
    subject = f"{parameter.name}: {type_name}"
    for one in value if isinstance(value, list) else (value,):
        if _is_number(one) and parameter.ge is not None and one < parameter.ge:
            raise SchemaError(f"invalid default for {subject}: must be at minimum {parameter.ge}")
        if _is_number(one) and parameter.le is not None and one > parameter.le:
            raise SchemaError(f"invalid default for {subject}: must be at maximum {parameter.le}")
        if _misses(parameter.regex, one):
            raise SchemaError(f"default not a regex match for input: {subject}")
    length = _length(value)
    for option, limit in (
        ("min_length", parameter.min_length),
        ("max_length", parameter.max_length),
    ):
        if length is None or limit is None or length == limit:
            continue
        if (length < limit) == (option == "min_length"):
            raise SchemaError(f"default conflicts with {option}={limit} for input: {subject}")


def _broken_limit(parameter: Parameter, value: Any) -> str | None:
    if _is_number(value):
        if parameter.ge is not None and value < parameter.ge:
            return f"fails constraint >= {parameter.ge}"
        if parameter.le is not None and value > parameter.le:
            return f"fails constraint <= {parameter.le}"
    return "does not match regex" if _misses(parameter.regex, value) else None


def _misses(regex: str | None, value: Any) -> bool:
    if regex is None or not isinstance(value, str):
        return False
    try:
        return re.search(regex, value) is None
    except re.error:
        return False  # only the server's dialect knows it


def _length(value: Any) -> int | None:
    return len(value) if isinstance(value, (str, list, tuple, set, frozenset)) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_regex(parameter: Parameter) -> None:
    try:
        re.compile(parameter.regex or "")
    except re.error as error:
        if error.msg.startswith(_OTHER_DIALECTS):
            return
        raise SchemaError(f"invalid regex for {parameter.name}: {error}") from error


def _require(leaves: list[Type], fitting: tuple[Type, ...], message: str) -> None:
    """Choices may carry any limit: each choice is known to be allowed."""
    lenient = (Anything, ChoiceType, SecretType, FileType)
    if not any(leaf in fitting or isinstance(leaf, lenient) for leaf in leaves):
        raise SchemaError(message)


def _leaves(checked: Type) -> Iterator[Type]:
    """Yield the types that a limit may speak of: of a value, or of each item of a list."""
    if isinstance(checked, (NullableType, ListType, TupleType, UnionType)):
        for part in parts(checked):
            yield from _leaves(part)
    else:
        yield checked
