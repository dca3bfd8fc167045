"""Real functions without a body: what is inspected in the place of the user's own."""

import ast
from collections.abc import Iterator
from types import CellType, CodeType, FunctionType
from typing import Any, NoReturn

from cog.schema.static.machine import Machine
from cog.schema.static.scopes import Scope, Written, state_of
from cog.schema.static.unknown import CannotTell, Place

_BODY = "the body"
"""A name that no source can have."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SCOPES = (*_FUNCTIONS, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def stub(written: Written, defaults: list[Any], keyword_defaults: dict[str, Any]) -> FunctionType:
    """Return a function with the parameters and the kind of another; who calls it learns nothing.

    Args:
        written: the function.
        defaults: of its last positional parameters.
        keyword_defaults: of those that can be given by name only.
    """
    node, scope = written
    name = getattr(node, "name", "<lambda>")
    code = _code(node, scope, name)
    place = scope.place(node)

    def body() -> NoReturn:
        raise CannotTell(f"`{name}` would have to be called", Place(*place))

    made = FunctionType(code, vars(scope.module), name, tuple(defaults), (CellType(body),))
    made.__kwdefaults__ = {mangled(key, scope): value for key, value in keyword_defaults.items()}
    made.__qualname__ = scope.qualified_name + name
    made.__module__ = scope.module.__name__
    return made


def defaults_of(
    arguments: ast.arguments, machine: Machine, scope: Scope
) -> tuple[list[Any], dict[str, Any]]:
    """Return the defaults of a function's parameters, as `stub` takes them."""
    positional = [machine.evaluate(one, scope) for one in arguments.defaults]
    named = {
        one.arg: machine.evaluate(default, scope)
        for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is not None
    }
    return positional, named


def mangled(name: str, scope: Scope) -> str:
    """Return what Python calls a name inside of a class."""
    owner = _owner_name(scope)
    is_private = name.startswith("__") and not name.endswith("__") and bool(owner)
    return f"_{owner}{name}" if is_private else name


def is_generator(node: "ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda") -> bool:
    """Tell whether a function has a `yield` of its own."""
    body = node.body if isinstance(node.body, list) else [node.body]
    return any(isinstance(one, (ast.Yield, ast.YieldFrom)) for one in own_nodes(body))


def own_nodes(nodes: "list[Any]") -> Iterator[ast.AST]:
    """Yield nodes and what is in them, but for what is in functions and classes inside."""
    waiting: list[ast.AST] = list(reversed(nodes))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))


def _owner_name(scope: Scope | None) -> str:
    while scope is not None:
        if scope.owner_name:
            return scope.owner_name.lstrip("_")
        scope = scope.outer
    return ""


def _code(
    node: "ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda", scope: Scope, name: str
) -> CodeType:
    """Compile the parameters alone; nothing of it is run."""
    call = ast.Call(ast.Name(_BODY, ast.Load()), [], [])
    body: ast.expr = ast.Yield(call) if is_generator(node) else call
    kind = ast.AsyncFunctionDef if isinstance(node, ast.AsyncFunctionDef) else ast.FunctionDef
    function = kind(
        name="written",
        args=_bare_arguments(node.args, scope),
        body=[ast.Expr(body)],
        decorator_list=[],
        returns=None,
        type_comment=None,
    )
    around = ast.FunctionDef(
        name="around",
        args=_arguments([ast.arg(_BODY, None)]),
        body=[function],
        decorator_list=[],
        returns=None,
        type_comment=None,
    )
    tree = ast.fix_missing_locations(ast.Module([around], []))
    for one in ast.walk(tree):
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)) and hasattr(ast, "TypeAlias"):
            one.type_params = []  # pyrefly: ignore
    code = compile(tree, state_of(scope.module).file, "exec", dont_inherit=True)
    inner = _inside(_inside(code))
    return inner.replace(co_name=name)


def _inside(code: CodeType) -> CodeType:
    return next(constant for constant in code.co_consts if isinstance(constant, CodeType))


def _bare_arguments(arguments: ast.arguments, scope: Scope) -> ast.arguments:
    def bare(one: ast.arg | None) -> ast.arg | None:
        return None if one is None else ast.arg(mangled(one.arg, scope), None)

    absent = ast.Constant(None)
    return ast.arguments(  # pyrefly: ignore
        posonlyargs=[ast.arg(mangled(one.arg, scope), None) for one in arguments.posonlyargs],
        args=[ast.arg(mangled(one.arg, scope), None) for one in arguments.args],
        vararg=bare(arguments.vararg),
        kwonlyargs=[ast.arg(mangled(one.arg, scope), None) for one in arguments.kwonlyargs],
        kw_defaults=[None if one is None else absent for one in arguments.kw_defaults],
        kwarg=bare(arguments.kwarg),
        defaults=[absent for _ in arguments.defaults],
    )


def _arguments(arguments: list[ast.arg]) -> ast.arguments:
    return ast.arguments(
        posonlyargs=[],
        args=arguments,
        vararg=None,
        kwonlyargs=[],
        kw_defaults=[],
        kwarg=None,
        defaults=[],
    )
