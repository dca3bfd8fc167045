"""Any value of a model as JSON, step by step: what is not JSON is made simpler until it is."""

import math
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Final

from cog import model_fields
from cog.coder import Coder
from cog.errors import OutputError
from cog.types import Secret

Place = tuple[str | int, ...]
"""Where in a value, as keys and indexes."""

Leaf = Callable[[Any, Place], Any]
"""Asked about each value that is not a number: its JSON, or `NOT_A_LEAF`."""

NOT_A_LEAF: Final = object()
"""The answer of a `Leaf` that leaves a value to the rules of this module."""

MAX_DEPTH = 150
"""Deeper than any result that means something; a list that holds itself ends here."""

MAX_EXPONENT = 64
"""A whole `Decimal` above has more digits than anybody means, and becomes a float."""


def to_json(value: Any, leaf: Leaf, at: Place = ()) -> Any:
    """Return a value as what `json.dumps` takes.

    Args:
        value: Models and dataclasses, enums, sets, iterators, dates, arrays and scalars of numpy.
        leaf: Asked first, for files.
        at: Where the value stands.

    Raises:
        OutputError: if something in it has no JSON form.
    """
    if value is None or type(value) in {int, bool}:
        return value
    if len(at) > MAX_DEPTH:
        raise OutputError(f"Failed to serialize output: nested more than {MAX_DEPTH} deep")
    answer = leaf(value, at)
    return answer if answer is not NOT_A_LEAF else _by_rules(value, leaf, at)


def no_json(value: Any) -> OutputError:
    """Return the error for a value without JSON form."""
    return OutputError(
        "Failed to serialize output: TypeError: "
        f"Object of type {type(value).__name__} is not JSON serializable"
    )


def _by_rules(value: Any, leaf: Leaf, at: Place) -> Any:
    if isinstance(value, (str, int, float)) and not isinstance(value, Enum):
        return _scalar(value)
    if isinstance(value, dict):
        return {
            (name := _key(key)): to_json(item, leaf, (*at, name)) for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return _items(value, leaf, at)
    return to_json(_simpler(value), leaf, at)


def _scalar(value: str | float) -> str | float:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise OutputError(f"Failed to parse output JSON: {float(value)} is not a JSON number")
    return value


def _text(text: str) -> str:
    """Return a text that has a UTF-8 form: halves of a surrogate pair are joined or replaced."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _key(key: Any) -> str:
    """Return an object's key as JSON writes it."""
    if isinstance(key, Enum):
        key = key.value
    if isinstance(key, str):
        return _text(key)
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    if isinstance(key, (int, float)):
        return repr(key)
    raise OutputError(
        "Failed to serialize output: TypeError: "
        f"keys must be str, int, float, bool or None, not {type(key).__name__}"
    )


def _items(values: list[Any] | tuple[Any, ...], leaf: Leaf, at: Place) -> list[Any]:
    """Return a list's items; long lists of numbers, such as embeddings, are not walked."""
    if set(map(type, values)) <= {float} and math.isfinite(sum(values)):
        return list(values)
    return [to_json(item, leaf, (*at, index)) for index, item in enumerate(values)]


def _simpler(value: Any) -> Any:
    """Return the value in terms of dicts, lists, texts and numbers, one step closer to JSON.

    Raises:
        OutputError: if there is no such step.
    """
    if isinstance(value, (type, bytes, bytearray, memoryview)):
        raise no_json(value)
    for applies, step in _STEPS:
        if applies(value):
            return step(value)
    raise no_json(value)


def _has(method: str) -> Callable[[Any], bool]:
    return lambda value: callable(getattr(value, method, None))


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in model_fields.names(value)}


def _attrs_fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in value.__attrs_attrs__}


def _decimal(value: Any) -> float:
    """Return a `Decimal` as the number it is, as Cog did up to 0.16; whole ones stay exact."""
    return int(value) if value.as_tuple().exponent in range(MAX_EXPONENT) else float(value)


_TEXTS = {"UUID", "_IPAddressBase", "_BaseUrl", "_BaseMultiHostUrl", "Url", "MultiHostUrl"}
"""Classes of values that are written as their text; URLs are pydantic's, in all its versions."""


def _has_coder(value: Any) -> bool:
    return Coder.lookup(type(value)) is not None


def _coded(value: Any) -> Any:
    coder = Coder.lookup(type(value))
    return coder and coder.encode(value)


_STEPS: tuple[tuple[Callable[[Any], Any], Callable[[Any], Any]], ...] = (
    (_has_coder, _coded),
    (lambda value: isinstance(value, Enum), lambda value: value.value),
    (lambda value: isinstance(value, Mapping), dict),
    (lambda value: isinstance(value, Secret), str),
    (lambda value: hasattr(value, "__dataclass_fields__"), _fields),
    (_has("model_dump"), lambda value: value.model_dump()),
    (
        lambda value: hasattr(value, "__fields__") and _has("dict")(value),
        lambda value: value.dict(),
    ),
    (lambda value: hasattr(value, "__attrs_attrs__"), _attrs_fields),
    (_has("isoformat"), lambda value: value.isoformat()),
    (_has("total_seconds"), lambda value: value.total_seconds()),
    (_has("tolist"), lambda value: value.tolist()),
    (lambda value: type(value).__name__ == "Decimal", _decimal),
    (lambda value: bool(_TEXTS & {one.__name__ for one in type(value).__mro__}), str),
    (lambda value: isinstance(value, Iterable), list),
)
"""Who needs which step; objects of numpy, pydantic and so on are known by what they have."""
