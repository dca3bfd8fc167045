"""Whether a value is like another: equal, or as near as it has to be; pure but for stored files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coghub.cli.trial import pictures
from coghub.cli.trial.outcome import AnyFile, OutputFile, StoredFile, shown

SHORT_CHARACTERS = 80
"""Texts up to this are shown whole, longer ones around their first difference."""
AROUND_CHARACTERS = 25


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two values have to be."""

    tolerance: float = 0.0
    """How far apart numbers may be, and on average the channels of images, from 0 to 1."""
    is_subset: bool = False
    """Fields of an object that are not named may be anything."""
    by_pixels: bool = False
    """Images of equal pixels are alike even without a tolerance, however they are encoded."""

    def difference(self, wanted: Any, given: Any, place: str = "") -> str | None:
        """Return the first thing in which a value is not as wanted; None if there is none."""
        match wanted:
            case OutputFile() | StoredFile():
                reason = self._file(wanted, given)
            case Mapping():
                return self._object(wanted, given, place)
            case list():
                return self._list(wanted, given, place)
            case bool() | None:
                reason = None if wanted is given else _unlike(wanted, given)
            case int() | float():
                reason = self._number(wanted, given)
            case str():
                reason = text_difference(wanted, given)
            case _:
                reason = None if wanted == given else _unlike(wanted, given)
        return f"{place}: {reason}" if reason and place else reason

    def _object(self, wanted: Mapping[str, Any], given: Any, place: str) -> str | None:
        given = _parsed(given, dict)
        if not isinstance(given, Mapping):
            return _at(place, _unlike(wanted, given))
        for name, value in wanted.items():
            here = f"{place}.{name}" if place else name
            if name not in given:
                return f"{here}: missing"
            if reason := self.difference(value, given[name], here):
                return reason
        others = [name for name in given if name not in wanted]
        if others and not self.is_subset:
            return _at(place, f"has a field that was not expected: {others[0]}")
        return None

    def _list(self, wanted: list[Any], given: Any, place: str) -> str | None:
        given = _parsed(given, list)
        if not isinstance(given, list):
            return _at(place, _unlike(wanted, given))
        for index, pair in enumerate(zip(wanted, given, strict=False)):
            if reason := self.difference(*pair, f"{place}[{index}]"):
                return reason
        if len(wanted) != len(given):
            return _at(place, f"expected {_items(wanted)}, got {_items(given)}")
        return None

    def _number(self, wanted: float, given: Any) -> str | None:
        if isinstance(given, bool) or not isinstance(given, int | float):
            return _unlike(wanted, given)
        is_near = wanted == given or abs(wanted - given) <= self.tolerance
        return None if is_near else _unlike(wanted, given)

    def _file(self, wanted: AnyFile, given: Any) -> str | None:
        if isinstance(given, str):
            return text_difference(wanted.content.decode("utf-8", "replace"), given)
        if not isinstance(given, OutputFile):
            return _unlike(wanted, given)
        if wanted.content == given.content:
            return None
        if not self.tolerance and not (self.by_pixels and given.is_image):
            return _first_byte(wanted.content, given.content)
        return image_difference(wanted.content, given.content, self.tolerance)


def image_difference(wanted: bytes, given: bytes, tolerance: float) -> str | None:
    """Return why an image is not near enough to another; None if it is."""
    if wanted == given:
        return None
    distance = pictures.distance(wanted, given)
    if isinstance(distance, str):
        return distance
    if distance <= tolerance:
        return None
    return f"the image differs by {distance:.4f}, and {tolerance:g} is allowed"


def text_difference(wanted: str, given: Any) -> str | None:
    """Return where a text is not as wanted; None if it is."""
    if wanted == given:
        return None
    if not isinstance(given, str) or max(len(wanted), len(given)) <= SHORT_CHARACTERS:
        return _unlike(wanted, given)
    pairs = enumerate(zip(wanted, given, strict=False))
    at = next((index for index, (one, other) in pairs if one != other), None)
    at = min(len(wanted), len(given)) if at is None else at
    parts = [shown(text[max(0, at - AROUND_CHARACTERS) :][:SHORT_CHARACTERS]) for text in
             (wanted, given)]  # fmt: skip
    return f"from character {at + 1} on expected …{parts[0]}, got …{parts[1]}"


def _unlike(wanted: Any, given: Any) -> str:
    return f"expected {shown(wanted)}, got {shown(given)}"


def _at(place: str, reason: str) -> str:
    return f"{place}: {reason}" if place else reason


def _items(values: list[Any]) -> str:
    return f"{len(values)} item{'s' * (len(values) != 1)}"


def _parsed(given: Any, kind: type) -> Any:
    """Return what a text holds as JSON, where an object or a list was expected."""
    if not isinstance(given, str):
        return given
    try:
        value = json.loads(given)
    except (ValueError, RecursionError):
        return given
    return value if isinstance(value, kind) else given


def _first_byte(wanted: bytes, given: bytes) -> str:
    pairs = enumerate(zip(wanted, given, strict=False))
    at = next((index for index, (one, other) in pairs if one != other), None)
    if at is None:
        return f"expected {len(wanted)} bytes, got {len(given)}"
    return f"the file differs from byte {at + 1} on"
