"""The project's own Python that a model's files lead to, parsed and never run."""

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from coghub.build.doctor.own_modules import added_folders, files_behind
from coghub.build.doctor.texts import Text, TextUnreadable, is_file, read_text

MAX_FILES = 500
"""A model that leads to more is looked at no further."""
CHECKERS_ONLY = "TYPE_CHECKING"
_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


class Need(Enum):
    """Whether a model can do without a module that it imports."""

    ALWAYS = "always"
    """The import runs as soon as the model is loaded."""
    LATER = "later"
    """It is inside a function, or depends on a condition."""
    NEVER = "never"
    """The code is ready for its absence, or it is for type checkers."""


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module, by its full name; relative ones begin with dots."""

    module: str
    names: tuple[str, ...]
    """What is taken from it; each may be a module too."""
    line: int
    need: Need


@dataclass(frozen=True, slots=True)
class Module:
    """A file of the project."""

    path: str
    text: Text
    tree: ast.Module
    imports: tuple[Import, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that cannot be parsed."""

    path: str
    line: int | None
    reason: str
    is_syntax: bool


@dataclass(frozen=True, slots=True)
class Outside:
    """An import that no file of the project answers."""

    module: str
    """Its first part."""
    path: str
    line: int
    need: Need


@dataclass(slots=True)
class Code:
    """All files that were reached."""

    modules: dict[str, Module] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    outside: list[Outside] = field(default_factory=list)


def read_code(project: Path, paths: Sequence[str]) -> Code:
    """Return the files, and those that they import within the project."""
    bases: list[Path] = []
    while True:
        code = _reached(project, paths, bases)
        trees = (module.tree for module in code.modules.values())
        found = [*dict.fromkeys(added_folders(project, trees))]
        if found == bases:
            return code
        bases = found


def _reached(project: Path, paths: Sequence[str], bases: Sequence[Path]) -> Code:
    code, seen, waiting = Code(), set[str](), list(paths)
    while waiting and len(seen) < MAX_FILES:
        path = waiting.pop(0)
        if path in seen or not is_file(project / path):
            continue
        seen.add(path)
        module = _module(project, path)
        if isinstance(module, Fault):
            code.faults.append(module)
            continue
        code.modules[path] = module
        for one in module.imports:
            inside = files_behind(one.module, one.names, path, [project, *bases])
            waiting += inside or []
            if inside is None:
                top = one.module.partition(".")[0]
                code.outside.append(Outside(top, path, one.line, one.need))
    return code


def parse(content: str) -> ast.Module:
    """Return the tree of a source text.

    Raises:
        SyntaxError: if it has none, or one too deep to be looked at.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(content)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or "nested too deep") from error


def _module(project: Path, path: str) -> Module | Fault:
    try:
        text = read_text(project / path, is_python=True)
        tree = parse(text.content)
    except TextUnreadable as error:
        return Fault(path, None, str(error), is_syntax=False)
    except SyntaxError as error:
        return Fault(path, error.lineno, error.msg, is_syntax=True)
    return Module(path, text, tree, tuple(sorted(_imports(tree), key=_line_of)))


def _imports(tree: ast.Module) -> Iterator[Import]:
    """Yield every import, also inside functions; without recursion, since code may nest deep."""
    waiting: list[tuple[ast.AST, Need]] = [(tree, Need.ALWAYS)]
    while waiting:
        node, need = waiting.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, (), node.lineno, need)
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            yield Import(name, tuple(it.name for it in node.names), node.lineno, need)
        else:
            waiting += _below(node, need)


def _line_of(one: Import) -> int:
    return one.line


def _below(node: ast.AST, need: Need) -> list[tuple[ast.AST, Need]]:
    children = list(ast.iter_child_nodes(node))
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            return [(child, _less(need, Need.LATER)) for child in children]
        case ast.If(test=test, body=body, orelse=orelse) if _is_for_checkers(test):
            return [*((it, Need.NEVER) for it in body), *((it, need) for it in orelse)]
        case ast.If():
            return [(child, _less(need, Need.LATER)) for child in children]
        case ast.Try(handlers=handlers) if any(map(_is_ready, handlers)):
            return [(child, Need.NEVER) for child in children]
        case _:
            return [(child, need) for child in children]


def _less(need: Need, other: Need) -> Need:
    return need if need is Need.NEVER else other


def _is_for_checkers(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == CHECKERS_ONLY


def _is_ready(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler takes an import that fails."""
    if handler.type is None:
        return True
    names = (getattr(it, "id", None) for it in ast.walk(handler.type))
    return any(name in _IMPORT_ERRORS for name in names)
