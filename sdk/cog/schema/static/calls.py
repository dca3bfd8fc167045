"""Calls: of what is known to read nothing but its arguments, and of the project's own functions."""

import enum
import inspect
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, ItemsView, KeysView, ValuesView
from functools import partial
from itertools import chain
from types import FunctionType, MethodType
from typing import Any

from cog.schema.static.formats import require_plain
from cog.schema.static.libraries import CALLS_BACK, MAKERS, may_be_called
from cog.schema.static.limits import MAX_DEPTH
from cog.schema.static.machine import Machine
from cog.schema.static.methods import check_call
from cog.schema.static.scopes import Scope, Undecided, Written
from cog.schema.static.statements import Broke, Continued, Returned
from cog.schema.static.stubs import is_generator
from cog.schema.static.unknown import CannotTell, is_unknown

_UNORDERED = (set, frozenset)
_ANY_ORDER: tuple[Any, ...] = (
    all, any, bool, frozenset, isinstance, len, list.sort, max, min, set, sorted, sum,
)  # fmt: skip
"""They give the same for a set, however it is ordered."""
_ITERABLE = (
    str, bytes, list, tuple, dict, range, OrderedDict, defaultdict, deque, KeysView, ValuesView,
    ItemsView, zip, enumerate, reversed, map, filter, chain, type(iter([0])), type(iter((0,))),
    type(iter("")), type(iter(range(0))), type(reversed([0])),
)  # fmt: skip
_HOLDS_ANYTHING = [
    "SimpleNamespace", "add", "append", "cast", "dict", "field", "get", "insert", "partial", "pop",
    "setdefault", "update",
]  # fmt: skip
_BASIC = (str, int, float, bool, list, tuple, dict, set, frozenset, abs, len, round, max, min)


def require_known(values: list[Any], *, is_deep: bool) -> None:
    """Do nothing if none of some values is unknown.

    Raises:
        CannotTell: if one is, or, where asked for, something inside of one.
    """
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if is_unknown(value):
            raise value.reason
        if is_deep and isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif is_deep and isinstance(value, (list, tuple, set, frozenset)):
            waiting += value


class Calls:
    """Calls what may be called."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def call(self, function: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        """Return what a call gives; see `Machine`."""
        if isinstance(function, MethodType):
            return self.call(function.__func__, [function.__self__, *arguments], keywords)
        if isinstance(function, FunctionType) and function in self._machine.functions:
            return self._followed(function, arguments, keywords)
        if isinstance(function, type) and function in self._machine.classes:
            if issubclass(function, (bytes, bytearray)):
                raise CannotTell("bytes")
            return function(*arguments, **keywords)
        if isinstance(function, partial):
            keywords = {**function.keywords, **keywords}
            return self.call(function.func, [*function.args, *arguments], keywords)
        if not may_be_called(function):
            raise CannotTell("what a call gives")
        self._check(function, [*arguments, *keywords.values()])
        if any(function is one for one in CALLS_BACK):
            arguments = [self._callback(one) for one in arguments]
            keywords = {name: self._callback(one) for name, one in keywords.items()}
        return self._made(function, arguments, keywords)

    def iterate(self, value: Any) -> list[Any]:
        """Return the items of a value; see `Machine`."""
        if is_unknown(value):
            raise value.reason
        is_known = isinstance(value, (*_ITERABLE, *_UNORDERED, enum.EnumMeta))
        if isinstance(value, _UNORDERED) and len(value) > 1:
            raise CannotTell("the order of a set")
        if not is_known:
            raise CannotTell("the items of a value")
        items = list(value)
        self._machine.budget.count(items)
        return items

    def _made(self, function: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        made = function(*arguments, **keywords)
        name = getattr(function, "__name__", "")
        if name in MAKERS and isinstance(made, type):
            module = self._machine.here
            made.__module__ = module.__name__
            self._machine.classes[made] = module
        is_iterator = isinstance(made, (map, filter, zip, enumerate, reversed))
        return iter(self.iterate(made)) if is_iterator else made

    def _check(self, function: Any, arguments: list[Any]) -> None:
        owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
        if name not in _HOLDS_ANYTHING:
            is_input = getattr(function, "__module__", "") == "cog.input"
            require_known(arguments, is_deep=is_input)
        check_call(function, arguments)
        if function is str or function is repr or getattr(owner, "format", None) == function:
            for one in arguments:
                require_plain(one)
        is_unordered = any(isinstance(one, _UNORDERED) and len(one) > 1 for one in arguments)
        takes_any_order = (
            any(function is one for one in _ANY_ORDER)
            or isinstance(owner, _UNORDERED)
            or getattr(function, "__module__", "") == "cog.input"
        )
        if is_unordered and not takes_any_order:
            raise CannotTell("the order of a set")
        if isinstance(owner, _UNORDERED) and function.__name__ == "pop":
            raise CannotTell("the order of a set")

    def _callback(self, value: Any) -> Any:
        """Return what a function that calls back may be given."""
        if is_unknown(value) or not callable(value):
            return value
        if isinstance(value, FunctionType) and value in self._machine.functions:
            return self._caller(value)
        is_basic = any(value is one for one in _BASIC) or may_be_called(value)
        if not is_basic:
            raise CannotTell("what a call gives that is called back")
        return self._caller(value)

    def _caller(self, function: Any) -> Callable[..., Any]:
        def called(*arguments: Any, **keywords: Any) -> Any:
            return self.call(function, list(arguments), keywords)

        return called

    def _followed(
        self, function: FunctionType, arguments: list[Any], keywords: dict[str, Any]
    ) -> Any:
        """Return what a function of the project gives: its body is walked through."""
        written = self._machine.functions[function]
        if hasattr(function, "__wrapped__"):
            raise CannotTell(f"what `{function.__name__}` gives")
        if is_generator(written.node) or inspect.iscoroutinefunction(function):
            raise CannotTell(f"what `{function.__name__}` gives")
        if self._machine.budget.depth >= MAX_DEPTH:
            raise CannotTell("calls are too deep")
        bound = inspect.signature(function, follow_wrapped=False).bind(*arguments, **keywords)
        bound.apply_defaults()
        scope = written.scope.inner(function.__name__, dict(bound.arguments))
        return self._result(written, scope)

    def _result(self, written: Written, scope: Scope) -> Any:
        self._machine.budget.depth += 1
        try:
            if not isinstance(written.node.body, list):
                return self._machine.evaluate(written.node.body, scope)
            self._machine.execute(written.node.body, scope)
        except Returned as returned:
            return returned.value
        except (Undecided, Broke, Continued) as error:
            raise CannotTell(f"what a function gives: {error}") from None
        finally:
            self._machine.budget.depth -= 1
        return None
