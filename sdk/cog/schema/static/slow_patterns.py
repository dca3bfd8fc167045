"""Patterns that may search for years: the default of an input is held against its own.

A model's process may take the time, and be stopped; whoever reads a source may not.
"""

import importlib
import re
import sys
from collections.abc import Iterator
from typing import Any

from cog.errors import SchemaError
from cog.input import FieldInfo
from cog.schema.loading import Model
from cog.schema.signatures import MISSING, Argument, Names, Signature, signature_of
from cog.schema.static.unknown import CannotTell, is_unknown

MAX_TRIES = 1_000_000
SHORT = 12
"""So few characters are quickly tried with any pattern."""
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT"}


def refuse_slow_patterns(model: Model) -> None:
    """Do nothing if the defaults can be held against their patterns.

    Raises:
        CannotTell: if that may take long.
    """
    signature = _signature(model)
    for argument in signature.arguments:
        marks = list(_marks(argument, signature.names))
        values = [argument.default, *(mark.default for mark in marks)]
        longest = max((len(one) for one in values if type(one) is str), default=0)
        for mark in marks:
            if mark.regex is not None and longest > SHORT and is_slow(mark.regex, longest):
                raise CannotTell(f"whether the default of `{argument.name}` has its pattern")


def arguments_of(model: Model) -> tuple[Argument, ...]:
    """Return the parameters of what answers predictions."""
    return _signature(model).arguments


def _signature(model: Model) -> Signature:
    is_method = model.function is not model.target
    return signature_of(model.function, is_method=is_method, name=model.method_name)


def _marks(argument: Argument, names: Names) -> Iterator[FieldInfo]:
    if isinstance(argument.default, FieldInfo):
        yield argument.default
    if argument.annotation is MISSING or is_unknown(argument.annotation):
        return
    try:
        annotation = names.resolve(argument.annotation)
    except SchemaError:
        return
    metadata = getattr(annotation, "__metadata__", ())
    yield from (mark for mark in metadata if isinstance(mark, FieldInfo))


def is_slow(pattern: Any, length: int) -> bool:
    """Tell whether a text of some length may be tried in very many ways."""
    try:
        parsed = _parser().parse(pattern)
    except (re.error, TypeError, OverflowError):
        return False  # the inspection says what is wrong with it
    repeats = _repeats(parsed)
    return repeats < 0 or length**repeats > MAX_TRIES


def _parser() -> Any:
    """Return what makes a tree of a pattern; there is no public one."""
    return importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")


def _repeats(parsed: Any) -> int:
    """Return how many repeats follow each other; negative where one is inside of another."""
    found = 0
    for operation, argument in parsed:
        if str(operation) in _REPEATS and argument[1] != 1:
            if _repeats(argument[2]) or _may_branch(argument[2]):
                return -1
            found += 1
            continue
        for inner in _inside(argument):
            count = _repeats(inner)
            if count < 0:
                return -1
            found += count
    return found


def _may_branch(parsed: Any) -> bool:
    return any(
        str(operation) == "BRANCH" or any(map(_may_branch, _inside(argument)))
        for operation, argument in parsed
    )


def _inside(argument: Any) -> Iterator[Any]:
    """Yield the patterns in an operation, however it holds them."""
    if type(argument).__name__ == "SubPattern":
        yield argument
    elif isinstance(argument, (list, tuple)):
        for one in argument:
            yield from _inside(one)
