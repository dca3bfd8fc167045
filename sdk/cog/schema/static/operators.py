"""Arithmetic and comparisons, refused where their result would be huge."""

import ast
import operator
from collections.abc import Callable
from typing import Any

from cog.schema.static.formats import refuse_wide_format, require_plain
from cog.schema.static.limits import MAX_BITS, MAX_WEIGHT, TooMuch

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
_IN_PLACE: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.iadd,
    ast.Mult: operator.imul,
    ast.Sub: operator.isub,
    ast.BitOr: operator.ior,
    ast.BitAnd: operator.iand,
    ast.BitXor: operator.ixor,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda item, items: item in items,
    ast.NotIn: lambda item, items: item not in items,
}
_SIZED = (str, bytes, list, tuple)


def binary(kind: ast.operator, left: Any, right: Any, *, in_place: bool = False) -> Any:
    """Return the result of an operator of two sides.

    Raises:
        TooMuch: if it would be too large.
        Exception: what the operands raise.
    """
    _guard(kind, left, right)
    known = _IN_PLACE.get(type(kind)) if in_place else None
    known = known or _BINARY.get(type(kind))
    if known is None:
        raise TypeError(f"no such operator here: {type(kind).__name__}")
    return known(left, right)


def unary(kind: ast.unaryop, value: Any) -> Any:
    """Return the result of an operator of one side."""
    return _UNARY[type(kind)](value)


def compare(kind: ast.cmpop, left: Any, right: Any) -> Any:
    """Return the result of a comparison."""
    return _COMPARE[type(kind)](left, right)


def _guard(kind: ast.operator, left: Any, right: Any) -> None:
    if isinstance(kind, ast.Mult):
        _guard_times(left, right)
    elif isinstance(kind, ast.Mod) and isinstance(left, (str, bytes)):
        require_plain(right)
        refuse_wide_format(left if isinstance(left, str) else left.decode("latin-1"))
        if "*" in str(left):
            raise TooMuch("a format takes its width from a value")
    elif isinstance(left, int) and isinstance(right, int):
        is_large = isinstance(kind, ast.LShift) and right > MAX_BITS
        if isinstance(kind, ast.Pow):
            is_large = left.bit_length() * abs(right) > MAX_BITS
        if is_large:
            raise TooMuch("a number is too large")


def _guard_times(left: Any, right: Any) -> None:
    for one, times in ((left, right), (right, left)):
        is_long = isinstance(one, _SIZED) and isinstance(times, int)
        if is_long and len(one) * times > MAX_WEIGHT:
            raise TooMuch("a value is too large")
