"""Puts what differs into the modules, classes and functions that live.

A plain function keeps its identity and gets the new code, so whoever holds it, by another name or
as a bound method, runs the new code too. A class keeps its identity and gets new attributes.
"""

import ast
import linecache
from collections.abc import Iterable
from types import CellType, FunctionType, ModuleType
from typing import Any

from cog.worker.swap.changes import Change, Changes
from cog.worker.swap.errors import NotSafe

_MISSING = object()
_COPIED = ("__code__", "__defaults__", "__kwdefaults__", "__annotations__", "__doc__")


def apply(changes: Changes, module: ModuleType, others: Iterable[ModuleType]) -> None:
    """Change a module.

    Args:
        changes: What differs.
        module: Which to change.
        others: Modules that may have imported something from it.

    Raises:
        NotSafe: if a class cannot be changed; nothing, or a part, has been changed then.
        Exception: whatever the user's own code raises while it is defined.
    """
    file = str(module.__file__)
    linecache.checkcache(file)  # tracebacks show lines of the file
    _run(changes.imports, module, file)
    for change in changes.definitions:
        if change.owner is None:
            _define(change, module, others, file)
        else:
            _patch_class(change, module, file)
    _run(changes.added, module, file)


def _run(nodes: Iterable[ast.stmt], module: ModuleType, file: str) -> None:
    tree = ast.Module(list(nodes), [])
    exec(compile(tree, file, "exec"), vars(module))  # noqa: S102 - the user's own source


def _define(change: Change, module: ModuleType, others: Iterable[ModuleType], file: str) -> None:
    names = vars(module)
    old = names.get(change.name, _MISSING)
    if change.is_moved and not isinstance(old, FunctionType):
        return
    if not change.nodes:
        names.pop(change.name, None)
        return
    _run(change.nodes, module, file)
    new = names[change.name]
    if _renewed(old, new) or change.is_moved:
        names[change.name] = old
    else:
        for other in others:  # who imported it by name
            if vars(other).get(change.name, _MISSING) is old:
                vars(other)[change.name] = new


def _patch_class(change: Change, module: ModuleType, file: str) -> None:
    owner = getattr(module, str(change.owner))
    _check_class(owner, change)
    name = _mangled(change)
    old = vars(owner).get(name, _MISSING)
    if change.is_moved and not isinstance(old, FunctionType):
        return
    if not change.nodes:
        if old is not _MISSING:
            delattr(owner, name)
        return
    new = _attribute(change, module, owner, file)
    if not _renewed(old, new) and not change.is_moved:
        setattr(owner, name, new)


def _mangled(change: Change) -> str:
    """Return the name as Python keeps it in the class."""
    name = change.name
    is_private = name.startswith("__") and not name.endswith("__")
    return f"_{str(change.owner).lstrip('_')}{name}" if is_private else name


def _check_class(owner: Any, change: Change) -> None:
    is_ordinary = isinstance(owner, type) and type(owner).__name__ in {"type", "ABCMeta"}
    is_value = any(isinstance(node, (ast.Assign, ast.AnnAssign)) for node in change.nodes)
    is_record = hasattr(owner, "__dataclass_fields__")
    if not is_ordinary or (is_record and (is_value or not change.nodes)):
        raise NotSafe(f"{change.label} belongs to a class that was made of its fields")


def _attribute(change: Change, module: ModuleType, owner: type, file: str) -> Any:
    """Make an attribute in a class of the same name, and have it belong to the one that lives."""
    body = ast.ClassDef(
        name=str(change.owner), bases=[], keywords=[], body=list(change.nodes), decorator_list=[]
    )
    if "type_params" in ast.ClassDef._fields:  # from Python 3.12 on
        setattr(body, "type_params", [])  # noqa: B010 - unknown to older versions' types
    tree = ast.fix_missing_locations(ast.Module([body], []))
    made: dict[str, Any] = {}
    exec(compile(tree, file, "exec"), vars(module), made)  # noqa: S102 - the user's own source
    shell = made[str(change.owner)]
    # `super()` finds its class in a cell that all methods of one body share.
    for cell in _class_cells(shell):
        cell.cell_contents = owner
    return vars(shell)[_mangled(change)]


def _class_cells(shell: type) -> Iterable[CellType]:
    for value in vars(shell).values():
        for function in _functions_in(value):
            for name, cell in zip(
                function.__code__.co_freevars, function.__closure__ or (), strict=True
            ):
                if name == "__class__":
                    yield cell


def _functions_in(value: Any) -> Iterable[FunctionType]:
    """Yield the function of an attribute, and those that decorators have wrapped."""
    parts = [getattr(value, it, None) for it in ("__wrapped__", "__func__", "fget", "fset", "fdel")]
    for part in (value, *parts):
        if isinstance(part, FunctionType):
            yield part
            inner = getattr(part, "__wrapped__", None)
            if inner is not None:
                yield from _functions_in(inner)


def _renewed(old: Any, new: Any) -> bool:
    """Give an old function what a new one is, if both are plain ones; tell whether they are."""
    both = (old, new)
    if not all(type(it) is FunctionType and not hasattr(it, "__wrapped__") for it in both):
        return False
    if old.__code__.co_freevars != new.__code__.co_freevars:
        return False
    for cell, fresh in zip(old.__closure__ or (), new.__closure__ or (), strict=True):
        if cell.cell_contents is not fresh.cell_contents:
            return False  # it was made inside of a decorator
    for name in _COPIED:
        setattr(old, name, getattr(new, name))
    vars(old).clear()
    vars(old).update(vars(new))
    return True
