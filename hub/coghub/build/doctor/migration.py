"""`predict.py`, `Predictor` and `predict()` become `run.py`, `Runner` and `run()`, if asked for.

Both spellings are equal here, so nobody is told to change: this runs only by its name.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from coghub.build.doctor.code import Module
from coghub.build.doctor.findings import Edit, Finding, Findings, Fix, Level, Rename
from coghub.build.doctor.project import ExaminedProject, Reference
from coghub.build.doctor.rewriting import named, replaced

CHECK = "predict-to-run-migration"
OLD_FILE, NEW_FILE = "predict.py", "run.py"
OLD_CLASS, NEW_CLASS = "Predictor", "Runner"
OLD_BASE, NEW_BASE = "BasePredictor", "BaseRunner"
OLD_METHOD, NEW_METHOD = "predict", "run"
_LINE = re.compile(
    r"(?P<key>(?P<q>[\"']?)predict(?P=q))(?P<gap>\s*:\s*[\"']?)(?P<value>[^\"'\s#]+)[\"']?\s*(#.*)?"
)


class ManualOnly(Exception):
    """Something that a person must decide; the message says what."""


def check_migration(project: ExaminedProject) -> Findings:
    """Check for the older names."""
    reference = next((it for it in project.references if it.key == "predict"), None)
    if reference is None:
        return
    message = "Deprecated predict interface names"
    fix, hint = None, f"`cog doctor --fix {CHECK}` changes them"
    try:
        fix = _fix(project, reference)
    except ManualOnly as reason:
        hint = f"Manual migration required: {reason}"
    place = project.config_name, reference.line
    yield Finding(CHECK, Level.WARNING, message, *place, hint, fix)


def _fix(project: ExaminedProject, reference: Reference) -> Fix:
    module = project.code.modules.get(reference.path)
    if module is None:
        raise ManualOnly(f"{reference.path} cannot be read")
    renames = _renames(project, reference)
    path = renames[0].target if renames else reference.path
    node = _class(module, reference.name)
    name = NEW_CLASS if reference.name == OLD_CLASS else reference.name
    edits = [_config_edit(project, reference, f"{path}:{name}"), *_code_edits(module, node, name)]
    shown = f"{reference.path}:{reference.name} to {path}:{name}"
    return Fix(f"moved {shown}, and `predict` to `run`", tuple(edits), renames)


def _renames(project: ExaminedProject, reference: Reference) -> tuple[Rename, ...]:
    """Return the file's new name, if it has the old one and nobody else knows it by that."""
    old = PurePosixPath(reference.path)
    if old.name != OLD_FILE:
        return ()
    new = old.with_name(NEW_FILE)
    if (project.folder / new).exists():
        raise ManualOnly(f"{new} exists")
    if any(it.path == reference.path for it in project.references if it is not reference):
        raise ManualOnly(f"`train` refers to {old} too")
    for module in project.code.modules.values():
        for one in module.imports:
            if old.stem in {one.module.lstrip(".").rpartition(".")[2], *one.names}:
                raise ManualOnly(f"{module.path} imports {old.stem}")
    return (Rename(reference.path, new.as_posix()),)


def _class(module: Module, name: str) -> ast.ClassDef:
    classes = [it for it in module.tree.body if isinstance(it, ast.ClassDef)]
    served = [it for it in classes if any(base == OLD_BASE for base in _bases(it))]
    if len(served) > 1:
        raise ManualOnly(f"{module.path} has several classes of {OLD_BASE}")
    found = next((it for it in classes if it.name == name), None)
    if found is None:
        raise ManualOnly(f"{name} is no class of {module.path}")
    methods = [
        it.name for it in found.body if isinstance(it, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    if NEW_METHOD in methods or OLD_METHOD not in methods:
        raise ManualOnly(f"{name} has no {OLD_METHOD}(), or a {NEW_METHOD}() already")
    return found


def _bases(node: ast.ClassDef) -> Iterator[str]:
    for base in node.bases:
        yield base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")


def _config_edit(project: ExaminedProject, reference: Reference, value: str) -> Edit:
    text, line = project.config_text, reference.line
    found = _LINE.search(text.line(line)) if text and line else None
    if text is None or line is None or found is None or found.string[: found.start()].strip():
        raise ManualOnly(f"`predict` of {project.config_name} is not on a line of its own")
    start = text.span(line)[0]
    return Edit(
        project.config_name,
        start + found.start("key"),
        start + found.end("value"),
        f"{found['q']}run{found['q']}{found['gap']}{value}",
    )


def _code_edits(module: Module, node: ast.ClassDef, name: str) -> Iterator[Edit]:
    if name != node.name:
        yield named(module, node, name)
        yield from _other_names(module, node.name, name)
    yield from _imports(module)
    yield from (
        replaced(module, use, NEW_BASE)
        for use in ast.walk(module.tree)
        if isinstance(use, ast.Name) and use.id == OLD_BASE
    )
    for it in ast.walk(module.tree):
        if isinstance(it, ast.Attribute) and it.attr == OLD_BASE:
            yield replaced(module, it, f"{ast.unparse(it.value)}.{NEW_BASE}")
    yield from _method(module, node)


def _imports(module: Module) -> Iterator[Edit]:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ImportFrom) or (node.module or "").partition(".")[0] != "cog":
            continue
        for alias in node.names:
            if alias.name != OLD_BASE:
                continue
            if alias.asname is not None:
                raise ManualOnly(f"{OLD_BASE} is imported under another name")
            start = module.text.offset(alias.lineno, alias.col_offset)
            yield Edit(module.path, start, start + len(OLD_BASE), NEW_BASE)


def _other_names(module: Module, old: str, new: str) -> Iterator[Edit]:
    """Follow the class's name through its file; an instance may have `predict` called on it."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name) and node.id == new:
            raise ManualOnly(f"{module.path} has a {new} already")
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == old:
            raise ManualOnly(f"{module.path} makes a {old} itself")
        if isinstance(node, ast.Name) and node.id == old:
            yield replaced(module, node, new)


def _method(module: Module, node: ast.ClassDef) -> Iterator[Edit]:
    for method in node.body:
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and method.name == OLD_METHOD:
            yield _renamed_method(module, method)
    for use in ast.walk(node):
        match use:
            case ast.Attribute(attr=attr, value=ast.Name(id="self")) if attr == OLD_METHOD:
                yield replaced(module, use, f"self.{NEW_METHOD}")
            case ast.Attribute(attr=attr, value=ast.Call(func=ast.Name(id="super"))):
                if attr == OLD_METHOD:
                    raise ManualOnly(f"{OLD_METHOD}() calls that of a class above")
            case _:
                pass


def _renamed_method(module: Module, method: ast.FunctionDef | ast.AsyncFunctionDef) -> Edit:
    begin = module.text.offset(method.lineno, method.col_offset)
    found = re.compile(rf"def\s+({OLD_METHOD})\b").search(module.text.content, begin)
    if found is None:
        raise ManualOnly(f"{OLD_METHOD}() is written in an unusual way")
    return Edit(module.path, found.start(1), found.end(1), NEW_METHOD)
