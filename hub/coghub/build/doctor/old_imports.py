"""Names that newer versions of Cog lack: found, and taken out where nothing depends on them."""

import ast
from collections.abc import Iterator

from coghub.build.doctor.code import Module
from coghub.build.doctor.findings import Edit, Finding, Findings, Fix, Level
from coghub.build.doctor.project import ExaminedProject
from coghub.build.doctor.rewriting import removed, without_names

CHECK = "python-deprecated-imports"
NAME = "ExperimentalFeatureWarning"
SILENCERS = frozenset({"filterwarnings", "simplefilter"})
HERE = "It still works here"


def check_old_imports(project: ExaminedProject) -> Findings:
    """Check for imports of what was removed."""
    for module in project.code.modules.values():
        imports = [*_imports(module)]
        first = imports[0] if imports else _first_use(module)
        if first is None:
            continue
        message = f"`{NAME}` was removed in cog 0.17"
        fix = _fix(module, imports)
        hint = f"{HERE}; `cog doctor --fix` removes it"
        if fix is None:
            hint = f"{HERE}; manual migration required: it is used for more than to silence it"
        yield Finding(CHECK, Level.ERROR, message, module.path, first.lineno, hint, fix)


def _imports(module: Module) -> Iterator[ast.ImportFrom]:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ImportFrom) or node.module != "cog" or node.level:
            continue
        if any(alias.name == NAME for alias in node.names):
            yield node


def _first_use(module: Module) -> ast.expr | None:
    """Return the first `cog.ExperimentalFeatureWarning`."""
    return next((use for use in _uses(module.tree) if isinstance(use, ast.Attribute)), None)


def _uses(node: ast.AST) -> Iterator[ast.expr]:
    for below in ast.walk(node):
        match below:
            case ast.Name(id=name) if name == NAME:
                yield below
            case ast.Attribute(attr=attr, value=ast.Name(id="cog")) if attr == NAME:
                yield below
            case _:
                pass


def _fix(module: Module, imports: list[ast.ImportFrom]) -> Fix | None:
    """Return what takes the name out; None if more than warning filters use it."""
    if any(alias.asname for node in imports for alias in node.names if alias.name == NAME):
        return None
    silencing = [node for node in ast.walk(module.tree) if _is_silencing(node)]
    covered = {use for node in silencing for use in _uses(node)}
    if covered != set(_uses(module.tree)):
        return None
    edits: list[Edit | None] = [without_names(module, node, {NAME}) for node in imports]
    edits += [removed(module, node) for node in silencing if isinstance(node, ast.stmt)]
    done = tuple(edit for edit in edits if edit is not None)
    return Fix(f"removed `{NAME}`", done) if len(done) == len(edits) else None


def _is_silencing(node: ast.AST) -> bool:
    """Tell whether a statement does nothing but silence the warning."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    called = node.value.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in SILENCERS and any(True for _ in _uses(node))
