"""What imports bind: names of the project's own files, and of the modules that are known."""

import ast
import os
import sys
import warnings
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

from cog.schema.static.effects import opened
from cog.schema.static.libraries import (
    Library,
    has_all_names,
    is_library,
    member,
    names_of_library,
)
from cog.schema.static.limits import MAX_FILE_BYTES, MAX_FILES
from cog.schema.static.machine import Machine
from cog.schema.static.scopes import Module, Scope, Undecided, scope_of, state_of
from cog.schema.static.unknown import CannotTell, GivesUp, Place, Unknown, is_unknown

ALWAYS_PYTHONS = {"cog", "typing_extensions"} | set(sys.stdlib_module_names)
"""A file of such a name hides Python's module, or is hidden by it: that depends."""


class Imports:
    """The project's files, each walked through once."""

    def __init__(self, machine: Machine, root: Path, count_unknown: Callable[[], None]) -> None:
        self._machine = machine
        self._root = root
        self._count_unknown = count_unknown
        self.modules: dict[str, Module] = {}
        self.sources: set[str] = set()
        """The files that were read, relative to the root."""
        self._replaced: dict[str, Any] = {}

    def restore(self) -> None:
        """Put back what was in the place of the stand-ins: classes are looked up in theirs."""
        for name, module in self._replaced.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module

    def attribute(self, module: Module, name: str) -> Any:
        """Return what is known under a name in a module.

        Raises:
            CannotTell: if that may be anything.
        """
        names = vars(module)
        if name.startswith("__") and name not in {"__all__", "__doc__", "__name__"}:
            raise CannotTell(f"`{name}` of a module")
        if name not in names:
            raise CannotTell(f"`{module.__name__}` has no `{name}` that is known")
        return names[name]

    def load_file(self, file: str) -> Module:
        """Return the module of a reference's file, which is no part of a package."""
        name = Path(file).stem
        known = self.modules.get(name)
        if known is not None and state_of(known).file == file:
            return known
        if name in ALWAYS_PYTHONS or known is not None:
            raise CannotTell(f"`{file}` has the name of another module")
        return self._execute(Module(name, file))

    def import_names(self, node: "ast.Import | ast.ImportFrom", scope: Scope) -> None:
        """Bind what an import binds; see `Machine`."""
        if isinstance(node, ast.Import):
            for one in node.names:
                self._import(one, node, scope)
            return
        if node.module == "__future__":
            if any(one.name == "annotations" for one in node.names):
                state_of(scope.module).has_late_annotations = True
            return
        source = self._module(self._absolute(node, scope))
        for one in node.names:
            if one.name == "*":
                self._import_all(source, scope)
            else:
                value = self.member(source, one.name)
                self._bind(one.asname or one.name, value, node, scope)

    def _import(self, one: ast.alias, node: ast.Import, scope: Scope) -> None:
        module = self._module(one.name)
        if one.asname is None and "." in one.name:
            module = self._module(one.name.partition(".")[0])
        self._bind(one.asname or one.name.partition(".")[0], module, node, scope)

    def _bind(self, name: str, value: Any, node: ast.AST, scope: Scope) -> None:
        if is_unknown(value):
            self._count_unknown()
            value = Unknown(value.what, scope.place(node), value.origin)
        scope.bind(name, value)

    def _import_all(self, source: Any, scope: Scope) -> None:
        if isinstance(source, Library) and has_all_names(source.module_name):
            for name in names_of_library(source.module_name):
                scope.bind(name, member(source.module_name, name))
            return
        if not isinstance(source, Module) or state_of(source).is_open:
            self._count_unknown()
            opened(scope.module)
            return
        names = vars(source)
        shown = names.get("__all__", [name for name in names if not name.startswith("_")])
        for name in self._machine.iterate(shown):
            scope.bind(name, self.member(source, name))

    def _absolute(self, node: ast.ImportFrom, scope: Scope) -> str:
        if not node.level:
            return node.module or ""
        parts = state_of(scope.module).package.split(".")
        kept = parts[: len(parts) - node.level + 1]
        if not all(kept) or not kept:
            return ""
        return ".".join([*kept, *([node.module] if node.module else [])])

    def member(self, source: Any, name: str) -> Any:
        """Return what a module has under a name; `from package import module` finds files too."""
        if is_unknown(source):
            return Unknown(source.what, source.place, f"{source.origin}.{name}")
        if isinstance(source, Library):
            return member(source.module_name, name)
        names = vars(source)
        if name in names:
            value = names[name]
        elif state_of(source).path is not None and not state_of(source).is_open:
            value = self._module(f"{source.__name__}.{name}")
        else:
            value = Unknown(f"`{source.__name__}` has no `{name}` that is known")
        return value

    def _module(self, name: str) -> Any:
        """Return a module: a stand-in, a library, or an `Unknown`."""
        if name in self.modules:
            return self.modules[name]
        if "." in name:
            return self._submodule(name)
        if name in ALWAYS_PYTHONS:
            is_hidden = name != "cog" and self._lies_here(name)
            return Library(name) if is_library(name) and not is_hidden else _foreign(name)
        return _foreign(name) if self._machine.paths_moved else self._found_first(name)

    def _submodule(self, name: str) -> Any:
        parent, _, last = name.rpartition(".")
        package = self._module(parent)
        if not isinstance(package, Module):
            is_known = isinstance(package, Library)
            return member(parent, last) if is_known else _foreign(name)
        found = self._found(name, state_of(package).path)
        if isinstance(found, Module):
            vars(package)[last] = found
        return found

    def _found_first(self, name: str) -> Any:
        for folder in self._machine.first_folders:
            found = self._found(name, os.path.normpath(folder).removeprefix("."))
            if not is_unknown(found):
                return found
        return self._found(name, "")

    def _lies_here(self, name: str) -> bool:
        return (self._root / f"{name}.py").exists() or (self._root / name).is_dir()

    def _found(self, name: str, folder: str | None) -> Any:
        """Return a module of the project; Python looks for a folder before a file."""
        package, _, last = name.rpartition(".")
        place = f"{folder}/{last}" if folder else last
        is_module = folder is not None and last.isidentifier()
        if is_module and (self._root / place / "__init__.py").is_file():
            return self._execute(Module(name, f"{place}/__init__.py", package=name, path=place))
        compiled = (self._root / f"{place}{suffix}" for suffix in EXTENSION_SUFFIXES)
        if not is_module or any(path.exists() for path in compiled):
            return _foreign(name)
        if (self._root / f"{place}.py").is_file():
            return self._execute(Module(name, f"{place}.py", package=package))
        if any((self._root / place).glob("*.py")):
            return self._placed(Module(name, "", package=name, path=place))
        return _foreign(name)

    def _placed(self, module: Module) -> Module:
        name = module.__name__
        self.modules[name] = module
        self._replaced.setdefault(name, sys.modules.get(name))
        sys.modules[name] = module
        return module

    def _execute(self, module: Module) -> Module:
        self._placed(module)
        state, names = state_of(module), vars(module)
        tree = self._parsed(state.file)
        names["__doc__"] = ast.get_docstring(tree, clean=False)
        names["__file__"] = Unknown("`__file__` is another one elsewhere")
        outer, self._machine.here = self._machine.here, module
        try:
            self._machine.execute(tree.body, scope_of(module))
        except Undecided as reason:
            raise GivesUp(reason.what, Place(reason.file, reason.line)) from reason
        finally:
            self._machine.here = outer
        return module

    def _parsed(self, file: str) -> ast.Module:
        if len(self.sources) >= MAX_FILES:
            raise GivesUp("the project has too many files")
        self.sources.add(file)
        try:
            with (self._root / file).open("rb") as opened_file:
                content = opened_file.read(MAX_FILE_BYTES + 1)
            if len(content) > MAX_FILE_BYTES:
                raise GivesUp("the file is too large", Place(file, 0))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(content)
        except SyntaxError as error:
            place = Place(file, error.lineno or 0)
            raise GivesUp(f"{error.msg}, or newer than this Python", place) from error
        except (OSError, ValueError, MemoryError, RecursionError) as error:
            raise GivesUp(f"the file cannot be read: {error}", Place(file, 0)) from error


def _foreign(name: str) -> Unknown:
    what = f"`{name}` is only known in the model's environment"
    return Unknown(what, Place(), name)
