"""Models of pydantic that hold types of Cog's: `cog.BaseModel` needs no setting for them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from coghub.build.doctor.code import Module
from coghub.build.doctor.findings import Edit, Finding, Findings, Fix, Level
from coghub.build.doctor.project import ExaminedProject
from coghub.build.doctor.rewriting import removed, replaced, without_names

CHECK = "python-pydantic-basemodel"
OPTION = "arbitrary_types_allowed"
BASE = "BaseModel"


@dataclass(frozen=True, slots=True)
class _Model:
    """A class that allows arbitrary types."""

    node: ast.ClassDef
    base: ast.expr
    setting: ast.stmt | None
    """The statement in its body that allows them."""


def check_pydantic(project: ExaminedProject) -> Findings:
    """Check for models that would better be Cog's."""
    for module in project.code.modules.values():
        models = [*_models(module)]
        fixes = None if _is_shared(project, module, models) else _fix(module, models)
        for at, model in enumerate(models):
            message = f"{model.node.name} is pydantic's BaseModel with {OPTION}: use cog.BaseModel"
            hint = "`cog doctor --fix` changes it"
            if fixes is None:
                hint = "Manual migration required: the file uses more of pydantic than fields"
            fix = fixes if at == 0 else None
            place = module.path, model.node.lineno
            yield Finding(CHECK, Level.ERROR, message, *place, hint, fix)


def _models(module: Module) -> Iterator[_Model]:
    imported = _imports_of(module, BASE)
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ClassDef):
            continue
        base = next((it for it in node.bases if _is_base(it, bool(imported))), None)
        setting = next((it for it in node.body if _allows(it)), None)
        if base is not None and (setting or any(it.arg == OPTION for it in node.keywords)):
            yield _Model(node, base, setting)


def _imports_of(module: Module, name: str) -> list[ast.ImportFrom]:
    return [
        node
        for node in module.tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "pydantic"
        if any(alias.name == name and alias.asname is None for alias in node.names)
    ]


def _is_base(base: ast.expr, is_imported: bool) -> bool:  # noqa: FBT001 - one private call
    match base:
        case ast.Name(id=name):
            return is_imported and name == BASE
        case ast.Attribute(value=ast.Name(id="pydantic"), attr=attr):
            return attr == BASE
        case _:
            return False


def _allows(node: ast.stmt) -> bool:
    """Tell whether a statement is `model_config` or `Config` with the option."""
    is_config = isinstance(node, ast.ClassDef) and node.name == "Config"
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        is_config = any(getattr(it, "id", "") == "model_config" for it in targets)
    return is_config and _options(node) >= {OPTION}


def _options(node: ast.stmt) -> set[str]:
    """Return the options that a statement sets."""
    found = set[str]()
    for below in ast.walk(node):
        match below:
            case ast.keyword(arg=str(name)):
                found.add(name)
            case ast.Dict(keys=keys):
                found |= {str(getattr(key, "value", "?")) for key in keys}
            case ast.ClassDef(body=body):
                found |= {
                    getattr(it, "id", "") for one in body for it in getattr(one, "targets", ())
                }
            case _:
                pass
    return found


def _fix(module: Module, models: list[_Model]) -> Fix | None:
    """Return what makes them Cog's; None if the file uses more of pydantic than fields."""
    imports = _imports_of(module, BASE)
    if not imports or not all(_is_plain(model) for model in models):
        return None
    if any(_names(model.base) != {BASE} for model in models) or _has_others(module, models):
        return None
    gone = {BASE} | ({"ConfigDict"} if _is_unused(module, models) else set())
    edits: list[Edit | None] = [_from_cog(module)]
    edits += [without_names(module, node, gone) for node in imports]
    edits += [removed(module, it.setting) for it in models if it.setting is not None]
    edits += [_without_keyword(module, it) for it in models if it.node.keywords]
    done = tuple(edit for edit in edits if edit is not None)
    names = ", ".join(model.node.name for model in models)
    return Fix(f"made {names} of cog.BaseModel", done) if len(done) == len(edits) else None


def _is_plain(model: _Model) -> bool:
    """Tell whether a class has fields and nothing that only pydantic does."""
    if model.setting is not None and _options(model.setting) != {OPTION}:
        return False
    if model.node.decorator_list or any(it.arg != OPTION for it in model.node.keywords):
        return False
    return all(
        it is model.setting
        or isinstance(it, ast.Pass)
        or (isinstance(it, ast.Expr) and isinstance(it.value, ast.Constant))
        or (isinstance(it, ast.AnnAssign) and not isinstance(it.value, ast.Call))
        for it in model.node.body
    )


def _has_others(module: Module, models: list[_Model]) -> bool:
    """Tell whether `BaseModel` is used for more than these classes, or `cog` has one here too."""
    uses = [it for it in ast.walk(module.tree) if getattr(it, "id", None) == BASE]
    return len(uses) != len(models) or any(
        BASE in {alias.name, alias.asname}
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module != "pydantic"
        for alias in node.names
    )


def _is_shared(project: ExaminedProject, module: Module, models: list[_Model]) -> bool:
    """Tell whether the classes are used as pydantic's: as a base, by its methods, in a field."""
    names = {model.node.name for model in models}
    bases = (
        base for it in ast.walk(module.tree) if isinstance(it, ast.ClassDef) for base in it.bases
    )
    if any(_names(base) & names for base in bases):
        return True
    trees = (ast.walk(it.tree) for it in project.code.modules.values())
    uses = (it for tree in trees for it in tree if isinstance(it, ast.Attribute))
    if any(getattr(use.value, "id", None) in names for use in uses):
        return True
    others = (it for it in project.code.modules.values() if it is not module)
    return any(
        names & {name for one in other.imports for name in one.names}
        and any(one.module.partition(".")[0] == "pydantic" for one in other.imports)
        for other in others
    )


def _is_unused(module: Module, models: list[_Model]) -> bool:
    """Tell whether `ConfigDict` goes with the settings that go."""
    inside = {it for model in models if model.setting for it in ast.walk(model.setting)}
    uses = (it for it in ast.walk(module.tree) if getattr(it, "id", None) == "ConfigDict")
    return all(use in inside for use in uses)


def _names(node: ast.AST) -> set[str]:
    return {it.id for it in ast.walk(node) if isinstance(it, ast.Name)}


def _from_cog(module: Module) -> Edit:
    """Import the name from `cog`, in the import that is there or in one of its own."""
    for node in module.tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "cog" and not node.level:
            last = node.names[-1]
            end = module.text.offset(last.end_lineno or 1, last.end_col_offset or 0)
            return Edit(module.path, end, end, f", {BASE}")
    first = _imports_of(module, BASE)[0]
    start = module.text.span(first.lineno)[0]
    return Edit(module.path, start, start, f"from cog import {BASE}{module.text.line_end}")


def _without_keyword(module: Module, model: _Model) -> Edit:
    """Take the option out of `class Output(BaseModel, arbitrary_types_allowed=True)`."""
    keyword = model.node.keywords[0]
    whole = replaced(module, keyword.value, "")
    start = replaced(module, model.base, "").end
    return Edit(module.path, start, whole.end, "")
