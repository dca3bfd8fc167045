"""The values of expressions."""

import ast
from collections.abc import Callable
from typing import Any, NoReturn

from cog.schema.static import operators
from cog.schema.static.formats import formatted
from cog.schema.static.limits import TooMuch
from cog.schema.static.machine import Machine
from cog.schema.static.scopes import COMPREHENSION, Scope, Written
from cog.schema.static.stubs import defaults_of, stub
from cog.schema.static.unknown import CannotTell, GivesUp, Unknown, is_unknown, known


class Expressions:
    """Evaluates expressions; what is not known becomes an `Unknown`, never an error."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.unknowns = 0
        """How many values turned out to be unknown."""
        self._known: dict[type[ast.AST], Callable[[Any, Scope], Any]] = {
            ast.Constant: lambda node, _: node.value,
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
            ast.Slice: self._slice,
            ast.Tuple: lambda node, scope: tuple(self._items(node.elts, scope)),
            ast.List: lambda node, scope: self._items(node.elts, scope),
            ast.Set: lambda node, scope: set(self._items(node.elts, scope)),
            ast.Dict: self._dict,
            ast.BinOp: self._binary,
            ast.UnaryOp: self._unary,
            ast.BoolOp: self._boolean,
            ast.Compare: self._compare,
            ast.IfExp: self._conditional,
            ast.Call: self._call,
            ast.JoinedStr: self._text,
            ast.FormattedValue: self._formatted,
            ast.NamedExpr: self._named,
            ast.Lambda: self._lambda,
            ast.ListComp: self._comprehended,
            ast.SetComp: lambda node, scope: set(self._comprehended(node, scope)),
            ast.GeneratorExp: lambda node, scope: iter(self._comprehended(node, scope)),
            ast.DictComp: lambda node, scope: dict(self._comprehended(node, scope)),
        }

    def evaluate(self, node: ast.expr, scope: Scope) -> Any:
        """Return the value of an expression; see `Machine`."""
        budget = self._machine.budget
        budget.step()
        evaluate = self._known.get(type(node), _not_read)
        try:
            value = evaluate(node, scope)
            budget.count(value)
        except (GivesUp, RecursionError, MemoryError):
            raise
        except CannotTell as reason:
            value = Unknown(reason.what, scope.place(node))
        except TooMuch as error:
            value = scope.unknown(node, str(error))
        except Exception as error:  # noqa: BLE001 - what the user's own expression would raise
            value = scope.unknown(node, f"it raises {type(error).__name__}")
        self.unknowns += is_unknown(value)
        return value

    def _sure(self, node: ast.expr, scope: Scope) -> Any:
        """Return a value that is known.

        Raises:
            CannotTell: if it is not.
        """
        return known(self._machine.evaluate(node, scope))

    def _name(self, node: ast.Name, scope: Scope) -> Any:
        try:
            return scope.find(node.id)
        except KeyError:
            raise CannotTell(f"`{node.id}` has no value here") from None

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Any:
        owner = self._machine.evaluate(node.value, scope)
        if is_unknown(owner):
            origin = f"{owner.origin}.{node.attr}" if owner.origin else ""
            return Unknown(owner.what, owner.place, origin)
        return self._machine.attribute(owner, node.attr)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        owner = self._sure(node.value, scope)
        index = self._machine.evaluate(node.slice, scope)
        items = index if isinstance(index, tuple) else (index,)
        if isinstance(owner, (list, tuple, str, bytes, dict, range)) or not _has_unknown(items):
            return owner[index]
        raise next(one for one in _flat(items) if is_unknown(one)).reason

    def _slice(self, node: ast.Slice, scope: Scope) -> slice:
        parts = (node.lower, node.upper, node.step)
        return slice(*(None if part is None else self._sure(part, scope) for part in parts))

    def _items(self, nodes: list[ast.expr], scope: Scope) -> list[Any]:
        items: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                items += self._machine.iterate(self._sure(node.value, scope))
            else:
                items.append(self._machine.evaluate(node, scope))
        return items

    def _dict(self, node: ast.Dict, scope: Scope) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                made.update(self._sure(value, scope))
            else:
                made[self._sure(key, scope)] = self._machine.evaluate(value, scope)
        return made

    def _binary(self, node: ast.BinOp, scope: Scope) -> Any:
        left = self._machine.evaluate(node.left, scope)
        right = self._machine.evaluate(node.right, scope)
        return operators.binary(node.op, known(left), known(right))

    def _unary(self, node: ast.UnaryOp, scope: Scope) -> Any:
        return operators.unary(node.op, self._sure(node.operand, scope))

    def _boolean(self, node: ast.BoolOp, scope: Scope) -> Any:
        value: Any = None
        for one in node.values:
            value = self._sure(one, scope)
            if bool(value) != isinstance(node.op, ast.And):
                break
        return value

    def _compare(self, node: ast.Compare, scope: Scope) -> Any:
        left, result = self._sure(node.left, scope), True
        for kind, other in zip(node.ops, node.comparators, strict=True):
            right = self._sure(other, scope)
            result = operators.compare(kind, left, right)
            if not result:
                break
            left = right
        return result

    def _conditional(self, node: ast.IfExp, scope: Scope) -> Any:
        chosen = node.body if self._sure(node.test, scope) else node.orelse
        return self._machine.evaluate(chosen, scope)

    def _call(self, node: ast.Call, scope: Scope) -> Any:
        function = self._machine.evaluate(node.func, scope)
        arguments = self._items(node.args, scope)
        keywords: dict[str, Any] = {}
        try:
            for keyword in node.keywords:
                if keyword.arg is None:
                    keywords.update(self._sure(keyword.value, scope))
                else:
                    keywords[keyword.arg] = self._machine.evaluate(keyword.value, scope)
            return self._machine.call(known(function), arguments, keywords)
        except GivesUp:
            raise
        except Exception:
            self._machine.spoil(node, scope)
            raise
        except CannotTell as reason:
            self._machine.spoil(node, scope)
            origin = function.origin if is_unknown(function) else ""
            return Unknown(reason.what, scope.place(node), origin and f"{origin}()")

    def _text(self, node: ast.JoinedStr, scope: Scope) -> str:
        text = ""
        for part in node.values:
            text += self._sure(part, scope)
            self._machine.budget.count(text)
        return text

    def _formatted(self, node: ast.FormattedValue, scope: Scope) -> str:
        value = self._sure(node.value, scope)
        spec = "" if node.format_spec is None else self._sure(node.format_spec, scope)
        return formatted(value, node.conversion, spec)

    def _named(self, node: ast.NamedExpr, scope: Scope) -> Any:
        value = self._machine.evaluate(node.value, scope)
        while scope.is_comprehension and scope.outer is not None:
            scope = scope.outer
        self._machine.assign(node.target, value, scope)
        return value

    def _lambda(self, node: ast.Lambda, scope: Scope) -> Any:
        written = Written(node, scope)
        made = stub(written, *defaults_of(node.args, self._machine, scope))
        self._machine.functions[made] = written
        return made

    def _comprehended(self, node: Any, scope: Scope) -> list[Any]:
        found: list[Any] = []
        inner = scope.inner(COMPREHENSION)
        if scope.is_class:
            inner.outer = scope.outer
        self._loop(node, node.generators, (scope, inner), found)
        return found

    def _loop(
        self, node: Any, loops: list[ast.comprehension], scopes: tuple[Scope, Scope], found: Any
    ) -> None:
        if not loops:
            found.append(self._element(node, scopes[1]))
            return
        loop, *others = loops
        first, inner = scopes
        for item in self._machine.iterate(self._sure(loop.iter, first)):
            self._machine.budget.step()
            self._machine.assign(loop.target, item, inner)
            if all(self._sure(test, inner) for test in loop.ifs):
                self._loop(node, others, (inner, inner), found)

    def _element(self, node: Any, scope: Scope) -> Any:
        if isinstance(node, ast.DictComp):
            return self._sure(node.key, scope), self._machine.evaluate(node.value, scope)
        return self._machine.evaluate(node.elt, scope)


def _not_read(node: ast.AST, _scope: Scope) -> NoReturn:
    raise CannotTell(f"`{type(node).__name__}` is not read")


def _flat(items: Any) -> Any:
    for item in items:
        if isinstance(item, (tuple, list)):
            yield from _flat(item)
        else:
            yield item


def _has_unknown(items: Any) -> bool:
    return any(is_unknown(one) for one in _flat(items))
