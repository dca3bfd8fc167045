"""A version's inputs as fields of a form, and the values that an address gives them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from coghub.ui.schema import component, kind_of, mapping, resolved
from coghub.ui.templates import to_json

STEPS = 200
"""A slider for any number has about so many places."""
MAX_PLACES = 10_000
"""Nobody can aim among more, such as those of a seed."""
MAX_WHOLE = 2**53
"""Above it, browsers do not tell whole numbers apart."""


class Widget(StrEnum):
    """What a field is filled in with; the words stand in templates and scripts too."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - the kind of a field, no secret itself
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    FILE = "file"
    FILES = "files"
    LIST = "list"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Field:
    """One input."""

    name: str
    widget: Widget
    kind: str
    """Such as `string`, `file`, `list of file`."""
    description: str
    is_required: bool
    is_deprecated: bool
    default: str
    """As JSON; empty where there is none."""
    choices: tuple[str, ...] = ()
    """As JSON."""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    """Of a number; None is any."""
    item: Widget = Widget.TEXT
    """What the items of a list are filled in with."""
    is_whole: bool = False
    limits: tuple[str, ...] = ()
    """What the schema wants beside, in words."""

    @property
    def has_slider(self) -> bool:
        """Whether a number has both ends, not too far apart to aim at."""
        if self.minimum is None or self.maximum is None or self.step is None:
            return False
        return self.maximum - self.minimum <= MAX_PLACES * self.step


def fields_of(document: Mapping[str, Any], name: str = "Input") -> list[Field]:
    """Return the inputs in the order of the signature.

    Args:
        document: the OpenAPI document of a version.
        name: `Input`, or `TrainingInput` for the inputs of a training.
    """
    schema = component(document, name)
    properties = mapping(schema.get("properties"))
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    found = [
        (_order(said), _field(document, str(name), said, is_required=name in names))
        for name, said in properties.items()
    ]
    return [field for _, field in sorted(found, key=lambda pair: pair[0])]


def values_of(fields: Iterable[Field], query: Mapping[str, str]) -> dict[str, Any]:
    """Return what an address says of the inputs; secrets are never there.

    Texts stand there as they are, everything else as JSON; what is neither is left out.
    """
    found = dict[str, Any]()
    for field in fields:
        text = query.get(field.name)
        if text is None or field.widget is Widget.SECRET:
            continue
        if field.widget in {Widget.TEXT, Widget.FILE}:
            found[field.name] = text
            continue
        try:
            found[field.name] = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            if field.choices:
                found[field.name] = text
    return found


def _field(document: Mapping[str, Any], name: str, schema: Any, *, is_required: bool) -> Field:
    said = resolved(document, schema)
    widget = _widget(document, said)
    minimum, maximum = _bound(said, "minimum", 1), _bound(said, "maximum", -1)
    is_whole = said.get("type") == "integer"
    return Field(
        name=name,
        widget=widget,
        kind=kind_of(document, said),
        description=str(said.get("description") or ""),
        is_required=is_required,
        is_deprecated=said.get("deprecated") is True,
        default=to_json(said["default"]) if said.get("default") is not None else "",
        choices=tuple(map(to_json, _choices(said))),
        minimum=minimum,
        maximum=maximum,
        step=_step(minimum, maximum, is_whole=is_whole) if widget is Widget.NUMBER else None,
        item=_widget(document, resolved(document, said.get("items"))),
        is_whole=is_whole,
        limits=tuple(_limits(said)),
    )


def _choices(said: Mapping[str, Any]) -> list[Any]:
    choices = said.get("enum")
    return choices if isinstance(choices, list) else []


_WIDGETS: Mapping[str, Widget] = {
    "string uri": Widget.FILE,
    "string password": Widget.SECRET,
    "string": Widget.TEXT,
    "integer": Widget.NUMBER,
    "number": Widget.NUMBER,
    "boolean": Widget.SWITCH,
}


def _widget(document: Mapping[str, Any], said: Mapping[str, Any]) -> Widget:
    kind = str(said.get("type"))
    if _choices(said):
        return Widget.CHOICE
    if kind == "array":
        return _list_widget(_widget(document, resolved(document, said.get("items"))))
    return _WIDGETS.get(f"{kind} {said.get('format')}") or _WIDGETS.get(kind, Widget.JSON)


def _list_widget(item: Widget) -> Widget:
    if item is Widget.FILE:
        return Widget.FILES
    return Widget.LIST if item in {Widget.TEXT, Widget.NUMBER} else Widget.JSON


def _bound(said: Mapping[str, Any], word: str, inwards: int) -> float | None:
    """Return a bound; one that is itself excluded is, of whole numbers, the next one."""
    value = said.get(word)
    excluded = said.get(f"exclusive{word.capitalize()}")
    is_whole = said.get("type") == "integer"
    if value is None and is_whole and isinstance(excluded, int) and _is_number(excluded):
        value = excluded + inwards
    return value if _is_number(value) else None


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and abs(value) <= MAX_WHOLE
        and math.isfinite(value)
    )


def _step(minimum: float | None, maximum: float | None, *, is_whole: bool) -> float | None:
    """Return the step of a slider: 1 of whole numbers, else a round part of the range."""
    if is_whole:
        return 1
    if minimum is None or maximum is None or maximum <= minimum:
        return None
    return 10.0 ** math.floor(math.log10((maximum - minimum) / STEPS) + 0.5)


def _limits(said: Mapping[str, Any]) -> Iterable[str]:
    words = {
        "minimum": "at least {}",
        "maximum": "at most {}",
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "minItems": "at least {} items",
        "maxItems": "at most {} items",
        "pattern": "pattern {}",
    }
    for key, text in words.items():
        if key in said:
            yield text.format(said[key])


def _order(schema: Any) -> float:
    order = mapping(schema).get("x-order")
    return order if isinstance(order, (int, float)) else 0  # as it is: a float has no 10**400
