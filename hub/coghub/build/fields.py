"""Typed fields out of a YAML tree; a field of a wrong type is noted and read as absent."""

from dataclasses import dataclass, field

from coghub.build.yaml_tree import Mapping, Node, Scalar, Sequence

# As Go's YAML readers have it: these words are booleans only where a boolean is wanted.
BOOLEANS = {
    word: value
    for words, value in (("true yes on y", True), ("false no off n", False))
    for lower in words.split()
    for word in (lower, lower.capitalize(), lower.upper())
}


@dataclass(slots=True)
class Problems:
    """The mistakes found so far, one line each."""

    name: str
    """Of the file, for the message."""
    lines: list[str] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)
    """Fields that could not be read, about which nothing more need be said."""

    def mistype(self, path: str, wanted: str, *, is_shape: bool) -> None:
        """Note a wrong type; a wrong shape (a list for a text) is a fault of the YAML itself."""
        if path in self.fields:
            return
        prefix = f"failed to parse {self.name}: invalid YAML: " if is_shape else ""
        self.lines.append(f'{prefix}schema error in "{path}": must be a {wanted}')
        self.fields.add(path)

    def add(self, path: str, message: str, value: str | None = None) -> None:
        """Note a value that means nothing."""
        shown = f"{path}" if value is None else f'{path} "{value}"'
        self.lines.append(f"invalid {shown}: {message}")


@dataclass(slots=True)
class Section:
    """One mapping of the file; unknown keys are nobody's business."""

    node: Mapping
    path: str
    problems: Problems

    def place(self, name: str) -> str:
        """Return the full name of a field, such as "build.cuda"."""
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        """Tell whether the field is there and not null."""
        return self._value(name) is not None

    def text(self, name: str, wanted: str = "string") -> str | None:
        """Return the source text of a scalar."""
        node = self._value(name)
        if node is None or isinstance(node, Scalar):
            return None if node is None else node.text
        self.problems.mistype(self.place(name), wanted, is_shape=True)
        return None

    def boolean(self, name: str) -> bool:
        """Return a truth value; absent is false."""
        node = self._value(name)
        if node is None:
            return False
        if isinstance(node, Scalar) and node.is_plain and node.text in BOOLEANS:
            return BOOLEANS[node.text]
        self.problems.mistype(self.place(name), "boolean", is_shape=not isinstance(node, Scalar))
        return False

    def number(self, name: str) -> int | None:
        """Return a whole number."""
        node = self._value(name)
        if node is None:
            return None
        if isinstance(node, Scalar) and node.is_plain:
            try:
                return int(node.text)
            except ValueError:
                pass
        self.problems.mistype(self.place(name), "number", is_shape=not isinstance(node, Scalar))
        return None

    def section(self, name: str) -> "Section | None":
        """Return a mapping below this one."""
        node = self._value(name)
        if node is None:
            return None
        if not isinstance(node, Mapping):
            self.problems.mistype(self.place(name), "mapping", is_shape=True)
            return None
        return Section(node, self.place(name), self.problems)

    def items(self, name: str, wanted: str = "list") -> list[Node]:
        """Return the items of a list, nulls left out."""
        node = self._value(name)
        if node is None:
            return []
        if not isinstance(node, Sequence):
            self.problems.mistype(self.place(name), wanted, is_shape=True)
            return []
        return [item for item in node.items if not (isinstance(item, Scalar) and item.is_null)]

    def texts(self, name: str, wanted: str = "list") -> tuple[str, ...]:
        """Return a list of texts."""
        found: list[str] = []
        for position, item in enumerate(self.items(name, wanted)):
            if isinstance(item, Scalar):
                found.append(item.text)
            else:
                self.problems.mistype(f"{self.place(name)}.{position}", "string", is_shape=True)
        return tuple(found)

    def _value(self, name: str) -> Node | None:
        node = self.node.entries.get(name)
        return None if isinstance(node, Scalar) and node.is_null else node
