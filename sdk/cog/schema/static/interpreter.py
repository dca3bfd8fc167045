"""The interpreter: what walks through a project's source, made of its parts."""

import ast
from collections.abc import Sequence
from pathlib import Path
from types import (
    BuiltinMethodType,
    FunctionType,
    MethodDescriptorType,
    MethodWrapperType,
    WrapperDescriptorType,
)
from typing import Any

from cog.schema.static import methods
from cog.schema.static.calls import Calls
from cog.schema.static.definitions import Definitions
from cog.schema.static.effects import Effects
from cog.schema.static.expressions import Expressions
from cog.schema.static.imports import Imports
from cog.schema.static.libraries import Library
from cog.schema.static.limits import Budget
from cog.schema.static.machine import Machine
from cog.schema.static.scopes import Module, Scope, Written
from cog.schema.static.statements import Statements
from cog.schema.static.unknown import CannotTell, Unknown

_OF_PYTHON = (
    BuiltinMethodType,
    MethodDescriptorType,
    MethodWrapperType,
    WrapperDescriptorType,
)
_READ_OF_CLASSES = {"__doc__", "__members__", "__name__"}


class Interpreter(Machine):
    """Walks through the files of one project, each once."""

    def __init__(self, root: Path) -> None:
        self.budget = Budget()
        self.functions: dict[FunctionType, Written] = {}
        self.classes: dict[type, Module] = {}
        self.here = Module("", "")
        self.paths_moved = False
        self.first_folders: list[str] = []
        self.effects = Effects(self)
        self.imports = Imports(self, root, self._count_unknown)
        self._expressions = Expressions(self)
        self._calls = Calls(self)
        self._definitions = Definitions(self)
        self._statements = Statements(self, lambda: self._expressions.unknowns)

    def evaluate(self, node: ast.expr, scope: Scope) -> Any:
        """Return the value of an expression; see `Machine`."""
        value = self._expressions.evaluate(node, scope)
        if self.effects.is_poisoned(value):
            self._count_unknown()
            return Unknown("it may have been changed by code that is not known", scope.place(node))
        return value

    def execute(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        """Go through statements; see `Machine`."""
        self._statements.execute(statements, scope)

    def assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
        """Give a value to a target; see `Machine`."""
        self._statements.assign(target, value, scope)

    def attribute(self, owner: Any, name: str) -> Any:
        """Return an attribute; see `Machine`."""
        if isinstance(owner, Library):
            return getattr(owner, name)
        if isinstance(owner, Module):
            return self.imports.attribute(owner, name)
        is_class = isinstance(owner, type) and owner in self.classes
        if not is_class and type(owner) not in self.classes:
            return methods.attribute(owner, name)
        if name.startswith("__") and not (is_class and name in _READ_OF_CLASSES):
            raise CannotTell(f"the attribute `{name}`")
        value = getattr(owner, name)
        return methods.attribute(owner, name) if isinstance(value, _OF_PYTHON) else value

    def call(self, function: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        """Return what a call gives; see `Machine`."""
        return self._calls.call(function, arguments, keywords)

    def define(self, node: ast.stmt, scope: Scope) -> Any:
        """Return what a definition binds; see `Machine`."""
        return self._definitions.define(node, scope)

    def annotation(self, node: ast.expr, scope: Scope) -> Any:
        """Return an annotation; see `Machine`."""
        return self._definitions.annotation(node, scope)

    def import_names(self, node: "ast.Import | ast.ImportFrom", scope: Scope) -> None:
        """Bind what an import binds; see `Machine`."""
        self.imports.import_names(node, scope)

    def iterate(self, value: Any) -> list[Any]:
        """Return the items of a value; see `Machine`."""
        return self._calls.iterate(value)

    def poison(self, value: Any) -> None:
        """Make a value unknown; see `Machine`."""
        self.effects.poison(value)

    def spoil(self, node: ast.AST, scope: Scope) -> None:
        """Make unknown what a node may change; see `Machine`."""
        self.effects.spoil(node, scope)

    def spoil_function(self, function: Any) -> None:
        """Make unknown what a call may change; see `Machine`."""
        self.effects.spoil_function(function)

    def _count_unknown(self) -> None:
        self._expressions.unknowns += 1
