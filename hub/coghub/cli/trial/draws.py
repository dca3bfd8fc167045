"""Inputs drawn from a model's schema: its edges, its choices, and what does not belong there.

Equal seeds draw equal inputs. One input in four is spoiled: of a wrong type, out of its range, or
left out though it is required.
"""

import base64
import random
from collections.abc import Callable, Mapping
from typing import Any

from coghub.cli.input_schema import InputSchema, Schema, is_file

SPOILED_IN = 4
MAX_DEPTH = 3
"""Of lists and objects inside each other."""
HUGE_CHARACTERS = 100_000
LARGEST = 2**31
TEXTS = (
    "",
    " ",
    "a",
    "Hello, world",
    "0",
    "-1.5",
    "null",
    "two\nlines\r\n\ttab",
    "naïve café “quotes”",
    "日本語のテキスト",
    "مرحبا بالعالم",
    "👩‍👩‍👧 🏳️‍🌈 e\u0301",
    "\u0000\u0001\u001b[31m",
    "<script>alert(1)</script> & {{ x }} %s %n ${HOME} `id`",
    "../../etc/passwd",
    '{"json": [1, 2]}',
    "\u202eright to left",
)
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
FILES = (
    ("image/png", PIXEL),
    ("image/png", PIXEL[:40]),
    ("text/plain", b"plain text\n"),
    ("application/octet-stream", b""),
    ("application/octet-stream", bytes(range(256))),
)
STRANGE: tuple[Any, ...] = ("text", 7, -1.5, True, [], ["a", 1], {}, {"a": {"b": []}}, None)
"""Of every type; most of them are wrong somewhere."""


def drawn(schema: InputSchema, seed: str) -> dict[str, Any]:
    """Return inputs: all that is required, some of what is not, and now and then a wrong one."""
    draw = _Draw(random.Random(seed))  # noqa: S311 - drawn again by its seed, and no secret
    required = schema.required
    values: dict[str, Any] = {}
    for name, rules in schema.properties.items():
        if name in required or draw.is_chosen():
            values[name] = draw.value(rules)
    if draw.random.randrange(SPOILED_IN) == 0 and schema.properties:
        draw.spoil(values, schema)
    return values


class _Draw:
    def __init__(self, source: random.Random) -> None:
        self.random = source

    def is_chosen(self) -> bool:
        return self.random.random() < 1 / 2

    def value(self, rules: Schema, depth: int = 0) -> Any:
        """Return a value that fits, as far as the schema's pattern can be met by luck."""
        if rules.get("enum"):
            return self.random.choice(list(rules["enum"]))
        if rules.get("nullable") and self.random.random() < 1 / SPOILED_IN:
            return None
        variants = rules.get("anyOf") or rules.get("oneOf")
        if variants:
            return self.value(self.random.choice(list(variants)), depth)
        make = self._makers.get(str(rules.get("type")))
        return make(rules, depth) if make else self.random.choice(STRANGE)

    def spoil(self, values: dict[str, Any], schema: InputSchema) -> None:
        """Make one input wrong, or most likely so: the judge is the schema."""
        name = self.random.choice(list(schema.properties))
        way = self.random.randrange(3)
        if way == 0:
            values.pop(name, None)
        elif way == 1:
            values[name] = self.random.choice(STRANGE)
        else:
            values[name] = self._beyond(schema.properties[name])

    @property
    def _makers(self) -> Mapping[str, Callable[[Schema, int], Any]]:
        return {
            "string": self._text,
            "integer": self._integer,
            "number": self._number,
            "boolean": lambda _rules, _depth: self.is_chosen(),
            "array": self._list,
            "object": self._object,
            "null": lambda _rules, _depth: None,
        }

    def _text(self, rules: Schema, _depth: int) -> str:
        if is_file(rules):
            kind, content = self.random.choice(FILES)
            return f"data:{kind};base64,{base64.b64encode(content).decode()}"
        if "pattern" in rules and isinstance(rules.get("default"), str):
            return rules["default"]
        least, most = rules.get("minLength", 0), rules.get("maxLength", HUGE_CHARACTERS)
        longest = "x" * min(most, HUGE_CHARACTERS)
        text = self.random.choice([*TEXTS, longest])[:most]
        return text + "x" * (least - len(text))

    def _integer(self, rules: Schema, _depth: int) -> int:
        low, high = map(int, _range(rules, 1))
        edges = [low, high, low + 1, high - 1, 0, 1, -1, self.random.randint(low, high)]
        return self.random.choice([it for it in edges if low <= it <= high])

    def _number(self, rules: Schema, _depth: int) -> float:
        low, high = _range(rules, 0)
        between = self.random.uniform(low, high)
        edges = [low, high, 0, 0.5, 1e-9, between, round(between, 2)]
        inside = [it for it in edges if low <= it <= high and it not in _excluded(rules)]
        return self.random.choice(inside or [between])

    def _list(self, rules: Schema, depth: int) -> list[Any]:
        least = rules.get("minItems", 0)
        most = min(rules.get("maxItems", least + 3), least + 3)
        count = 0 if depth > MAX_DEPTH else self.random.randint(least, max(least, most))
        return [self.value(rules.get("items", {}), depth + 1) for _ in range(count)]

    def _object(self, rules: Schema, depth: int) -> dict[str, Any]:
        known, required = rules.get("properties", {}), rules.get("required", [])
        values = {
            name: self.value(rule, depth + 1)
            for name, rule in known.items()
            if name in required or (self.is_chosen() and depth <= MAX_DEPTH)
        }
        others = rules.get("additionalProperties")
        if not known and depth <= MAX_DEPTH and self.is_chosen():
            values["key"] = self.value(others if isinstance(others, Mapping) else {}, depth + 1)
        return values

    def _beyond(self, rules: Schema) -> Any:
        """Return what lies just outside of a limit, or a value that is no choice."""
        beyond: list[Any] = ["no such choice"] if rules.get("enum") else []
        if "minimum" in rules:
            beyond.append(rules["minimum"] - 1)
        if "maximum" in rules:
            beyond.append(rules["maximum"] + 1)
        if rules.get("minLength"):
            beyond.append("x" * (rules["minLength"] - 1))
        if "maxLength" in rules:
            beyond.append("x" * (rules["maxLength"] + 1))
        return self.random.choice(beyond or list(STRANGE))


def _range(rules: Schema, step: int) -> tuple[Any, Any]:
    """Return the smallest and largest value; a step away from what is excluded itself."""
    low = rules.get("minimum", rules.get("exclusiveMinimum", -LARGEST) + step)
    high = rules.get("maximum", rules.get("exclusiveMaximum", LARGEST) - step)
    return low, max(low, high)


def _excluded(rules: Schema) -> tuple[Any, ...]:
    return tuple(rules[key] for key in ("exclusiveMinimum", "exclusiveMaximum") if key in rules)
