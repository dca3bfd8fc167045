"""What statements do: names get values, and values change, in the order of the source."""

import ast
from collections.abc import Callable, Sequence
from typing import Any

from cog.schema.static import operators
from cog.schema.static.limits import TooMuch
from cog.schema.static.machine import Machine
from cog.schema.static.scopes import Scope, Undecided
from cog.schema.static.stubs import own_nodes
from cog.schema.static.targets import Targets
from cog.schema.static.unknown import CannotTell, GivesUp, Unknown, is_unknown, known


class Broke(Exception):
    """A `break`."""


class Continued(Exception):
    """A `continue`."""


class Returned(Exception):
    """A `return`, with its value."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


_JUMPS = (ast.Return, ast.Break, ast.Continue)


class Statements:
    """Goes through statements; those that it cannot follow make unknown what they may change."""

    def __init__(self, machine: Machine, count_unknowns: Callable[[], int]) -> None:
        targets = self._targets = Targets(machine)
        self._machine = machine
        self._count_unknowns = count_unknowns
        self._known: dict[str, Callable[[Any, Scope], None]] = {
            "Expr": lambda node, scope: self._value(node.value, scope),
            "Assign": self._assigned,
            "AnnAssign": self._annotated,
            "AugAssign": self._changed,
            "Import": machine.import_names,
            "ImportFrom": machine.import_names,
            "FunctionDef": self._defined,
            "AsyncFunctionDef": self._defined,
            "ClassDef": self._defined,
            "If": self._branched,
            "For": self._repeated,
            "While": self._while,
            "With": self._with,
            "Try": self._tried,
            "Delete": targets.delete,
            "Global": lambda node, scope: scope.globals.update(node.names),
            "Nonlocal": lambda node, scope: scope.nonlocals.update(node.names),
            "Pass": lambda _node, _scope: None,
            "Assert": lambda _node, _scope: None,
            "Return": self._returned,
            "Break": self._broke,
            "Continue": self._continued,
            "Raise": self._raised,
        }

    def execute(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        """Go through statements; see `Machine`."""
        for node in statements:
            self._machine.budget.step()
            known = self._known.get(type(node).__name__)
            if known is None:
                self.blur(node, scope, f"`{type(node).__name__}` is not read")
            else:
                known(node, scope)

    def assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
        """Give a value to a target; see `Machine`."""
        self._targets.assign(target, value, scope)

    def blur(self, node: ast.AST, scope: Scope, what: str) -> None:
        """Make unknown what a statement may bind or change.

        Raises:
            Undecided: if it may end the loop or function that it is in.
        """
        nodes = list(own_nodes([node]))
        for one in nodes:
            for name in _bound(one):
                scope.bind(name, Unknown(f"`{name}`: {what}", scope.place(one)))
        self._machine.spoil(node, scope)
        inside_loops = {id(inner) for one in nodes if _is_loop(one) for inner in ast.walk(one)}
        if any(isinstance(one, ast.ImportFrom) and one.names[0].name == "*" for one in nodes):
            raise GivesUp("an import of `*` may or may not happen", scope.place(node))
        for one in nodes:
            is_own = isinstance(one, ast.Return) or id(one) not in inside_loops
            if isinstance(one, _JUMPS) and is_own:
                raise Undecided(what, scope.place(one))

    def _value(self, node: ast.expr, scope: Scope) -> None:
        self._machine.evaluate(node, scope)

    def _assigned(self, node: ast.Assign, scope: Scope) -> None:
        value = self._machine.evaluate(node.value, scope)
        for target in node.targets:
            self.assign(target, value, scope)

    def _annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            self.assign(node.target, self._machine.evaluate(node.value, scope), scope)
        if scope.annotations is not None and isinstance(node.target, ast.Name):
            annotation = self._machine.annotation(node.annotation, scope)
            scope.annotations[node.target.id] = annotation

    def _changed(self, node: ast.AugAssign, scope: Scope) -> None:
        before = self._machine.evaluate(_loaded(node.target), scope)
        added = self._machine.evaluate(node.value, scope)
        try:
            value = operators.binary(node.op, known(before), known(added), in_place=True)
            self._machine.budget.count(value)
        except GivesUp:
            raise
        except (CannotTell, TooMuch, TypeError, ValueError, ArithmeticError) as error:
            self._machine.poison(before)
            value = scope.unknown(node, f"a value is changed by one that is not known: {error}")
        self.assign(node.target, value, scope)

    def _defined(self, node: Any, scope: Scope) -> None:
        scope.bind(node.name, self._machine.define(node, scope))

    def _branched(self, node: ast.If, scope: Scope) -> None:
        test = self._machine.evaluate(node.test, scope)
        if is_unknown(test):
            self.blur(node, scope, test.what)
        else:
            self.execute(node.body if test else node.orelse, scope)

    def _repeated(self, node: ast.For, scope: Scope) -> None:
        try:
            items = self._machine.iterate(self._machine.evaluate(node.iter, scope))
            for item in items:
                self._machine.budget.step()
                self.assign(node.target, item, scope)
                if not self._once(node.body, scope):
                    return
        except GivesUp:
            raise
        except CannotTell as reason:
            self.blur(node, scope, reason.what)
            return
        except TypeError:
            self.blur(node, scope, "it cannot be iterated")
            return
        self.execute(node.orelse, scope)

    def _while(self, node: ast.While, scope: Scope) -> None:
        while True:
            self._machine.budget.step()
            test = self._machine.evaluate(node.test, scope)
            if is_unknown(test):
                self.blur(node, scope, test.what)
                return
            if not test:
                break
            try:
                if not self._once(node.body, scope):
                    return
            except Undecided as reason:
                self.blur(node, scope, reason.what)
                return
        self.execute(node.orelse, scope)

    def _once(self, body: list[ast.stmt], scope: Scope) -> bool:
        """Go through a loop's body; tell whether the loop goes on."""
        try:
            self.execute(body, scope)
        except Broke:
            return False
        except Continued:
            pass
        return True

    def _with(self, node: ast.With, scope: Scope) -> None:
        for item in node.items:
            self._machine.evaluate(item.context_expr, scope)
            if item.optional_vars is not None:
                what = "what `with` gives is not known"
                self.assign(item.optional_vars, scope.unknown(node, what), scope)
        self.execute(node.body, scope)

    def _tried(self, node: ast.Try, scope: Scope) -> None:
        """Follow the body where all of it is known; else any part of it may have happened."""
        before = self._count_unknowns()
        is_sure = True
        try:
            self.execute([*node.body, *node.orelse], scope)
        except (Broke, Continued, Returned):
            self.execute(node.finalbody, scope)
            raise
        except Undecided:
            if not node.handlers:
                raise
            is_sure = False
        if node.handlers and not (is_sure and self._count_unknowns() == before):
            tried = ast.Try([*node.body, *node.orelse], node.handlers, [], [])
            self.blur(tried, scope, "it may be that something else is tried")
        self.execute(node.finalbody, scope)

    def _returned(self, node: ast.Return, scope: Scope) -> None:
        raise Returned(None if node.value is None else self._machine.evaluate(node.value, scope))

    def _broke(self, _node: ast.Break, _scope: Scope) -> None:
        raise Broke

    def _continued(self, _node: ast.Continue, _scope: Scope) -> None:
        raise Continued

    def _raised(self, node: ast.Raise, scope: Scope) -> None:
        raise Undecided("an exception is raised", scope.place(node))


def _loaded(target: ast.expr) -> Any:
    """Return the same expression, to be read."""
    match target:
        case ast.Name(id=name):
            return ast.copy_location(ast.Name(name, ast.Load()), target)
        case ast.Attribute(value=value, attr=name):
            return ast.copy_location(ast.Attribute(value, name, ast.Load()), target)
        case _:
            return target


def _bound(node: ast.AST) -> list[str]:
    """Return the names that a node, without those inside of it, binds."""
    match node:
        case (
            ast.Name(id=name, ctx=ast.Store() | ast.Del())
            | ast.FunctionDef(name=name)
            | ast.AsyncFunctionDef(name=name)
            | ast.ClassDef(name=name)
        ):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [(one.asname or one.name).partition(".")[0] for one in names]
        case (
            ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
            | ast.MatchMapping(rest=str(name))
        ):
            return [name]
        case _:
            return [node.name.id] if type(node).__name__ == "TypeAlias" else []  # pyrefly: ignore


def _is_loop(node: ast.AST) -> bool:
    return isinstance(node, (ast.For, ast.AsyncFor, ast.While))
