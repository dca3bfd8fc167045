"""Where names are: in modules, classes and functions that are walked through."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NamedTuple

from cog.schema.static.libraries import built_in
from cog.schema.static.unknown import CannotTell, Place, Unknown


class Module(ModuleType):
    """A stand-in for a module of the project: its names, as far as they are known.

    What is not a name of the project's begins with two underscores.
    """

    def __init__(self, name: str, file: str, *, package: str = "", path: str | None = None) -> None:
        super().__init__(name)
        self.__coghub_state__ = State(file, package, path, vars(self))


@dataclass
class State:
    """What else is known of a module."""

    file: str
    """Relative to the project's root."""
    package: str
    """What relative imports in it begin at; empty outside of a package."""
    path: str | None
    """The folder of a package, relative to the root."""
    names: dict[str, Any]
    is_open: bool = False
    """It may have names, and other values of its names, that are not known."""
    has_late_annotations: bool = False
    """It says `from __future__ import annotations`."""


def with_names(state: State, names: dict[str, Any]) -> Module:
    """Return a module of other names that stands where another does."""
    module = Module(str(names.get("__name__", "")), state.file)
    vars(module).update(names)
    module.__coghub_state__ = state
    return module


def state_of(module: Module) -> State:
    """Return what is known of a module beside its names."""
    return module.__coghub_state__


COMPREHENSION = "<comprehension>"


@dataclass
class Scope:
    """The names of a module, a class body, or one call of a function."""

    module: Module
    names: dict[str, Any]
    outer: "Scope | None" = None
    """The function or class around it; None in a module."""
    qualified_name: str = ""
    """Followed by a dot, as a prefix; empty in a module."""
    owner_name: str = ""
    """Of a class body: the class."""
    annotations: dict[str, Any] | None = None
    """Of a class body."""
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)

    @property
    def is_comprehension(self) -> bool:
        """Whether it is the inside of a comprehension: `:=` binds around it."""
        return self.qualified_name.endswith(f"{COMPREHENSION}.<locals>.")

    @property
    def is_class(self) -> bool:
        """Whether it is a class body: functions in it do not see its names."""
        return self.annotations is not None

    def find(self, name: str) -> Any:
        """Return what a name means here.

        Raises:
            KeyError: if it certainly means nothing.
        """
        for names in self._reached():
            if name in names:
                return names[name]
        if state_of(self.module).is_open:
            return Unknown(f"`{name}` may come from an import that is not known")
        return built_in(name)

    def has(self, name: str) -> bool:
        """Tell whether a name may mean something here."""
        try:
            self.find(name)
        except KeyError:
            return False
        return True

    def bind(self, name: str, value: Any) -> None:
        """Give a name a value, where an assignment here does."""
        if name in self.globals:
            vars(self.module)[name] = value
            return
        if name in self.nonlocals:
            for outer in self._functions():
                if name in outer.names:
                    outer.names[name] = value
                    return
        self.names[name] = value

    def unbind(self, name: str) -> None:
        """Take a name away."""
        target = vars(self.module) if name in self.globals else self.names
        target.pop(name, None)

    def place(self, node: ast.AST) -> Place:
        """Return where a node stands."""
        return Place(state_of(self.module).file, getattr(node, "lineno", 0))

    def unknown(self, node: ast.AST, what: str) -> Unknown:
        """Return the value of a node that is not known."""
        return Unknown(what, self.place(node))

    def inner(self, name: str, names: dict[str, Any] | None = None) -> "Scope":
        """Return the scope of a call of a function that was defined here, or a comprehension."""
        prefix = f"{self.qualified_name}{name}.<locals>."
        return Scope(self.module, {} if names is None else names, self, prefix)

    def class_body(self, name: str) -> "Scope":
        """Return the scope of a class that is defined here."""
        prefix = f"{self.qualified_name}{name}."
        return Scope(self.module, {}, self, prefix, owner_name=name, annotations={})

    def _functions(self) -> Iterator["Scope"]:
        outer = self.outer
        while outer is not None:
            if not outer.is_class and outer.outer is not None:
                yield outer
            outer = outer.outer

    def _reached(self) -> Iterator[dict[str, Any]]:
        yield self.names
        yield from (outer.names for outer in self._functions())
        yield vars(self.module)


def scope_of(module: Module) -> Scope:
    """Return the scope of a module's own names."""
    return Scope(module, vars(module))


class Written(NamedTuple):
    """A function as the source has it."""

    node: "ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda"
    scope: Scope
    """Where it was defined."""


class Undecided(CannotTell):
    """It is not known which statement comes next."""
