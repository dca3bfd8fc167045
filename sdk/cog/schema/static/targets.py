"""What stands left of an equals sign, or behind `del`: names, and parts of values."""

import ast
from types import FunctionType
from typing import Any

from cog.schema.static.libraries import Library
from cog.schema.static.machine import Machine
from cog.schema.static.scopes import Module, Scope, Undecided
from cog.schema.static.unknown import CannotTell, GivesUp, is_unknown, known


class Targets:
    """Gives values to targets."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
        """Give a value to what stands left of an equals sign; see `Machine`."""
        match target:
            case ast.Name(id=name):
                scope.bind(name, value)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                self._unpacked(targets, value, scope)
            case ast.Starred(value=inner):
                self.assign(inner, value, scope)
            case ast.Attribute() | ast.Subscript():
                self._put(target, value, scope)
            case _:
                raise Undecided(f"`{type(target).__name__}` is not assigned to")

    def delete(self, node: ast.Delete, scope: Scope) -> None:
        """Take names, and items of values, away."""
        for target in node.targets:
            if isinstance(target, ast.Name):
                scope.unbind(target.id)
            elif isinstance(target, ast.Subscript):
                self._delete_item(target, scope)
            elif isinstance(target, ast.Attribute):
                self._machine.poison(self._machine.evaluate(target.value, scope))

    def _delete_item(self, target: ast.Subscript, scope: Scope) -> None:
        owner = self._machine.evaluate(target.value, scope)
        index = self._machine.evaluate(target.slice, scope)
        try:
            del _changeable(owner)[known(index)]
        except (TypeError, ValueError, LookupError, CannotTell):
            self._machine.poison(owner)

    def _unpacked(self, targets: list[ast.expr], value: Any, scope: Scope) -> None:
        try:
            items = self._machine.iterate(value)
            starred = next((i for i, one in enumerate(targets) if isinstance(one, ast.Starred)), -1)
            if starred >= 0:
                after = len(targets) - starred - 1
                end = len(items) - after
                items = [*items[:starred], items[starred:end], *items[end:]]
            pairs = list(zip(targets, items, strict=True))
        except (CannotTell, ValueError, TypeError) as error:
            pairs = [
                (one, scope.unknown(one, f"it cannot be unpacked: {error}")) for one in targets
            ]
        for target, item in pairs:
            self.assign(target, item, scope)

    def _put(self, target: "ast.Attribute | ast.Subscript", value: Any, scope: Scope) -> None:
        """Change a part of a value."""
        owner = self._machine.evaluate(target.value, scope)
        if is_unknown(owner):
            if any(getattr(one, "attr", "") == "modules" for one in ast.walk(target)):
                raise GivesUp("`sys.modules` is changed", scope.place(target))
            self._machine.poison(value)
            self._machine.paths_moved |= owner.origin == "sys.path"
            return
        if isinstance(target, ast.Attribute):
            self._put_attribute(owner, target, value, scope)
            return
        index = self._machine.evaluate(target.slice, scope)
        try:
            _changeable(owner)[known(index)] = value
        except (TypeError, ValueError, LookupError, CannotTell):
            self._machine.poison(owner)

    def _put_attribute(self, owner: Any, target: ast.Attribute, value: Any, scope: Scope) -> None:
        if isinstance(owner, Module) and not target.attr.startswith("__"):
            vars(owner)[target.attr] = value
        elif self._is_class(owner) and not target.attr.startswith("__"):
            setattr(owner, target.attr, value)
        elif isinstance(owner, FunctionType):
            raise GivesUp("a function is changed", scope.place(target))
        else:
            is_path = isinstance(owner, Library) and target.attr == "path"
            self._machine.paths_moved |= is_path and owner.module_name == "sys"
            self._machine.poison(owner)
            self._machine.poison(value)

    def _is_class(self, owner: Any) -> bool:
        return type(owner) is type and owner in self._machine.classes


def _changeable(owner: Any) -> Any:
    """Return what has items that can be replaced.

    Raises:
        CannotTell: if it has none that are known.
    """
    if not isinstance(owner, (dict, list)):
        raise CannotTell("what is changed")
    return owner
