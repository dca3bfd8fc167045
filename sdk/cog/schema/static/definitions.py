"""What stands for the functions and classes of a source: real ones, without any of its code."""

import ast
import types
from types import FunctionType
from typing import Any

from cog.schema.static.libraries import may_be_called
from cog.schema.static.machine import Machine
from cog.schema.static.scopes import Scope, Written, state_of
from cog.schema.static.stubs import defaults_of, mangled, stub
from cog.schema.static.unknown import CannotTell, GivesUp, Unknown, is_unknown, known

TRANSPARENT = {
    "tensorflow.device",
    "torch.amp.autocast",
    "torch.autocast",
    "torch.cuda.amp.autocast",
    "torch.enable_grad",
    "torch.inference_mode",
    "torch.no_grad",
}
"""Decorators, with or without a call, that leave the signature of a function as it is."""
_WRAPPERS = (staticmethod, classmethod, property)


class Definitions:
    """Makes functions and classes."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def define(self, node: Any, scope: Scope) -> Any:
        """Return what a definition binds; see `Machine`."""
        try:
            made = self._class(node, scope) if isinstance(node, ast.ClassDef) else None
            made = self._function(node, scope) if made is None else made
        except (GivesUp, RecursionError, MemoryError):
            raise
        except CannotTell as reason:
            made = Unknown(f"`{node.name}`: {reason.what}", scope.place(node))
        except Exception as error:  # noqa: BLE001 - what Python would raise for such a definition
            made = scope.unknown(node, f"`{node.name}` raises {type(error).__name__}")
        return self._decorated(made, node, scope)

    def _function(self, node: Any, scope: Scope) -> FunctionType:
        arguments, written = node.args, Written(node, scope)
        made = stub(written, *defaults_of(arguments, self._machine, scope))
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        annotations = {
            mangled(one.arg, scope): self.annotation(one.annotation, scope)
            for one in every
            if one.annotation is not None
        }
        if node.returns is not None:
            annotations["return"] = self.annotation(node.returns, scope)
        made.__annotations__ = annotations
        made.__doc__ = ast.get_docstring(node, clean=False)
        self._machine.functions[made] = written
        return made

    def annotation(self, node: ast.expr, scope: Scope) -> Any:
        """Return an annotation; see `Machine`."""
        if state_of(scope.module).has_late_annotations:
            return ast.unparse(node)
        return self._machine.evaluate(node, scope)

    def _class(self, node: ast.ClassDef, scope: Scope) -> type:
        if getattr(node, "type_params", None):
            raise CannotTell("a class with parameters")
        bases = [self._base(one, scope) for one in node.bases]
        keywords = {
            one.arg or "": self._machine.evaluate(one.value, scope) for one in node.keywords
        }
        body = scope.class_body(node.name)
        self._machine.execute(node.body, body)
        names = {
            **{mangled(name, body): value for name, value in body.names.items()},
            "__module__": scope.module.__name__,
            "__qualname__": scope.qualified_name + node.name,
            "__doc__": ast.get_docstring(node, clean=False),
        }
        if body.annotations:
            names["__annotations__"] = body.annotations
        made = types.new_class(node.name, tuple(bases), keywords, lambda space: _fill(space, names))
        self._machine.classes[made] = scope.module
        return made

    def _base(self, node: ast.expr, scope: Scope) -> Any:
        base = known(self._machine.evaluate(node, scope))
        origin = getattr(base, "__origin__", base)
        if isinstance(origin, type) and issubclass(origin, type):
            raise CannotTell("a class of classes")
        return base

    def _decorated(self, made: Any, node: Any, scope: Scope) -> Any:
        decorated = made
        for decorator in reversed(node.decorator_list):
            decorated = self._by(decorator, decorated, scope)
        is_hidden = (
            isinstance(decorated, FunctionType)
            and decorated is not made
            and not hasattr(decorated, "__wrapped__")
        )
        if is_hidden:
            return scope.unknown(node, f"a decorator puts another function in place of {node.name}")
        return decorated

    def _by(self, node: ast.expr, made: Any, scope: Scope) -> Any:
        decorator = self._machine.evaluate(node, scope)
        if is_unknown(decorator) and decorator.origin.removesuffix("()") in TRANSPARENT:
            return made
        if is_unknown(made):
            return made
        try:
            return self._applied(decorator, made, node)
        except (GivesUp, RecursionError, MemoryError):
            raise
        except CannotTell as reason:
            what = reason.what
        except Exception as error:  # noqa: BLE001 - what Python would raise there
            what = f"a decorator raises {type(error).__name__}"
        self._machine.spoil_function(made)
        self._machine.spoil(node, scope)
        return scope.unknown(node, what)

    def _applied(self, decorator: Any, made: Any, node: ast.expr) -> Any:
        if is_unknown(decorator):
            raise CannotTell(f"what the decorator `{ast.unparse(node)}` does")
        if isinstance(decorator, type) and issubclass(decorator, _WRAPPERS):
            return decorator(made)
        if may_be_called(decorator):
            return decorator(made)
        return self._machine.call(decorator, [made], {})


def _fill(space: Any, names: dict[str, Any]) -> None:
    for name, value in names.items():
        space[name] = value
