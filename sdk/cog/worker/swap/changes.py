"""What differs between two versions of a module's source, statement by statement.

Safe to swap is what only runs later: bodies of functions and methods, plain values, imports, and
what is new. Not safe is what has run already and left something behind: `setup()` and what it
calls, base classes, decorators of classes, statements that call something while the module loads.
"""

import ast
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from cog.worker.swap.errors import NotSafe

CONSTRUCTORS = frozenset({"setup", "__init__", "__new__", "__post_init__", "__init_subclass__"})
"""Methods whose work is done by the time that a swap comes."""
PREDICTING = frozenset({"predict", "run", "train"})
"""`setup()` may call them to warm up; what it keeps of that is not theirs."""
PLAIN_CALLS = frozenset({"Input", "cog.Input"})

Function = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Change(NamedTuple):
    """A definition of a module, or of a class in it."""

    owner: str | None
    """The class; None for the module itself."""
    name: str
    nodes: tuple[ast.stmt, ...]
    """Its new statements, several where a property has a setter; none where it is gone."""
    is_moved: bool = False
    """It stands on another line, and is the same otherwise."""

    @property
    def label(self) -> str:
        """How people call it."""
        return self.name if self.owner is None else f"{self.owner}.{self.name}"


@dataclass
class Changes:
    """All that differs, in the order of the new source."""

    imports: list[ast.stmt] = field(default_factory=list)
    definitions: list[Change] = field(default_factory=list)
    added: list[ast.stmt] = field(default_factory=list)
    """Statements without a name that are new, such as a call."""

    @property
    def names(self) -> set[str]:
        """What means something else now, by its last name."""
        return {one.name for one in self.definitions if not one.is_moved}

    @property
    def labels(self) -> list[str]:
        return [one.label for one in self.definitions if not one.is_moved]


def compare(old_text: str, new_text: str, *, used: AbstractSet[str] = frozenset()) -> Changes:
    """Return what differs.

    Args:
        old_text: The module's source as it was loaded.
        new_text: Its source now.
        used: What `setup()` has called: a change of it could not undo that.

    Raises:
        SyntaxError: if the new source is none.
        NotSafe: if something differs that has run already.
    """
    new = ast.parse(new_text)
    before, after = _Scope(ast.parse(old_text).body), _Scope(new.body)
    changes = Changes(imports=_imports(before, after))
    changes.definitions += _definitions(before, after, owner=None)
    changes.added += _added(before, after)
    while _follow_names(after, changes):
        pass
    for node in after.others:
        if node not in changes.added and changes.names & _mentioned(node):
            raise NotSafe(f"`{_shown(node)}` has run with what is other now")
    for name in sorted(changes.names & used):
        raise NotSafe(f"setup() has used {name}")
    return changes


def refuse_stale(text: str, names: AbstractSet[str]) -> None:
    """Do nothing if another module has not used what is other now while it was loaded.

    Raises:
        NotSafe: if it has.
    """
    scope = _Scope(ast.parse(text).body)
    statements = [node for _, _, nodes in _all_named(scope) for node in nodes]
    for node in (*scope.others, *statements):
        if names & _used_while_loading(node):
            raise NotSafe(f"`{_shown(node)}` has run with what is other now")


def used_by_setup(texts: Iterable[str]) -> set[str]:
    """Return the names that `setup()` and what it might call mention, in all modules together."""
    functions: dict[str, list[Function]] = {}
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, _FUNCTIONS):
                functions.setdefault(node.name, []).append(node)
    reached, open_names = set[str](), ["setup"]
    while open_names:
        for function in functions.get(open_names.pop(), ()):
            new = {it for part in function.body for it in _mentioned(part)} - reached - PREDICTING
            reached |= new
            open_names += new
    return reached


class _Scope:
    """The statements of a module or of a class, sorted by what they are."""

    def __init__(self, body: Iterable[ast.stmt]) -> None:
        self.imports: list[ast.stmt] = []
        self.named: dict[str, list[ast.stmt]] = {}
        self.others: list[ast.stmt] = []
        for node in body:
            name = _name_of(node)
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self.imports.append(node)
            elif name is not None:
                self.named.setdefault(name, []).append(node)
            elif not (_is_docstring(node) or _is_script_part(node)):
                self.others.append(node)


def _name_of(node: ast.stmt) -> str | None:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return node.name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case _:
            return None


def _is_docstring(node: ast.stmt) -> bool:
    """Tell a docstring from what does something; `pass` and `...` do nothing either."""
    is_constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_constant or isinstance(node, ast.Pass)


def _is_script_part(node: ast.stmt) -> bool:
    """Tell `if __name__ == "__main__":`, which never runs here."""
    if not isinstance(node, ast.If):
        return False
    return any(isinstance(it, ast.Name) and it.id == "__name__" for it in ast.walk(node.test))


def _same(one: Iterable[ast.stmt], other: Iterable[ast.stmt]) -> bool:
    return [ast.dump(it) for it in one] == [ast.dump(it) for it in other]


def _imports(before: _Scope, after: _Scope) -> list[ast.stmt]:
    known = {ast.dump(node) for node in before.imports}
    return [node for node in after.imports if ast.dump(node) not in known]


def _added(before: _Scope, after: _Scope) -> list[ast.stmt]:
    """Return unnamed statements that are new; one that is gone or other has left its effect."""
    known = [ast.dump(node) for node in before.others]
    added = []
    for node in after.others:
        dumped = ast.dump(node)
        if dumped in known:
            known.remove(dumped)
        else:
            added.append(node)
    if known:
        gone = next(node for node in before.others if ast.dump(node) in known)
        raise NotSafe(f"`{_shown(gone)}` has run already")
    return added


def _definitions(before: _Scope, after: _Scope, *, owner: str | None) -> Iterator[Change]:
    for name, new in after.named.items():
        old = before.named.get(name, [])
        if _same(old, new):
            if _line(old) != _line(new):
                yield from _moved(name, new, owner)
        elif old and isinstance(old[-1], ast.ClassDef):
            yield from _in_class(name, old[-1], new, owner)
        else:
            yield _changed(name, old, new, owner)
    for name, old in before.named.items():
        if name not in after.named:
            yield _changed(name, old, [], owner)


def _moved(name: str, nodes: list[ast.stmt], owner: str | None) -> Iterator[Change]:
    if isinstance(nodes[-1], _FUNCTIONS) and not nodes[-1].decorator_list:
        yield Change(owner, name, tuple(nodes), is_moved=True)
    elif isinstance(nodes[-1], ast.ClassDef) and owner is None:
        for inner, inside in _Scope(nodes[-1].body).named.items():
            yield from _moved(inner, inside, name)


def _changed(name: str, old: list[ast.stmt], new: list[ast.stmt], owner: str | None) -> Change:
    label = name if owner is None else f"{owner}.{name}"
    if name in CONSTRUCTORS and owner is not None:
        raise NotSafe(f"{label}() has run already")
    for node in old:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and not _is_plain(node.value):
            raise NotSafe(f"`{_shown(node)}` has run already")
        if isinstance(node, ast.ClassDef):
            raise NotSafe(f"class {label} may have instances")
    if old and new and isinstance(old[-1], _FUNCTIONS) != isinstance(new[-1], _FUNCTIONS):
        raise NotSafe(f"{label} is something else now")
    return Change(owner, name, tuple(new))


def _in_class(
    name: str, old: ast.ClassDef, new: list[ast.stmt], owner: str | None
) -> Iterator[Change]:
    node = new[-1]
    if owner is not None:
        raise NotSafe(f"class {owner}.{name} is inside another one")
    if not isinstance(node, ast.ClassDef) or _head(old) != _head(node):
        raise NotSafe(f"the bases or decorators of class {name} are other")
    before, after = _Scope(old.body), _Scope(node.body)
    if not _same([*before.imports, *before.others], [*after.imports, *after.others]):
        raise NotSafe(f"statements in class {name} have run already")
    yield from _definitions(before, after, owner=name)


def _head(node: ast.ClassDef) -> list[str]:
    return [ast.dump(part) for part in (*node.bases, *node.keywords, *node.decorator_list)]


def _is_plain(value: ast.expr | None) -> bool:
    """Tell whether evaluating something leaves nothing behind."""
    if value is None:
        return True
    calls = (node for node in ast.walk(value) if isinstance(node, ast.Call))
    return all(ast.unparse(call.func) in PLAIN_CALLS for call in calls)


def _follow_names(after: _Scope, changes: Changes) -> bool:
    """Add what has used a changed name while the module loaded: defaults, and other values.

    Tells whether there was any; that may have been used in turn.
    """
    known = {(one.owner, one.name) for one in changes.definitions if not one.is_moved}
    names, size = changes.names, len(known)
    for owner, name, nodes in _all_named(after):
        if (owner, name) in known or not any(names & _used_while_loading(it) for it in nodes):
            continue
        for node in nodes:
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and not _is_plain(node.value):
                raise NotSafe(f"`{_shown(node)}` was made of something that is other now")
        known.add((owner, name))
        changes.definitions.append(Change(owner, name, tuple(nodes)))
    return len(known) > size


def _all_named(scope: _Scope) -> Iterator[tuple[str | None, str, list[ast.stmt]]]:
    for name, nodes in scope.named.items():
        if isinstance(nodes[-1], ast.ClassDef):
            for inner, inside in _Scope(nodes[-1].body).named.items():
                yield name, inner, inside
        else:
            yield None, name, nodes


def _used_while_loading(node: ast.stmt) -> set[str]:
    """Return the names that a statement uses when it runs; a function's body runs later."""
    if not isinstance(node, _FUNCTIONS):
        return _mentioned(node)
    arguments = ast.walk(node.args)
    annotations = [it.annotation for it in arguments if isinstance(it, ast.arg) and it.annotation]
    defaults = [it for it in (*node.args.defaults, *node.args.kw_defaults) if it is not None]
    returns = [node.returns] if node.returns else []
    parts = [*defaults, *annotations, *returns, *node.decorator_list]
    return {name for part in parts for name in _mentioned(part)}


def _mentioned(node: ast.AST) -> set[str]:
    names = {it.id for it in ast.walk(node) if isinstance(it, ast.Name)}
    return names | {it.attr for it in ast.walk(node) if isinstance(it, ast.Attribute)}


def _line(nodes: list[ast.stmt]) -> int:
    return nodes[0].lineno


def _shown(node: ast.stmt) -> str:
    """Return the first line of a statement."""
    return ast.unparse(node).partition("\n")[0][:80]
