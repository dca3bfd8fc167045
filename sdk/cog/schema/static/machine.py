"""The seam between the parts of the interpreter, so that each is a module of its own."""

import ast
from collections.abc import Sequence
from types import FunctionType
from typing import Any, Protocol

from cog.schema.static.limits import Budget
from cog.schema.static.scopes import Module, Scope, Written


class Machine(Protocol):
    """What walks through the source."""

    budget: Budget
    functions: dict[FunctionType, Written]
    """Those of the project, by what stands for them."""
    classes: dict[type, Module]
    """Those of the project, each with the module that it was made in."""
    paths_moved: bool
    """The source changes where Python looks for modules first, in a way that is not known."""
    first_folders: list[str]
    """Where it has Python look for modules before the project's root, the first one first."""
    here: Module
    """The one that is being walked through."""

    def evaluate(self, node: ast.expr, scope: Scope) -> Any:
        """Return the value of an expression, an `Unknown` where it is not known."""
        ...

    def execute(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        """Go through statements.

        Raises:
            Undecided: if it is not known which one comes next.
        """
        ...

    def assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
        """Give a value to what stands left of an equals sign."""
        ...

    def attribute(self, owner: Any, name: str) -> Any:
        """Return an attribute.

        Raises:
            CannotTell: if it is not known.
        """
        ...

    def call(self, function: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        """Return what a call gives.

        Raises:
            CannotTell: if that is not known; what the call may have changed is not known then.
        """
        ...

    def define(self, node: ast.stmt, scope: Scope) -> Any:
        """Return what stands for a function or a class, with its decorators."""
        ...

    def annotation(self, node: ast.expr, scope: Scope) -> Any:
        """Return an annotation; text where it is evaluated later."""
        ...

    def import_names(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        """Bind what an import binds."""
        ...

    def iterate(self, value: Any) -> list[Any]:
        """Return the items of a value, in an order that is the same at every start.

        Raises:
            CannotTell: if there is no such order.
        """
        ...

    def poison(self, value: Any) -> None:
        """Make a value that can be changed, and what it holds, unknown from now on."""
        ...

    def spoil(self, node: ast.AST, scope: Scope) -> None:
        """Make unknown what the calls and assignments in a node may change."""
        ...

    def spoil_function(self, function: Any) -> None:
        """Make unknown what a call of a function or class may change."""
        ...
