"""JSON as Go's encoder writes it, which is what scripts around `cog` have always read.

Keys are sorted, `<`, `>` and `&` are escaped, text stays UTF-8, and a float without a fraction
has no point: `1.0` prints as `1`. Integers of any size keep their digits, unlike in Go.

Source: Go's encoding/json, `MarshalIndent` with HTML escaping.
"""

import re
from collections.abc import Iterable
from typing import Any

_ESCAPED = re.compile(r'["\\<>&\x00-\x1f\u2028\u2029\ud800-\udfff]')
_SHORT = {
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}
_EXPONENT_FROM = 1e21
_EXPONENT_BELOW = 1e-6
"""Between these, Go writes a float without an exponent."""


def go_json(value: Any, *, depth: int = 0, sort_keys: bool = True) -> str:
    """Return a JSON value with 2-space indent, without a final newline.

    Args:
        value: what `json.loads` may return.
        depth: how deep the value stands in a larger text; its first line is not indented.
        sort_keys: False keeps the order of the outermost object.
    """
    if isinstance(value, dict):
        pairs = sorted(value.items()) if sort_keys else value.items()
        members = (f"{_text(key)}: {go_json(item, depth=depth + 1)}" for key, item in pairs)
        return _block("{}", members, depth)
    if isinstance(value, list):
        return _block("[]", (go_json(item, depth=depth + 1) for item in value), depth)
    return _scalar(value)


def _block(brackets: str, members: Iterable[str], depth: int) -> str:
    indent = "\n" + "  " * (depth + 1)
    body = ("," + indent).join(members)
    if not body:
        return brackets
    return f"{brackets[0]}{indent}{body}{indent[:-2]}{brackets[1]}"


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    return _text(value) if isinstance(value, str) else str(value)


def _number(value: float) -> str:
    digits = repr(value)
    magnitude = abs(value)
    if magnitude and not _EXPONENT_BELOW <= magnitude < _EXPONENT_FROM:
        return re.sub(r"e([+-])0", r"e\1", digits)
    if "e" in digits:
        digits = _without_exponent(digits)
    return digits.removesuffix(".0")


def _without_exponent(digits: str) -> str:
    mantissa, _, exponent = digits.partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    power = int(exponent)
    if power < 0:
        return f"{sign}0.{'0' * (-power - len(whole))}{whole}{fraction}"
    return f"{sign}{whole}{fraction.ljust(power, '0')}"


def _text(value: str) -> str:
    return f'"{_ESCAPED.sub(_escape, value)}"'


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    if "\ud800" <= character <= "\udfff":
        return "\\ufffd"
    return _SHORT.get(character) or f"\\u{ord(character):04x}"
