"""YAML as JSON values and back: plain scalars have the types of YAML 1.2, and text reads back.

Reading is strict about nothing: what looks like no number, no boolean and no null is a text, as it
stands. Writing quotes whatever another reader might take for something else.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from coghub.build.yaml_tree import MAX_NODES, Mapping, Node, Scalar, Sequence, YAMLInvalid

MAX_DIGITS = 4000
"""Python refuses to read longer integers, to be safe from quadratic time."""
WORDS = {
    word: value
    for value, words in {True: "true True TRUE", False: "false False FALSE"}.items()
    for word in words.split()
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SAFE = re.compile(r"[A-Za-z](?:[A-Za-z0-9_./ -]*[A-Za-z0-9_./])?", re.ASCII)
"""Needs no quotes: no sign of YAML's in it, and no blank at its end."""
_AMBIGUOUS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
"""What JSON leaves in a text, and YAML does not take there, or not as it is."""


def value_of(node: Node | None) -> Any:
    """Return a tree as JSON values.

    Raises:
        YAMLInvalid: if aliases make it grow beyond reason.
    """
    return _value(node, iter(range(MAX_NODES)))


def yaml_of(value: Any, indent: str = "") -> str:
    """Return a JSON value as lines of YAML, each behind the indent, the last one ended.

    Args:
        value: a list or an object with something in it.
        indent: what each line begins with.
    """
    return "".join(f"{indent}{line}\n" for line in _lines(value))


def flow_of(value: Any) -> str:
    """Return a JSON value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(str(k))}: {flow_of(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow_of, value)) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _value(node: Node | None, budget: Iterator[int]) -> Any:
    if next(budget, None) is None:
        raise YAMLInvalid(f"more than {MAX_NODES} values")
    match node:
        case Scalar():
            return _scalar(node)
        case Sequence():
            return [_value(item, budget) for item in node.items]
        case Mapping():
            return {key: _value(value, budget) for key, value in node.entries.items()}
        case None:
            return None


def _scalar(node: Scalar) -> Any:
    if node.is_null:
        return None
    if not node.is_plain:
        return node.text
    return WORDS[node.text] if node.text in WORDS else _number(node.text)


def _number(text: str) -> int | float | str:
    """Return the number that a text is; one that JSON cannot have stays a text."""
    if _INTEGER.fullmatch(text) and len(text) <= MAX_DIGITS:
        return int(text)
    value = float(text) if _FLOAT.fullmatch(text) else float("inf")
    return value if abs(value) != float("inf") else text


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _member(f"{_text(str(key))}:", item, is_key=True)
    elif isinstance(value, list) and value:
        for item in value:
            yield from _member("-", item, is_key=False)
    else:
        yield flow_of(value)


def _member(head: str, item: Any, *, is_key: bool) -> Iterator[str]:
    """Yield an entry: a container stands below its key, and beside the dash of a list."""
    if not (isinstance(item, (dict, list)) and item):
        yield f"{head} {flow_of(item)}"
        return
    lines = _lines(item)
    yield head if is_key else f"{head} {next(lines)}"
    yield from (f"  {line}" for line in lines)


def _text(text: str) -> str:
    if _SAFE.fullmatch(text) and text.lower() not in _AMBIGUOUS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
