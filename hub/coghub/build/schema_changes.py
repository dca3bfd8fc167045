"""What a new version of a model would break for those who use the one before it.

Two OpenAPI documents are compared: every input that the old one takes must be taken by the new one,
and every output that the new one gives must be one that the old one could give.
"""

import json
from collections.abc import Iterator
from typing import Any

from coghub.build.schema_types import Document, Schema, kind, mapping, sequence

MAX_DEPTH = 16
"""Of lists and objects inside each other."""
MAX_COMPARED = 10_000
"""Types in one document; no model has as many, and one of a stranger may unfold without end."""
LEAST = {
    "minimum": "smallest value",
    "exclusiveMinimum": "smallest value (exclusive)",
    "minLength": "smallest length",
    "minItems": "smallest number of items",
}
MOST = {
    "maximum": "largest value",
    "exclusiveMaximum": "largest value (exclusive)",
    "maxLength": "largest length",
    "maxItems": "largest number of items",
}
EXACT = {"pattern": "pattern", "multipleOf": "step"}
MODES = (("", "predict", ""), ("Training", "train", "training "))
"""Prefix of the components, name of the function, what its inputs are called."""


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Return one line for each change that breaks somebody; empty if there is none.

    Args:
        old: the OpenAPI document of the version before.
        new: that of the version that is about to be published.
    """
    comparison = _Comparison(Document(old), Document(new))
    return [line for mode in MODES for line in comparison.mode(*mode)]


class _Comparison:
    def __init__(self, old: Document, new: Document) -> None:
        self.old = old
        self.new = new
        self.left = MAX_COMPARED

    def mode(self, prefix: str, function: str, adjective: str) -> Iterator[str]:
        was, now = (it.component(f"{prefix}Input") for it in (self.old, self.new))
        if was is None:
            return
        if now is None:
            yield f"`{function}` was removed"
            return
        yield from self._inputs(was, now, f"{adjective}input")
        was, now = (it.component(f"{prefix}Output") or {} for it in (self.old, self.new))
        yield from self._output(was, now, f"{adjective}output")

    def _inputs(self, was: Schema, now: Schema, noun: str, depth: int = 0) -> Iterator[str]:
        """Compare two objects that a caller fills in."""
        before, after = mapping(was.get("properties")), mapping(now.get("properties"))
        for name, schema in before.items():
            if name not in after:
                yield f"{noun} `{name}` was removed"
                continue
            for reason in self.narrowings(schema, after[name], depth + 1):
                yield f"{noun} `{name}` {reason}"
        for name in _required(now):
            if name not in before:
                yield f"{noun} `{name}` is new and required"
            elif name not in _required(was):
                yield f"{noun} `{name}` is required now"

    def narrowings(self, was: Any, now: Any, depth: int = 0) -> list[str]:
        """Return why a value that was taken before may be refused now."""
        self.left -= 1
        if depth > MAX_DEPTH or self.left < 0:
            return []
        before, after = self.old.variants(was), self.new.variants(now)
        lost = [it for it in before if not any(_takes(by, it) for by in after)]
        if [kind(it) for it in lost] == ["null"]:
            return ["no longer takes null"]
        if lost:
            return [f"has another type: {self.old.text(was)} before, {self.new.text(now)} now"]
        return [reason for it in before for reason in self._least(it, after, depth)]

    def _least(self, was: Schema, after: list[Schema], depth: int) -> list[str]:
        """Return what the variant that suits best has against values of an old one."""
        able = [by for by in after if _takes(by, was)]
        found = [list(self._variant(was, by, depth)) for by in able]
        return min(found, key=len, default=[])

    def _variant(self, was: Schema, now: Schema, depth: int) -> Iterator[str]:
        yield from _choices(was, now)
        yield from _limits(was, now)
        if kind(was) == kind(now) == "array":
            for reason in self.narrowings(was.get("items"), now.get("items"), depth + 1):
                yield f"has items of which each {reason}"
        if kind(was) == kind(now) == "object" and "properties" in now:
            yield from (f"changed: {line}" for line in self._inputs(was, now, "field", depth))

    def _output(self, was: Any, now: Any, noun: str, depth: int = 0) -> Iterator[str]:
        self.left -= 1
        if self.left < 0:
            return
        before, after = self.old.resolved(was), self.new.resolved(now)
        kinds = (kind(before), kind(after))
        if kinds == ("object", "object") and "properties" in before and depth <= MAX_DEPTH:
            yield from self._fields(before, after, noun, depth)
        elif kinds == ("array", "array") and depth <= MAX_DEPTH:
            each = f"each item of the {noun}"
            yield from self._output(before.get("items"), after.get("items"), each, depth + 1)
        elif _Comparison(self.new, self.old).narrowings(now, was):
            yield f"{noun} is {self.new.text(now)} now, {self.old.text(was)} before"

    def _fields(self, before: Schema, after: Schema, noun: str, depth: int) -> Iterator[str]:
        fields = mapping(after.get("properties"))
        for name, schema in mapping(before.get("properties")).items():
            field = f"{noun} field `{name}`"
            if name not in fields:
                yield f"{field} was removed"
                continue
            yield from self._output(schema, fields[name], field, depth + 1)
            is_certain = [name in _required(it) for it in (before, after)]
            if is_certain == [True, False]:
                yield f"{field} may be missing now"


def _required(schema: Schema) -> list[str]:
    return [name for name in sequence(schema.get("required")) if isinstance(name, str)]


def _takes(now: Schema, was: Schema) -> bool:
    """Tell whether values of one variant are of another's type."""
    wanted, given = kind(now), kind(was)
    return wanted in ("any", given) or (wanted, given) == ("number", "integer")


def _choices(was: Schema, now: Schema) -> Iterator[str]:
    if "enum" not in now:
        return
    left = {json.dumps(choice) for choice in sequence(now["enum"])}
    if "enum" not in was:
        yield f"takes only these now: {', '.join(sorted(left))}"
        return
    lost = [text for choice in sequence(was["enum"]) if (text := json.dumps(choice)) not in left]
    if lost:
        noun = "choice" if len(lost) == 1 else "choices"
        yield f"lost the {noun} {', '.join(lost)}"


def _limits(was: Schema, now: Schema) -> Iterator[str]:
    for key, noun in {**LEAST, **MOST}.items():
        limit, before = _number(now.get(key)), _number(was.get(key))
        if limit is None or before == limit:
            continue
        is_narrower = before is None or (limit > before if key in LEAST else limit < before)
        if is_narrower:
            earlier = "none" if before is None else f"{before}"
            yield f"has another {noun}: {earlier} before, {limit} now"
    for key, noun in EXACT.items():
        if key in now and now[key] != was.get(key):
            yield f"has another {noun}: {was.get(key, 'none')} before, {now[key]} now"


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else None
