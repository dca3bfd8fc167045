"""Values as text, where that text is the same on every machine and with every Python."""

import pathlib
import re
from typing import Any

from cog.schema.static.limits import TooMuch
from cog.schema.static.unknown import CannotTell

_LONG_NUMBER = re.compile(r"\d{5}")
_SCALARS = (str, int, float, bool, type(None), bytes)
_CONVERSIONS = {ord("s"): str, ord("r"): repr, ord("a"): ascii}


def formatted(value: Any, conversion: int, spec: str) -> str:
    """Return what stands in an f-string.

    Raises:
        CannotTell: if its text may be another elsewhere.
    """
    require_plain(value)
    refuse_wide_format(spec)
    converted = _CONVERSIONS[conversion](value) if conversion in _CONVERSIONS else value
    return format(converted, spec)


def refuse_wide_format(text: str) -> None:
    """Refuse a format that pads to more than a few thousand characters."""
    if _LONG_NUMBER.search(text):
        raise TooMuch("a format is too wide")


def require_plain(value: Any) -> None:
    """Do nothing if a value has one text only: an Enum's changed with versions of Python.

    Raises:
        CannotTell: if it has not.
    """
    is_path = isinstance(value, pathlib.PurePath)
    if type(value) in _SCALARS or is_path:
        return
    if type(value) in (list, tuple):
        parts = value
    elif type(value) is dict:
        parts = [*value.keys(), *value.values()]
    else:
        raise CannotTell(f"the text of a value of the type `{type(value).__name__}`")
    for part in parts:
        require_plain(part)
