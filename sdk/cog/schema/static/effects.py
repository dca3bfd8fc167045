"""What code that cannot be followed may change: the values that it mentions, and those of others.

A list or dict that such code is given, or reaches by a name, is unknown from then on, under every
name that it has. Of the functions that it calls, the same holds for what they mention.
"""

import ast
from collections import deque
from collections.abc import Iterator
from types import FunctionType, MethodType
from typing import Any

from cog.schema.static.libraries import Library, may_be_called
from cog.schema.static.machine import Machine
from cog.schema.static.methods import is_pure
from cog.schema.static.scopes import Module, Scope, state_of
from cog.schema.static.unknown import GivesUp, Unknown, is_unknown

_CHANGEABLE = (list, dict, set, deque)
_NAMESPACES = {"__import__", "eval", "exec", "globals", "locals", "vars", "setattr", "delattr"}
"""Whoever calls them may bind any name."""


class Effects:
    """Makes values unknown."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._poisoned: dict[int, Any] = {}
        """By identity; kept, so that no other value gets the same."""

    def is_poisoned(self, value: Any) -> bool:
        """Tell whether a value may have been changed."""
        return id(value) in self._poisoned

    def poison(self, value: Any) -> None:
        """Make a value, and what it holds, unknown; see `Machine`."""
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if id(one) in self._poisoned or not self._may_change(one):
                continue
            self._poisoned[id(one)] = one
            if isinstance(one, dict):
                waiting.extend(one.values())
            elif isinstance(one, (list, tuple, deque)):
                waiting.extend(one)
            elif not isinstance(one, (set, type)):
                waiting.extend(vars(one).values() if hasattr(one, "__dict__") else ())

    def spoil(self, node: ast.AST, scope: Scope) -> None:
        """Make unknown what a node may change; see `Machine`."""
        self._spoil([node], scope, set(), local=frozenset())

    def spoil_function(self, function: Any) -> None:
        """Make unknown what a call may change; see `Machine`."""
        self._follow(function, set())

    def _may_change(self, value: Any) -> bool:
        if isinstance(value, type):
            return value in self._machine.classes
        return isinstance(value, (*_CHANGEABLE, tuple)) or type(value) in self._machine.classes

    def _spoil(
        self, nodes: list[Any], scope: Scope, seen: set[int], *, local: frozenset[str]
    ) -> None:
        for node in (inner for outer in nodes for inner in ast.walk(outer)):
            self._machine.budget.step()
            if isinstance(node, ast.Call):
                self._spoil_call(node, scope, seen, local)
            elif isinstance(node, (ast.Subscript, ast.Attribute)):
                if not isinstance(node.ctx, ast.Load):
                    self._spoil_name(node.value, scope, local)
            elif isinstance(node, ast.AugAssign):
                self._spoil_name(node.target, scope, local)

    def _spoil_call(
        self, node: ast.Call, scope: Scope, seen: set[int], local: frozenset[str]
    ) -> None:
        if self._is_harmless(node, scope, local):
            return
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            value = self._look_up(argument, scope, local)
            if isinstance(value, type):
                self.poison(value)
        for inner in ast.walk(node):
            if isinstance(inner, (ast.Name, ast.Attribute)):
                value = self._look_up(inner, scope, local)
                if not isinstance(value, type):
                    self.poison(value)
                self._follow(value, seen)

    def _is_harmless(self, node: ast.Call, scope: Scope, local: frozenset[str]) -> bool:
        if isinstance(node.func, ast.Attribute) and is_pure(node.func.attr):
            owner = self._look_up(node.func.value, scope, local)
            return owner is not None and not is_unknown(owner) and not isinstance(owner, Module)
        function = self._look_up(node.func, scope, local)
        if is_unknown(function):
            name = function.origin.removeprefix("builtins.")
            if name in _NAMESPACES:
                raise GivesUp(f"`{name}` may change any name", scope.place(node))
            self._note_paths(node, function.origin)
            return function.origin in {"builtins.print", "builtins.open"}
        return function is not None and may_be_called(function)

    def _note_paths(self, node: ast.Call, origin: str) -> None:
        """Note a change of `sys.path` after which a file here may not be what is found first."""
        if not origin.startswith("sys.path.") or origin.endswith((".append", ".extend")):
            return
        match node.args:
            case [ast.Constant(value=0), ast.Constant(value=str(folder))] if "~" not in folder:
                self._machine.first_folders.insert(0, folder)
            case _:
                self._machine.paths_moved = True

    def _follow(self, function: Any, seen: set[int]) -> None:
        """Make unknown what the body of a function, or of a class's functions, may change."""
        if id(function) in seen:
            return
        seen.add(id(function))
        if isinstance(function, type) and function in self._machine.classes:
            for value in list(vars(function).values()):
                self._follow(value, seen)
            return
        function = getattr(function, "__func__", function) if _is_bound(function) else function
        written = isinstance(function, FunctionType) and self._machine.functions.get(function)
        if not written:
            return
        body = written.node.body if isinstance(written.node.body, list) else [written.node.body]
        outside = set(_declared(body))
        for name in outside:
            vars(written.scope.module)[name] = Unknown(f"`{name}` is bound in a function")
        local = frozenset(_stored(written.node, body)) - outside
        self._spoil(body, written.scope, seen, local=local)

    def _spoil_name(self, node: ast.expr, scope: Scope, local: frozenset[str]) -> None:
        while isinstance(node, (ast.Subscript, ast.Attribute)):
            self.poison(self._look_up(node, scope, local))
            node = node.value
        self.poison(self._look_up(node, scope, local))

    def _look_up(self, node: ast.expr, scope: Scope, local: frozenset[str]) -> Any:
        """Return what a name, or a name in a module or class, stands for; None if for nothing."""
        match node:
            case ast.Name(id=name) if name not in local:
                return scope.find(name) if scope.has(name) else None
            case ast.Starred(value=inner):
                return self._look_up(inner, scope, local)
            case ast.Attribute(value=inner, attr=name):
                return self._member(self._look_up(inner, scope, local), name)
            case _:
                return None

    def _member(self, owner: Any, name: str) -> Any:
        if is_unknown(owner):
            return Unknown(owner.what, owner.place, f"{owner.origin}.{name}")
        if isinstance(owner, Library):
            return None if name.startswith("__") else getattr(owner, name)
        is_class = isinstance(owner, type) and owner in self._machine.classes
        return vars(owner).get(name) if is_class or isinstance(owner, Module) else None


def _is_bound(function: Any) -> bool:
    return isinstance(function, (staticmethod, classmethod, MethodType))


def _declared(body: list[Any]) -> Iterator[str]:
    for node in (inner for outer in body for inner in ast.walk(outer)):
        if isinstance(node, ast.Global):
            yield from node.names


def _stored(function: Any, body: list[Any]) -> Iterator[str]:
    for node in ast.walk(function.args):
        if isinstance(node, ast.arg):
            yield node.arg
    for node in (inner for outer in body for inner in ast.walk(outer)):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id


def opened(module: Module) -> None:
    """Make a module one whose names may be any."""
    names = vars(module)
    for name in [name for name in names if not name.startswith("__")]:
        names[name] = Unknown(f"`{name}` may come from an import that is not known")
    state_of(module).is_open = True
