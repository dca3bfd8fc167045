"""Attributes of values that are known: what can be read, and what of it may be called."""

import enum
import pathlib
from collections import OrderedDict, defaultdict, deque
from types import SimpleNamespace
from typing import Any

from cog.input import FieldInfo
from cog.schema.static.formats import refuse_wide_format
from cog.schema.static.limits import CHARACTERS, MAX_WEIGHT, TooMuch, weight
from cog.schema.static.unknown import CannotTell

_TEXT = [
    "capitalize", "casefold", "center", "count", "encode", "endswith", "find", "format", "index",
    "isalnum", "isalpha", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isspace",
    "istitle", "isupper", "join", "ljust", "lower", "lstrip", "partition", "removeprefix",
    "removesuffix", "replace", "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip",
    "split", "splitlines", "startswith", "strip", "swapcase", "title", "upper", "zfill",
]  # fmt: skip
_SEQUENCE = ["count", "index"]
_SET = [
    "copy", "difference", "intersection", "isdisjoint", "issubset", "issuperset",
    "symmetric_difference", "union",
]  # fmt: skip
_CHANGING_SET = [
    "add", "clear", "discard", "pop", "remove", "update", "difference_update",
    "intersection_update",
]  # fmt: skip
_DICT = [
    "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values",
    "clear",
]  # fmt: skip
_LIST = ["append", "clear", "copy", "extend", "insert", "pop", "remove", "reverse", "sort"]
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(_TEXT),
    bytes: frozenset(["decode"]),
    int: frozenset(["bit_length"]),
    float: frozenset(["is_integer"]),
    tuple: frozenset(_SEQUENCE),
    list: frozenset([*_LIST, *_SEQUENCE]),
    dict: frozenset(_DICT),
    OrderedDict: frozenset(_DICT),
    defaultdict: frozenset(_DICT),
    set: frozenset([*_SET, *_CHANGING_SET]),
    frozenset: frozenset(_SET),
    deque: frozenset(["append", "appendleft", "extend", "popleft", "pop"]),
}
_CHANGING = frozenset([*_CHANGING_SET, "setdefault", "popitem", *_LIST]) - {"copy"}
_PATH = [
    "as_posix", "joinpath", "name", "parent", "parts", "stem", "suffix", "with_name", "with_stem",
    "with_suffix",
]  # fmt: skip
_FIELDS = frozenset(FieldInfo.__annotations__)
MAX_FORMAT = 4_000
"""Characters of a text that is a format, and of what is put into it."""


def attribute(owner: Any, name: str) -> Any:
    """Return an attribute of a plain value or a value of a library.

    Raises:
        CannotTell: if it could be anything else than a value, or a method without effects.
        AttributeError: if there is none.
    """
    for kind in (type(owner), owner if isinstance(owner, type) else None):
        if kind in _METHODS and name in _METHODS[kind]:
            return getattr(owner, name)
    is_read = (
        (isinstance(owner, enum.Enum) and not name.startswith("_"))
        or (isinstance(owner, pathlib.PurePath) and name in _PATH)
        or (type(owner) is SimpleNamespace and not name.startswith("_"))
        or (isinstance(owner, FieldInfo) and name in _FIELDS)
    )
    if is_read:
        return getattr(owner, name)
    raise CannotTell(f"the attribute `{name}` of a value")


def is_pure(name: str) -> bool:
    """Tell whether a method of that name leaves a plain value as it is."""
    return name not in _CHANGING and any(name in names for names in _METHODS.values())


def check_call(method: Any, arguments: list[Any]) -> None:
    """Refuse a call whose result would be huge.

    Raises:
        TooMuch: if it would.
    """
    owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
    if not isinstance(owner, (str, bytes)):
        if method is sum and len(arguments) > 1 and weight(arguments[0]) > MAX_FORMAT:
            raise TooMuch("a sum is too long")
        return
    if any(isinstance(one, int) and one > MAX_WEIGHT for one in arguments):
        raise TooMuch("a text is too long")
    if name == "format":
        _check_format(str(owner), arguments)
    elif name == "join":
        _refuse_long(len(owner) * weight(arguments[0]))
    elif name == "replace":
        _refuse_long(owner.count(arguments[0]) * len(arguments[1]))


def _check_format(text: str, arguments: list[Any]) -> None:
    refuse_wide_format(text)
    if len(text) > MAX_FORMAT or weight(arguments) > MAX_FORMAT // CHARACTERS:
        raise TooMuch("a format is too long")
    if "__" in text:
        raise CannotTell("a format that looks into a value")


def _refuse_long(characters: int) -> None:
    if characters > MAX_WEIGHT * CHARACTERS:
        raise TooMuch("a text is too long")
