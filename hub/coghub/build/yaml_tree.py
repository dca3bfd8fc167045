"""YAML as a tree that keeps every scalar's source text, so that `3.10` is not read as 3.1.

The tree is built from the parser's events and not by PyYAML's own constructors: those recurse in C
without a limit, decide types by themselves, and overwrite a key that stands twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

MAX_BYTES = 1024**2
MAX_DEPTH = 64
MAX_NODES = 50_000
NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class YAMLInvalid(Exception):
    """A text that is no YAML, or hostile; the message is one line."""


@dataclass(slots=True, eq=False)
class Scalar:
    """A text, a number, a boolean or nothing: the reader of the field decides."""

    text: str
    is_plain: bool

    @property
    def is_null(self) -> bool:
        """Whether it stands for nothing."""
        return self.is_plain and self.text in NULLS


@dataclass(slots=True, eq=False)
class Sequence:
    """A list."""

    items: list["Node"] = field(default_factory=list)

    def add(self, node: "Node", line: int) -> None:
        """Append an item."""
        del line
        self.items.append(node)


@dataclass(slots=True, eq=False)
class Mapping:
    """Keys with values; `<<` is resolved."""

    entries: dict[str, "Node"] = field(default_factory=dict)
    merged: list["Node"] = field(default_factory=list)
    key: str | None = None
    lines: dict[str, int] = field(default_factory=dict)

    def add(self, node: "Node", line: int) -> None:
        """Take a key, or the value of the key before."""
        if self.key is None:
            self.key = self._new_key(node, line)
        elif self.key == "<<":
            self.merged.append(node)
            self.key = None
        else:
            self.entries[self.key] = node
            self.key = None

    def close(self) -> int:
        """Take over what `<<` names, own keys first, and return how many that were."""
        before = len(self.entries)
        for node in self.merged:
            for other in node.items if isinstance(node, Sequence) else [node]:
                if isinstance(other, Mapping):
                    self.entries = {**other.entries, **self.entries}
        return len(self.entries) - before

    def _new_key(self, node: "Node", line: int) -> str:
        if not isinstance(node, Scalar):
            raise YAMLInvalid(f"line {line}: a key must be a plain text")
        if node.text in self.lines:
            first = self.lines[node.text]
            raise YAMLInvalid(
                f'line {line}: mapping key "{node.text}" already defined at line {first}'
            )
        self.lines[node.text] = line
        return node.text


Node = Scalar | Sequence | Mapping


def json_of(node: Node | None) -> Any:
    """Return a tree as JSON values; every scalar that is not null stays a text.

    Raises:
        YAMLInvalid: if aliases make it grow beyond reason.
    """
    budget = iter(range(MAX_NODES))
    return _json(node, budget)


def _json(node: Node | None, budget: Iterator[int]) -> Any:
    if next(budget, None) is None:
        raise YAMLInvalid(f"more than {MAX_NODES} values")
    match node:
        case Scalar():
            return None if node.is_null else node.text
        case Sequence():
            return [_json(item, budget) for item in node.items]
        case Mapping():
            return {key: _json(value, budget) for key, value in node.entries.items()}
        case None:
            return None


class _Event(Protocol):
    """What PyYAML's events have, as far as it is used here."""

    anchor: str | None
    value: str
    implicit: tuple[bool, bool]
    start_mark: Any


def read_tree(content: bytes) -> Node | None:
    """Return the first document of the content, or None when it is empty.

    Raises:
        YAMLInvalid: if it is no YAML, nests too deep or is too large.
    """
    if len(content) > MAX_BYTES:
        raise YAMLInvalid(f"larger than {MAX_BYTES // 1024} KiB")
    builder = _Builder()
    for kind, event in _events(_decoded(content)):
        builder.take(kind, event)
        if kind == "DocumentEndEvent":
            break
    return builder.root


def _decoded(content: bytes) -> str:
    """Return the text; a byte order mark says which encoding it is."""
    encoding = "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise YAMLInvalid(
            f"not {encoding.removesuffix('-sig')} text at byte {error.start}"
        ) from error


def _events(text: str) -> Iterator[tuple[str, _Event]]:
    import yaml  # noqa: PLC0415 - half of the command's start, and many commands read no YAML

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            yield type(event).__name__, event
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise YAMLInvalid(f"{where}{error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise YAMLInvalid(" ".join(str(error).split())) from error


class _Builder:
    """Puts events together; has no recursion, so depth is a number and not a crash."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.open: list[Sequence | Mapping] = []
        self.anchors: dict[str, Node] = {}
        self.count = 0

    def take(self, kind: str, event: _Event) -> None:
        match kind:
            case "ScalarEvent":
                self._place(Scalar(event.value, is_plain=event.implicit[0]), event)
            case "SequenceStartEvent":
                self._enter(Sequence(), event)
            case "MappingStartEvent":
                self._enter(Mapping(), event)
            case "SequenceEndEvent" | "MappingEndEvent":
                self._leave()
            case "AliasEvent":
                self._place(self._aliased(event), event)
            case _:
                pass

    def _enter(self, node: Sequence | Mapping, event: _Event) -> None:
        self._place(node, event)
        self.open.append(node)
        if len(self.open) > MAX_DEPTH:
            raise YAMLInvalid(f"line {_line(event)}: nested deeper than {MAX_DEPTH} levels")

    def _leave(self) -> None:
        node = self.open.pop()
        if isinstance(node, Mapping):
            self._count(node.close())

    def _count(self, added: int) -> None:
        self.count += added
        if self.count > MAX_NODES:
            raise YAMLInvalid(f"more than {MAX_NODES} values")

    def _place(self, node: Node, event: _Event) -> None:
        self._count(1)
        if self.open:
            self.open[-1].add(node, _line(event))
        else:
            self.root = node
        if event.anchor:
            self.anchors[event.anchor] = node

    def _aliased(self, event: _Event) -> Node:
        name = event.anchor or ""
        node = self.anchors.get(name)
        if node is None:
            raise YAMLInvalid(f"line {_line(event)}: unknown anchor '{name}' referenced")
        if any(node is parent for parent in self.open):
            raise YAMLInvalid(f"line {_line(event)}: anchor '{name}' value contains itself")
        return node


def _line(event: _Event) -> int:
    return int(event.start_mark.line) + 1
